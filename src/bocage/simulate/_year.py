"""One year of images: the passes, the pictures taken, and a record of both."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pystac
from numba import njit
from numpy.typing import NDArray

from bocage.simulate._calendar import Pass, calendar
from bocage.simulate._camera import Image, take
from bocage.simulate._catalog import write_image
from bocage.simulate._domain import Seed
from bocage.simulate._expose import Scene
from bocage.simulate._film import Film
from bocage.simulate._flood import flood_plain, water_hidden
from bocage.simulate._growth import Growth, grow, load_climate
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import FloatArray
from bocage.simulate._paint import paint_covers
from bocage.simulate._record import (
    Pixels,
    YearRecord,
    entry,
    looked_at,
    probe_pixels,
    probe_values,
    quicklook,
)
from bocage.simulate._relief import Relief, load_relief
from bocage.simulate._spectra import spectra
from bocage.simulate._tables import Region
from bocage.simulate._units import Units, make_units

WORKERS = 4
"""Most images that are taken at a time."""

SNOW_BASE = 0.25
"""Quantile of the heights to which the region's chance of snow belongs: the inhabited land."""


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
    pixels: Pixels
    looked: frozenset[str]
    seed: Seed


@dataclass(frozen=True)
class _Shot:
    """What is left of a pass once its images are on disk."""

    items: list[pystac.Item]
    covers: tuple[float, float, float]
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
    base = float(np.quantile(landscape.height, SNOW_BASE))
    passes = calendar(landscape.region, year, landscape.domain, base, seed)
    if probes is None:
        probes = pd.DataFrame({"x": [], "y": []}, dtype=float)
    stage = _stage(folder, landscape, layers, films, year, seed, probes, looked_at(passes))
    kept = [p for p in passes if p.kept]
    shots: dict[str, _Shot] = {}
    # Every date has a seed of its own: the order in which they are taken does not matter.
    with ThreadPoolExecutor(min(WORKERS, os.cpu_count() or 1)) as pool:
        for one, shot in zip(kept, pool.map(lambda p: _shoot(stage, p), kept), strict=True):
            shots[one.day] = shot
            for item in shot.items:
                tell(f"image {item.id}: {item.properties['eo:cloud_cover']:.0f} % cloud")
    record = YearRecord(
        year=year,
        dates=[entry(p, films, shots[p.day].covers if p.kept else None) for p in passes],
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
    region = landscape.region
    units = make_units(landscape.obj, paint_covers(landscape, fields, year, seed))
    altitude = object_altitude(landscape)
    growth = grow(units, altitude, region, load_climate(region, year, seed), year, seed)
    scene = Scene(
        landscape.domain,
        units.label,
        texture,
        greenness,
        water_hidden()[units.cover],
        flood_plain(landscape),
    )
    return _Stage(
        folder,
        region,
        scene,
        units,
        growth,
        altitude,
        films,
        tuple(load_relief(film, landscape) for film in films),
        probe_pixels(films[0], landscape.domain, probes),
        looked,
        seed,
    )


def _shoot(stage: _Stage, one: Pass) -> _Shot:
    """Take and write the images of a pass, one a film."""
    weather = one.weather
    looks = spectra(
        stage.units,
        stage.growth,
        stage.region,
        weather.day,
        weather.sun,
        weather.snow_at(stage.altitude)[stage.units.obj].astype(np.float32),
    )
    seed = Seed(stage.seed.at("image", one.day), stage.region.name)
    images: list[Image] = []
    items: list[pystac.Item] = []
    for film, relief in zip(stage.films, stage.reliefs, strict=True):
        image = take(stage.scene, looks, film, weather, relief, seed)
        items.append(write_image(stage.folder, image, film, one))
        images.append(image)
    first = images[0]
    return _Shot(
        items,
        (first.cloud_cover, first.snow_cover, first.flood_cover),
        probe_values(first, stage.pixels),
        quicklook(first) if one.day in stage.looked else None,
    )
