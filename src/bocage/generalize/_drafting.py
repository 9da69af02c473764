"""Smoothed and simplified arcs, some at a time, as if all were shaped together."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bocage.generalize._arcs import Arcs, end_nodes, same_arcs
from bocage.generalize._graph import Bools, Floats, Ints
from bocage.generalize._relax import relax, turn_rings
from bocage.generalize._simplify import choose, rounded

Levels = NDArray[np.int8]
Shift = NDArray[np.floating]

STAIRS = 3
"""Level at which an arc runs along the pixel edges again."""

_SHARES = (1.0, 0.25, 0.0, 0.0)  # of the tolerance at each level
_POINTS = 1 << 20  # of arcs that are smoothed at once


@dataclass(frozen=True)
class Style:
    """How borders are shaped.

    Attributes
    ----------
    steps
        Smoothing steps of each arc, shape (m,). Twenty make slanting lines of stairs.
    tolerance
        Douglas–Peucker tolerance of each arc, pixels, shape (m,).
    clamp
        Largest move of a vertex by smoothing, pixels.
    """

    steps: Ints
    tolerance: Floats
    clamp: float = 2.0

    @classmethod
    def even(
        cls, count: int, steps: int = 20, tolerance: float = 0.28, clamp: float = 2.0
    ) -> Style:
        """The same style for a number of arcs."""
        return cls(np.full(count, steps), np.full(count, tolerance), clamp)


@dataclass(frozen=True)
class Request:
    """What is to be shaped, and how.

    Attributes
    ----------
    arcs
        As `trace_arcs` gives them.
    style
        Steps and tolerances of the arcs.
    frozen
        Points that must not move nor be left out of a bend, shape (n,).
    offset
        Shift that is added to the points before smoothing, pixels, shape (n, 2).
    """

    arcs: Arcs
    style: Style
    frozen: Bools
    offset: Shift

    @cached_property
    def nodes(self) -> Ints:
        """As `end_nodes` gives them, shape (m, 2)."""
        return end_nodes(self.arcs)

    @cached_property
    def _at_node(self) -> tuple[Ints, Ints]:
        """The arcs at each node: offsets, and the arcs one node after the other."""
        ends = np.flatnonzero(self.nodes.ravel() >= 0)
        order = ends[np.argsort(self.nodes.ravel()[ends], kind="stable")]
        count = np.bincount(self.nodes.ravel()[ends], minlength=self.nodes.max(initial=-1) + 1)
        return np.concatenate([[0], np.cumsum(count)]), order // 2

    def unlike(self, other: Request) -> tuple[Bools, Ints]:
        """Arcs that the other request does not have, or not so; where it has each, or -1."""
        origin = same_arcs(other.arcs, self.arcs)
        unlike = origin < 0
        unlike |= self.style.steps != other.style.steps[origin]
        unlike |= self.style.tolerance != other.style.tolerance[origin]
        alike = np.flatnonzero(~unlike)
        here, there = (
            points_of(self.arcs.starts, alike),
            points_of(other.arcs.starts, origin[alike]),
        )
        differs = self.frozen[here] != other.frozen[there]
        differs |= (self.offset[here] != other.offset[there]).any(axis=1)
        arc = np.repeat(alike, np.diff(self.arcs.starts)[alike])
        unlike[arc[differs]] = True
        return unlike, origin

    def around(self, which: Bools) -> Bools:
        """Some arcs, and those whose smoothing has to do with theirs, shape (m,).

        A step moves a point by its two neighbours, so that what happens farther along the arcs
        than there are steps is too far away.
        """
        steps = int(np.max(self.style.steps, initial=0))
        return _around(which, self.nodes, *self._at_node, np.diff(self.arcs.starts), steps)

    def touching(self, which: Bools) -> Bools:
        """Some arcs, and those that share a node with one of them, shape (m,)."""
        met = np.zeros(self.nodes.max(initial=-1) + 2, bool)  # the last one stands for rings
        met[self.nodes[which]] = True
        met[-1] = False
        return np.asarray(which | met[self.nodes].any(axis=1))


@numba.njit(cache=True)
def _around(
    which: Bools, nodes: Ints, offset: Ints, at_node: Ints, size: Ints, steps: int
) -> Bools:
    found = which.copy()
    far = np.full(len(offset), steps + 1, np.int64)  # steps from the arcs to each node
    queue = [0 for _ in range(0)]
    for arc in np.flatnonzero(which):
        for node in nodes[arc]:
            if node >= 0 and far[node] > 0:
                far[node] = 0
                queue.append(node)
    done = 0
    while done < len(queue):
        node = queue[done]
        done += 1
        for k in range(offset[node], offset[node + 1]):
            arc = at_node[k]
            found[arc] = True
            reach = far[node] + size[arc] - 1
            for other in nodes[arc]:
                if reach < far[other] and reach <= steps:
                    far[other] = reach
                    queue.append(other)
    return found


def points_of(starts: Ints, which: Ints) -> Ints:
    """Positions of the points of some arcs, one arc after the other."""
    size = np.diff(starts)[which]
    begin = np.cumsum(size) - size
    return np.asarray(np.arange(size.sum()) + np.repeat(starts[which] - begin, size))


def draft(request: Request, level: Levels, which: Ints) -> tuple[Floats, Bools, Ints]:
    """Smoothed places of some arcs, and which of them are vertices.

    Parameters
    ----------
    request
        All arcs.
    level
        How far each is backed off, shape (m,).
    which
        The arcs that are wanted, in order.

    Returns
    -------
    places
        In pixels, shape (n, 2). Rings start where they bend most.
    keep
        Whether each is a vertex.
    starts
        First place of each wanted arc.
    """
    wanted = np.zeros(len(request.arcs), bool)
    wanted[which] = True
    close = np.flatnonzero(request.around(wanted))
    take = points_of(request.arcs.starts, close)
    starts = _starts(np.diff(request.arcs.starts)[close])
    corners, nodes = request.arcs.points[take], request.nodes[close]
    places, frozen = corners + request.offset[take].astype(np.float64), request.frozen[take]
    ring = nodes[:, 0] < 0
    # The start of a ring is stored twice, and is one point.
    first, last = starts[:-1][ring], starts[1:][ring] - 1
    frozen[first] |= frozen[last]
    frozen[last], places[last] = frozen[first], places[first]
    _, short = np.unique(np.append(nodes.ravel(), -1), return_inverse=True)
    local = short[:-1].reshape(-1, 2) - 1
    steps = np.asarray(request.style.steps[close], np.int64)
    relax(places, starts, local, steps, frozen, request.style.clamp)
    own = wanted[close]
    _restore(places, corners, starts, local, level[close] == STAIRS)
    turn_rings(places, frozen, starts, ring & own)
    keep = np.zeros(len(places), bool)
    tolerance = request.style.tolerance[close] * np.array(_SHARES)[level[close]]
    choose(places, starts, frozen, tolerance, own, keep)
    mine = points_of(starts, np.flatnonzero(own))
    return places[mine], keep[mine], _starts(np.diff(starts)[own])


def _starts(size: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(size)]).astype(np.int64)


def _restore(
    places: Floats, corners: NDArray[np.int32], starts: Ints, nodes: Ints, stairs: Bools
) -> None:
    """Put arcs and their nodes back on the pixel corners."""
    if not stairs.any():
        return
    points = np.repeat(stairs, np.diff(starts))
    places[points] = corners[points]
    moved = np.zeros(nodes.max(initial=-1) + 2, bool)
    moved[nodes[stairs]] = True
    moved[-1] = False
    ends = np.stack([starts[:-1], starts[1:] - 1], axis=1)[moved[nodes]]
    places[ends] = corners[ends]


def vertices(
    request: Request,
    level: Levels,
    which: Bools,
    transform: Affine,
    scale: float,
    threads: int = 1,
) -> tuple[Ints, Ints]:
    """Vertices of some arcs in map coordinates as whole numbers of a grid.

    Parameters
    ----------
    request, level
        As `draft` takes them.
    which
        The arcs that are wanted, shape (m,).
    transform
        From pixel to map coordinates.
    scale
        Grid lines a map unit.
    threads
        That work at once.

    Returns
    -------
    numpy.ndarray
        The vertices, shape (n, 2).
    numpy.ndarray
        First vertex of each wanted arc.
    """

    def some(chunk: Ints) -> tuple[Ints, Ints]:
        places, keep, starts = draft(request, level, chunk)
        return rounded(places, starts, keep, transform[:6], scale)

    chunks = list(_chunks(np.flatnonzero(which), np.diff(request.arcs.starts)))
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(some, chunks))
    points = np.concatenate([np.empty((0, 2), np.int64), *(points for points, _ in found)])
    sizes = [np.empty(0, np.int64), *(np.diff(starts) for _, starts in found)]
    return points, _starts(np.concatenate(sizes))


def _chunks(which: Ints, size: Ints) -> Iterator[Ints]:
    """Arcs in groups of about `_POINTS` points."""
    if len(which):
        number = np.cumsum(size[which]) // _POINTS
        yield from np.split(which, np.flatnonzero(np.diff(number)) + 1)


def replaced(
    points: Ints, starts: Ints, which: Bools, others: Ints, other_starts: Ints
) -> tuple[Ints, Ints]:
    """Points of arcs with those of some arcs replaced."""
    size = np.diff(starts)
    size[which] = np.diff(other_starts)
    begin = _starts(size)
    result = np.empty((begin[-1], 2), np.int64)
    result[points_of(begin, np.flatnonzero(which))] = others
    kept = np.flatnonzero(~which)
    result[points_of(begin, kept)] = points[points_of(starts, kept)]
    return result, begin
