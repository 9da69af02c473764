"""Where the sun and the satellite stand, as the items of catalogues say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pystac

from bocage.errors import InputError

_TO_GROUND = (6371 + 786) / 6371
"""Sine of the angle at the ground over that at the satellite: radius of the Earth, height, km."""

_HORIZON = 85.0
"""Zenith angle from which light grazes the ground, degrees."""


@dataclass(frozen=True)
class Direction:
    """Where something stands, seen from the ground.

    Attributes
    ----------
    zenith
        Angle from the vertical in degrees.
    azimuth
        Degrees from north over east.
    """

    zenith: float
    azimuth: float


def sun_of(item: pystac.Item) -> Direction:
    """Where the sun stood in the mean of an item.

    ``view:sun_elevation`` and ``view:sun_azimuth`` (Earth Search, Copernicus Data Space), else
    ``s2:mean_solar_zenith`` and ``s2:mean_solar_azimuth`` (Planetary Computer).

    Raises
    ------
    InputError
        If the item says neither.
    """
    elevation = _mean(item, "view:sun_elevation")
    zenith = _mean(item, "s2:mean_solar_zenith") if elevation is None else 90 - elevation
    azimuth = _mean_turn(item, "view:sun_azimuth", "s2:mean_solar_azimuth")
    if zenith is None or azimuth is None:
        raise _unknown(
            item, "sun", "view:sun_elevation and view:sun_azimuth, or s2:mean_solar_zenith and "
            "s2:mean_solar_azimuth",
        )  # fmt: skip
    return _checked(item, "sun", Direction(zenith, azimuth))


def view_of(item: pystac.Item) -> Direction:
    """Where the satellite stood in the mean of an item.

    ``view:incidence_angle``, else ``view:off_nadir`` (at the satellite, which is less by the
    curvature of the Earth), and ``view:azimuth``; of the item, else the mean of its assets. The
    azimuth is that of the metadata of Sentinel-2, seen from the ground; straight below it may
    be missing.

    Raises
    ------
    InputError
        If the item says not.
    """
    zenith = _mean(item, "view:incidence_angle")
    if zenith is None and (off := _mean(item, "view:off_nadir")) is not None:
        zenith = math.degrees(math.asin(min(1.0, _TO_GROUND * math.sin(math.radians(off)))))
    azimuth = _mean_turn(item, "view:azimuth")
    if zenith is None or (azimuth is None and zenith > 0):
        raise _unknown(item, "satellite", "view:incidence_angle and view:azimuth")
    return _checked(item, "satellite", Direction(zenith, azimuth or 0.0))


def _mean(item: pystac.Item, key: str) -> float | None:
    found = _found(item, key)
    return float(np.mean(found)) if found else None


def _mean_turn(item: pystac.Item, *keys: str) -> float | None:
    """Mean azimuth of the first property there is: 359 and 1 degree have 0 in the middle."""
    for key in keys:
        if found := _found(item, key):
            turn = np.radians(found)
            return float(np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean())) % 360)
    return None


def _found(item: pystac.Item, key: str) -> list[float]:
    """What an item says, else what its assets do."""
    own = item.properties.get(key)
    said = [own] if own is not None else [a.extra_fields.get(key) for a in item.assets.values()]
    return [float(v) for v in said if isinstance(v, int | float) and math.isfinite(v)]


def _unknown(item: pystac.Item, what: str, keys: str) -> InputError:
    return InputError(
        f"item {item.id} does not say where the {what} stood: it lacks {keys}",
        remedy="add them to the catalogue (the metadata of each granule, MTD_TL.xml, has them), "
        "or set imagery.brdf and imagery.illumination to none",
    )


def _checked(item: pystac.Item, what: str, direction: Direction) -> Direction:
    if not 0 <= direction.zenith < _HORIZON:
        raise InputError(
            f"item {item.id}: the {what} stands {direction.zenith:.4g} degrees from the zenith",
            remedy=f"give an angle from 0 to {_HORIZON:g} degrees, or leave the item out",
        )
    return direction
