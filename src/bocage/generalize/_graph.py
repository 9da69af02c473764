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
def _find(parent: Labels, item: int) -> int:
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
                up = _find(parent, labels[y - 1, x])
            if x > 0 and domain[y, x - 1] and pair[y, x - 1] == pair[y, x]:
                left = _find(parent, labels[y, x - 1])
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
            final[item] = final[_find(parent, item)]
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
    count = int(labels.max()) + 1
    flat = labels.ravel()
    used = flat >= 0
    example = np.zeros(count, np.int64)
    places = np.flatnonzero(used)
    example[flat[places][::-1]] = places[::-1]
    first, second, border, rim = _borders(labels, count)
    return RegionGraph(
        codes=classes.reshape(len(classes), -1)[:, example].T.copy(),
        area=_sums(flat[used & inside.ravel()], count) * pixel**2,
        rim=rim * pixel,
        line=np.bincount(flat[used & locked.ravel()], minlength=count) > 0,
        first=first,
        second=second,
        border=border * pixel,
    )


def _borders(labels: Labels, count: int) -> tuple[Ints, Ints, Floats, Floats]:
    padded = np.pad(labels, 1, constant_values=-1)
    keys, rim = [], np.zeros(count)
    for one, two in ((padded[:, :-1], padded[:, 1:]), (padded[:-1], padded[1:])):
        differ = one != two
        a, b = one[differ].astype(np.int64), two[differ].astype(np.int64)
        low, high = np.minimum(a, b), np.maximum(a, b)
        rim += np.bincount(high[low < 0], minlength=count)
        keys.append(low[low >= 0] * count + high[low >= 0])
    pairs, length = np.unique(np.concatenate(keys), return_counts=True)
    return pairs // max(count, 1), pairs % max(count, 1), length.astype(np.float64), rim


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
