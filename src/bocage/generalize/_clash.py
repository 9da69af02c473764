"""Whether arcs cross, touch or overlap, tested exactly on a grid of whole numbers."""

from __future__ import annotations

import numba
import numpy as np

from bocage.generalize._graph import Bools, Ints


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
