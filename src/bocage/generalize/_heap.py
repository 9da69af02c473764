"""A binary heap in arrays, smallest key first, that compiled code can grow."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Heap = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Keys, items, and the number of entries, shape (1,)."""


@numba.njit(cache=True)
def empty_heap() -> Heap:
    """A heap without entries."""
    return np.empty(1024), np.empty(1024, np.int64), np.zeros(1, np.int64)


@numba.njit(cache=True)
def push(heap: Heap, key: float, item: int) -> Heap:
    """Add an entry; of equal keys the smaller item is first. The heap's arrays may be new ones."""
    keys, items, size = heap
    place = size[0]
    if place == len(keys):
        keys = np.concatenate((keys, np.empty_like(keys)))
        items = np.concatenate((items, np.empty_like(items)))
    size[0] += 1
    while place > 0:
        above = (place - 1) >> 1
        if keys[above] < key or (keys[above] == key and items[above] <= item):
            break
        keys[place], items[place] = keys[above], items[above]
        place = above
    keys[place], items[place] = key, item
    return keys, items, size


@numba.njit(cache=True)
def pop(heap: Heap) -> tuple[float, int]:
    """Take the smallest entry away."""
    keys, items, size = heap
    key, item = keys[0], items[0]
    size[0] -= 1
    last, tied = keys[size[0]], items[size[0]]
    place = 0
    while 2 * place + 1 < size[0]:
        below = 2 * place + 1
        right = below + 1
        if right < size[0] and (
            keys[right] < keys[below]
            or (keys[right] == keys[below] and items[right] < items[below])
        ):
            below = right
        if last < keys[below] or (last == keys[below] and tied <= items[below]):
            break
        keys[place], items[place] = keys[below], items[below]
        place = below
    keys[place], items[place] = last, tied
    return key, item
