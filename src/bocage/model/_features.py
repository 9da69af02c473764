"""Monthly bands without gaps, and indices of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

LIMIT = 12.0
"""Standard deviations of a band; beyond lie defects, not surfaces."""

INDICES: Mapping[str, tuple[str, str]] = {
    "NDVI": ("B08", "B04"),
    "NDWI": ("B03", "B08"),
    "NDMI": ("B08", "B11"),
    "NDRE": ("B08", "B05"),
    "NBR2": ("B11", "B12"),
    "NDTI": ("B04", "B03"),
    "NDRB": ("B04", "B02"),
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


def indices_of(filled: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """The indices whose bands are there, (…, band, pixel) → (…, index, pixel)."""
    found = []
    for first, second in INDICES.values():
        if first in bands and second in bands:
            a, b = (filled[..., bands.index(name), :] for name in (first, second))
            total = a + b
            ratio = np.where(np.abs(total) > 1e-6, (a - b) / np.where(total, total, 1), 0)
            # Over dark water the noise around zero would give ratios of hundreds.
            found.append(np.clip(ratio, -1, 1))
    none = np.zeros((*filled.shape[:-2], 0, filled.shape[-1]), np.float32)
    return np.stack(found, -2).astype(np.float32) if found else none


def with_indices(filled: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """Append the indices whose bands are there, (month, band + index, pixel)."""
    return np.concatenate([filled, indices_of(filled, bands)], axis=1)


def feature_names(bands: Sequence[str], months: Sequence[int]) -> tuple[str, ...]:
    """Names such as ``B04_06`` and ``NDVI_06``, month by month."""
    names = (*bands, *index_names(bands))
    return tuple(f"{name}_{month:02d}" for month in months for name in names)


def index_names(bands: Sequence[str]) -> tuple[str, ...]:
    """The indices whose bands are there."""
    return tuple(name for name, pair in INDICES.items() if set(pair) <= set(bands))
