"""How well classes can be told apart by the spectra of a year, at sample places.

The distance is that of Jeffries and Matusita between the normal distributions of two classes
(Swain and King 1973): 0 for the same distribution, 2 for distributions without overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray

MOST = 150
"""Most places of a class."""

LEAST = 12
"""Fewest places of a class whose separability is measured."""

PURE = 12
"""Side in pixels of 2.5 m around a place that is all of one class: three pixels of 10 m."""

COMPONENTS = 6
"""Principal components of the months and bands in which distances are measured."""

SHRINK = 0.1
"""Share of the mean variance in each class covariance: few places give uncertain ones."""

MONTHS = 12


def choose_probes(
    classes: Mapping[int, NDArray[np.uint8]],
    inside: NDArray[np.bool_],
    domain: Domain,
    seed: Seed,
) -> pd.DataFrame:
    """Random places of every class: columns ``class`` (index), ``x`` and ``y`` (local metres).

    They lie amid land of one class that does not change where there is any, else anywhere in
    the class (roads and streams are narrower than the pixels).

    Parameters
    ----------
    classes
        Class index at 2.5 m by year, shape (y, x).
    inside
        Pixels that are looked at, shape (y, x).
    """
    first, *others = (classes[year] for year in sorted(classes))
    steady = inside.copy()
    for other in others:
        steady &= other == first
    plain = ndimage.minimum_filter(first, PURE) == ndimage.maximum_filter(first, PURE)
    rng = seed.rng("probes")
    frames = []
    present = np.unique(first[steady])
    for value in present[(present != UNCLASSIFIED) & (present != OUTSIDE)]:
        own = (first == value) & steady
        places = np.flatnonzero(own & plain)
        if places.size < LEAST:
            places = np.flatnonzero(own)
        chosen = np.sort(rng.choice(places, min(MOST, places.size), replace=False))
        rows, columns = np.divmod(chosen, first.shape[1])
        frames.append(
            pd.DataFrame({"class": value, "x": (columns + 0.5) * FINE, "y": (rows + 0.5) * FINE})
        )
    if not frames:
        return pd.DataFrame({"class": [], "x": [], "y": []}).astype({"class": np.uint8})
    return pd.concat(frames, ignore_index=True)


def monthly_medians(values: FloatArray, dates: Sequence[str]) -> FloatArray:
    """Median of the clear dates of each month, gaps filled in; shape (12, …).

    Parameters
    ----------
    values
        Reflectance by date, NaN where it is not clear, shape (date, …).
    dates
        Dates (ISO), all of one year.
    """
    months = np.array([int(d[5:7]) for d in dates], int)
    out = np.full((MONTHS, *values.shape[1:]), np.nan, np.float32)
    for month in range(MONTHS):
        mine = values[months == month + 1]
        seen = np.isfinite(mine).any(axis=0) if len(mine) else np.zeros(values.shape[1:], bool)
        if seen.any():
            out[month][seen] = np.nanmedian(mine[:, seen], axis=0)
    return fill_months(out)


def fill_months(monthly: FloatArray) -> FloatArray:
    """Fill gaps linearly between the months before and after, around the turn of the year.

    Parameters
    ----------
    monthly
        Shape (12, …); NaN where there is nothing. What has no month at all stays NaN.
    """
    thrice = np.concatenate([monthly] * 3).reshape(3 * MONTHS, -1)
    seen = np.isfinite(thrice)
    number = np.arange(3 * MONTHS)[:, None]
    before = np.maximum.accumulate(np.where(seen, number, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, number, 3 * MONTHS)[::-1], axis=0)[::-1]
    middle = slice(MONTHS, 2 * MONTHS)
    before, after = before[middle], after[middle]
    known = (before >= 0) & (after < 3 * MONTHS)
    before, after = np.where(known, before, 0), np.where(known, after, 0)
    column = np.arange(thrice.shape[1])
    low, high = thrice[before, column], thrice[after, column]
    share = (number[middle] - before) / np.maximum(after - before, 1)
    filled = np.where(known, low + share * (high - low), np.nan)
    result: FloatArray = filled.reshape(monthly.shape).astype(np.float32)
    return result


def separability(
    features: FloatArray, labels: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Jeffries–Matusita distance between every two classes.

    Parameters
    ----------
    features
        Values of each place, shape (n, feature), finite.
    labels
        Class of each place, shape (n,).

    Returns
    -------
    values
        Classes with at least `LEAST` places, shape (k,).
    distance
        0 … 2, symmetric, shape (k, k).
    """
    count = np.bincount(labels.astype(np.int64), minlength=1)
    values = np.flatnonzero(count >= LEAST)
    if values.size < 2:
        return values, np.zeros((values.size, values.size))
    parts = _components(features)
    spread = float(parts.var(axis=0).mean())
    means, covariances = [], []
    for value in values:
        own = parts[labels == value]
        means.append(own.mean(axis=0))
        cov = np.cov(own, rowvar=False)
        cov = (1 - SHRINK) * cov + SHRINK * (np.trace(cov) / len(cov)) * np.eye(len(cov))
        covariances.append(cov + 1e-6 * spread * np.eye(len(cov)))
    distance = np.zeros((values.size, values.size))
    logs = [float(np.linalg.slogdet(c)[1]) for c in covariances]
    for i in range(values.size):
        for j in range(i + 1, values.size):
            pooled = (covariances[i] + covariances[j]) / 2
            away = means[i] - means[j]
            far = float(away @ np.linalg.solve(pooled, away)) / 8
            log = float(np.linalg.slogdet(pooled)[1])
            bhattacharyya = max(far + (log - (logs[i] + logs[j]) / 2) / 2, 0.0)
            distance[i, j] = distance[j, i] = 2 * (1 - np.exp(-bhattacharyya))
    return values, distance


def _components(features: FloatArray) -> NDArray[np.float64]:
    """Leading principal components of standardised features, shape (n, COMPONENTS)."""
    centred = features.astype(float) - features.mean(axis=0, dtype=float)
    centred /= np.maximum(centred.std(axis=0), 1e-6)
    # The covariance is small; its eigenvectors do not depend on the number of places.
    _, vectors = np.linalg.eigh(centred.T @ centred / max(len(centred) - 1, 1))
    parts: NDArray[np.float64] = centred @ vectors[:, ::-1][:, :COMPONENTS]
    return parts
