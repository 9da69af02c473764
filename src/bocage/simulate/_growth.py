"""How objects grow differently: the weather of the year, and what lasts in an object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bocage.simulate._domain import Seed
from bocage.simulate._noise import FloatArray
from bocage.simulate._tables import Region, cover_index, covers
from bocage.simulate._units import Units

Values = NDArray[np.float64]

TIMING_DAYS = 8.0
"""Standard deviation of the timing of an object's season."""

LEAVES = 0.30
"""Standard deviation of the logarithm of an object's leaf area."""

VIGOUR = 0.09
"""Standard deviation of the stage of ageing between objects."""

CLOSURE = 0.09
"""Standard deviation of the share of ground under crowns between objects."""

BRIGHTNESS = 0.05
"""Standard deviation of an object's brightness (relative)."""

GROUND = 0.18
"""Standard deviation of the logarithm of the brightness of the ground."""

TINT = 0.45
"""Standard deviation of the logarithm of the share of what tints the ground."""

ADMIXED = 0.17
"""Mean share of other plants of its kin that grow among a cover."""

SPRING_LAPSE, AUTUMN_LAPSE = 2.5, -1.2
"""Days by which spring and autumn move with 100 m of height (spring: Pellerin et al. 2012)."""

CAUGHT_BELOW = 0.25
"""Normal draw below which a field carries a catch crop: six of ten."""


@dataclass(frozen=True)
class Climate:
    """Weather of a year, as far as plants feel it.

    Attributes
    ----------
    season_days
        Days by which the whole season is late.
    drought
        Drought of the summer, 0 none … 1 severe; about one year in four is above 0.4.
    """

    season_days: float
    drought: float


@dataclass(frozen=True)
class Growth:
    """What makes units grow differently in one year; arrays hold one value a unit.

    Attributes
    ----------
    spring, autumn
        Days by which leaves come and go late.
    leaves
        Factor of the leaf area; vigour: added to the stage of ageing.
    closure
        Added to the share of ground under crowns.
    brightness, ground, tint
        Factors of the brightness, of that of the ground, and of what tints the ground.
    cuts
        Days of up to three cuts, shape (n, 3), 1000 for none.
    caught
        Whether the field carries a catch crop.
    other, share
        Cover of its kin that grows among it (itself where it has none), and its share.
    drought
        Drought of the summer.
    """

    spring: Values
    autumn: Values
    leaves: Values
    vigour: Values
    closure: Values
    brightness: Values
    ground: Values
    tint: Values
    cuts: Values
    caught: NDArray[np.bool_]
    other: NDArray[np.int64]
    share: Values
    drought: float


def load_climate(region: Region, year: int, seed: Seed) -> Climate:
    """Draw the weather of a year: early or late, and dry in about one year of four."""
    rng = seed.rng("climate", region.biogeographical, year)
    dry = rng.random() < 0.25
    drought = rng.uniform(0.5, 1.0) if dry else rng.uniform(0.0, 0.3)
    return Climate(float(np.clip(rng.normal(0, 5), -12, 12)), float(drought))


def grow(
    units: Units,
    altitude: FloatArray,
    region: Region,
    climate: Climate,
    year: int,
    seed: Seed,
) -> Growth:
    """Draw how each unit differs from its cover: partly lasting, partly of the year.

    Parameters
    ----------
    altitude
        Mean height of each object in metres above the sea, shape (objects,).
    """
    vary = cover_values("vary")[units.cover]
    key = units.obj * 256 + units.cover
    lasting = seed.rng("objects").normal(0, 1, (len(altitude), 6))[units.obj]
    # Covers within an object differ a little too, and so do years.
    own = hashed(key, seed.at("units"), 6)
    yearly = hashed(key, seed.at("units", year), 6)
    mixed = vary[:, None] * (0.75 * lasting + 0.45 * own + 0.45 * yearly)
    height = np.asarray(altitude, float)[units.obj] - region.level_m
    timing = climate.season_days + TIMING_DAYS * mixed[:, 0]
    draw = hashed(units.obj, seed.at("cuts", year), 5)
    stand = hashed(key, seed.at("kin"), 2)
    return Growth(
        spring=timing + np.clip(SPRING_LAPSE * height / 100, -15, 60),
        autumn=0.6 * timing + np.clip(AUTUMN_LAPSE * height / 100, -40, 8),
        leaves=np.exp(np.clip(LEAVES * mixed[:, 1], -1.0, 0.7)),
        vigour=VIGOUR * mixed[:, 2] - 0.02 * mixed[:, 1],
        closure=CLOSURE * mixed[:, 5] + 0.03 * mixed[:, 1],
        brightness=np.clip(1 + BRIGHTNESS * mixed[:, 4], 0.7, 1.4),
        ground=np.exp(np.clip(GROUND * mixed[:, 3], -0.7, 0.6)),
        tint=np.exp(np.clip(TINT * mixed[:, 2], -1.6, 1.2)),
        cuts=_cut_days(cover_values("mowings")[units.cover], draw) + climate.season_days,
        caught=draw[:, 4] < CAUGHT_BELOW,
        other=_kin(units.cover, stand[:, 0]),
        # Half a normal curve: most stands are nearly pure, some are not.
        share=np.clip(ADMIXED * 1.25 * np.abs(stand[:, 1]) * np.minimum(vary, 1.3), 0, 0.65),
        drought=climate.drought,
    )


def _cut_days(mean: Values, draw: Values) -> Values:
    """Days of up to three cuts, shape (n, 3); 1000 where there is none."""
    first = 138 + 13 * draw[:, 0]
    days = np.stack([first, first + 48 + 7 * draw[:, 1], first + 100 + 9 * draw[:, 2]], axis=1)
    number = np.clip(np.round(mean + 0.5 * draw[:, 3] * (mean > 0)), 0, 3)
    result: Values = np.where(np.arange(3) < number[:, None], days, 1000.0)
    return result


def _kin(cover: NDArray[np.int64], draw: Values) -> NDArray[np.int64]:
    """One of the kin of each unit's cover."""
    table = kin_table()
    # Three equal parts of a normal curve.
    result: NDArray[np.int64] = table[cover, np.searchsorted([-0.43, 0.43], draw)]
    return result


@cache
def cover_values(name: str) -> Values:
    """A column of the table of covers, shape (cover,)."""
    return np.array([getattr(cover, name) for cover in covers()], float)


@cache
def kin_table() -> NDArray[np.int64]:
    """Up to three kin of each cover, repeated to three, shape (cover, 3)."""
    index = cover_index()
    names = [c.kin.split() or [c.key] for c in covers()]
    return np.array([[index[n[i % len(n)]] for i in range(3)] for n in names], np.int64)


def hashed(key: NDArray[np.int64], seed: int, count: int) -> Values:
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
