"""What is done to the observations of a window before they are composited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pystac
from affine import Affine
from odc.geo.geobox import GeoBox

from bocage.imagery._days import merge_day
from bocage.imagery._light import Light
from bocage.imagery._observations import Observations
from bocage.imagery._others import Others
from bocage.imagery._register import REGISTER_BANDS, find_shift
from bocage.imagery._screen import CLOUD_BANDS, RADIUS, SCREEN_BANDS, SHADOW_BANDS, screen
from bocage.imagery._settings import ImagerySettings
from bocage.imagery._shifts import Shift, Shifts

THICK = 100
"""Counts of haze from which what was found hides the ground: it never counts."""

STILL = 0.02
"""Pixels up to which a shift is none: it is found to about as much."""

_SEVERAL = 5  # days of which each is compared with the others


def standing_in(bands: tuple[str, ...]) -> dict[str, str]:
    """Bands of the screening that there are, and the band that stands for each."""
    names = {b: b for b in SCREEN_BANDS if b in bands}
    if "B08" in bands:
        names.setdefault("B8A", "B08")
    return names


def rule_out(seen: Observations, settings: ImagerySettings, dates: list[dict[str, Any]]) -> str:
    """Rule out clouds, haze and shadows that the mask has missed.

    Parameters
    ----------
    seen
        The observations; what is found is no longer usable, or where it does not hide the ground
        doubtful, and haze is noted.
    settings
        Nothing is done unless ``screen`` is ``series``.
    dates
        An entry a day; ``screened`` is filled in.

    Returns
    -------
    str
        What was sought: ``cloud, shadow``, ``cloud`` or ``none``, with the reason.
    """
    if settings.screen == "none":
        return "none"
    names = standing_in(seen.bands)
    if lost := [b for b in CLOUD_BANDS if b not in names]:
        return f"none: {', '.join(lost)} is not among the bands"
    lost = [b for b in SHADOW_BANDS if b not in names]
    wanted = [b for b in SCREEN_BANDS if b in names and not (lost and b in SHADOW_BANDS)]
    days = [n for n, day in enumerate(seen.days) if day.single]
    if not days:
        return "none: composites of months are taken as they are"
    if len(days) == 1:
        return "none: a single date has no others to stand out against"
    _screen_days(seen, days, {b: names[b] for b in wanted}, dates)
    return "cloud" + (f" ({', '.join(lost)} is not among the bands)" if lost else ", shadow")


def _screen_days(
    seen: Observations, days: list[int], names: Mapping[str, str], dates: list[dict[str, Any]]
) -> None:
    when = np.array([seen.days[n].day.toordinal() for n in days], dtype=np.int64)
    height = seen.shape[0]
    bad = np.zeros((len(days), *seen.shape), dtype=bool)
    for rows in seen.strips(days, len(names), RADIUS):
        wide = slice(max(rows.start - RADIUS, 0), min(rows.stop + RADIUS, height))
        stack = seen.stack(days, list(names.values()), wide)
        bands = {name: stack[:, i] for i, name in enumerate(names)}
        found = screen(bands, np.isfinite(stack[:, 0]), when)
        inner = slice(rows.start - wide.start, rows.stop - wide.start)
        bad[:, rows] = (found.cloud | found.shadow)[:, inner]
        for position, number in enumerate(days):
            seen.haze[number][rows] = found.haze[position, inner]
    for position, number in enumerate(days):
        dates[number]["screened"] = round(float((seen.usable[number] & bad[position]).mean()), 4)
        thick = bad[position] & (seen.haze[number] >= THICK)
        seen.usable[number] &= ~thick
        seen.doubtful[number] = bad[position] & ~thick


def align(
    seen: Observations,
    items: Mapping[str, pystac.Item],
    geobox: GeoBox,
    settings: ImagerySettings,
    light: Light | None,
    dates: list[dict[str, Any]],
    shifts: Shifts | None = None,
) -> list[Shift]:
    """Say how far each day lies beside the median of all, and read it again there if asked to.

    An image is not interpolated twice: it is read anew on a grid that is moved by its shift.

    Parameters
    ----------
    shifts
        Those of an area; without them, those of this ground are found.

    Returns
    -------
    list
        Rows and columns by which each day must be moved: none where that is not known or, found
        on this ground, too little to tell.
    """
    if shifts is None:
        found = found_shifts(seen)
        wanted = [s if s and np.hypot(*s) > STILL else (0.0, 0.0) for s in found]
    else:
        known = shifts.at(geobox)
        found = [known.get(day.day.isoformat()) for day in seen.days]
        wanted = [s or (0.0, 0.0) for s in found]
    for number, (entry, shift) in enumerate(zip(dates, found, strict=True)):
        if shift is not None:
            entry["shift"] = [round(s, 3) for s in shift]
        down, right = wanted[number]
        if settings.coregister == "apply" and (down or right):
            moved = GeoBox(
                geobox.shape, geobox.affine @ Affine.translation(-right, -down), geobox.crs
            )
            again = merge_day([items[i] for i in seen.days[number].items], moved, settings, light)
            if again is not None:
                seen.replace(number, again.image)
                entry["moved"] = True
    return wanted


def found_shifts(seen: Observations) -> list[Shift | None]:
    """How far each day lies beside the median of the others; None where that cannot be found.

    Where there are few, it is the median of all: that of the others would be a mean of two.
    """
    bands = [b for b in REGISTER_BANDS if b in seen.bands]
    if not bands or len(seen) < 2:
        return [None] * len(seen)
    others = _others(seen, bands)
    days = (seen.stack([n], bands)[0] for n in range(len(seen)))
    few = len(seen) < _SEVERAL
    return [find_shift(d, others.median if few else others.than(d)) for d in days]


def _others(seen: Observations, bands: list[str]) -> Others:
    """The medians without each of the days (band, y, x)."""
    every = range(len(seen))
    parts = [Others.of(seen.stack(every, bands, r)) for r in seen.strips(every, len(bands))]
    whole = (
        np.concatenate([getattr(part, field.name) for part in parts], axis=1)
        for field in fields(Others)
    )
    return Others(*whole)
