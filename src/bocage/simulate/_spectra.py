"""Reflectance of every object on a date: canopies over soil, litter, herbs, water or snow.

Plants are canopies of PROSAIL (`_canopy`) whose leaf area and ageing follow the season
(`_phenology`). Woods stand over an undergrowth with its own season, crowns cover a part of
the ground only and throw shadows. What has no leaves is a measured surface, mixed with what
tints it. Objects differ in timing, leaf area, vigour, closure and ground.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bocage.simulate._canopy import canopy_index, canopy_over, under_sun
from bocage.simulate._growth import Growth, Values, cover_values
from bocage.simulate._noise import FloatArray
from bocage.simulate._phenology import Leaves, leaves_on, undergrowth
from bocage.simulate._tables import BANDS, Region, covers, endmembers, endmembers_of
from bocage.simulate._units import Units

SKY = (0.46, 0.38, 0.30, 0.24, 0.22, 0.17, 0.15, 0.14, 0.13, 0.11, 0.06, 0.05)
"""Share of the light in a shadow, by band: of the sky, and of leaves around."""

GREEN_STEP = 0.28
"""One standard deviation of greenness within a unit, as the logarithm of its leaf area."""

GAPS = 0.05
"""One standard deviation of greenness within a unit, as share of ground under crowns."""

WET = 0.16
"""How much darker soil is in January than in July, each from the mean."""

BLOOM = 0.75
"""Share of the flowers in the crown of a crop in full bloom."""


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


def spectra(
    units: Units,
    growth: Growth,
    region: Region,
    day: float,
    sun: float,
    snow: float | FloatArray = 0.0,
) -> Spectra:
    """Spectra of all units on a day of the year.

    Parameters
    ----------
    sun
        Elevation of the sun in degrees.
    snow
        Share of open ground under snow, 0 … 1: one value, or one a unit.
    """
    terms = under_sun(sun)
    lies = np.broadcast_to(np.asarray(snow, float), units.cover.shape)
    more, less = _stand(units, growth, region, terms, (day, sun), lies)
    mixed = np.flatnonzero(growth.other != units.cover)
    kin = replace(units, cover=growth.other)
    more_kin, less_kin = _stand(kin, growth, region, terms, (day, sun), lies)
    share = growth.share[mixed, None].astype(np.float32)
    for own, other in ((more, more_kin), (less, less_kin)):
        own[mixed] += share * (other[mixed] - own[mixed])
    texture = cover_values("texture")[units.cover].astype(np.float32)
    mean = np.clip((more + less) / 2, 0.0005, 1.2).astype(np.float32)
    return Spectra(mean, ((more - less) / 2).astype(np.float32), texture)


def _stand(
    units: Units,
    growth: Growth,
    region: Region,
    terms: FloatArray,
    when: tuple[float, float],
    lies: Values,
) -> tuple[FloatArray, FloatArray]:
    """Pure stands of each unit's cover, one standard deviation more and less green."""
    day, sun = when
    leaves = leaves_on(units, growth, region, day)
    area = leaves.area * (1 - lies * cover_values("snow")[units.cover])
    ground = _ground(units, growth, region, leaves, day)
    ground = _undergrown(units, ground, growth, region, terms, day)
    ground = _snowed(units, ground, lies)
    canopy = _canopies()[units.cover]
    closure = cover_values("closure")[units.cover]
    # Where crowns close, closure varies less.
    gappy = np.minimum(5 * (1 - closure), 1)
    closure = np.clip(closure + growth.closure * gappy, 0.08, 1.0)
    light = _light(units, sun) * growth.brightness[:, None].astype(np.float32)
    more, less = (
        light
        * _flowering(
            units,
            growth,
            region,
            _seen(
                canopy_over(terms, canopy, leaves.stage, area * np.exp(step * GREEN_STEP), ground),
                ground,
                np.clip(closure + step * GAPS * gappy, 0, 1),
            ),
            day,
        )
        for step in (1.0, -1.0)
    )
    return more, less


def _seen(crown: FloatArray, ground: FloatArray, closure: Values) -> FloatArray:
    """Crowns and the ground between them."""
    share = closure[:, None].astype(np.float32)
    result: FloatArray = share * crown + (1 - share) * ground
    return result


def _ground(units: Units, growth: Growth, region: Region, leaves: Leaves, day: float) -> FloatArray:
    """What lies beneath: soil is darker in the wet season, objects differ."""
    base, tint, soil = _surfaces(region)
    low, high = (cover_values(n)[units.cover] for n in ("tint_low", "tint_high"))
    share = np.clip((low + (high - low) * leaves.season) * growth.tint, 0, 0.95)[:, None]
    wet = 1 - WET * np.cos(2 * np.pi * (day - 20) / 365)
    # Rock, water and roofs look much the same all year.
    factor = growth.ground * np.where(soil[units.cover], wet, 1.0)
    mixed = base[units.cover] * (1 - share) + tint[units.cover] * share
    result: FloatArray = np.clip(mixed * factor[:, None], 0, 0.95).astype(np.float32)
    return result


def _undergrown(
    units: Units,
    ground: FloatArray,
    growth: Growth,
    region: Region,
    terms: FloatArray,
    day: float,
) -> FloatArray:
    """Herbs and small shrubs on the ground of woods."""
    under = cover_values("under")[units.cover]
    grown = np.flatnonzero(under > 0)
    area, stage = undergrowth(region, growth.drought, day)
    herbs = canopy_over(
        terms,
        np.full(grown.size, canopy_index()["meadow"], np.int64),
        np.clip(stage + growth.vigour[grown], 0, 1),
        area * growth.leaves[grown],
        ground[grown],
    )
    share = np.clip(under[grown] * growth.tint[grown], 0, 1)[:, None].astype(np.float32)
    out = ground.copy()
    out[grown] = share * herbs + (1 - share) * ground[grown]
    return out


def _snowed(units: Units, ground: FloatArray, lies: Values) -> FloatArray:
    """Snow on the ground: plants stand in it, roofs and roads are cleared in part."""
    if not lies.any():
        return ground
    seen = cover_values("snow")[units.cover]
    seen = np.where(cover_values("under")[units.cover] > 0, 1.0, seen)
    held = (lies * seen)[:, None].astype(np.float32)
    result: FloatArray = (1 - held) * ground + held * endmembers()["snow"]
    return result


def _flowering(
    units: Units, growth: Growth, region: Region, mean: FloatArray, day: float
) -> FloatArray:
    bloom = cover_values("bloom")[units.cover]
    away = (day - bloom - growth.spring - 0.5 * region.season_days) / 9
    share = (BLOOM * np.exp(-(away**2)) * (bloom > 0))[:, None].astype(np.float32)
    result: FloatArray = mean + share * (endmembers()["bloom"] - mean)
    return result


def _light(units: Units, sun: float) -> FloatArray:
    """Share of the light that is left by the shadows of crowns, blocks and houses."""
    # Shadows grow with the tangent of the zenith angle, but overlap more and more.
    long = (1 / np.tan(np.radians(np.clip(sun, 12, 80)))) ** 0.35
    shade = np.clip(cover_values("shade")[units.cover] * long, 0, 0.7)[:, None]
    result: FloatArray = (1 - shade * (1 - np.array(SKY))).astype(np.float32)
    return result


def _canopies() -> NDArray[np.int64]:
    return np.array([canopy_index()[c.canopy] for c in covers()], np.int64)


def _surfaces(region: Region) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Spectra of the ground of each cover and of its tint; whether it darkens when wet."""
    known, soils = endmembers(), endmembers_of("soil")
    names = [[region.soil if n == "soil" else n for n in (c.ground, c.tint)] for c in covers()]
    base, tint = (np.stack([known[n[i]] for n in names]).reshape(-1, len(BANDS)) for i in (0, 1))
    return base, tint, np.array([n[0] in soils for n in names])
