"""The observations of a window made into one image a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.imagery._composite import compose
from bocage.imagery._observations import Observations
from bocage.imagery._screen import HAZE_UNIT, SHADOW_BANDS, snow
from bocage.imagery._series import standing_in
from bocage.imagery._settings import ImagerySettings, Slot

NOT_SEEN = -128
"""Age of a pixel without an observation."""

_HAZE = 0.02  # reflectance by which the trust in an observation falls to a third
_MARGIN = 10  # pixels from what is not clear at which it is trusted fully
_LEAST_TRUST = 0.1


@dataclass(frozen=True, eq=False)
class Monthly:
    """Composites before gaps are filled.

    Attributes
    ----------
    reflectance
        float32 (month, band, y, x), NaN where a month was not seen.
    valid
        uint8 (month, y, x), number of days that were used.
    age
        int8 (month, y, x), days from the middle of the month; `NOT_SEEN` where there is none.
    """

    reflectance: NDArray[np.float32]
    valid: NDArray[np.uint8]
    age: NDArray[np.int8]


def compose_months(seen: Observations, slots: Sequence[Slot], settings: ImagerySettings) -> Monthly:
    """Composite each month of the window, a strip of rows at a time."""
    series = np.full((len(slots), len(seen.bands), *seen.shape), np.nan, dtype=np.float32)
    valid = np.zeros((len(slots), *seen.shape), dtype=np.uint8)
    age = np.full(valid.shape, NOT_SEEN, dtype=np.int8)
    for number, slot in enumerate(slots):
        chosen = [n for n, day in enumerate(seen.days) if day.slot == number]
        if not chosen:
            continue
        off = np.array([days_off(seen.days[n].day, slot) for n in chosen], dtype=np.float32)
        for rows in seen.strips(chosen, len(seen.bands)):
            stack = counted(seen, chosen, rows, settings)
            clear = np.isfinite(stack[:, 0])
            trust = _trust(seen, chosen, rows, clear, settings)
            image, which = compose(stack, settings.composite, trust)
            series[number, :, rows] = image
            valid[number, rows] = np.minimum(clear.sum(axis=0), 255)
            age[number, rows] = _age(off, clear, which)
    return Monthly(series, valid, age)


def counted(
    seen: Observations, chosen: Sequence[int], rows: slice, settings: ImagerySettings
) -> NDArray[np.float32]:
    """The days of one month (day, band, y, x), NaN where an observation does not count."""
    stack = seen.stack(chosen, rows=rows)
    _avoid_doubt(stack, [seen.doubtful[n][rows] for n in chosen])
    if settings.snow == "avoid":
        _avoid_snow(stack, seen.bands)
    return stack


def days_off(day: date, slot: Slot) -> float:
    """Days from the middle of the month of a slot, in the year that is nearest."""
    every = []
    for year in (day.year - 1, day.year, day.year + 1):
        first = date(year, slot.month, 1)
        following = date(year + slot.month // 12, slot.month % 12 + 1, 1)
        every.append((day - first).days + 0.5 - (following - first).days / 2)
    return min(every, key=abs)


def _age(
    off: NDArray[np.float32], clear: NDArray[np.bool_], which: NDArray[np.int64] | None
) -> NDArray[np.int8]:
    """Age of the chosen date, or the mean of the dates that were used."""
    count = clear.sum(axis=0)
    if which is not None:
        days = off[which]
    else:
        days = (off[:, None, None] * clear).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, np.clip(np.round(days), -127, 127), NOT_SEEN).astype(np.int8)


def _avoid_doubt(stack: NDArray[np.float32], doubtful: Sequence[NDArray[np.bool_]]) -> None:
    """Take doubtful observations out of a month where a pixel has others."""
    doubt = np.stack(doubtful)
    sure = (np.isfinite(stack[:, 0]) & ~doubt).any(axis=0)
    stack[np.broadcast_to((doubt & sure)[:, None], stack.shape)] = np.nan


def _avoid_snow(stack: NDArray[np.float32], bands: tuple[str, ...]) -> None:
    """Take snow out of a month where a pixel was also seen without."""
    names = standing_in(bands)
    if not all(b in names for b in SHADOW_BANDS):
        return
    white = snow({b: stack[:, bands.index(names[b])] for b in SHADOW_BANDS})
    bare = (np.isfinite(stack[:, 0]) & ~white).any(axis=0)
    stack[np.broadcast_to((white & bare)[:, None], stack.shape)] = np.nan


def _trust(
    seen: Observations,
    chosen: Sequence[int],
    rows: slice,
    clear: NDArray[np.bool_],
    settings: ImagerySettings,
) -> NDArray[np.float32]:
    """Weights (date, y, x): little haze, far from clouds."""
    if settings.composite != "weighted_medoid":
        return np.ones(clear.shape, dtype=np.float32)
    weights = []
    for number in chosen:
        usable = seen.usable[number]
        far = np.full(usable.shape, np.inf)
        if not usable.all():
            far = ndimage.distance_transform_edt(usable)
        haze = seen.haze[number][rows].astype(np.float32) * HAZE_UNIT
        near = np.clip(far[rows] / _MARGIN, _LEAST_TRUST, 1)
        weights.append(near * np.exp(-haze / _HAZE))
    return np.stack(weights).astype(np.float32)
