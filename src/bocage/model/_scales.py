"""A series seen at several scales: the pixel, its 10 m pixel, and means of the surroundings.

What a field network could learn about its surroundings from few labels is little more than such
means; given as inputs they need no cut-outs to train on, and a window's rim is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from bocage.grid import GRID_RATIO, NATIVE
from bocage.model._features import fill_months

WIDE_M = (30, 90)
"""Sides of the windows, metres; odd multiples of 10."""

REACH = int(max(WIDE_M) // NATIVE // 2)
"""Pixels of 10 m that the widest window reaches beyond its centre."""


@dataclass(frozen=True, eq=False)
class Look:
    """A window of a series at all scales, without gaps in time.

    Attributes
    ----------
    near
        float32 (month, band, 4y, 4x), NaN where no month was seen.
    wide
        float32 (scale, month, band, y, x), in the order of `WIDE_M`.
    seen
        bool (month, y, x): before anything was filled.
    place
        float32 (layer, y, x): shares of regions, terrain.
    """

    near: NDArray[np.float32]
    wide: NDArray[np.float32]
    seen: NDArray[np.bool_]
    place: NDArray[np.float32]


def look(
    reflectance: NDArray[np.floating],
    seen: NDArray[np.bool_],
    inner: tuple[slice, slice] | None = None,
    place: NDArray[np.float32] | None = None,
) -> Look:
    """A window at all scales; months that were not seen are filled by straight lines in time.

    Parameters
    ----------
    reflectance
        (month, band, 4y, 4x), unit 1.
    seen
        (month, y, x). Pixels with a value that is not a number were not seen either.
    inner
        Rows and columns of 10 m that are given back; the others are only looked at.
    place
        (layer, y, x) of those that are given back; none by default.
    """
    ten = ten_metres(reflectance)
    seen = seen & np.isfinite(ten).all(axis=1)
    y, x = inner or (slice(0, seen.shape[1]), slice(0, seen.shape[2]))
    fine_y, fine_x = (slice(GRID_RATIO * s.start, GRID_RATIO * s.stop) for s in (y, x))
    wide = np.moveaxis(means(ten, seen)[..., y, x], 0, 1)  # months first, to be filled together
    kept = np.ascontiguousarray(seen[:, y, x])
    near = _filled(reflectance[:, :, fine_y, fine_x], _finer(kept))
    whole = _filled(wide.reshape(len(wide), -1, *wide.shape[3:]), kept).reshape(wide.shape)
    if place is None:
        place = np.zeros((0, *kept.shape[1:]), np.float32)
    return Look(near, np.ascontiguousarray(np.moveaxis(whole, 1, 0)), kept, place)


def ten_metres(reflectance: NDArray[np.floating]) -> NDArray[np.float32]:
    """Means over the 16 sub-pixels, (month, band, y, x)."""
    height, width = (n // GRID_RATIO for n in reflectance.shape[2:])
    ten = np.zeros((*reflectance.shape[:2], height, width), np.float32)
    for row in range(GRID_RATIO):
        for column in range(GRID_RATIO):
            ten += reflectance[:, :, row::GRID_RATIO, column::GRID_RATIO]
    ten /= GRID_RATIO**2
    return ten


def means(ten: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Means of what was seen around each 10 m pixel, (scale, month, band, y, x).

    0 where a window saw nothing.

    Parameters
    ----------
    ten
        (month, band, y, x).
    seen
        (month, y, x).
    """
    shown = np.where(seen[:, None], ten, np.float32(0))
    count = seen.astype(np.float32)
    found = np.empty((len(WIDE_M), *ten.shape), np.float32)
    for number, metres in enumerate(WIDE_M):
        size = int(metres // NATIVE)
        share = np.maximum(_box(count, size), np.float32(0.5 / size**2))
        np.divide(_box(shown, size), share[:, None], out=found[number])
    return found


def _filled(values: NDArray[np.floating], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`fill_months` of a raster, (month, band, y, x) by (month, y, x)."""
    flat = fill_months(values.reshape(*values.shape[:2], -1), seen.reshape(len(seen), -1))
    return flat.reshape(values.shape)


def spread(values: NDArray[Any], at: Sequence[int], months: int, axis: int) -> NDArray[Any]:
    """Put months at their places among all `months`; the others are 0."""
    shape = list(values.shape)
    shape[axis] = months
    out = np.zeros(shape, values.dtype)
    np.moveaxis(out, axis, 0)[list(at)] = np.moveaxis(values, axis, 0)
    return out


def _finer(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.repeat(np.repeat(seen, GRID_RATIO, 1), GRID_RATIO, 2)


def _box(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Mean over squares of an odd side; what lies outside counts as 0."""
    if size == 1:
        return values
    rows = uniform_filter1d(values, size, axis=-2, mode="constant")
    return np.asarray(uniform_filter1d(rows, size, axis=-1, mode="constant"))
