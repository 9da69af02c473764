"""Borders between labelled regions as arcs: traced from the raster, and tested for clashes."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Floats, Ints, Labels

_NODE = 16  # flag of a corner where three or four cracks meet, beside the bits of its arms


@dataclass(frozen=True)
class Arcs:
    """Borders between two labels each, from node to node or around an island.

    Attributes
    ----------
    points
        Vertices (x, y), shape (n, 2): column and row of pixel corners, y downwards, where
        they come from `trace_arcs`; map coordinates after shaping.
    starts
        Arc k has the points ``starts[k]:starts[k + 1]``, shape (m + 1,).
    left, right
        Label on either side in the direction of travel on a map (north up), -1 outside,
        shape (m,).
    closed
        Rings without a node, shape (m,); their first point is stored again as the last.
    """

    points: Floats
    starts: Ints
    left: Ints
    right: Ints
    closed: Bools

    def __len__(self) -> int:
        return len(self.left)


def trace_arcs(labels: Labels) -> Arcs:
    """Trace the borders of edge-connected regions along the pixel edges.

    Every edge between two pixels of different label (a crack) belongs to one arc. Arcs end
    at the corners where three or four cracks meet; they keep every corner on their way.

    Parameters
    ----------
    labels
        Region numbers, -1 outside, shape (y, x).

    Returns
    -------
    Arcs
        In the raster order of their first corners, in pixel coordinates. Rings start at
        their first corner in raster order.
    """
    arms, cracks, nodes = _arms(labels)
    points, starts, sides, open_arcs = _walk(labels, arms, cracks, nodes)
    first = points[starts[:-1]].astype(np.int64)
    order = np.argsort(first[:, 1] * (labels.shape[1] + 1) + first[:, 0], kind="stable")
    size = np.diff(starts)[order]
    ordered = np.concatenate([[0], np.cumsum(size)])
    take = np.arange(ordered[-1]) + np.repeat(starts[order] - ordered[:-1], size)
    return Arcs(
        points=points[take],
        starts=ordered,
        left=sides[order, 0],
        right=sides[order, 1],
        closed=order >= open_arcs,
    )


@numba.njit(cache=True)
def _arms(labels: Labels) -> tuple[NDArray[np.uint8], int, int]:
    """Cracks that leave each corner to the east (1), south (2), west (4) and north (8)."""
    height, width = labels.shape
    arms = np.zeros((height + 1, width + 1), np.uint8)
    cracks = nodes = 0
    for y in range(height + 1):
        before = -1
        for x in range(width + 1):
            here = labels[y, x] if y < height and x < width else -1
            above = labels[y - 1, x] if y > 0 and x < width else -1
            own = np.uint8(0)
            if here != above:
                own |= np.uint8(1)
                cracks += 1
            if here != before:
                own |= np.uint8(2)
                cracks += 1
            if x > 0:
                own |= np.uint8((arms[y, x - 1] & 1) << 2)
            if y > 0:
                own |= np.uint8((arms[y - 1, x] & 2) << 2)
            degree = (own & 1) + (own >> 1 & 1) + (own >> 2 & 1) + (own >> 3)
            if degree > 2:
                own |= np.uint8(_NODE)
                nodes += 1
            arms[y, x] = own
            before = here
    return arms, cracks, nodes


@numba.njit(cache=True)
def _sides(labels: Labels, x: int, y: int, way: int) -> tuple[int, int]:
    """Labels to the left and right of the crack that leaves a corner in a direction."""
    height, width = labels.shape
    row, column = y - (way == 3), x - (way == 2)
    # The pixel south or east of the crack, and the one across it.
    far_row, far_column = (row - 1, column) if way % 2 == 0 else (row, column - 1)
    here = labels[row, column] if row < height and column < width else -1
    far = labels[far_row, far_column] if far_row >= 0 and far_column >= 0 else -1
    return (far, here) if way in (0, 3) else (here, far)


@numba.njit(cache=True)
def _walk(
    labels: Labels, arms: NDArray[np.uint8], cracks: int, nodes: int
) -> tuple[Floats, Ints, Ints, int]:
    """Follow all cracks, those of nodes first, then the rings; uses up `arms`."""
    most = 2 * nodes + cracks // 4 + 1
    points = np.empty((cracks + most, 2))
    starts, sides = np.zeros(most + 1, np.int64), np.empty((most, 2), np.int64)
    step_x, step_y = (1, 0, -1, 0), (0, 1, 0, -1)
    arc = n = open_arcs = 0
    for rings in range(2):
        for row in range(arms.shape[0]):
            for column in range(arms.shape[1]):
                if arms[row, column] == 0 or (rings == 0 and arms[row, column] < _NODE):
                    continue
                for leave in range(4):
                    if not arms[row, column] >> leave & 1:
                        continue
                    x, y, way = column, row, leave
                    sides[arc] = _sides(labels, x, y, way)
                    points[n] = x, y
                    n += 1
                    while True:
                        arms[y, x] &= ~np.uint8(1 << way)
                        x, y = x + step_x[way], y + step_y[way]
                        arms[y, x] &= ~np.uint8(1 << (way + 2) % 4)
                        points[n] = x, y
                        n += 1
                        left = arms[y, x]
                        if left == 0 or left >= _NODE:
                            break
                        way = (left >> 1 & 1) + 2 * (left >> 2 & 1) + 3 * (left >> 3)
                    arc += 1
                    starts[arc] = n
        if rings == 0:
            open_arcs = arc
    return points[:n], starts[: arc + 1], sides[:arc], open_arcs


def end_nodes(arcs: Arcs) -> Ints:
    """Number of the node at the start and end of each arc, shape (m, 2); -1 for rings."""
    where = arcs.points[np.stack([arcs.starts[:-1], arcs.starts[1:] - 1], axis=1)]
    nodes = np.full((len(arcs), 2), -1, np.int64)
    ends = where[~arcs.closed].reshape(-1, 2)
    _, inverse = np.unique(ends[:, 1] + 1j * ends[:, 0], return_inverse=True)
    nodes[~arcs.closed] = inverse.reshape(-1, 2)
    return nodes


def clashes(points: Ints, starts: Ints, nodes: Ints, changed: Bools) -> Bools:
    """Find the arcs that cross, touch or overlap an arc elsewhere than in a common node.

    Parameters
    ----------
    points
        Vertices on an integer grid, so that the test is exact, shape (n, 2).
    starts
        First point of each arc, shape (m + 1,).
    nodes
        As `end_nodes` gives them, shape (m, 2).
    changed
        Arcs of which one at least must take part in a clash, shape (m,).

    Returns
    -------
    numpy.ndarray
        bool (m,). Arcs with a segment of no length are among them.
    """
    if not len(points):
        return np.zeros(len(nodes), bool)
    local = points - points.min(axis=0)
    # About two cells per segment: cells as large as the segments are long on average.
    size = int(np.sqrt(np.prod(local.max(axis=0) + 1.0) / (2.0 * len(points)))) + 1
    # What a vertex is: a node by its number, any other by its position in the list.
    name = np.arange(len(points)) + nodes.max(initial=-1) + 1
    ring = nodes[:, 0] < 0
    name[starts[1:] - 1] = np.where(ring, name[starts[:-1]], nodes[:, 1])
    name[starts[:-1]] = np.where(ring, name[starts[:-1]], nodes[:, 0])
    arc = np.repeat(np.arange(len(nodes)), np.diff(starts))
    return np.asarray(_clashes(local, arc, name, changed, size))


@numba.njit(cache=True)
def _span(points: Ints, i: int, row: int, size: int) -> tuple[int, int]:
    """Columns of cells that segment i may touch in a row of cells."""
    x, y = points[i]
    u, v = points[i + 1]
    low, high = 0.0, 1.0
    if y != v:
        enter, leave = (row * size - y) / (v - y), ((row + 1) * size - y) / (v - y)
        low, high = max(0.0, min(enter, leave)), min(1.0, max(enter, leave))
    a, b = x + low * (u - x), x + high * (u - x)
    return int(max(min(a, b) - 1, 0)) // size, int(max(a, b) + 1) // size


@numba.njit(cache=True)
def _cells(points: Ints, arc: Ints, size: int) -> tuple[Ints, Ints]:
    """Segments in each cell of a grid: offsets of the cells, and the segments in their order."""
    columns = points[:, 0].max() // size + 2
    offset = np.zeros((points[:, 1].max() // size + 1) * columns + 1, np.int64)
    members = np.empty(0, np.int64)
    for fill in range(2):
        for i in range(len(points) - 1):
            if arc[i] != arc[i + 1]:
                continue
            low, high = points[i, 1] // size, points[i + 1, 1] // size
            for row in range(min(low, high), max(low, high) + 1):
                first, last = _span(points, i, row, size)
                for cell in range(row * columns + first, row * columns + last + 1):
                    offset[cell + 1 - fill] += 1 - 2 * fill
                    if fill:
                        members[offset[cell]] = i
        if not fill:
            offset = np.cumsum(offset)
            members = np.empty(offset[-1], np.int64)
            # Filling counts each cell down from its end to its start.
            offset[:-1] = offset[1:]
    return offset, members


@numba.njit(cache=True)
def _clashes(points: Ints, arc: Ints, name: Ints, changed: Bools, size: int) -> Bools:
    bad = np.zeros(len(changed), np.bool_)
    for i in range(len(points) - 1):
        if arc[i] == arc[i + 1] and (points[i] == points[i + 1]).all():
            bad[arc[i]] = True
    offset, members = _cells(points, arc, size)
    for cell in range(len(offset) - 1):
        for p in range(offset[cell], offset[cell + 1]):
            i = members[p]
            for q in range(p + 1, offset[cell + 1]):
                j = members[q]
                if (changed[arc[i]] or changed[arc[j]]) and _meet(points, name, i, j):
                    bad[arc[i]] = bad[arc[j]] = True
    return bad


@numba.njit(cache=True)
def _turn(points: Ints, a: int, b: int, c: int) -> int:
    """Sign of the turn from a to b to c."""
    cross = (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1]) - (
        points[b, 1] - points[a, 1]
    ) * (points[c, 0] - points[a, 0])
    return int(cross > 0) - int(cross < 0)


@numba.njit(cache=True)
def _within(points: Ints, a: int, b: int, c: int) -> bool:
    """Whether c lies in the rectangle of a and b."""
    for side in range(2):
        low, high = points[a, side], points[b, side]
        if not min(low, high) <= points[c, side] <= max(low, high):
            return False
    return True


@numba.njit(cache=True)
def _meet(points: Ints, name: Ints, i: int, j: int) -> bool:
    """Whether two segments have more in common than a vertex that they share by name."""
    for side in range(2):
        if max(points[i, side], points[i + 1, side]) < min(points[j, side], points[j + 1, side]):
            return False
        if max(points[j, side], points[j + 1, side]) < min(points[i, side], points[i + 1, side]):
            return False
    common = 0
    for a in range(2):
        for b in range(2):
            if name[i + a] == name[j + b]:
                common += 1
                p, q, r = i + a, i + 1 - a, j + 1 - b
    if common > 1:
        return True
    if common == 1:
        ahead = (points[q, 0] - points[p, 0]) * (points[r, 0] - points[p, 0]) + (
            points[q, 1] - points[p, 1]
        ) * (points[r, 1] - points[p, 1])
        return bool(ahead > 0) and _turn(points, p, q, r) == 0
    c, d = _turn(points, i, i + 1, j), _turn(points, i, i + 1, j + 1)
    a, b = _turn(points, j, j + 1, i), _turn(points, j, j + 1, i + 1)
    if a * b < 0 and c * d < 0:
        return True
    return (
        (c == 0 and _within(points, i, i + 1, j))
        or (d == 0 and _within(points, i, i + 1, j + 1))
        or (a == 0 and _within(points, j, j + 1, i))
        or (b == 0 and _within(points, j, j + 1, i + 1))
    )
