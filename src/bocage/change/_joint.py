"""Kernel of the joint decoding: the best stable class and the best change of each pixel.

Only the classes that either year lists are looked at, so a pixel costs (2k)² steps, whatever
the legend.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEVER = -100.0  # log of the evidence for a change that cannot be

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


def _weigh(
    union: NDArray[np.int64], p: _Floats, prior: _Floats, shared: float, sharpness: float
) -> tuple[int, float, int, int, float, float]:
    """Stable class and its share; the change, its evidence and its prior against staying.

    `shared` is the sum of (p₁ p₂) to the power of `sharpness` over the classes that neither
    year lists.
    """
    size = len(union)
    stable, most, total = 0, -1.0, shared
    for i in range(size):
        both = p[0, i] * p[1, i]
        total += both**sharpness
        if both * prior[union[i], union[i]] > most:
            most, stable = both * prior[union[i], union[i]], i
    first, second, best = 0, 0, 0.0
    for i in range(size):
        for j in range(size):
            value = p[0, i] * p[1, j] * prior[union[i], union[j]]
            if i != j and value > best:
                best, first, second = value, i, j
    share = (p[0, stable] * p[1, stable]) ** sharpness / total
    if best == 0.0:
        return stable, share, stable, stable, NEVER, 0.0
    stays = p[0, stable] * p[1, stable]
    evidence = np.log(p[0, first] * p[1, second] / stays)
    odds = np.log(prior[union[first], union[second]] / prior[union[stable], union[stable]])
    return stable, share, first, second, evidence, odds


_gather_compiled = njit(cache=True, nogil=True)(_gather)
_weigh_compiled = njit(cache=True, nogil=True)(_weigh)


def _weigh_all(
    index: NDArray[np.uint8],
    packed: NDArray[np.uint8],
    prior: _Floats,
    sharpness: float,
    classes: NDArray[np.uint8],
    values: NDArray[np.float32],
) -> None:
    k, pixels = index.shape[1:]
    n = prior.shape[0]
    union = np.empty(2 * k, np.int64)
    p = np.empty((2, 2 * k))
    rest = np.empty(2)
    for pixel in range(pixels):
        if index[0, 0, pixel] == 0 or index[1, 0, pixel] == 0:
            continue
        size = _gather_compiled(index[:, :, pixel], packed[:, :, pixel], n, union, p, rest)
        shared = (n - size) * (rest[0] * rest[1]) ** sharpness
        stable, share, a, b, evidence, odds = _weigh_compiled(
            union[:size], p[:, :size], prior, shared, sharpness
        )
        classes[0, pixel] = union[stable] + 1
        classes[1, pixel] = union[a] + 1
        classes[2, pixel] = union[b] + 1
        values[0, pixel] = share
        values[1, pixel] = p[0, a] / 255.0
        values[2, pixel] = p[1, b] / 255.0
        values[3, pixel] = evidence
        values[4, pixel] = odds


_weigh_all_compiled = njit(cache=True, nogil=True)(_weigh_all)


def weigh_pixels(
    index: NDArray[np.uint8], packed: NDArray[np.uint8], prior: _Floats, sharpness: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Weigh the best stable class of each pixel against its best change.

    Parameters
    ----------
    index, packed
        Class indices and probabilities as `bocage.posterior.Posterior` packs them, shape
        (2, k, pixel).
    prior
        Probability of the second class given the first, shape (n, n).
    sharpness
        See `bocage.change.TransitionPrior`.

    Returns
    -------
    classes
        uint8, shape (3, pixel): class index of the stable class, and of the change in the
        first and in the second year; 0 where a year is not known.
    values
        float32, shape (5, pixel): share of the stable class in Σ (p₁ p₂)^sharpness; probability of
        the change's class in the first and in the second year; log of the evidence for the change
        against the stable class; log of its prior odds. 0 where a year is not known.
    """
    classes = np.zeros((3, index.shape[2]), np.uint8)
    values = np.zeros((5, index.shape[2]), np.float32)
    _weigh_all_compiled(index, packed, prior, sharpness, classes, values)
    return classes, values
