"""Edges of polygons, matched to the bit: who shares a border, and which borders fit nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
Positions = NDArray[np.int64]
Shapes = NDArray[np.object_]
Pairs = tuple[Positions, Positions, Floats]
"""First polygon, second polygon, length of line that they share, shape (p,) each."""

_CHUNK = 1 << 11  # polygons taken apart at a time; their coordinates are not kept
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@dataclass(frozen=True)
class Edges:
    """What the edges of a set of polygons say.

    An edge *fits* when exactly one other polygon has it too, run through the other way.

    Attributes
    ----------
    left, right, length
        Pairs of polygons (left < right) with identical edges and their length together in
        metres, shape (p,), sorted.
    lines, owner
        Edges that do not fit, joined to lines as long as nothing branches off, in the
        direction that has the polygon on the left, shape (m,), and the polygon of each.
    """

    left: Positions
    right: Positions
    length: Floats
    lines: Shapes
    owner: Positions


def match_edges(shapes: Shapes) -> Edges:
    """Match the edges of valid polygons (None has none) by sorting hashes of their ends."""
    key, owner, length, forward = _all_edges(shapes)
    order = np.argsort(key)
    starts = run_starts(key[order])
    del key
    one = starts[:-1][np.diff(starts) == 2]
    a, b = order[one], order[one + 1]
    same = (owner[a] != owner[b]) & (length[a] == length[b])
    good = same & (forward[a] != forward[b])
    twin = np.full(len(owner), -1, dtype=np.int32)  # the polygon on the other side
    twin[a[good]], twin[b[good]] = owner[b[good]], owner[a[good]]
    odd = same & ~good
    first, second = _within_runs(starts)
    first, second = np.append(a[odd], order[first]), np.append(b[odd], order[second])
    del order, starts, one, a, b, same, good, forward
    odd = (owner[first] != owner[second]) & (length[first] == length[second])
    first, second = first[odd], second[odd]
    pairs = _borders(owner, twin, length)
    odd_pairs = owner[first].astype(np.int64), owner[second].astype(np.int64), length[first]
    lines, line_owner = _loose_lines(shapes, owner, twin < 0)
    return Edges(*summed([pairs, odd_pairs], len(shapes)), lines, line_owner)


def run_starts(ranked: Keys) -> Positions:
    """Where runs of equal keys begin, and the end of all."""
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = ranked[1:] != ranked[:-1]
    return np.append(np.flatnonzero(first), len(ranked))


def _borders(owner: NDArray[np.int32], twin: NDArray[np.int32], length: Floats) -> Pairs:
    """Borders between polygons, an entry for each piece along a ring."""
    if len(owner) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    breaks = np.ones(len(owner), dtype=bool)
    breaks[1:] = (owner[1:] != owner[:-1]) | (twin[1:] != twin[:-1])
    begin = np.flatnonzero(breaks)
    # The same border stands in the ring of the other polygon once more.
    once = owner[begin] < twin[begin]
    sums = np.add.reduceat(length, begin)[once]
    begin = begin[once]
    return owner[begin].astype(np.int64), twin[begin].astype(np.int64), sums


def summed(found: Sequence[Pairs], count: int) -> Pairs:
    """One entry a pair of polygons (left < right) with the sum of its lengths, sorted."""
    first, second, length = (np.concatenate(c) for c in zip(*found, strict=True))
    key = np.minimum(first, second) * count + np.maximum(first, second)
    pair, inverse = np.unique(key, return_inverse=True)
    lengths = np.bincount(inverse, length, len(pair)).astype(np.float64)
    return pair // max(count, 1), pair % max(count, 1), lengths


def directed_keys(shapes: Shapes) -> tuple[NDArray[np.int32], Keys]:
    """Polygon of each edge, and a key that tells its direction too, in the order of the rings."""
    owners, keys = [np.zeros(0, np.int32)], [np.zeros(0, np.uint64)]
    for owner, start, end in edge_chunks(shapes):
        owners.append(owner)
        keys.append(_directed(start, end))
    return np.concatenate(owners), np.concatenate(keys)


def line_keys(lines: Shapes) -> Keys:
    """As `directed_keys`, of the edges of lines."""
    points, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    return _directed(points[:-1][same], points[1:][same])


def _directed(start: Floats, end: Floats) -> Keys:
    return (_vertex_hashes(start) * _MIX) ^ _vertex_hashes(end)


def _all_edges(shapes: Shapes) -> tuple[Keys, NDArray[np.int32], Floats, Bools]:
    """Key (same in both directions), polygon, length and direction of every edge."""
    most = int(shapely.get_num_coordinates(shapes).sum())
    key, owner = np.empty(most, dtype=np.uint64), np.empty(most, dtype=np.int32)
    length, forward = np.empty(most), np.empty(most, dtype=bool)
    done = 0
    for of, start, end in edge_chunks(shapes):
        here = slice(done, done := done + len(of))
        owner[here], length[here] = of, np.hypot(*(end - start).T)
        key[here], forward[here] = edge_keys(start, end)
    return key[:done], owner[:done], length[:done], forward[:done]


def edge_chunks(shapes: Shapes) -> Iterator[tuple[NDArray[np.int32], Floats, Floats]]:
    """Polygon, start and end of every edge that has a length, in the order of the rings."""
    for begin in range(0, len(shapes), _CHUNK):
        # All shells run the same way, so that polygons side by side run against each other.
        part = shapely.orient_polygons(shapes[begin : begin + _CHUNK])
        rings, of_ring = shapely.get_rings(part, return_index=True)
        points, ring = shapely.get_coordinates(rings, return_index=True)
        points += 0.0  # -0.0 becomes 0.0
        same = (ring[1:] == ring[:-1]) & (points[1:] != points[:-1]).any(axis=1)
        owner = (begin + of_ring[ring[:-1][same]]).astype(np.int32)
        yield owner, points[:-1][same], points[1:][same]


def _vertex_hashes(points: Floats) -> Keys:
    """A number for each point, equal for equal points."""
    words = np.ascontiguousarray(points).view(np.uint64)
    mixed: Keys = words[:, 0] * _MIX
    mixed ^= mixed >> _SHIFT
    mixed = (mixed ^ words[:, 1]) * _MIX
    mixed ^= mixed >> _SHIFT
    mixed *= _MIX
    return mixed ^ (mixed >> _SHIFT)


def edge_keys(start: Floats, end: Floats) -> tuple[Keys, Bools]:
    """Keys of edges, equal in both directions, and whether an edge runs to the larger hash."""
    one, other = _vertex_hashes(start), _vertex_hashes(end)
    mixed = (np.minimum(one, other) * _MIX) ^ np.maximum(one, other)
    mixed ^= mixed >> _SHIFT
    return mixed * _MIX, one < other


def _within_runs(starts: Positions) -> tuple[Positions, Positions]:
    """All pairs within runs of more than two equal keys, as positions in sorted order."""
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    size = np.diff(starts)
    for begin, count in zip(starts[:-1][size > 2], size[size > 2], strict=True):
        i, j = np.triu_indices(count, 1)
        first.append(begin + i)
        second.append(begin + j)
    return np.concatenate(first), np.concatenate(second)


def _loose_lines(
    shapes: Shapes, owner: NDArray[np.int32], loose: Bools
) -> tuple[Shapes, Positions]:
    """The edges that fit nothing as lines, and the polygon of each line."""
    where = np.unique(owner[loose])
    # The same polygons give the same edges in the same order.
    loose = loose[np.isin(owner, where)]
    chunks = list(edge_chunks(shapes[where]))
    if not chunks:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    of, start, end = (np.concatenate(c)[loose] for c in zip(*chunks, strict=True))
    breaks = np.ones(len(of), dtype=bool)
    breaks[1:] = (of[1:] != of[:-1]) | (start[1:] != end[:-1]).any(axis=1)
    _, inverse, count = np.unique(_vertex_hashes(start), return_inverse=True, return_counts=True)
    breaks |= count[inverse] > 1
    return _joined(start, end, breaks), where[of[breaks]].astype(np.int64)


def _joined(start: Floats, end: Floats, breaks: Bools) -> Shapes:
    """Lines along consecutive edges; a new one begins where it breaks."""
    line = np.cumsum(breaks) - 1
    last = np.append(breaks[1:], True)
    # Every edge gives its start, the last edge of a line its end too.
    place = np.arange(len(start)) + line
    points = np.empty((len(start) + int(last.sum()), 2))
    index = np.empty(len(points), dtype=np.int64)
    points[place], index[place] = start, line
    points[place[last] + 1], index[place[last] + 1] = end[last], line[last]
    found: Any = shapely.linestrings(points, indices=index)
    return np.asarray(found, dtype=object)
