"""Shaping of traced borders: smoothed, simplified, and backed off where they would clash."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bocage.errors import RunError
from bocage.generalize._arcs import Arcs, end_nodes, same_arcs
from bocage.generalize._clash import clashes
from bocage.generalize._graph import Bools, Floats, Ints
from bocage.generalize._relax import relax, turn_rings
from bocage.generalize._simplify import choose, rounded
from bocage.generalize._topology import twisted

Levels = NDArray[np.int8]
Shift = NDArray[np.floating]

_STAIRS = 3  # level at which an arc runs along the pixel edges again


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
class _Draft:
    """Arcs at work: corners and their smoothed places, in pixels, and how far backed off."""

    arcs: Arcs
    nodes: Ints
    frozen: Bools
    places: Floats
    keep: Bools


@dataclass(frozen=True)
class _Request:
    """What was asked for."""

    arcs: Arcs
    style: Style
    frozen: Bools
    offset: Shift

    def unlike(self, other: _Request) -> tuple[Bools, Ints]:
        """Arcs that the other request does not have, or not so; where it has each, or -1."""
        origin = same_arcs(other.arcs, self.arcs)
        unlike = origin < 0
        unlike |= self.style.steps != other.style.steps[origin]
        unlike |= self.style.tolerance != other.style.tolerance[origin]
        alike = np.flatnonzero(~unlike)
        here, there = _points_of(self.arcs, alike), _points_of(other.arcs, origin[alike])
        differs = self.frozen[here] != other.frozen[there]
        differs |= (self.offset[here] != other.offset[there]).any(axis=1)
        arc = np.repeat(alike, np.diff(self.arcs.starts)[alike])
        unlike[arc[differs]] = True
        return unlike, origin


@dataclass(frozen=True)
class Shaped:
    """Shaped arcs, and how they came about.

    Attributes
    ----------
    arcs
        In map coordinates.
    level
        How far each arc was backed off, int8 (m,): 0 not at all, 1 a quarter of the
        tolerance, 2 smoothed but not simplified, 3 pixel edges.
    fresh
        Arcs that were shaped and not taken over, shape (m,).
    """

    arcs: Arcs
    level: Levels
    fresh: Bools
    request: _Request
    draft: _Draft


def shape_arcs(arcs: Arcs, style: Style, frozen: Bools, offset: Shift | None = None) -> Arcs:
    """Smooth and simplify arcs, without a test for clashes.

    Parameters
    ----------
    arcs
        As `trace_arcs` gives them.
    style
        Steps and tolerances of the arcs.
    frozen
        Points that must not move nor be left out of a bend, shape (n,).
    offset
        Shift that is added to the points before smoothing, pixels, shape (n, 2).

    Returns
    -------
    Arcs
        In pixel coordinates. Rings start where they bend most.
    """
    draft = _draft(_asked(arcs, style, frozen, offset))
    _thin(draft, style.tolerance.astype(np.float64), np.ones(len(arcs), bool))
    size = np.add.reduceat(draft.keep, arcs.starts[:-1]) if len(arcs) else np.empty(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(size)])
    return replace(arcs, points=draft.places[draft.keep], starts=starts)


def to_map(arcs: Arcs, transform: Affine, grid_m: float = 0.001) -> Arcs:
    """Arcs in map coordinates on a grid, without vertices that fall on the one before.

    Parameters
    ----------
    arcs
        In pixel coordinates.
    transform
        Affine transform from pixel to map coordinates.
    grid_m
        Spacing of the grid, m.
    """
    every = np.ones(len(arcs.points), bool)
    points, starts = rounded(arcs.points, arcs.starts, every, transform[:6], 1 / grid_m)
    return replace(arcs, points=points / (1 / grid_m), starts=starts)


def shape(
    arcs: Arcs,
    style: Style,
    frozen: Bools,
    transform: Affine,
    *,
    offset: Shift | None = None,
    grid_m: float = 0.001,
    before: Shaped | None = None,
) -> Shaped:
    """Smooth and simplify arcs such that they still bound the same faces, in map coordinates.

    Arcs that would clash with one another, or whose faces would change sides, are backed off
    level by level until none is left.

    Parameters
    ----------
    arcs
        As `trace_arcs` gives them.
    style
        Steps and tolerances of the arcs.
    frozen
        Points that must not move nor be left out of a bend, shape (n,).
    transform
        Affine transform from pixel to map coordinates.
    offset
        Shift that is added to the points before smoothing, pixels, shape (n, 2); it may
        differ between the ends of arcs at one node, which then takes the mean.
    grid_m
        Spacing of the grid of the coordinates, m, well below the pixel size.
    before
        An outcome that is taken over where nothing has changed: only other arcs, and those
        that share a node with them, are shaped.

    Returns
    -------
    Shaped
        The arcs in map coordinates, and how far each was backed off.

    Raises
    ------
    RunError
        If the grid is too coarse for the pixels.
    """
    request = _asked(arcs, style, frozen, offset)
    draft, level, changed = _begin(request, before)
    fresh = changed.copy()
    reach = style.clamp + style.tolerance.max(initial=0)
    reach += float(np.abs(request.offset).max(initial=0)) * 2
    sense = 1 if transform.determinant < 0 else -1
    while True:
        share = np.array([1.0, 0.25, 0.0, 0.0])[level]
        _thin(draft, style.tolerance * share, changed)
        points, starts = rounded(draft.places, arcs.starts, draft.keep, transform[:6], 1 / grid_m)
        bad = clashes(points, starts, draft.nodes, changed)
        if not bad.any():
            bad = twisted(draft.arcs, draft.nodes, points, starts, sense, reach)
        if not bad.any():
            found = replace(arcs, points=points / (1 / grid_m), starts=starts)
            return Shaped(found, level, fresh, request, draft)
        bad &= level < _STAIRS
        if not bad.any():
            raise RunError(
                f"borders clash along the pixel edges on a grid of {grid_m:g} m",
                remedy="choose a grid that is much finer than the pixels",
            )
        level += bad
        changed = bad | _restored(draft, bad & (level == _STAIRS))
        fresh |= changed


def _asked(arcs: Arcs, style: Style, frozen: Bools, offset: Shift | None) -> _Request:
    """The request, with a shift of 0 where a point must not move."""
    shift = np.zeros(arcs.points.shape) if offset is None else offset.copy()
    shift[frozen] = 0
    return _Request(arcs, style, frozen, shift)


def _begin(request: _Request, before: Shaped | None) -> tuple[_Draft, Levels, Bools]:
    """The smoothed arcs, their levels, and which of them are to be simplified."""
    level = np.zeros(len(request.arcs), np.int8)
    if before is None:
        return _draft(request), level, np.ones(len(level), bool)
    unlike, origin = request.unlike(before.request)
    draft = _draft(request, before.draft, unlike, origin)
    active = _touching(draft.nodes, unlike)
    level[~active] = before.level[origin[~active]]
    return draft, level, active


def _draft(
    request: _Request,
    before: _Draft | None = None,
    unlike: Bools | None = None,
    origin: Ints | None = None,
) -> _Draft:
    """Smoothed arcs; rings start where they bend most.

    With a draft to start from, arcs that are not `unlike` those of their `origin` in it, and
    do not share a node with one that is, are taken over.
    """
    arcs, style = request.arcs, request.style
    nodes = end_nodes(arcs)
    corners, places = arcs.points.copy(), arcs.points + request.offset.astype(np.float64)
    frozen, keep = request.frozen.copy(), np.zeros(len(corners), bool)
    # The start of a ring is stored twice, and is one point.
    first, last = arcs.starts[:-1][arcs.closed], arcs.starts[1:][arcs.closed] - 1
    frozen[first] |= frozen[last]
    frozen[last], places[last] = frozen[first], places[first]
    active = np.ones(len(arcs), bool)
    if before is not None and unlike is not None and origin is not None:
        active = _touching(nodes, unlike)
        here = _points_of(arcs, np.flatnonzero(~active))
        there = _points_of(before.arcs, origin[~active])
        corners[here], places[here] = before.arcs.points[there], before.places[there]
        frozen[here], keep[here] = before.frozen[there], before.keep[there]
    wanted, steps = np.flatnonzero(active), np.asarray(style.steps, np.int64)
    relax(places, arcs.starts, nodes, steps, frozen, wanted, style.clamp)
    turn_rings(corners, places, frozen, arcs.starts, arcs.closed, wanted)
    return _Draft(replace(arcs, points=corners), nodes, frozen, places, keep)


def _touching(nodes: Ints, arcs: Bools) -> Bools:
    """Some arcs and those that share a node with one of them, shape (m,)."""
    met = np.zeros(nodes.max(initial=-1) + 2, bool)  # the last one stands for rings
    met[nodes[arcs]] = True
    met[-1] = False
    return np.asarray(arcs | met[nodes].any(axis=1))


def _points_of(arcs: Arcs, which: Ints) -> Ints:
    """Positions of the points of some arcs, one arc after the other."""
    size = np.diff(arcs.starts)[which]
    begin = np.cumsum(size) - size
    return np.asarray(np.arange(size.sum()) + np.repeat(arcs.starts[which] - begin, size))


def _thin(draft: _Draft, tolerance: Floats, wanted: Bools) -> None:
    """Choose the vertices of the wanted arcs again."""
    choose(draft.places, draft.arcs.starts, draft.frozen, tolerance, wanted, draft.keep)


def _restored(draft: _Draft, stairs: Bools) -> Bools:
    """Put arcs and their nodes back on the pixel corners.

    Returns
    -------
    numpy.ndarray
        All arcs that changed by it, since their nodes moved, shape (m,).
    """
    starts, corners = draft.arcs.starts, draft.arcs.points
    points = np.repeat(stairs, np.diff(starts))
    draft.places[points] = corners[points]
    moved = np.zeros(draft.nodes.max(initial=-1) + 1, bool)
    ends = draft.nodes[stairs]
    moved[ends[ends >= 0]] = True
    touched = (draft.nodes >= 0) & np.append(moved, False)[draft.nodes]
    where = np.stack([starts[:-1], starts[1:] - 1], axis=1)[touched]
    draft.places[where] = corners[where]
    return np.asarray(touched.any(axis=1))
