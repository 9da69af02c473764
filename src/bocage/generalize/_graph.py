"""Regions of equal class pairs as a graph with areas and border lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Labels = NDArray[np.int32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class RegionGraph:
    """Regions and the borders between them.

    Attributes
    ----------
    codes
        Class index of each region in each year, shape (n, years).
    area
        Area inside the mapped area, m², shape (n,).
    rim
        Length of the border to what is not mapped, m, shape (n,).
    line
        Whether a region is a drawn linear element, shape (n,).
    first, second
        Regions of each border, first < second, shape (e,); each pair occurs once.
    border
        Length of each border, m, shape (e,).
    """

    codes: Codes
    area: Floats
    rim: Floats
    line: Bools
    first: Ints
    second: Ints
    border: Floats

    def __len__(self) -> int:
        return len(self.area)


def pair_codes(classes: Codes) -> NDArray[np.uint16]:
    """One number per pixel for the classes of all years, shape (years, y, x) → (y, x)."""
    pair = classes[0].astype(np.uint16)
    if len(classes) == 2:
        pair = (pair << 8) | classes[1]
    return np.asarray(pair, dtype=np.uint16)


@numba.njit(cache=True)
def wide(number: int) -> int:
    """A number of any type as int64: functions are compiled anew for each type they are given.

    A constant is a type of its own too.
    """
    return int(np.int64(number))


@numba.njit(cache=True)
def find_root(parent: Labels, item: int) -> int:
    """Root of an item in a forest of parents, whose paths are shortened on the way."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@numba.njit(cache=True)
def _label(pair: NDArray[np.uint16], domain: Bools) -> tuple[Labels, int]:
    height, width = pair.shape
    labels = np.full((height, width), -1, np.int32)
    parent = np.empty(height * width, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            if not domain[y, x]:
                continue
            up = left = -1
            if y > 0 and domain[y - 1, x] and pair[y - 1, x] == pair[y, x]:
                up = find_root(parent, labels[y - 1, x])
            if x > 0 and domain[y, x - 1] and pair[y, x - 1] == pair[y, x]:
                left = find_root(parent, labels[y, x - 1])
            if up < 0 and left < 0:
                parent[count] = count
                labels[y, x] = count
                count += 1
            elif up < 0 or left < 0:
                labels[y, x] = max(up, left)
            else:
                root = min(up, left)
                parent[max(up, left)] = root
                labels[y, x] = root
    final = np.full(count, -1, np.int32)
    regions = 0
    for item in range(count):
        if parent[item] == item:
            final[item] = regions
            regions += 1
        else:
            final[item] = final[find_root(parent, item)]
    for y in range(height):
        for x in range(width):
            if labels[y, x] >= 0:
                labels[y, x] = final[labels[y, x]]
    return labels, regions


def label_regions(classes: Codes, domain: Bools) -> Labels:
    """Number the edge-connected regions of equal classes.

    Parameters
    ----------
    classes
        Class index, shape (years, y, x).
    domain
        Pixels that take part, shape (y, x).

    Returns
    -------
    numpy.ndarray
        int32 (y, x): 0, 1, … in the order of the first pixel, -1 where `domain` is false.
    """
    labels, _ = _label(pair_codes(classes), domain)
    return np.asarray(labels)


def label_keys(keys: NDArray[np.uint16], domain: Bools) -> tuple[Labels, int]:
    """Number the edge-connected regions of equal keys as `label_regions`, and count them."""
    labels, count = _label(keys, domain)
    return labels, int(count)


def region_graph(
    labels: Labels, classes: Codes, inside: Bools, locked: Bools, pixel: float
) -> RegionGraph:
    """The graph of labelled regions.

    Parameters
    ----------
    labels
        As `label_regions` gives them, shape (y, x).
    classes
        Class index, shape (years, y, x).
    inside
        Pixels whose area counts, shape (y, x).
    locked
        Pixels of drawn linear elements, shape (y, x).
    pixel
        Pixel size, m.
    """
    count = int(labels.max(initial=-1)) + 1
    area, rim, line, example = _measure(labels, inside, locked, count)
    first, second, border = _borders(labels, count)
    order = np.lexsort((second, first))
    return RegionGraph(
        codes=classes.reshape(len(classes), -1)[:, example].T.copy(),
        area=area * pixel**2,
        rim=rim * pixel,
        line=line,
        first=first[order].astype(np.int64),
        second=second[order].astype(np.int64),
        border=border[order] * pixel,
    )


@numba.njit(cache=True)
def _measure(
    labels: Labels, inside: Bools, locked: Bools, count: int
) -> tuple[Floats, Floats, Bools, Ints]:
    """Pixels inside, rim cracks, drawn or not, and the first pixel of each region."""
    height, width = labels.shape
    area, rim = np.zeros(count), np.zeros(count)
    line, example = np.zeros(count, np.bool_), np.full(count, -1, np.int64)
    for y in range(height):
        for x in range(width):
            own = labels[y, x]
            if own < 0:
                continue
            if example[own] < 0:
                example[own] = y * width + x
            area[own] += inside[y, x]
            line[own] |= locked[y, x]
            rim[own] += (
                int(y == 0 or labels[y - 1, x] < 0)
                + int(y == height - 1 or labels[y + 1, x] < 0)
                + int(x == 0 or labels[y, x - 1] < 0)
                + int(x == width - 1 or labels[y, x + 1] < 0)
            )
    return area, rim, line, example


@numba.njit(cache=True)
def _grown(keys: Ints, size: NDArray[np.int32]) -> tuple[Ints, NDArray[np.int32]]:
    """A hash table of twice the capacity with the same entries."""
    capacity = 2 * len(keys)
    larger, moved = np.full(capacity, -1, np.int64), np.zeros(capacity, np.int32)
    for slot in range(len(keys)):
        if keys[slot] >= 0:
            place = _slot(larger, keys[slot])
            larger[place] = keys[slot]
            moved[place] = size[slot]
    return larger, moved


@numba.njit(cache=True)
def _slot(keys: Ints, key: int) -> int:
    """Where a key is, or belongs, in an open hash table whose length is a power of two."""
    mask = len(keys) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    place = np.int64((mixed >> np.uint64(24)) & np.uint64(mask))
    while keys[place] >= 0 and keys[place] != key:
        place = (place + 1) & mask
    return int(place)


@numba.njit(cache=True)
def _borders(labels: Labels, count: int) -> tuple[Labels, Labels, Floats]:
    """Pairs of neighbours (first < second) and the number of cracks between them."""
    height, width = labels.shape
    capacity = 1024
    while capacity < 4 * count:
        capacity *= 2
    keys, size = np.full(capacity, -1, np.int64), np.zeros(capacity, np.int32)
    used = 0
    for y in range(height):
        for x in range(width):
            own = labels[y, x]
            for down in range(2):
                if (y if down else x) + 1 == (height if down else width):
                    continue
                other = labels[y + 1, x] if down else labels[y, x + 1]
                if own == other or own < 0 or other < 0:
                    continue
                key = np.int64(min(own, other)) * count + max(own, other)
                place = _slot(keys, key)
                if keys[place] < 0:
                    keys[place] = key
                    used += 1
                size[place] += 1
                if 2 * used > len(keys):
                    keys, size = _grown(keys, size)
    first, second = np.empty(used, np.int32), np.empty(used, np.int32)
    border, n = np.empty(used), 0
    for slot in range(len(keys)):
        if keys[slot] >= 0:
            first[n], second[n] = keys[slot] // count, keys[slot] % count
            border[n] = size[slot]
            n += 1
    return first, second, border


def _sums(group: NDArray[np.integer], size: int, values: Floats | None = None) -> Floats:
    """Sum of the values (or the number) of the members of each group."""
    return np.bincount(group, values, minlength=size).astype(np.float64)


def contract(graph: RegionGraph, group: Ints, keep: Ints) -> RegionGraph:
    """Unite regions.

    Parameters
    ----------
    graph
        The regions, n of them.
    group
        Number of the new region of each, shape (n,), values 0 … m - 1.
    keep
        The region whose classes and kind each new region has, shape (m,).
    """
    size = len(keep)
    low = np.minimum(group[graph.first], group[graph.second])
    high = np.maximum(group[graph.first], group[graph.second])
    apart = low != high
    pairs, inverse = np.unique(low[apart] * size + high[apart], return_inverse=True)
    return RegionGraph(
        codes=graph.codes[keep],
        area=_sums(group, size, graph.area),
        rim=_sums(group, size, graph.rim),
        line=graph.line[keep],
        first=pairs // max(size, 1),
        second=pairs % max(size, 1),
        border=_sums(inverse, len(pairs), graph.border[apart]),
    )


def components(size: int, first: Ints, second: Ints) -> Ints:
    """Number of the connected component of each of `size` nodes, in the order of their nodes."""
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(size, size))
    _, found = connected_components(links, directed=False)
    _, order, inverse = np.unique(found, return_index=True, return_inverse=True)
    rank = np.empty(len(order), np.int64)
    rank[np.argsort(order)] = np.arange(len(order))
    return np.asarray(rank[inverse])


def fuse(graph: RegionGraph) -> tuple[RegionGraph, Ints]:
    """Unite neighbours with equal classes in all years.

    Returns
    -------
    RegionGraph
        The united regions; one is a line if one of its parts is.
    numpy.ndarray
        The new number of each region, shape (n,).
    """
    same = (graph.codes[graph.first] == graph.codes[graph.second]).all(axis=1)
    group = components(len(graph), graph.first[same], graph.second[same])
    if len(graph) == 0 or group.max() + 1 == len(graph):
        return graph, np.arange(len(graph))
    size = int(group.max()) + 1
    # The part that is kept: a line when there is one, else the first.
    order = np.lexsort((np.arange(len(graph)), ~graph.line))[::-1]
    keep = np.zeros(size, np.int64)
    keep[group[order]] = order
    return contract(graph, group, keep), group
