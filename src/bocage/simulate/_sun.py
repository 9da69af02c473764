"""When the satellites pass, and where the sun stands then."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

NODE_HOUR = 10.5
"""Mean solar time in hours at which the satellites cross the equator southward."""

INCLINATION = 98.62
"""Inclination of the orbit in degrees."""


def pass_time(day: date, longitude: float, latitude: float) -> datetime:
    """Time (UTC, whole seconds) of the pass over a place.

    On its way south a satellite is east of its node by the angle that spherical
    trigonometry gives (sin a = -tan latitude / tan inclination), so it passes later there.
    """
    ahead = -math.tan(math.radians(latitude)) / math.tan(math.radians(INCLINATION))
    hours = NODE_HOUR + (math.degrees(math.asin(max(-1.0, min(1.0, ahead)))) - longitude) / 15
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(seconds=round(hours * 60 * 60))


def sun_angles(when: datetime, longitude: float, latitude: float) -> tuple[float, float]:
    """Elevation and azimuth (from north over east) of the sun in degrees.

    Declination and equation of time by the Fourier series of Spencer (1971), good to about
    0.1 degree.
    """
    day = when.timetuple().tm_yday - 1 + (when.hour + when.minute / 60 - 12) / 24
    g = 2 * math.pi * day / 365
    declination = (
        0.006918
        - 0.399912 * math.cos(g)
        + 0.070257 * math.sin(g)
        - 0.006758 * math.cos(2 * g)
        + 0.000907 * math.sin(2 * g)
        - 0.002697 * math.cos(3 * g)
        + 0.00148 * math.sin(3 * g)
    )
    minutes = 229.18 * (
        0.000075
        + 0.001868 * math.cos(g)
        - 0.032077 * math.sin(g)
        - 0.014615 * math.cos(2 * g)
        - 0.040849 * math.sin(2 * g)
    )
    hours = when.hour + when.minute / 60 + when.second / (60 * 60) + longitude / 15 + minutes / 60
    turn = math.radians(15 * (hours - 12))
    phi = math.radians(latitude)
    height = math.asin(
        math.sin(phi) * math.sin(declination)
        + math.cos(phi) * math.cos(declination) * math.cos(turn)
    )
    azimuth = math.atan2(
        math.sin(turn),
        math.cos(turn) * math.sin(phi) - math.tan(declination) * math.cos(phi),
    )
    return math.degrees(height), (math.degrees(azimuth) + 180) % 360
