"""Borders between labelled regions as arcs, traced from the raster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Ints, Labels

NODE = 16
"""Flag of a corner where three or four cracks meet, beside the bits of its arms."""


@dataclass(frozen=True)
class Arcs:
    """Borders between two labels each, from node to node or around an island.

    Attributes
    ----------
    points
        Vertices (x, y), shape (n, 2): column and row of pixel corners, y downwards, int32,
        where they come from `trace_arcs`; map coordinates, float64, after shaping.
    starts
        Arc k has the points ``starts[k]:starts[k + 1]``, shape (m + 1,).
    left, right
        Label on either side in the direction of travel on a map (north up), -1 outside,
        shape (m,).
    closed
        Rings without a node, shape (m,); their first point is stored again as the last.
    """

    points: NDArray[Any]
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
    arms, cracks, nodes = arms_of(labels)
    points, starts, sides, open_arcs = walk(labels, arms, cracks, nodes)
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
def arms_of(labels: Labels) -> tuple[NDArray[np.uint8], int, int]:
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
                own |= np.uint8(NODE)
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
def walk(
    labels: Labels, arms: NDArray[np.uint8], cracks: int, nodes: int
) -> tuple[NDArray[np.int32], Ints, Ints, int]:
    """Follow all cracks, those of nodes first, then the rings; uses up `arms`."""
    most = 2 * nodes + cracks // 4 + 1
    points = np.empty((cracks + most, 2), np.int32)
    starts, sides = np.zeros(most + 1, np.int64), np.empty((most, 2), np.int64)
    step_x, step_y = (1, 0, -1, 0), (0, 1, 0, -1)
    arc = n = open_arcs = 0
    for rings in range(2):
        for row in range(arms.shape[0]):
            for column in range(arms.shape[1]):
                if arms[row, column] == 0 or (rings == 0 and arms[row, column] < NODE):
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
                        if left == 0 or left >= NODE:
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


def same_arcs(before: Arcs, after: Arcs) -> Ints:
    """Where other arcs hold each arc, with the same points in the same order.

    Parameters
    ----------
    before, after
        As `trace_arcs` gives them, in the same pixels.

    Returns
    -------
    numpy.ndarray
        The position in `before` of each arc of `after`, -1 where there is none, shape (m,).
    """
    if before is after:
        return np.arange(len(after))
    if not len(before) or not len(after):
        return np.full(len(after), -1, np.int64)
    known, wanted = _names(before), _names(after)
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
    found = order[place]
    size = np.diff(after.starts)
    same = (known[found] == wanted) & (np.diff(before.starts)[found] == size)
    arc = np.repeat(np.flatnonzero(same), size[same])
    here = np.arange(len(arc)) - np.repeat(np.cumsum(size[same]) - size[same], size[same])
    there = before.starts[found[arc]] + here
    differs = (before.points[there] != after.points[after.starts[arc] + here]).any(axis=1)
    same[arc[differs]] = False
    return np.where(same, found, -1)


def _names(arcs: Arcs) -> Ints:
    """A number for the first corner of each arc and the way in which it leaves it."""
    first = arcs.points[arcs.starts[:-1]].astype(np.int64)
    step = arcs.points[arcs.starts[:-1] + 1].astype(np.int64) - first
    return np.asarray((first[:, 1] << 33) + (first[:, 0] << 3) + 3 * step[:, 1] + step[:, 0] + 4)
