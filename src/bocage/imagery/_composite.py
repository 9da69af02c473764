"""From the clear observations of a month to one image, and from months to a whole year."""

from __future__ import annotations

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

OBSERVED, FILLED, MISSING = 0, 1, 2
"""Values of the gap mask."""


def median(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median over the dates, NaN left out.

    Parameters
    ----------
    stack
        (date, band, y, x); an observation that is not clear is NaN in all bands.

    Returns
    -------
    numpy.ndarray
        (band, y, x), NaN where no date is clear.
    """
    result: NDArray[np.float32] = bn.nanmedian(stack, axis=0)
    return result


def medoid(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """The observation nearest to the median in all bands together (Flood, 2013).

    Parameters
    ----------
    stack
        (date, band, y, x); an observation that is not clear is NaN in all bands.

    Returns
    -------
    numpy.ndarray
        (band, y, x): the spectrum of one date, the earliest where two are equally near.

    Notes
    -----
    Distance to the per-band median instead of to all other dates: the same in spirit, but
    linear in the number of dates. Flood, N. (2013), Remote Sensing 5(12), 6481–6500.
    """
    distance = np.square(stack - median(stack)).sum(axis=1)
    best = np.where(np.isnan(distance), np.inf, distance).argmin(axis=0)
    result: NDArray[np.float32] = np.take_along_axis(stack, best[None, None], axis=0)[0]
    return result


def fill_months(
    series: NDArray[np.float32], months: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Interpolate each pixel in time where a month was not observed.

    A month between two observed ones is interpolated linearly by its distance in months; the
    year is taken as a circle, so that December and January are neighbours. A pixel with one
    observed month keeps its value all year; one without any stays missing.

    Parameters
    ----------
    series
        (month, band, y, x), NaN in all bands where a month was not observed.
    months
        Month of the year of each step, 1–12, in chronological order.

    Returns
    -------
    tuple of numpy.ndarray
        The series with gaps filled, and the gap mask uint8 (month, y, x): 0 observed,
        1 filled, 2 missing.
    """
    gap = gaps(series)
    if not (gap == MISSING).any():
        return series, gap
    position = (months - months[0]) % 12
    before = _nearest(gap == OBSERVED, position, step=1)
    after = _nearest(gap == OBSERVED, position, step=-1)
    filled = series.copy()
    for step in range(len(months)):
        here = (gap[step] == MISSING) & (before[0][step] >= 0)
        if not here.any():
            continue
        y, x = np.nonzero(here)
        left = series[before[0][step, y, x], :, y, x]
        right = series[after[0][step, y, x], :, y, x]
        a = before[1][step, y, x].astype(np.float32)[:, None]
        b = after[1][step, y, x].astype(np.float32)[:, None]
        filled[step][:, y, x] = ((left * b + right * a) / (a + b)).T
        gap[step][here] = FILLED
    return filled, gap


def gaps(series: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Gap mask of a series nothing was filled in: 0 observed, 2 missing; uint8 (month, y, x)."""
    missing = np.isnan(series).any(axis=1)
    return np.where(missing, np.uint8(MISSING), np.uint8(OBSERVED))


def _nearest(
    observed: NDArray[np.bool_], position: NDArray[np.int64], *, step: int
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Index of the observed month before (`step` 1) or after (-1) each month, and its distance.

    Two turns of the circle: the second one knows what lies beyond the turn of the year.
    Index -1 where a pixel was never observed.
    """
    count = len(position)
    index = np.full(observed.shape, -1, dtype=np.int16)
    distance = np.zeros(observed.shape, dtype=np.int16)
    last = np.full(observed.shape[1:], -1, dtype=np.int16)
    place = np.zeros(observed.shape[1:], dtype=np.int16)
    order = range(count) if step > 0 else range(count - 1, -1, -1)
    for turn in (0, 1):
        for now in order:
            at = int(position[now]) * step + 12 * turn
            index[now], distance[now] = last, at - place
            last = np.where(observed[now], np.int16(now), last)
            place = np.where(observed[now], np.int16(at), place)
    return index, distance
