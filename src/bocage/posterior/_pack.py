"""Kernels that pick and pack the likeliest classes of each pixel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _pack(
    probability: NDArray[np.float32], index: NDArray[np.uint8], packed: NDArray[np.uint8]
) -> None:
    classes, height, width = probability.shape
    k = index.shape[0]
    best = np.empty((k, width), np.float32)
    which = np.empty((k, width), np.int32)
    total = np.empty(width, np.float64)
    for y in range(height):
        best[:] = 0.0
        which[:] = 0
        total[:] = 0.0
        # Classes outside, pixels inside: memory is read in the order it lies in.
        for c in range(classes):
            for x in range(width):
                p = probability[c, y, x]
                if not p > 0.0:
                    continue
                total[x] += p
                if p <= best[k - 1, x]:
                    continue
                slot = k - 1
                while slot > 0 and p > best[slot - 1, x]:
                    best[slot, x] = best[slot - 1, x]
                    which[slot, x] = which[slot - 1, x]
                    slot -= 1
                best[slot, x] = p
                which[slot, x] = c + 1
        for x in range(width):
            left = 255
            for slot in range(k):
                if total[x] <= 0.0 or which[slot, x] == 0:
                    break
                value = min(left, int(255.0 * best[slot, x] / total[x] + 0.5))
                if value == 0:
                    break
                index[slot, y, x] = which[slot, x]
                packed[slot, y, x] = value
                left -= value


_pack_compiled = njit(cache=True, nogil=True)(_pack)


def pack(probability: NDArray[np.float32], k: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pick the `k` likeliest classes of each pixel.

    Parameters
    ----------
    probability
        Shape (class, y, x), float32, any positive scale. NaN and negative values count as 0.
    k
        Classes to keep.

    Returns
    -------
    index
        uint8, shape (k, y, x): class index by falling probability, 0 where nothing is left.
    probability
        uint8, shape (k, y, x), units of 1/255; a pixel's values add up to 255 at most.
        Of equally likely classes the first of the legend comes first.
    """
    _, height, width = probability.shape
    index = np.zeros((k, height, width), np.uint8)
    packed = np.zeros((k, height, width), np.uint8)
    _pack_compiled(np.ascontiguousarray(probability, dtype=np.float32), index, packed)
    return index, packed
