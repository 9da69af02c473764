"""Reflectance of objects through the year: endmembers mixed by a phenology.

The green share of a cover follows a double logistic curve over the year (Beck et al.
2006); the reflectance is the linear mixture of a green spectrum, the ground under it and
shade. Objects differ in timing, density and brightness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.simulate._domain import Seed
from bocage.simulate._noise import FloatArray, IntArray
from bocage.simulate._tables import BANDS, Region, covers, endmembers

TIMING_DAYS = 8.0
"""Standard deviation of the timing of an object's season."""

DENSITY = 0.085
"""Standard deviation of an object's density of green."""

BRIGHTNESS = 0.11
"""Standard deviation of an object's brightness (relative)."""

GROUND = 0.18
"""Standard deviation of the brightness of the ground (relative)."""


@dataclass(frozen=True)
class Units:
    """Objects under one cover: what has one spectrum on a date.

    Attributes
    ----------
    label
        Number of the unit of each pixel, int32, shape (y, x).
    cover, obj
        Cover and object of each unit, shape (n,).
    """

    label: IntArray
    cover: NDArray[np.int64]
    obj: NDArray[np.int64]


@dataclass(frozen=True)
class Spectra:
    """Spectra of units on a date, for the camera.

    Attributes
    ----------
    mean
        Reflectance, float32, shape (n, band).
    green
        Change of reflectance for one standard deviation of greenness within the unit,
        float32, shape (n, band).
    texture
        Relative standard deviation of brightness within the unit, float32, shape (n,).
    """

    mean: FloatArray
    green: FloatArray
    texture: FloatArray


def make_units(obj: IntArray, cover: NDArray[np.uint8]) -> Units:
    """Number the pairs of object and cover in the order in which they appear."""
    key = obj.astype(np.int64) * 256 + cover
    label, keys = pd.factorize(key.ravel())
    keys = np.asarray(keys)
    return Units(label.astype(np.int32).reshape(obj.shape), keys & 255, keys >> 8)


@dataclass(frozen=True)
class Growth:
    """What makes units grow differently in one year, one value a unit."""

    timing: NDArray[np.float64]
    density: NDArray[np.float64]
    brightness: NDArray[np.float64]
    ground: NDArray[np.float64]
    cuts: NDArray[np.float64]


def grow(units: Units, objects: int, year: int, seed: Seed) -> Growth:
    """Draw how each unit differs from its cover: partly lasting, partly of the year."""
    vary = np.array([c.vary for c in covers()])[units.cover]
    lasting = seed.rng("objects").normal(0, 1, (objects, 4))[units.obj]
    # Covers within an object differ a little too, and so do years.
    own = _hashed(units.obj * 256 + units.cover, seed.at("units"), 4)
    yearly = _hashed(units.obj * 256 + units.cover, seed.at("units", year), 4)
    mixed = 0.75 * lasting + 0.45 * own + 0.45 * yearly
    season = float(seed.rng("season", year).normal(0, 4))
    mean_cuts = np.array([c.mowings for c in covers()])[units.cover]
    draw = _hashed(units.obj, seed.at("cuts", year), 4)
    return Growth(
        timing=season + TIMING_DAYS * vary * mixed[:, 0],
        density=DENSITY * vary * mixed[:, 1],
        brightness=np.clip(1 + BRIGHTNESS * vary * mixed[:, 2], 0.5, 1.6),
        ground=np.clip(1 + GROUND * vary * mixed[:, 3], 0.45, 1.7),
        cuts=_cut_days(mean_cuts, draw),
    )


def _cut_days(mean: NDArray[np.float64], draw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Days of up to three cuts, shape (n, 3); 1000 where there is none."""
    first = 138 + 13 * draw[:, 0]
    days = np.stack([first, first + 48 + 7 * draw[:, 1], first + 100 + 9 * draw[:, 2]], axis=1)
    number = np.clip(np.round(mean + 0.5 * draw[:, 3] * (mean > 0)), 0, 3)
    result: NDArray[np.float64] = np.where(np.arange(3) < number[:, None], days, 1000.0)
    return result


def _hashed(key: NDArray[np.int64], seed: int, count: int) -> NDArray[np.float64]:
    """Standard normal draws that depend on the key only, shape (n, count)."""
    values = np.empty((key.size, count))
    for i in range(count):
        h = key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed + 7919 * i)
        h ^= h >> np.uint64(31)
        h *= np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(29)
        h *= np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(32)
        # The sum of four uniform numbers is normal enough, and needs no inverse.
        parts = [(h >> np.uint64(16 * k)) & np.uint64(0xFFFF) for k in range(4)]
        total = np.sum([p.astype(float) for p in parts], axis=0) / 65536
        values[:, i] = (total - 2) / np.sqrt(4 / 12)
    return values


def green_share(units: Units, growth: Growth, region: Region, day: float) -> NDArray[np.float64]:
    """Share of green of each unit on a day of the year, 0 … 1."""
    base, peak, after, sos, up, eos, down, herb = (
        np.array([getattr(c, name) for c in covers()], float)[units.cover]
        for name in ("base", "peak", "after", "sos", "up", "eos", "down", "herb")
    )
    spring = region.season_days * np.where(sos < 150, 1.0, 0.4)
    start = sos + spring + growth.timing
    # Spring sets when plants start; herbs of dry regions also end early, crops halfway.
    dry = region.dry_days * np.select([herb == 1, herb == 2], [1.0, 0.45], 0.0)
    late = np.where(eos > 240, -0.5, 0.4) * region.season_days
    end = np.maximum(eos + late + growth.timing - dry, start + 35)
    rise = 1 / (1 + np.exp(-(day - start) / up))
    fall = 1 / (1 + np.exp(-(day - end) / down))
    # … and they dry out more.
    after = after * np.where(herb == 1, 1 - 0.7 * min(region.dry_days / 70, 1.0), 1.0)
    plant = peak > 0.15
    top = np.clip(peak + np.where(plant, growth.density, growth.density * 0.3), 0.0, 1.0)
    share = base + (top - base) * rise - (top - after) * fall * rise
    for k in range(3):
        since = day - growth.cuts[:, k]
        share = share * (1 - np.where(since >= 0, 0.68 * np.exp(-np.maximum(since, 0) / 17), 0))
    result: NDArray[np.float64] = np.clip(share, 0, 1)
    return result


def spectra(units: Units, growth: Growth, region: Region, day: float, snow: float = 0.0) -> Spectra:
    """Spectra of all units on a day of the year.

    Parameters
    ----------
    snow
        Share of open ground under snow.
    """
    share = green_share(units, growth, region, day)[:, None]
    green, ground = _materials(region)
    leaf, floor = green[units.cover], ground[units.cover] * growth.ground[:, None]
    bloom = np.array([c.bloom for c in covers()])[units.cover]
    away = (day - bloom - growth.timing - 0.5 * region.season_days) / 9
    yellow = (np.exp(-(away**2)) * (bloom > 0))[:, None]
    leaf = leaf + 0.75 * yellow * (endmembers()["bloom"] - leaf)
    shade = np.array([c.shade for c in covers()])[units.cover][:, None]
    # The sun is low in winter: trees throw longer shadows.
    shade = np.clip(shade * (1 + 0.55 * np.cos(2 * np.pi * (day + 10) / 365)), 0, 0.8)
    mixed = share * leaf + (1 - share) * floor
    mean = (1 - shade) * mixed + shade * endmembers()["shade"]
    mean = mean * growth.brightness[:, None]
    slope = (1 - shade) * (leaf - floor) * 0.10 * np.sqrt(np.clip(share * (1 - share), 0.02, 1))
    if snow > 0:
        held = snow * np.array([c.snow for c in covers()])[units.cover][:, None]
        mean = (1 - held) * mean + held * endmembers()["snow"]
        slope = (1 - held) * slope
    texture = np.array([c.texture for c in covers()], np.float32)[units.cover]
    return Spectra(mean.astype(np.float32), slope.astype(np.float32), texture)


def _materials(region: Region) -> tuple[FloatArray, FloatArray]:
    """Spectra of the green and of the ground of each cover, shape (cover, band)."""
    known = endmembers()
    green = np.stack([known[c.green] for c in covers()])
    ground = np.stack(
        [known[region.soil] if c.ground == "soil" else known[c.ground] for c in covers()]
    )
    return green.reshape(-1, len(BANDS)), ground.reshape(-1, len(BANDS))
