"""The majority around each pixel: wrong pixels and ragged borders go before regions merge."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Labels
from bocage.generalize._widths import Keys


@numba.njit(cache=True)
def majority(keys: Keys, voters: Bools, radius: int) -> Keys:
    """The most frequent key in a square window; the pixel's own where two are.

    Parameters
    ----------
    keys
        Key of each pixel, shape (y, x).
    voters
        Pixels that count and may change, shape (y, x); the others keep their key.
    radius
        The window has 2 · radius + 1 pixels a side.
    """
    height, width = keys.shape
    result = keys.copy()
    count = np.zeros(65536, np.int32)
    for y in range(height):
        top, bottom = max(y - radius, 0), min(y + radius + 1, height)
        for x in range(min(radius, width)):
            _add(count, keys, voters, top, bottom, x, 1)
        for x in range(width):
            if x + radius < width:
                _add(count, keys, voters, top, bottom, x + radius, 1)
            if x - radius - 1 >= 0:
                _add(count, keys, voters, top, bottom, x - radius - 1, -1)
            own = keys[y, x]
            # What has more than half of the window cannot be outvoted.
            if not voters[y, x] or 2 * count[own] > (2 * radius + 1) ** 2:
                continue
            best, most = own, count[own]
            for c in range(max(x - radius, 0), min(x + radius + 1, width)):
                for r in range(top, bottom):
                    votes = count[keys[r, c]]
                    if votes > most or (votes == most and best != own and keys[r, c] < best):
                        best, most = keys[r, c], votes
            result[y, x] = best
        for x in range(max(width - radius - 1, 0), width):
            _add(count, keys, voters, top, bottom, x, -1)
    return result


@numba.njit(cache=True)
def _add(
    count: Labels, keys: Keys, voters: Bools, top: int, bottom: int, x: int, sign: int
) -> None:
    for r in range(top, bottom):
        if voters[r, x]:
            count[keys[r, x]] += sign


@numba.njit(cache=True)
def likeliest(
    candidates: Keys, weights: NDArray[np.uint8], voters: Bools, radius: int
) -> NDArray[np.uint16]:
    """The key with the greatest sum of weights in a square window.

    Parameters
    ----------
    candidates
        Possible keys of each pixel, its own first, shape (k, y, x).
    weights
        Their probabilities in units of 1/255, shape (k, y, x).
    voters
        Pixels that count and may change, shape (y, x); the others keep their own key.
    radius
        The window has 2 · radius + 1 pixels a side.
    """
    _, height, width = candidates.shape
    result: Keys = candidates[0].copy()
    total = np.zeros(65536, np.int32)
    for y in range(height):
        top, bottom = max(y - radius, 0), min(y + radius + 1, height)
        for x in range(min(radius, width)):
            _weigh(total, candidates, weights, voters, top, bottom, x, 1)
        for x in range(width):
            if x + radius < width:
                _weigh(total, candidates, weights, voters, top, bottom, x + radius, 1)
            if x - radius - 1 >= 0:
                _weigh(total, candidates, weights, voters, top, bottom, x - radius - 1, -1)
            own = candidates[0, y, x]
            # What has more than half of all weights cannot be outvoted.
            if not voters[y, x] or 2 * total[own] > 255 * (2 * radius + 1) ** 2:
                continue
            best, most = own, total[own]
            for c in range(max(x - radius, 0), min(x + radius + 1, width)):
                for r in range(top, bottom):
                    key = candidates[0, r, c]
                    if total[key] > most or (total[key] == most and best != own and key < best):
                        best, most = key, total[key]
            result[y, x] = best
        for x in range(max(width - radius - 1, 0), width):
            _weigh(total, candidates, weights, voters, top, bottom, x, -1)
    return result


@numba.njit(cache=True)
def _weigh(
    total: Labels,
    candidates: Keys,
    weights: NDArray[np.uint8],
    voters: Bools,
    top: int,
    bottom: int,
    x: int,
    sign: int,
) -> None:
    for r in range(top, bottom):
        if voters[r, x]:
            for k in range(len(candidates)):
                total[candidates[k, r, x]] += sign * np.int32(weights[k, r, x])
