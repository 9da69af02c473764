"""One year of images: the passes, the pictures taken, and a record of both."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pystac
from numba import njit
from numpy.typing import NDArray

from bocage.simulate._calendar import KEPT_CLOUD, LEAST_SUN, SEASONS, Pass, calendar
from bocage.simulate._camera import Image, Scene, take
from bocage.simulate._catalog import write_image
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._film import Film
from bocage.simulate._flood import flood_plain, water_hidden
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import FloatArray
from bocage.simulate._paint import paint_covers
from bocage.simulate._relief import Relief, load_relief
from bocage.simulate._scl import CLEAR
from bocage.simulate._spectra import Growth, Units, grow, load_climate, make_units, spectra
from bocage.simulate._tables import BANDS, RESOLUTION, Region

WORKERS = 4
"""Most images that are taken at a time."""

SNOW_BASE = 0.25
"""Quantile of the heights to which the region's chance of snow belongs: the inhabited land."""

LOOK_PX = 900
"""Largest side of a quick-look in pixels."""

LOOK_WHITE = 0.28
"""Reflectance that is white in a quick-look."""


@dataclass(frozen=True)
class YearRecord:
    """What the satellites met in a year.

    Attributes
    ----------
    year
        The year.
    dates
        One entry a pass, in order: ``date`` (ISO), ``platform`` (A or B), ``zone`` (UTM zones,
        joined by +), ``cloud``, ``cirrus``, ``snow`` and ``flood`` (per cent of the area),
        ``kept``, and ``why`` it was not: cloud, sun (too low) or many (enough others).
    probe_dates
        Dates (ISO) of the rows of `probe_values`: the passes that were kept.
    probe_values
        Reflectance at the probes, float32 (date, place, band); NaN where not clear.
    quicklooks
        Natural colours of the clearest date of each season by its date, uint8 (y, x, 3).
    """

    year: int
    dates: list[dict[str, Any]]
    probe_dates: list[str] = field(default_factory=list)
    probe_values: FloatArray = field(
        default_factory=lambda: np.zeros((0, 0, len(BANDS)), np.float32)
    )
    quicklooks: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


def object_altitude(landscape: Landscape) -> FloatArray:
    """Mean height of each object in metres above the sea, float32, shape (objects,).

    Objects of which nothing is left get the mean height of the landscape.
    """
    total = np.zeros(len(landscape.angle))
    count = np.zeros(len(landscape.angle), np.int64)
    _add_heights(landscape.obj, landscape.height.astype(np.float32), total, count)
    mean = np.where(count > 0, total / np.maximum(count, 1), float(landscape.height.mean()))
    result: FloatArray = mean.astype(np.float32)
    return result


@njit(cache=True, nogil=True)
def _add_heights(
    obj: NDArray[np.int32],
    height: NDArray[np.float32],
    total: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    times = obj.shape[0] / height.shape[0]
    for r in range(obj.shape[0]):
        for c in range(obj.shape[1]):
            total[obj[r, c]] += height[int(r / times), int(c / times)]
            count[obj[r, c]] += 1


@dataclass(frozen=True)
class _Stage:
    """All that the images of a year have in common."""

    folder: Path
    region: Region
    scene: Scene
    units: Units
    growth: Growth
    altitude: FloatArray
    films: tuple[Film, ...]
    reliefs: tuple[Relief, ...]
    probes: pd.DataFrame
    looked: frozenset[str]
    seed: Seed


@dataclass(frozen=True)
class _Shot:
    """What is left of a pass once its images are on disk."""

    items: list[pystac.Item]
    image: Image
    values: FloatArray
    look: NDArray[np.uint8] | None


def write_year(
    folder: Path,
    landscape: Landscape,
    layers: tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.int8]],
    films: tuple[Film, ...],
    year: int,
    seed: Seed,
    tell: Callable[[str], None],
    probes: pd.DataFrame | None = None,
) -> tuple[list[pystac.Item], YearRecord]:
    """Take and write the images of a year.

    Parameters
    ----------
    folder
        Folder of the catalogue.
    layers
        Mixing fields, brightness and greenness within objects.
    films
        Pixel grids of the UTM zones (see ``_film.load_films``).
    tell
        Told of every image.
    probes
        Places (columns ``x`` and ``y``, local metres) whose reflectance is recorded.

    Returns
    -------
    list of pystac.Item
        One item a kept pass and zone.
    YearRecord
        All passes, and the reflectance at the probes on the first film.
    """
    passes = calendar(
        landscape.region,
        year,
        landscape.domain,
        float(np.quantile(landscape.height, SNOW_BASE)),
        seed,
    )
    places = pd.DataFrame({"x": [], "y": []}, dtype=float) if probes is None else probes
    stage = _stage(folder, landscape, layers, films, year, seed, places, _chosen(passes))
    kept = [p for p in passes if p.kept]
    workers = min(WORKERS, os.cpu_count() or 1)
    shots: dict[str, _Shot] = {}
    with ThreadPoolExecutor(workers) as pool:
        for one, shot in zip(kept, pool.map(lambda p: _shoot(stage, p), kept), strict=True):
            shots[one.when.date().isoformat()] = shot
            for item in shot.items:
                tell(f"image {item.id}: {item.properties['eo:cloud_cover']:.0f} % cloud")
    record = YearRecord(
        year=year,
        dates=[_entry(p, shots.get(p.when.date().isoformat()), films) for p in passes],
        probe_dates=list(shots),
        probe_values=np.stack([s.values for s in shots.values()]),
        quicklooks={day: s.look for day, s in shots.items() if s.look is not None},
    )
    return [item for shot in shots.values() for item in shot.items], record


def _stage(
    folder: Path,
    landscape: Landscape,
    layers: tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.int8]],
    films: tuple[Film, ...],
    year: int,
    seed: Seed,
    probes: pd.DataFrame,
    looked: frozenset[str],
) -> _Stage:
    fields, texture, greenness = layers
    units = make_units(landscape.obj, paint_covers(landscape, fields, year, seed))
    altitude = object_altitude(landscape)
    climate = load_climate(landscape.region, year, seed)
    growth = grow(units, altitude, landscape.region, climate, year, seed)
    scene = Scene(
        landscape.domain,
        units.label,
        texture,
        greenness,
        water_hidden()[units.cover],
        flood_plain(landscape),
    )
    reliefs = tuple(load_relief(film, landscape) for film in films)
    return _Stage(
        folder,
        landscape.region,
        scene,
        units,
        growth,
        altitude,
        films,
        reliefs,
        probes,
        looked,
        seed,
    )


def _chosen(passes: tuple[Pass, ...]) -> frozenset[str]:
    """Date of the clearest image of the whole area in each season."""
    found = []
    for months in SEASONS:
        mine = [p for p in passes if p.kept and p.when.month in months and not p.weather.edge]
        if mine:
            best = min(mine, key=lambda p: p.weather.cloud + 0.3 * p.weather.cirrus)
            found.append(best.when.date().isoformat())
    return frozenset(found)


def _shoot(stage: _Stage, one: Pass) -> _Shot:
    """Take and write the images of a pass, one a film."""
    weather, day = one.weather, one.when.date().isoformat()
    looks = spectra(
        stage.units,
        stage.growth,
        stage.region,
        weather.day,
        weather.sun,
        weather.snow_at(stage.altitude)[stage.units.obj].astype(np.float32),
    )
    seed = Seed(stage.seed.at("image", day), stage.region.name)
    items: list[pystac.Item] = []
    first: Image | None = None
    for film, relief in zip(stage.films, stage.reliefs, strict=True):
        image = take(stage.scene, looks, film, weather, relief, seed)
        items.append(write_image(stage.folder, image, film, one))
        first = first or image
    assert first is not None  # every domain has a film
    values = probe_values(first, stage.films[0], stage.scene.domain, stage.probes)
    look = quicklook(first) if day in stage.looked else None
    # The record needs numbers only: let the pixels go.
    slim = Image({}, first.scl[:0], first.cloud_cover, first.nodata, first.snow_cover,
                 first.flood_cover)  # fmt: skip
    return _Shot(items, slim, values, look)


def probe_values(image: Image, film: Film, domain: Domain, probes: pd.DataFrame) -> FloatArray:
    """Reflectance at places, float32 (place, band); NaN where the classification is not clear."""
    x, y = probes["x"].to_numpy(float), probes["y"].to_numpy(float)
    out = np.full((len(probes), len(BANDS)), np.nan, np.float32)
    if not len(probes):
        return out
    clear = np.isin(_at(image.scl, *film.pixels(domain, x, y, 20), 0), CLEAR)
    for i, name in enumerate(BANDS):
        rows, columns = film.pixels(domain, x, y, RESOLUTION[name])
        out[:, i] = np.where(clear, _at(image.bands[name], rows, columns, np.nan), np.nan)
    return out


def _at(
    data: NDArray[Any], rows: NDArray[np.int64], columns: NDArray[np.int64], outside: float
) -> NDArray[Any]:
    inside = (rows >= 0) & (columns >= 0) & (rows < data.shape[0]) & (columns < data.shape[1])
    found = data[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return np.where(inside, found, outside)


def quicklook(image: Image) -> NDArray[np.uint8]:
    """Natural colours of an image, at most `LOOK_PX` wide and high; black where nothing is."""
    stacked = np.stack([image.bands[b] for b in ("B04", "B03", "B02")], axis=-1)
    times = -(-max(stacked.shape[:2]) // LOOK_PX)
    shown = np.clip(np.nan_to_num(stacked[::times, ::times]) / LOOK_WHITE, 0, 1)
    return np.asarray(np.rint(shown ** (1 / 1.5) * 255), np.uint8)


def _entry(one: Pass, shot: _Shot | None, films: tuple[Film, ...]) -> dict[str, Any]:
    """Line of the record of a pass."""
    weather = one.weather
    why = ""
    if not one.kept:
        why = (
            "sun"
            if weather.sun < LEAST_SUN
            else ("cloud" if weather.cloud > KEPT_CLOUD else "many")
        )
    return {
        "date": one.when.date().isoformat(),
        "platform": one.platform,
        "zone": "+".join(str(f.zone) for f in films),
        "cloud": round(shot.image.cloud_cover if shot else 100 * weather.cloud, 1),
        "cirrus": round(100 * weather.cirrus, 1),
        "snow": round(shot.image.snow_cover if shot else 0.0, 1),
        "flood": round(shot.image.flood_cover if shot else 100 * weather.flood, 1),
        "kept": one.kept,
        "why": why,
    }
