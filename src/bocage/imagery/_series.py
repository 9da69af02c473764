"""What is done to the observations of a window before they are composited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bottleneck as bn
import numpy as np
import pystac
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.imagery._days import merge_day
from bocage.imagery._light import Light
from bocage.imagery._observations import Observations
from bocage.imagery._register import REGISTER_BANDS, find_shift
from bocage.imagery._screen import CLOUD_BANDS, RADIUS, SCREEN_BANDS, SHADOW_BANDS, screen
from bocage.imagery._settings import ImagerySettings

THICK = 100
"""Counts of haze from which what was found hides the ground: it never counts."""

STILL = 0.02
"""Pixels up to which a shift is none: it is found to about as much."""


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
) -> None:
    """Find how far each day lies beside the median of all, and read it again there if asked to.

    An image is not interpolated twice: it is read anew on a grid that is moved by its shift.
    """
    bands = [b for b in REGISTER_BANDS if b in seen.bands]
    if not bands or len(seen) < 2:
        return
    reference = _reference(seen, bands)
    for number, entry in enumerate(dates):
        shift = find_shift(seen.stack([number], bands)[0], reference)
        if shift is None:
            continue
        entry["shift"] = [round(s, 3) for s in shift]
        if settings.coregister == "apply" and np.hypot(*shift) > STILL:
            down, right = shift
            moved = GeoBox(
                geobox.shape, geobox.affine @ Affine.translation(-right, -down), geobox.crs
            )
            again = merge_day([items[i] for i in seen.days[number].items], moved, settings, light)
            if again is not None:
                seen.replace(number, again.image)
                entry["moved"] = True


def _reference(seen: Observations, bands: list[str]) -> NDArray[np.float32]:
    """Median of all days (band, y, x)."""
    every = range(len(seen))
    parts = [
        bn.nanmedian(seen.stack(every, bands, rows), axis=0)
        for rows in seen.strips(every, len(bands))
    ]
    return np.concatenate(parts, axis=1)
