"""How plants grow through the year: leaf area and ageing of every unit on a day.

The season is a double logistic curve (Beck et al. 2006). It drives the leaf area index and
the share of dead leaves, shifted by the region, the height above the sea, the weather of the
year and the object, and broken by mowing, harvest and summer drought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.simulate._growth import Growth, Values, cover_values
from bocage.simulate._tables import Region
from bocage.simulate._units import Units


@dataclass(frozen=True)
class Leaves:
    """State of the plants on a day, one value a unit.

    Attributes
    ----------
    area
        Leaf area index within crowns; stage: share of dead leaves, 0 … 1.
    season
        How far the season is, 0 in winter … 1 in summer.
    """

    area: Values
    stage: Values
    season: Values


def leaves_on(units: Units, growth: Growth, region: Region, day: float) -> Leaves:
    """Leaf area, ageing and season of each unit on a day of the year."""
    c = {name: cover_values(name)[units.cover] for name in CURVE}
    herb, crop = c["herb"] == 1, c["herb"] == 2
    arid = dryness(region)
    # Spring sets when plants start; herbs of dry regions also end early, crops halfway.
    start = c["sos"] + np.where(c["sos"] < 150, 1.0, 0.4) * region.season_days + growth.spring
    dry = (region.dry_days + 26 * growth.drought) * np.select([herb, crop], [1.0, 0.45], 0.0)
    late = np.where(c["eos"] > 240, -0.5, 0.4) * region.season_days
    end = np.maximum(c["eos"] + late + growth.autumn - dry, start + 35)
    rise = logistic(day, start, c["up"])
    fall = logistic(day, end, c["down"])
    # Fields are reaped within a day or two, other leaves fall as they fade.
    gone = logistic(day, end + c["lag"], np.where(crop & (c["lag"] > 0), 1.5, c["down"]))
    # Where summers are dry, herbs are green in winter and dead in summer.
    winter = np.where(herb, 0.6 * arid, 0.0)
    low = c["lai_low"] + winter * (c["lai_high"] - c["lai_low"])
    dead = c["dead_low"] + 1.2 * winter * (c["dead_high"] - c["dead_low"])
    worst = c["dead_after"] + np.where(herb, 0.85 * arid, 0) * (1 - c["dead_after"])
    back = np.where(herb, arid, 0.0) * logistic(day, 308 + growth.autumn, 13)
    area = low + (c["lai_high"] - low) * rise
    area = area - (c["lai_high"] - c["lai_after"]) * gone * rise
    area = area + back * (low - area)
    stage = dead + (c["dead_high"] - dead) * rise + (worst - c["dead_high"]) * fall * rise
    stage = stage + back * (dead - stage)
    area, stage = _thirst(area, stage, herb, growth, day)
    for k in range(3):
        since = day - growth.cuts[:, k]
        cut = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 15), 0)
        area = area * (1 - 0.78 * cut)
        stage = stage + 0.3 * cut
    area = area * growth.leaves
    area, stage = _catch_crop(area, stage, c["catch"], (start, end + c["lag"]), growth, day)
    plant = c["lai_high"] > 0
    return Leaves(
        np.where(plant, np.clip(area, 0, None), 0),
        np.clip(stage + growth.vigour, 0, 1),
        rise * (1 - fall),
    )


CURVE = (
    *("lai_low", "lai_high", "lai_after", "dead_low", "dead_high", "dead_after"),
    *("sos", "up", "eos", "down", "lag", "catch", "herb"),
)
"""Columns of the covers that make the curve of a season."""


def _thirst(
    area: Values, stage: Values, herb: NDArray[np.bool_], growth: Growth, day: float
) -> tuple[Values, Values]:
    """Drought of the year: herbs turn brown in high summer, trees lose a little."""
    spell = growth.drought * np.exp(-(((day - 213) / 42) ** 2))
    felt = spell * np.where(herb, 1.0, 0.18)
    return area * (1 - 0.42 * felt), stage + 0.6 * felt


def _catch_crop(
    area: Values,
    stage: Values,
    catch: Values,
    field: tuple[Values, Values],
    growth: Growth,
    day: float,
) -> tuple[Values, Values]:
    """Catch crop on the fields that carry one, before and after the crop."""
    sown, reaped = field
    # After a late harvest little grows.
    after = logistic(day, reaped + 36, 9) * np.clip((300 - reaped) / 60, 0.12, 1.0)
    before = np.where(sown > 100, 1 - logistic(day, sown - 40, 2.0), 0.0)
    extra = catch * growth.caught * np.maximum(after, 0.85 * before) * growth.leaves
    total = area + extra
    mixed = np.where(total > 0, (area * stage + 0.12 * extra) / np.maximum(total, 1e-6), stage)
    # What is sown into stubble hides it.
    return total, np.where(extra > 0.05, mixed, stage)


def undergrowth(region: Region, drought: float, day: float) -> tuple[float, float]:
    """Leaf area and ageing of the herbs under trees and shrubs: up before the trees are."""
    arid = float(dryness(region))
    rise = float(logistic(day, 88 + region.season_days, 9))
    fall = float(logistic(day, 285 - 0.5 * region.season_days - 135 * arid, 18))
    back = arid * float(logistic(day, 305, 13))
    green = 0.3 + 0.25 * arid + (0.7 - 0.25 * arid) * rise * (1 - fall)
    green = green + back * (0.55 - green)
    green = green * (1 - 0.3 * drought * float(np.exp(-(((day - 213) / 42) ** 2))))
    return 0.5 + 1.5 * green, 1 - 0.9 * green


def dryness(region: Region) -> float:
    """How dry the summers of a region are, 0 … 1."""
    return float(np.clip((region.dry_days - 12) / 50, 0, 1))


def logistic(day: float, middle: Values | float, width: Values | float) -> Values:
    """Logistic curve of a season."""
    # The exponent is held so that it does not overflow far from the middle.
    steep = np.clip((np.asarray(middle) - day) / width, -40, 40)
    result: Values = 1 / (1 + np.exp(steep))
    return result
