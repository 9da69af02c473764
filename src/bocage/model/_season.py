"""What prediction and training do alike before the network sees a series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.grid import GRID_RATIO

_LIMIT = 12.0  # standard deviations; beyond lie defects, not surfaces


def harmonics(months: Sequence[int]) -> NDArray[np.float32]:
    """Sines and cosines of the time of the year, float32 (month, 6)."""
    angle = 2 * np.pi * (np.asarray(months, np.float64) - 0.5) / 12
    waves = [f(n * angle) for n in (1, 2, 3) for f in (np.sin, np.cos)]
    return np.stack(waves, axis=1).astype(np.float32)


def statistics(
    reflectance: NDArray[np.floating], seen: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each band over what was seen.

    Parameters
    ----------
    reflectance
        (chip, month, band, 4c, 4c).
    seen
        (chip, month, c, c).
    """
    sub = reflectance[..., ::GRID_RATIO, ::GRID_RATIO]
    means, deviations = [], []
    for band in range(reflectance.shape[2]):
        values = sub[:, :, band][seen].astype(np.float64)
        values = values[np.isfinite(values)]
        means.append(values.mean() if values.size else 0.0)
        deviations.append(max(values.std(), 1e-3) if values.size else 1.0)
    return np.array(means, np.float32), np.array(deviations, np.float32)


def _arrange(
    reflectance: NDArray[np.float32],
    seen: NDArray[np.bool_],
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    months, bands = reflectance.shape[:2]
    for t in range(months):
        for b in range(bands):
            for y in range(seen.shape[1]):
                for dy in range(GRID_RATIO):
                    for dx in range(GRID_RATIO):
                        channel = (b * GRID_RATIO + dy) * GRID_RATIO + dx
                        for x in range(seen.shape[2]):
                            value = 0.0
                            if seen[t, y, x]:
                                at = reflectance[t, b, y * GRID_RATIO + dy, x * GRID_RATIO + dx]
                                value = (at - mean[b]) * scale[b]
                                if not abs(value) <= _LIMIT:
                                    value = 0.0 if value != value else _LIMIT * np.sign(value)
                            out[t, channel, y, x] = value


_arrange_compiled = njit(cache=True, nogil=True)(_arrange)


def arrange(
    reflectance: NDArray[np.floating],
    seen: NDArray[np.bool_],
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Standardise a series and turn the 16 sub-pixels of each band into channels.

    Parameters
    ----------
    reflectance
        (month, band, 4y, 4x).
    seen
        (month, y, x); what was not seen becomes 0 and is never looked at.
    mean, deviation
        (band,).

    Returns
    -------
    numpy.ndarray
        float32 (month, band × 16, y, x), sub-pixels row by row.
    """
    months, bands = reflectance.shape[:2]
    out = np.empty((months, bands * GRID_RATIO**2, *seen.shape[1:]), np.float32)
    values = np.ascontiguousarray(reflectance, dtype=np.float32)
    _arrange_compiled(values, seen, mean, (1 / deviation).astype(np.float32), out)
    return out
