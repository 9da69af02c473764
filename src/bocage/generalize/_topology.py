"""Whether shaped arcs still bound the faces that they bounded in the raster."""

from __future__ import annotations

import numba
import numpy as np
import shapely

from bocage.generalize._arcs import Arcs
from bocage.generalize._faces import cycles, linked, swept
from bocage.generalize._graph import Bools, Floats, Ints, components


def twisted(arcs: Arcs, nodes: Ints, points: Ints, starts: Ints, sense: int, reach: float) -> Bools:
    """Arcs without a clash that bound other faces than in the raster.

    They do where arcs have another order around a node, a ring has turned inside out, or an
    island has got to the other side of a border.

    Parameters
    ----------
    arcs
        As they are in the raster, in pixel corners.
    nodes
        As `end_nodes` gives them, shape (m, 2).
    points, starts
        The shaped arcs on a grid of whole numbers, shapes (n, 2) and (m + 1,).
    sense
        1 where their y points north, -1 where it points south.
    reach
        How far a vertex may have moved, pixels.

    Returns
    -------
    numpy.ndarray
        bool (m,).
    """
    bad = np.zeros(len(arcs), bool)
    corners = arcs.points.astype(np.int64)
    follow = linked(corners, arcs.starts, nodes, -1)
    found = linked(points, starts, nodes, sense)
    wrong = np.flatnonzero(follow != found)
    if len(wrong):
        bad[np.concatenate([wrong, follow[wrong], found[wrong]]) // 2] = True
        return bad
    cycle = cycles(follow)
    before = -_round_area(cycle, swept(corners, arcs.starts))
    after = sense * _round_area(cycle, swept(points, starts))
    turned = (before > 0) != (after > 0)
    bad |= turned[cycle].reshape(-1, 2).any(axis=1)
    if bad.any():
        return bad
    return _strayed(arcs, nodes, corners, points, starts, cycle, before, 4 * reach)


def _round_area(cycle: Ints, area: Floats) -> Floats:
    """Signed area of each cycle from the areas that its arcs sweep."""
    return np.asarray(np.bincount(cycle, (area[:, None] * [1, -1]).ravel()), np.float64)


def _strayed(
    arcs: Arcs,
    nodes: Ints,
    corners: Ints,
    points: Ints,
    starts: Ints,
    cycle: Ints,
    area: Floats,
    size: float,
) -> Bools:
    """Islands that lie in another ring than before, and those rings.

    Only an island not larger than `size`, pixels, can be jumped by a border.
    """
    origin, bad = arcs.starts, np.zeros(len(arcs), bool)
    order = np.argsort(cycle, kind="stable")
    offset = np.searchsorted(cycle[order], np.arange(len(area) + 1))
    low, high = np.minimum.reduceat(corners, origin[:-1]), np.maximum.reduceat(corners, origin[:-1])
    low = np.minimum.reduceat(low[order // 2], offset[:-1])
    high = np.maximum.reduceat(high[order // 2], offset[:-1])
    islands = np.flatnonzero((area < 0) & ((high - low).max(axis=1) <= size))
    if not len(islands):
        return bad
    rings = np.flatnonzero(area > 0)
    boxes = np.asarray(shapely.box(*low[rings].T, *high[rings].T))
    around = shapely.box(*(low[islands] - size).T, *(high[islands] + size).T)
    island, ring = shapely.STRtree(boxes).query(around)
    island, ring = islands[island], rings[ring]
    group, own = _groups(nodes), order[offset[:-1]] // 2
    apart = group[own[island]] != group[own[ring]]
    pairs = np.stack([island[apart], ring[apart]], axis=1)
    hit = np.zeros(len(area), bool)
    hit[pairs[_moved(corners, origin, points, starts, order // 2, offset, pairs)]] = True
    bad |= hit[cycle].reshape(-1, 2).any(axis=1)
    return bad


@numba.njit(cache=True)
def _moved(
    corners: Ints,
    origin: Ints,
    points: Ints,
    starts: Ints,
    arcs: Ints,
    offset: Ints,
    pairs: Ints,
) -> Bools:
    """Which islands of pairs (island, ring) were inside the ring and are not, or inversely."""
    moved = np.zeros(len(pairs), np.bool_)
    for pair in range(len(pairs)):
        island, ring = pairs[pair]
        own, border = arcs[offset[island]], arcs[offset[ring] : offset[ring + 1]]
        moved[pair] = _inside(corners, origin, border, corners[origin[own]]) != _inside(
            points, starts, border, points[starts[own]]
        )
    return moved


def _groups(nodes: Ints) -> Ints:
    """Number of the connected group of each arc."""
    count, ring = int(nodes.max(initial=-1)) + 1, nodes[:, 0] < 0
    of_node = np.append(components(count, nodes[~ring, 0], nodes[~ring, 1]), -1)
    return np.where(ring, count + np.arange(len(nodes)), of_node[nodes[:, 0]])


@numba.njit(cache=True)
def _inside(points: Ints, starts: Ints, arcs: Ints, point: Ints) -> bool:
    """Whether a point that is on none of them lies within the ring that the arcs form."""
    inside = False
    x, y = point
    for arc in arcs:
        for i in range(starts[arc], starts[arc + 1] - 1):
            u, v = points[i, 0] - x, points[i, 1] - y
            p, q = points[i + 1, 0] - x, points[i + 1, 1] - y
            if (v > 0) != (q > 0) and (u * q - v * p > 0) == (q > v):
                inside = not inside
    return inside
