"""Polygons from arcs: half-edges linked to cycles, cycles cut into simple rings."""

from __future__ import annotations

import numba
import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.errors import RunError
from bocage.generalize._arcs import Arcs, end_nodes
from bocage.generalize._graph import Bools, Floats, Ints

Geometries = NDArray[np.object_]


def linked(points: Floats | Ints, starts: Ints, nodes: Ints, sense: int) -> Ints:
    """The half-edge that follows each one around the face on its left.

    Half-edge 2k is arc k in its own direction, 2k + 1 the same arc backwards. At a node the
    neighbour in angular order follows: faces that touch in a corner only stay apart.

    Parameters
    ----------
    points, starts
        Vertices and first points of the arcs, shapes (n, 2) and (m + 1,).
    nodes
        As `end_nodes` gives them, shape (m, 2).
    sense
        1 where y points north, -1 where y points south.

    Returns
    -------
    numpy.ndarray
        int64 (2m,).
    """
    follow = np.arange(2 * len(nodes))
    tail = nodes.ravel()
    ends = np.stack([starts[:-1], starts[1:] - 1], axis=1).ravel()
    inward = np.where(follow % 2, -1, 1)
    step = points[ends + inward] - points[ends] if len(ends) else np.zeros((0, 2))
    angle = np.arctan2(sense * step[:, 1], step[:, 0])
    order = np.lexsort((angle, tail))
    order = order[tail[order] >= 0]
    before = np.roll(order, 1)
    begins = np.flatnonzero(np.diff(tail[order], prepend=-1))
    before[begins] = order[np.append(begins, len(order))[1:] - 1]
    follow[order ^ 1] = before
    return follow


@numba.njit(cache=True)
def cycles(follow: Ints) -> Ints:
    """Number of the cycle of each half-edge, in the order of their first half-edges."""
    cycle = np.full(len(follow), -1, np.int64)
    count = 0
    for first in range(len(follow)):
        if cycle[first] >= 0:
            continue
        edge = first
        while cycle[edge] < 0:
            cycle[edge] = count
            edge = follow[edge]
        count += 1
    return cycle


@numba.njit(cache=True)
def swept(points: Floats | Ints, starts: Ints) -> Floats:
    """Signed area between each arc and the first of all points, shape (m,)."""
    area = np.zeros(len(starts) - 1)
    for arc in range(len(area)):
        for i in range(starts[arc], starts[arc + 1] - 1):
            x, y = points[i, 0] - points[0, 0], points[i, 1] - points[0, 1]
            u, v = points[i + 1, 0] - points[0, 0], points[i + 1, 1] - points[0, 1]
            area[arc] += (x * v - y * u) / 2
    return area


def faces(arcs: Arcs, label_of: Ints | None = None) -> tuple[Geometries, Ints]:
    """Assemble the polygons between arcs that do not cross.

    Parameters
    ----------
    arcs
        Borders in any coordinates, with those to the outside among them.
    label_of
        The value of each label, shape (labels,), where polygons of values are wanted
        rather than of labels; arcs with the same value on either side are left out. A value
        of -1 makes a label a part of the outside.

    Returns
    -------
    numpy.ndarray
        One valid polygon for each connected face whose value is not -1, sorted by value. Two
        parts that touch in a point only are two faces.
    numpy.ndarray
        The value of each, int64.
    """
    sides = np.stack([arcs.left, arcs.right], axis=1)
    if label_of is not None:
        sides = np.append(label_of, -1)[sides]
    arcs, sides = _select(arcs, sides)
    if not len(arcs):
        return np.empty(0, object), np.empty(0, np.int64)
    area = swept(arcs.points, arcs.starts)
    # The faces together have a positive area where y points north.
    sense = 1 if (area * ((sides[:, 0] >= 0) * 1 - (sides[:, 1] >= 0))).sum() > 0 else -1
    nodes = end_nodes(arcs)
    edges, offset, cycle = _rings(
        linked(arcs.points, arcs.starts, nodes, sense), nodes.ravel(), sides.ravel()
    )
    each = np.where(edges % 2, -1, 1) * area[edges // 2] * sense
    size = np.add.reduceat(each, offset[:-1]) if len(edges) else each
    value = sides.ravel()[edges[offset[:-1]]]
    coords, ends = _coordinates(arcs.points, arcs.starts, edges, offset)
    shell = _shells(size > 0, cycle, value, coords, ends)
    # Shells first, each followed by its holes.
    order = np.lexsort((np.arange(len(shell)), size < 0, shell, value[shell]))
    polygons = _polygons(coords, ends, order, size > 0)
    return polygons, value[order[size[order] > 0]]


def _select(arcs: Arcs, sides: Ints) -> tuple[Arcs, Ints]:
    """Leave out the arcs with the same value on either side."""
    kept = sides[:, 0] != sides[:, 1]
    if kept.all():
        return arcs, sides
    size = np.diff(arcs.starts)
    return Arcs(
        points=arcs.points[np.repeat(kept, size)],
        starts=np.concatenate([[0], np.cumsum(size[kept])]),
        left=sides[kept, 0],
        right=sides[kept, 1],
        closed=arcs.closed[kept],
    ), sides[kept]


@numba.njit(cache=True)
def _rings(follow: Ints, tail: Ints, value: Ints) -> tuple[Ints, Ints, Ints]:
    """Half-edges of simple rings: offsets and the cycle that each ring is a part of.

    A cycle that passes a node twice is cut there, so that a face that touches itself in a
    corner has a hole that touches its shell.
    """
    edges, offset = np.empty(len(follow), np.int64), np.zeros(len(follow) + 1, np.int64)
    cycle, seen = np.empty(len(follow), np.int64), np.zeros(len(follow), np.bool_)
    stack, place = np.empty(len(follow), np.int64), np.full(tail.max() + 1, -1, np.int64)
    rings = n = 0
    for first in range(len(follow)):
        if seen[first] or value[first] < 0:
            continue
        depth, edge = 0, first
        while not seen[edge]:
            seen[edge] = True
            if tail[edge] >= 0:
                place[tail[edge]] = depth
            stack[depth] = edge
            depth += 1
            edge = follow[edge]
            begin = place[tail[edge]] if tail[edge] >= 0 else 0
            if begin < 0:
                continue
            for i in range(begin, depth):
                edges[n] = stack[i]
                n += 1
                if tail[stack[i]] >= 0:
                    place[tail[stack[i]]] = -1
            depth = begin
            cycle[rings] = first
            rings += 1
            offset[rings] = n
    return edges[:n], offset[: rings + 1], cycle[:rings]


@numba.njit(cache=True)
def _coordinates(points: Floats, starts: Ints, edges: Ints, offset: Ints) -> tuple[Floats, Ints]:
    """Vertices of rings, the first repeated as the last, and where each ring begins."""
    total = len(offset) - 1
    for edge in edges:
        total += starts[edge // 2 + 1] - starts[edge // 2] - 1
    coords, ends = np.empty((total, 2)), np.zeros(len(offset), np.int64)
    n = 0
    for ring in range(len(offset) - 1):
        for edge in edges[offset[ring] : offset[ring + 1]]:
            first, last = starts[edge // 2], starts[edge // 2 + 1] - 1
            for i in range(last - first):
                coords[n] = points[last - i if edge % 2 else first + i]
                n += 1
        coords[n] = coords[ends[ring]]
        n += 1
        ends[ring + 1] = n
    return coords, ends


def _shells(outer: Bools, cycle: Ints, value: Ints, coords: Floats, ends: Ints) -> Ints:
    """The shell that each ring belongs to; a shell belongs to itself."""
    shell = np.where(outer, np.arange(len(outer)), -1)
    # Holes that were cut off a shell belong to it.
    of_cycle = np.full(cycle.max(initial=-1) + 1, -1)
    of_cycle[cycle[outer]] = np.flatnonzero(outer)
    shell = np.where(outer, shell, of_cycle[cycle])
    # Where a value has a single shell, it has the holes; else the smallest around each.
    number = np.bincount(value[outer], minlength=value.max(initial=-1) + 1)
    of_value = np.full(len(number), -1)
    of_value[value[outer]] = np.flatnonzero(outer)
    shell = np.where((shell < 0) & (number[value] == 1), of_value[value], shell)
    lost = np.flatnonzero(shell < 0)
    if len(lost):
        shells = np.flatnonzero(outer & np.isin(value, value[lost]))
        shell[lost] = _around(lost, shells, value, coords, ends)
    return shell


def _around(holes: Ints, shells: Ints, value: Ints, coords: Floats, ends: Ints) -> Ints:
    """The smallest shell of the same value around each hole."""
    around = _polygons(coords, ends, shells, np.ones(len(ends) - 1, bool))
    hole, found = shapely.STRtree(around).query(
        shapely.points(coords[ends[holes]]), predicate="within"
    )
    same = value[holes[hole]] == value[shells[found]]
    hole, found = hole[same], found[same]
    order = np.lexsort((shapely.area(around)[found], hole))
    hole, found = hole[order], found[order]
    which, first = np.unique(hole, return_index=True)
    if len(which) < len(holes):
        raise RunError(
            "a hole of a polygon lies in no polygon of its class",
            remedy="report the raster; the borders were not traced from it as they should be",
        )
    return np.asarray(shells[found[first]])


def _polygons(coords: Floats, ends: Ints, order: Ints, outer: Bools) -> Geometries:
    """Polygons of rings in the given order; each outer ring begins one."""
    size = np.diff(ends)[order]
    starts = np.concatenate([[0], np.cumsum(size)])
    take = np.arange(starts[-1]) + np.repeat(ends[order] - starts[:-1], size)
    begins = np.append(np.flatnonzero(outer[order]), len(order))
    return np.asarray(
        shapely.from_ragged_array(shapely.GeometryType.POLYGON, coords[take], (starts, begins))
    )
