"""Which polygons of a raster may break a rule: found in a few passes over all pixels."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Ints, Labels, find_root, label_keys
from bocage.generalize._widths import OUT, Keys, Spans, by_corners, core_pixels


def suspects(keys: Keys, inside: Bools, least: float, spans: Spans | None) -> NDArray[np.int32]:
    """One pixel of each polygon that is small, or whose wide places do not hang together.

    Parameters
    ----------
    keys
        What the pixels of a polygon have in common, OUT for what is in none, shape (y, x).
    inside
        Pixels whose area counts, shape (y, x).
    least
        Pixels below which a polygon is small.
    spans
        Disc of the least width; None where the width does not matter.

    Returns
    -------
    numpy.ndarray
        Positions (row · width + column), int32, in order.
    """
    labels, count = label_keys(keys, keys != OUT)
    size, first = _sizes(labels, inside, count)
    found = size < least
    if spans is not None:
        core = core_pixels(np.where(inside, keys, OUT).astype(np.uint16), spans)
        found |= _parts(labels, core, count, by_corners(spans)) != 1
    return np.sort(first[found]).astype(np.int32)


@numba.njit(cache=True)
def _sizes(labels: Labels, inside: Bools, count: int) -> tuple[Ints, Ints]:
    """Pixels inside and first pixel of each region."""
    height, width = labels.shape
    size, first = np.zeros(count, np.int64), np.full(count, -1, np.int64)
    for y in range(height):
        for x in range(width):
            own = labels[y, x]
            if own >= 0:
                size[own] += inside[y, x]
                if first[own] < 0:
                    first[own] = y * width + x
    return size, first


@numba.njit(cache=True)
def _parts(labels: Labels, core: Bools, count: int, corners: bool) -> Ints:
    """How many groups of core pixels that touch, perhaps also at corners, each region has."""
    height, width = labels.shape
    parent = np.empty(height * width // 2 + width + 2, np.int32)
    owner = np.empty(len(parent), np.int32)
    above, here = np.full(width + 2, -1, np.int32), np.full(width + 2, -1, np.int32)
    used = 0
    for y in range(height):
        for x in range(width):
            here[x + 1] = -1
            if not core[y, x]:
                continue
            own = -1
            # West, north-west, north, north-east: two core pixels of one key are of one region.
            for k in range(4):
                near = here[x] if k == 0 else above[x + k - 1]
                if near < 0 or (not corners and k % 2 == 1):
                    continue
                root = find_root(parent, near)
                if owner[root] != labels[y, x]:
                    continue
                if own < 0:
                    own = root
                elif own != root:
                    low, high = min(own, root), max(own, root)
                    parent[high] = low
                    own = low
            if own < 0:
                own = used
                parent[used], owner[used] = used, labels[y, x]
                used += 1
            here[x + 1] = own
        above, here = here, above
    parts = np.zeros(count, np.int64)
    for item in range(used):
        if parent[item] == item:
            parts[owner[item]] += 1
    return parts
