"""What is remembered of a year of images: every pass, probes of reflectance and quick-looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.simulate._calendar import KEPT_CLOUD, LEAST_SUN, SEASONS, Pass
from bocage.simulate._camera import Image
from bocage.simulate._domain import Domain
from bocage.simulate._film import Film
from bocage.simulate._instrument import SIZES
from bocage.simulate._noise import FloatArray
from bocage.simulate._scl import CLEAR
from bocage.simulate._tables import BANDS, RESOLUTION

Pixels = dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Row and column of every probe, by pixel size."""

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


def probe_pixels(film: Film, domain: Domain, probes: pd.DataFrame) -> Pixels:
    """Pixels of a film that hold places (columns ``x`` and ``y``, local metres)."""
    x, y = probes["x"].to_numpy(float), probes["y"].to_numpy(float)
    return {size: film.pixels(domain, x, y, size) for size in SIZES}


def probe_values(image: Image, pixels: Pixels) -> FloatArray:
    """Reflectance at probes, float32 (place, band); NaN where the classification is not clear."""
    clear = np.isin(_at(image.scl, pixels[20], 0), CLEAR)
    columns = [
        np.where(clear, _at(image.bands[name], pixels[RESOLUTION[name]], np.nan), np.nan)
        for name in BANDS
    ]
    result: FloatArray = np.stack(columns, axis=1).astype(np.float32)
    return result


def _at(
    data: NDArray[Any], pixels: tuple[NDArray[np.int64], NDArray[np.int64]], outside: float
) -> NDArray[Any]:
    rows, columns = pixels
    inside = (rows >= 0) & (columns >= 0) & (rows < data.shape[0]) & (columns < data.shape[1])
    found = data[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return np.where(inside, found, outside)


def quicklook(image: Image) -> NDArray[np.uint8]:
    """Natural colours of an image, at most `LOOK_PX` wide and high; black where nothing is."""
    stacked = np.stack([image.bands[b] for b in ("B04", "B03", "B02")], axis=-1)
    times = -(-max(stacked.shape[:2]) // LOOK_PX)
    shown = np.clip(np.nan_to_num(stacked[::times, ::times]) / LOOK_WHITE, 0, 1)
    return np.asarray(np.rint(shown ** (1 / 1.5) * 255), np.uint8)


def looked_at(passes: tuple[Pass, ...]) -> frozenset[str]:
    """Date of the clearest image of the whole area in each season."""
    found = []
    for months in SEASONS:
        mine = [p for p in passes if p.kept and p.when.month in months and not p.weather.edge]
        if mine:
            best = min(mine, key=lambda p: p.weather.cloud + 0.3 * p.weather.cirrus)
            found.append(best.day)
    return frozenset(found)


def entry(
    one: Pass, films: tuple[Film, ...], covers: tuple[float, float, float] | None
) -> dict[str, Any]:
    """Line of the record of a pass.

    Parameters
    ----------
    covers
        Per cent of the image under clouds, snow and flood; None where none was taken: then the
        clouds and the flood are those of the weather, and the snow is not known.
    """
    weather = one.weather
    cloud, snow, flood = covers or (100 * weather.cloud, None, 100 * weather.flood)
    return {
        "date": one.day,
        "platform": one.platform,
        "zone": "+".join(str(f.zone) for f in films),
        "cloud": round(cloud, 1),
        "cirrus": round(100 * weather.cirrus, 1),
        "snow": None if snow is None else round(snow, 1),
        "flood": round(flood, 1),
        "kept": one.kept,
        "why": _why(one),
    }


def _why(one: Pass) -> str:
    """Why a pass was not kept."""
    if one.kept:
        return ""
    if one.weather.sun < LEAST_SUN:
        return "sun"
    return "cloud" if one.weather.cloud > KEPT_CLOUD else "many"
