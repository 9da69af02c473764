"""Features of single pixels, for trees: monthly bands without gaps, and a few indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.grid import GRID_RATIO

INDICES: Mapping[str, tuple[str, str]] = {
    "NDVI": ("B08", "B04"),
    "NDWI": ("B03", "B08"),
    "NDMI": ("B08", "B11"),
    "NDRE": ("B08", "B05"),
}
"""Normalised differences (first − second) / (first + second), used where both bands are there."""


def _fill(values: NDArray[np.float32], seen: NDArray[np.bool_]) -> None:
    months, bands, pixels = values.shape
    for p in range(pixels):
        before = -1
        for t in range(months + 1):
            if t < months and not seen[t, p]:
                continue
            for gap in range(before + 1, t):
                for b in range(bands):
                    if before < 0 and t == months:
                        values[gap, b, p] = np.nan
                    elif before < 0:
                        values[gap, b, p] = values[t, b, p]
                    elif t == months:
                        values[gap, b, p] = values[before, b, p]
                    else:
                        share = (gap - before) / (t - before)
                        values[gap, b, p] = (1 - share) * values[before, b, p] + share * values[
                            t, b, p
                        ]
            before = t


_fill_compiled = njit(cache=True, nogil=True)(_fill)


def fill_months(values: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill months that were not seen by straight lines in time; the first and last are held.

    Parameters
    ----------
    values
        (month, band, pixel).
    seen
        (month, pixel).

    Returns
    -------
    numpy.ndarray
        A filled copy, NaN for pixels that were never seen.
    """
    filled = np.array(values, np.float32, order="C")
    _fill_compiled(filled, np.ascontiguousarray(seen))
    return filled


def with_indices(filled: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """Append the indices whose bands are there, (month, band + index, pixel)."""
    extra = []
    for first, second in INDICES.values():
        if first in bands and second in bands:
            a, b = filled[:, bands.index(first)], filled[:, bands.index(second)]
            total = a + b
            extra.append(np.where(np.abs(total) > 1e-6, (a - b) / np.where(total, total, 1), 0))
    return np.concatenate([filled, np.stack(extra, 1).astype(np.float32)], 1) if extra else filled


def feature_names(bands: Sequence[str], months: Sequence[int]) -> tuple[str, ...]:
    """Names such as ``B04_06`` and ``NDVI_06``, month by month."""
    indices = [n for n, pair in INDICES.items() if set(pair) <= set(bands)]
    return tuple(f"{name}_{month:02d}" for month in months for name in (*bands, *indices))


def pixel_features_of(
    reflectance: NDArray[np.floating],
    seen: NDArray[np.bool_],
    bands: Sequence[str],
    at: Sequence[int],
    months: int,
) -> NDArray[np.float32]:
    """Features of all pixels of a window.

    Parameters
    ----------
    reflectance
        (month here, band, 4y, 4x).
    seen
        (month here, y, x).
    bands
        Names of the bands.
    at
        Position of each month here among all `months`; the others are filled.
    months
        Number of months of the model.

    Returns
    -------
    numpy.ndarray
        float32 (4y · 4x, feature), in the order of `feature_names`.
    """
    height, width = reflectance.shape[-2:]
    values = np.zeros((months, len(bands), height * width), np.float32)
    values[list(at)] = reflectance.reshape(len(at), len(bands), -1)
    visible = np.zeros((months, height * width), bool)
    fine = np.repeat(np.repeat(seen, GRID_RATIO, 1), GRID_RATIO, 2)
    visible[list(at)] = fine.reshape(len(at), -1)
    features = with_indices(fill_months(values, visible), bands)
    return np.ascontiguousarray(features.reshape(-1, height * width).T)
