"""Kernel of the joint decoding: exact sums over all class pairs from the listed classes alone.

The classes that neither year lists all share one probability, so every sum over them needs only
the sums of the prior's rows and columns. A pixel costs (2k)² steps, whatever the legend.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NONE = 255

_Floats = NDArray[np.float64]


def _gather(
    index: NDArray[np.integer],
    packed: NDArray[np.integer],
    n: int,
    union: NDArray[np.int64],
    p: _Floats,
    rest: _Floats,
) -> int:
    """Collect the classes that either year lists and their probabilities, in units of 1/255."""
    size = 0
    for year in range(2):
        for slot in range(index.shape[1]):
            c = int(index[year, slot]) - 1
            known = c < 0
            for u in range(size):
                known = known or union[u] == c
            if not known:
                union[size] = c
                size += 1
    for year in range(2):
        listed, count = 0, 0
        for slot in range(index.shape[1]):
            if index[year, slot] > 0:
                listed += int(packed[year, slot])
                count += 1
        # A byte cannot tell 0 from less than half of its unit: nothing is impossible.
        rest[year] = max(255.0 - listed, 0.5) / max(n - count, 1)
        for u in range(size):
            p[year, u] = rest[year]
            for slot in range(index.shape[1]):
                if int(index[year, slot]) - 1 == union[u]:
                    p[year, u] = packed[year, slot]
    return size


def _score(
    union: NDArray[np.int64],
    p: _Floats,
    rest: _Floats,
    prior: _Floats,
    rows: _Floats,
    columns: _Floats,
    everything: float,
    trace: float,
) -> tuple[int, int, float, float, float]:
    """Best pair (positions in `union`), its two marginals and the probability of no change."""
    size = len(union)
    total, same, best, first, second = 0.0, 0.0, -1.0, 0, 0
    of_first, of_second = np.zeros(size), np.zeros(size)
    beyond, trace_beyond = everything, trace
    for i in range(size):
        a = union[i]
        row, column = rows[a], columns[a]
        for j in range(size):
            b = union[j]
            value = p[0, i] * p[1, j] * prior[a, b]
            of_first[i] += value
            of_second[j] += value
            total += value
            row -= prior[a, b]
            column -= prior[b, a]
            if value > best:
                best, first, second = value, i, j
        of_first[i] += p[0, i] * rest[1] * row
        of_second[i] += rest[0] * p[1, i] * column
        total += p[0, i] * rest[1] * row + rest[0] * p[1, i] * column
        same += p[0, i] * p[1, i] * prior[a, a]
        beyond -= rows[a] + column
        trace_beyond -= prior[a, a]
    total += rest[0] * rest[1] * beyond
    same += rest[0] * rest[1] * trace_beyond
    return first, second, of_first[first] / total, of_second[second] / total, same / total


_gather_compiled = njit(cache=True, nogil=True)(_gather)
_score_compiled = njit(cache=True, nogil=True)(_score)


def _decode_all(
    index: NDArray[np.uint8], packed: NDArray[np.uint8], prior: _Floats, out: NDArray[np.uint8]
) -> None:
    k, pixels = index.shape[1:]
    n = prior.shape[0]
    rows, columns = prior.sum(axis=1), prior.sum(axis=0)
    everything, trace = prior.sum(), np.trace(prior)
    union = np.empty(2 * k, np.int64)
    p = np.empty((2, 2 * k))
    rest = np.empty(2)
    for pixel in range(pixels):
        if index[0, 0, pixel] == 0 or index[1, 0, pixel] == 0:
            continue
        size = _gather_compiled(index[:, :, pixel], packed[:, :, pixel], n, union, p, rest)
        a, b, first, second, same = _score_compiled(
            union[:size], p[:, :size], rest, prior, rows, columns, everything, trace
        )
        out[0, pixel] = union[a] + 1
        out[1, pixel] = union[b] + 1
        out[2, pixel] = min(100, int(100.0 * first + 0.5))
        out[3, pixel] = min(100, int(100.0 * second + 0.5))
        out[4, pixel] = max(0, min(100, int(100.0 * (1.0 - same) + 0.5)))


_decode_compiled = njit(cache=True, nogil=True)(_decode_all)


def decode_pixels(
    index: NDArray[np.uint8], packed: NDArray[np.uint8], prior: _Floats
) -> NDArray[np.uint8]:
    """Likeliest class pair of each pixel.

    Parameters
    ----------
    index, packed
        Class indices and probabilities as `bocage.posterior.Posterior` packs them, shape
        (2, k, pixel).
    prior
        Joint prior of a class pair over the product of its marginals, shape (n, n).

    Returns
    -------
    numpy.ndarray
        uint8, shape (5, pixel): class indices of the two years, their marginal probabilities
        in percent, the probability in percent that the class differs. Pixels that one year
        does not know hold 0, 0, 255, 255, 255.
    """
    out = np.zeros((5, index.shape[2]), np.uint8)
    out[2:] = NONE
    _decode_compiled(index, packed, prior, out)
    return out
