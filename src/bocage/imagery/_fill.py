"""From months to a whole year: gaps, how uncertain what fills them is, smoothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OBSERVED, FILLED, MISSING = 0, 1, 2
"""Values of the gap mask."""

YEAR = 12

Series = NDArray[np.float32]
Flags = NDArray[np.uint8]
Months = NDArray[np.int64]


def gaps(series: Series) -> Flags:
    """Gap mask of a series nothing was filled in: 0 observed, 2 missing; uint8 (month, y, x)."""
    missing = np.isnan(series).any(axis=1)
    return np.where(missing, np.uint8(MISSING), np.uint8(OBSERVED))


def fill_months(series: Series, months: Months) -> tuple[Series, Flags, Series]:
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
        The series with gaps filled; the gap mask uint8 (month, y, x): 0 observed, 1 filled,
        2 missing; and the expected error of what was filled in, float32 (month, y, x).

    Notes
    -----
    Expected error: root mean square over the bands, 0 where observed, NaN where nothing is known.
    Between two observed months a pixel is taken to wander like a Brownian bridge: at ``a`` and
    ``b`` months from them the variance is s² · ab / (a + b). What each observed month of the pixel
    differs from the line between its neighbours gives s²; a pixel with a single observed month
    takes the mean of the others.
    """
    gap = gaps(series)
    expected = np.zeros(gap.shape, dtype=np.float32)
    if not (gap == MISSING).any():
        return series, gap, expected
    position = (months - months[0]) % YEAR
    before = _nearest(gap == OBSERVED, position, step=1)
    after = _nearest(gap == OBSERVED, position, step=-1)
    wander = _wander(series, gap == OBSERVED, before, after)
    filled = series.copy()
    for step in range(len(months)):
        here = (gap[step] == MISSING) & (before[0][step] >= 0)
        expected[step][gap[step] == MISSING] = np.nan
        if not here.any():
            continue
        line, bridge = _between(series, before, after, step, here)
        filled[step][:, here] = line
        expected[step][here] = np.sqrt(wander[here] * bridge)
        gap[step][here] = FILLED
    return filled, gap, expected


Neighbour = tuple[NDArray[np.int16], NDArray[np.int16]]


def _between(
    series: Series, before: Neighbour, after: Neighbour, step: int, here: NDArray[np.bool_]
) -> tuple[Series, Series]:
    """The line between the neighbours of a month (band, pixel), and ab / (a + b) (pixel)."""
    y, x = np.nonzero(here)
    left, right = (series[n[0][step, y, x], :, y, x] for n in (before, after))
    a, b = (n[1][step, y, x].astype(np.float32) for n in (before, after))
    line: Series = ((left * b[:, None] + right * a[:, None]) / (a + b)[:, None]).T
    return line, a * b / (a + b)


def _wander(
    series: Series, observed: NDArray[np.bool_], before: Neighbour, after: Neighbour
) -> Series:
    """Variance of each pixel a month (y, x): of the mean of all pixels where it has none."""
    errors = np.zeros(observed.shape[1:], dtype=np.float32)
    bridges = np.zeros_like(errors)
    for step in range(len(series)):
        here = observed[step] & (before[0][step] >= 0) & (before[0][step] != step)
        if not here.any():
            continue
        line, bridge = _between(series, before, after, step, here)
        errors[here] += np.square(series[step][:, here] - line).mean(axis=0)
        bridges[here] += bridge
    known = bridges > 0
    if not known.any():
        return np.full_like(errors, np.nan)
    mean = errors[known].sum() / bridges[known].sum()
    result: Series = np.where(known, errors / np.where(known, bridges, 1), np.float32(mean))
    return result


def _nearest(observed: NDArray[np.bool_], position: Months, *, step: int) -> Neighbour:
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
            at = int(position[now]) * step + YEAR * turn
            index[now], distance[now] = last, at - place
            last = np.where(observed[now], np.int16(now), last)
            place = np.where(observed[now], np.int16(at), place)
    return index, distance


def smooth_months(series: Series, months: Months, weights: Series, strength: float) -> Series:
    """Whittaker smoothing of each pixel over the months, the year taken as a circle.

    Parameters
    ----------
    series
        (month, band, y, x); NaN only where the weight is 0.
    months
        Month of the year of each step, 1–12, in chronological order.
    weights
        (month, y, x), how much each month counts; 0 for one that is to be filled in.
    strength
        How much the second differences cost beside a weight of 1.

    Returns
    -------
    numpy.ndarray
        The smoothed series; pixels with fewer than three weighted months as they were.

    Notes
    -----
    Whittaker (1923); Eilers (2003), Analytical Chemistry 75, 3631–3636. Second differences are
    divided by the distances between the months, so that left-out months do not bend the curve.
    """
    count, bands = series.shape[:2]
    if count < 3:
        return series
    penalty = strength * _roughness((months - months[0]) % YEAR)
    smooth = series.copy()
    for row in range(series.shape[2]):
        here = (weights[:, row] > 0).sum(axis=0) >= 3
        if not here.any():
            continue
        w = weights[:, row, here].astype(np.float64).T
        y = np.where(w.T[:, None] > 0, series[:, :, row, here], 0).transpose(2, 0, 1)
        left = np.eye(count) * w[:, :, None] + penalty
        found = np.linalg.solve(left, w[:, :, None] * y)
        smooth[:, :, row, here] = found.transpose(1, 2, 0).reshape(count, bands, -1)
    return smooth


def _roughness(position: Months) -> NDArray[np.float64]:
    """Sum of squared second divided differences on the circle, as a matrix."""
    count = len(position)
    steps = np.diff(np.append(position, position[0] + YEAR)).astype(np.float64)
    bends = np.zeros((count, count))
    for here in range(count):
        ago, ahead = steps[here - 1], steps[here]
        scale = 2 / (ago + ahead)
        bends[here, here - 1] += scale / ago
        bends[here, here] -= scale * (1 / ago + 1 / ahead)
        bends[here, (here + 1) % count] += scale / ahead
    result: NDArray[np.float64] = bends.T @ bends
    return result
