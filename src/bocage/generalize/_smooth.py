"""Shaping of traced borders: smoothed, simplified, and backed off where they would clash."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from affine import Affine

from bocage.errors import RunError
from bocage.generalize._arcs import Arcs
from bocage.generalize._clash import clashes
from bocage.generalize._drafting import (
    STAIRS,
    Levels,
    Request,
    Shift,
    Style,
    points_of,
    replaced,
    vertices,
)
from bocage.generalize._graph import Bools, Ints
from bocage.generalize._topology import twisted


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
    request
        What was asked for.
    """

    arcs: Arcs
    level: Levels
    fresh: Bools
    request: Request


def shape(
    arcs: Arcs,
    style: Style,
    frozen: Bools,
    transform: Affine,
    *,
    offset: Shift | None = None,
    grid_m: float = 0.001,
    before: Shaped | None = None,
    threads: int = 1,
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
        whose smoothing has to do with theirs, are shaped.
    threads
        That work at once; the outcome does not depend on their number.

    Returns
    -------
    Shaped
        The arcs in map coordinates, and how far each was backed off.

    Raises
    ------
    RunError
        If the grid is too coarse for the pixels.
    """
    request, scale = _asked(arcs, style, frozen, offset), 1 / grid_m
    points, starts, level, changed = _begin(request, before, scale)
    fresh = changed.copy()
    reach = style.clamp + style.tolerance.max(initial=0)
    reach += float(np.abs(request.offset).max(initial=0)) * 2
    sense = 1 if transform.determinant < 0 else -1
    while True:
        new = vertices(request, level, changed, transform, scale, threads)
        points, starts = replaced(points, starts, changed, *new)
        bad = clashes(points, starts, request.nodes, changed)
        if not bad.any():
            bad = twisted(arcs, request.nodes, points, starts, sense, reach)
        if not bad.any():
            found = replace(arcs, points=points / scale, starts=starts)
            return Shaped(found, level, fresh, request)
        bad &= level < STAIRS
        if not bad.any():
            raise RunError(
                f"borders clash along the pixel edges on a grid of {grid_m:g} m",
                remedy="choose a grid that is much finer than the pixels",
            )
        level += bad
        # Nodes of what is back on the pixels have moved.
        changed = bad | request.touching(bad & (level == STAIRS))
        fresh |= changed


def _asked(arcs: Arcs, style: Style, frozen: Bools, offset: Shift | None) -> Request:
    """The request, with a shift of 0 where a point must not move."""
    shift = np.zeros(arcs.points.shape) if offset is None else offset.copy()
    shift[frozen] = 0
    return Request(arcs, style, frozen, shift)


def _begin(
    request: Request, before: Shaped | None, scale: float
) -> tuple[Ints, Ints, Levels, Bools]:
    """Vertices and levels to start from, and the arcs that have to be shaped."""
    count = len(request.arcs)
    points, starts = np.empty((0, 2), np.int64), np.zeros(count + 1, np.int64)
    level, changed = np.zeros(count, np.int8), np.ones(count, bool)
    if before is not None:
        unlike, origin = request.unlike(before.request)
        changed = request.around(unlike)
        kept = np.flatnonzero(~changed)
        level[kept] = before.level[origin[kept]]
        take = points_of(before.arcs.starts, origin[kept])
        size = np.zeros(count, np.int64)
        size[kept] = np.diff(before.arcs.starts)[origin[kept]]
        starts = np.concatenate([[0], np.cumsum(size)])
        points = np.rint(before.arcs.points[take] * scale).astype(np.int64)
    return points, starts, level, changed
