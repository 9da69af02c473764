"""Borders traced tile by tile, joined to the arcs of the whole raster."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._arcs import NODE, Arcs, arms_of, walk
from bocage.generalize._graph import Bools, Ints, Labels


class Pieces(NamedTuple):
    """Arcs as far as their cracks belong to one tile.

    Attributes
    ----------
    points
        Corners (x, y) in the whole raster, int32 (n, 2).
    starts
        Piece k has the points ``starts[k]:starts[k + 1]``, shape (m + 1,).
    sides
        Label to the left and right of each, shape (m, 2).
    closed
        Rings without a node, shape (m,).
    """

    points: NDArray[np.int32]
    starts: Ints
    sides: Ints
    closed: Bools


def trace_tile(labels: Labels, corner: tuple[int, int], last: tuple[bool, bool]) -> Pieces:
    """Trace the cracks of a tile: those above and left of its pixels.

    Parameters
    ----------
    labels
        Region numbers in the whole raster, -1 outside, with one more pixel on each side than
        the tile.
    corner
        First row and column of the tile in the raster.
    last
        Whether the tile is in the last row, and in the last column, of tiles: then the cracks
        below, and right of, its pixels are its own too.
    """
    arms = arms_of(labels)[0]
    cracks, ends = _own(arms, *last)
    points, starts, sides, open_arcs = walk(labels, arms, cracks, ends)
    shift = np.array([corner[1] - 1, corner[0] - 1], np.int32)
    closed = np.arange(len(sides)) >= open_arcs
    return Pieces(points + shift, starts, sides, closed)


@numba.njit(cache=True)
def _own(arms: NDArray[np.uint8], last_row: bool, last_column: bool) -> tuple[int, int]:
    """Leave the cracks of the tile only, and make nodes of the corners where others go on."""
    height, width = arms.shape[0] - 3, arms.shape[1] - 3
    bottom, right = height + last_row, width + last_column  # last corners with own cracks + 1
    cracks = ends = 0
    for y in range(arms.shape[0]):
        for x in range(arms.shape[1]):
            own = arms[y, x]
            kept = own & NODE
            # Cracks to the east lie above a pixel of the tile, those to the south left of one.
            if 1 <= x <= width and 1 <= y <= bottom:
                kept |= own & 1
            if 1 <= y <= height and 1 <= x <= right:
                kept |= own & 2
            if 2 <= x <= width + 1 and 1 <= y <= bottom:
                kept |= own & 4
            if 2 <= y <= height + 1 and 1 <= x <= right:
                kept |= own & 8
            degree = (kept & 1) + (kept >> 1 & 1) + (kept >> 2 & 1) + (kept >> 3 & 1)
            cracks += (kept & 1) + (kept >> 1 & 1)
            if degree == 0:
                kept = np.uint8(0)
            elif degree == 1:
                kept |= NODE
            ends += kept >= NODE
            arms[y, x] = kept
    return cracks, ends


def join_pieces(pieces: list[Pieces], columns: int) -> tuple[Arcs, Ints]:
    """The arcs of the whole raster, as `trace_arcs` would give them.

    Parameters
    ----------
    pieces
        Those of all tiles.
    columns
        Columns of the raster.

    Returns
    -------
    Arcs
        In the raster order of their first corners.
    numpy.ndarray
        Which point of all pieces, one after the other, each point of the arcs is.
    """
    points = np.concatenate([p.points for p in pieces])
    shift = np.cumsum([0, *(len(p.points) for p in pieces)])
    starts = np.concatenate([[0], *(p.starts[1:] + s for p, s in zip(pieces, shift, strict=False))])
    sides = np.concatenate([p.sides for p in pieces])
    closed = np.concatenate([p.closed for p in pieces])
    place = points[:, 1].astype(np.int64) * (columns + 1) + points[:, 0]
    edges, offset, ring = _chains(_mates(place, starts, closed), closed)
    take, begin, back = _points_of(points, place, starts, edges, offset, ring)
    first = edges[offset[:-1]]
    turned = (first % 2 == 1) != back
    both = np.where(turned[:, None], sides[first // 2, ::-1], sides[first // 2])
    order = np.lexsort((_way(points, take, begin), place[take[begin[:-1]]]))
    size = np.diff(begin)[order]
    final = np.concatenate([[0], np.cumsum(size)])
    take = take[np.arange(final[-1]) + np.repeat(begin[order] - final[:-1], size)]
    arcs = Arcs(
        points=points[take],
        starts=final,
        left=both[order, 0],
        right=both[order, 1],
        closed=ring[order],
    )
    return arcs, take


def _mates(place: Ints, starts: Ints, closed: Bools) -> Ints:
    """The end of a piece that each end joins, -1 at nodes and for rings; shape (2m,).

    End 2k is the start of piece k, 2k + 1 its end. Nodes have three ends or more.
    """
    mate = np.full(2 * len(closed), -1, np.int64)
    ends = np.stack([starts[:-1], starts[1:] - 1], axis=1).ravel()
    loose = np.flatnonzero(np.repeat(~closed, 2))
    where = place[ends[loose]]
    order = np.argsort(where, kind="stable")
    loose, where = loose[order], where[order]
    begins = np.flatnonzero(np.diff(where, prepend=-1))
    pairs = begins[np.diff(np.append(begins, len(where))) == 2]
    mate[loose[pairs]], mate[loose[pairs + 1]] = loose[pairs + 1], loose[pairs]
    return mate


@numba.njit(cache=True)
def _chains(mate: Ints, closed: Bools) -> tuple[Ints, Ints, Bools]:
    """Pieces joined end to end: 2k is piece k in its own direction, 2k + 1 backwards."""
    count = len(closed)
    edges, offset = np.empty(count, np.int64), np.zeros(count + 1, np.int64)
    ring, seen = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    chains = n = 0
    for rings in range(2):
        for edge in range(2 * count):
            if seen[edge // 2] or (rings == 0 and mate[edge] >= 0):
                continue
            # An edge starts at the end of its own number.
            here = edge
            while here >= 0 and not seen[here // 2]:
                seen[here // 2] = True
                edges[n] = here
                n += 1
                here = mate[here ^ 1]
            ring[chains] = rings == 1 or closed[edge // 2]
            chains += 1
            offset[chains] = n
    return edges[:n], offset[: chains + 1], ring[:chains]


@numba.njit(cache=True)
def _points_of(
    points: NDArray[np.int32], place: Ints, starts: Ints, edges: Ints, offset: Ints, ring: Bools
) -> tuple[Ints, Ints, Bools]:
    """Points of chains in the direction of `trace_arcs`, where each begins, and if it turned."""
    take, begin = np.empty(len(points), np.int64), np.zeros(len(offset), np.int64)
    back = np.zeros(len(ring), np.bool_)
    n = 0
    for chain in range(len(ring)):
        first = n
        for edge in edges[offset[chain] : offset[chain + 1]]:
            a, b = starts[edge // 2], starts[edge // 2 + 1] - 1
            # A joint is stored once.
            for i in range(0 if n == first else 1, b - a + 1):
                take[n] = b - i if edge % 2 else a + i
                n += 1
        own = take[first:n]
        if ring[chain]:
            low = np.argmin(place[own[:-1]])
            turned = np.concatenate((own[low:-1], own[:low], own[low : low + 1]))
            # Rings leave their first corner to the east.
            back[chain] = points[turned[1], 0] == points[turned[0], 0]
            own[:] = turned
        else:
            a, b = place[own[0]], place[own[-1]]
            back[chain] = b < a or (
                a == b and _leaves(points, own[-1], own[-2]) < _leaves(points, own[0], own[1])
            )
        if back[chain]:
            own[:] = own[::-1].copy()
        begin[chain + 1] = n
    return take[:n], begin, back


@numba.njit(cache=True)
def _leaves(points: NDArray[np.int32], here: int, there: int) -> int:
    """Way from a corner to the next: east 0, south 1, west 2, north 3."""
    x, y = points[there, 0] - points[here, 0], points[there, 1] - points[here, 1]
    if y == 0:
        return 0 if x > 0 else 2
    return 1 if y > 0 else 3


@numba.njit(cache=True)
def _way(points: NDArray[np.int32], take: Ints, begin: Ints) -> Ints:
    """Way in which each arc leaves its first corner."""
    way = np.empty(len(begin) - 1, np.int64)
    for arc in range(len(way)):
        way[arc] = _leaves(points, take[begin[arc]], take[begin[arc] + 1])
    return way
