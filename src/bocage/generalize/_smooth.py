"""Shaping of traced borders: smoothed, simplified, and backed off where they would clash."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bocage.errors import RunError
from bocage.generalize._arcs import Arcs, end_nodes
from bocage.generalize._clash import clashes
from bocage.generalize._faces import swept
from bocage.generalize._graph import Bools, Floats, Ints
from bocage.generalize._topology import twisted

Levels = NDArray[np.int8]

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


def shape_arcs(arcs: Arcs, style: Style, frozen: Bools, offset: Floats | None = None) -> Arcs:
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
    draft = _draft(arcs, style, frozen, offset)
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
    points, starts = _rounded(arcs.points, arcs.starts, every, transform[:6], 1 / grid_m)
    return replace(arcs, points=points / (1 / grid_m), starts=starts)


def shape(
    arcs: Arcs,
    style: Style,
    frozen: Bools,
    transform: Affine,
    *,
    offset: Floats | None = None,
    grid_m: float = 0.001,
) -> tuple[Arcs, Levels]:
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

    Returns
    -------
    Arcs
        In map coordinates.
    numpy.ndarray
        How far each arc was backed off, int8 (m,): 0 not at all, 1 a quarter of the
        tolerance, 2 smoothed but not simplified, 3 pixel edges.

    Raises
    ------
    RunError
        If the grid is too coarse for the pixels.
    """
    draft = _draft(arcs, style, frozen, offset)
    level = np.zeros(len(arcs), np.int8)
    reach = style.clamp + style.tolerance.max(initial=0)
    reach += 0.0 if offset is None else float(np.abs(offset).max(initial=0)) * 2
    sense = 1 if transform.determinant < 0 else -1
    changed = np.ones(len(arcs), bool)
    while True:
        share = np.array([1.0, 0.25, 0.0, 0.0])[level]
        _thin(draft, style.tolerance * share, changed)
        points, starts = _rounded(draft.places, arcs.starts, draft.keep, transform[:6], 1 / grid_m)
        bad = clashes(points, starts, draft.nodes, changed)
        if not bad.any():
            bad = twisted(draft.arcs, draft.nodes, points, starts, sense, reach)
        if not bad.any():
            return replace(arcs, points=points / (1 / grid_m), starts=starts), level
        bad &= level < _STAIRS
        if not bad.any():
            raise RunError(
                f"borders clash along the pixel edges on a grid of {grid_m:g} m",
                remedy="choose a grid that is much finer than the pixels",
            )
        level += bad
        changed = bad | _restored(draft, bad & (level == _STAIRS))


def _draft(arcs: Arcs, style: Style, frozen: Bools, offset: Floats | None) -> _Draft:
    """Smoothed arcs; rings start where they bend most."""
    nodes = end_nodes(arcs)
    corners, places, frozen = arcs.points.copy(), arcs.points.copy(), frozen.copy()
    if offset is not None:
        places += np.where(frozen[:, None], 0.0, offset)
    # The start of a ring is stored twice, and is one point.
    first, last = arcs.starts[:-1][arcs.closed], arcs.starts[1:][arcs.closed] - 1
    frozen[first] |= frozen[last]
    frozen[last], places[last] = frozen[first], places[first]
    steps = np.asarray(style.steps, np.int64)
    _relax(places, arcs.starts, nodes, steps, frozen, style.clamp)
    _turn_rings(corners, places, frozen, arcs.starts, arcs.closed)
    return _Draft(
        arcs=replace(arcs, points=corners),
        nodes=nodes,
        frozen=frozen,
        places=places,
        keep=np.zeros(len(corners), bool),
    )


@numba.njit(cache=True)
def _near(x: float, y: float, home: Floats, clamp: float) -> tuple[float, float]:
    """The point, or the nearest one within the clamp around its home."""
    u, v = x - home[0], y - home[1]
    square = u * u + v * v
    if square <= clamp * clamp:
        return x, y
    share = clamp / np.sqrt(square)
    return home[0] + share * u, home[1] + share * v


@numba.njit(cache=True)
def _relax(
    points: Floats, starts: Ints, nodes: Ints, steps: Ints, frozen: Bools, clamp: float
) -> None:
    """Binomial smoothing of all arcs and their nodes together, in place."""
    count = nodes.max() + 1 if nodes.size else 0
    place, degree = np.zeros((count, 2)), np.zeros(count)
    node_steps, fixed = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    for arc in range(len(nodes)):
        for side in range(2):
            node, end = nodes[arc, side], starts[arc + side] - side
            if node >= 0:
                place[node] += points[end]
                degree[node] += 1
                node_steps[node] = max(node_steps[node], steps[arc])
                fixed[node] |= frozen[end]
    for node in range(count):
        place[node] /= degree[node]
    for arc in range(len(nodes)):
        for side in range(2):
            node, end = nodes[arc, side], starts[arc + side] - side
            # A node that must not move is where its frozen end is.
            if node >= 0 and fixed[node] and frozen[end]:
                place[node] = points[end]
    _put_nodes(points, starts, nodes, place)
    home, node_home = points.copy(), place.copy()
    for step in range(steps.max() if len(steps) else 0):
        pull = np.zeros((count, 2))
        for arc in range(len(nodes)):
            if nodes[arc, 0] >= 0:
                pull[nodes[arc, 0]] += points[starts[arc] + 1]
                pull[nodes[arc, 1]] += points[starts[arc + 1] - 2]
        for arc in range(len(nodes)):
            if step < steps[arc]:
                ring = nodes[arc, 0] < 0
                _relax_arc(points, home, starts[arc], starts[arc + 1] - 1, ring, frozen, clamp)
        for node in range(count):
            if step < node_steps[node] and not fixed[node]:
                x, y = (place[node] + pull[node] / degree[node]) / 2
                place[node] = _near(x, y, node_home[node], clamp)
        _put_nodes(points, starts, nodes, place)
    for arc in range(len(nodes)):
        if nodes[arc, 0] < 0 and steps[arc] > 0:
            _refill(points, home, starts[arc], starts[arc + 1] - 1, frozen, clamp)


@numba.njit(cache=True)
def _put_nodes(points: Floats, starts: Ints, nodes: Ints, place: Floats) -> None:
    for arc in range(len(nodes)):
        if nodes[arc, 0] >= 0:
            points[starts[arc]] = place[nodes[arc, 0]]
            points[starts[arc + 1] - 1] = place[nodes[arc, 1]]


@numba.njit(cache=True)
def _relax_arc(
    points: Floats, home: Floats, first: int, last: int, ring: bool, frozen: Bools, clamp: float
) -> None:
    """One step along an arc; its ends move only if it is a ring."""
    x, y = points[first]
    u = (points[last - 1, 0] + 2 * x + points[first + 1, 0]) / 4
    v = (points[last - 1, 1] + 2 * y + points[first + 1, 1]) / 4
    for i in range(first + 1, last):
        old_x, old_y = points[i]
        if not frozen[i]:
            points[i] = _near(
                (x + 2 * old_x + points[i + 1, 0]) / 4,
                (y + 2 * old_y + points[i + 1, 1]) / 4,
                home[i],
                clamp,
            )
        x, y = old_x, old_y
    if ring and not frozen[first]:
        points[first] = _near(u, v, home[first], clamp)
        points[last] = points[first]


@numba.njit(cache=True)
def _refill(
    points: Floats, home: Floats, first: int, last: int, frozen: Bools, clamp: float
) -> None:
    """Give a ring that shrank its area back."""
    if frozen[first : last + 1].any():
        return
    ends = np.array([0, last + 1 - first])
    before = swept(home[first : last + 1], ends)[0]
    after = swept(points[first : last + 1], ends)[0]
    if before * after <= 0:
        return
    scale = np.sqrt(before / after)
    x, y = points[first:last, 0].mean(), points[first:last, 1].mean()
    for i in range(first, last + 1):
        points[i] = _near(
            x + scale * (points[i, 0] - x), y + scale * (points[i, 1] - y), home[i], clamp
        )


@numba.njit(cache=True)
def _turn_rings(
    corners: Floats, places: Floats, frozen: Bools, starts: Ints, closed: Bools
) -> None:
    """Let rings start where they bend most, lest their start become a false corner."""
    for arc in range(len(closed)):
        if not closed[arc]:
            continue
        first, n = starts[arc], starts[arc + 1] - 1 - starts[arc]
        reach, sharpest, best = max(1, min(4, n // 6)), 2.0, 0
        for i in range(n):
            a, b, c = first + (i - reach) % n, first + i, first + (i + reach) % n
            u, v = places[b] - places[a], places[c] - places[b]
            length = np.sqrt((u * u).sum() * (v * v).sum())
            cosine = (u * v).sum() / length if length > 0 else 1.0
            if cosine < sharpest - 1e-9:
                sharpest, best = cosine, i
        order = first + (np.arange(n + 1) + best) % n
        corners[first : first + n + 1] = corners[order]
        places[first : first + n + 1] = places[order]
        frozen[first : first + n + 1] = frozen[order]


def _thin(draft: _Draft, tolerance: Floats, wanted: Bools) -> None:
    """Choose the vertices of the wanted arcs again."""
    _choose(draft.places, draft.arcs.starts, draft.frozen, tolerance, wanted, draft.keep)


@numba.njit(cache=True)
def _choose(
    points: Floats, starts: Ints, frozen: Bools, tolerance: Floats, wanted: Bools, keep: Bools
) -> None:
    """Douglas–Peucker on each wanted arc; writes `keep`."""
    stack = np.empty((int(np.diff(starts).max()) + 4 if len(wanted) else 0, 2), np.int64)
    for arc in range(len(wanted)):
        if not wanted[arc]:
            continue
        first, last = starts[arc], starts[arc + 1] - 1
        keep[first : last + 1] = False
        keep[first] = keep[last] = True
        stack[0] = first, last
        depth = 1
        if (points[first] == points[last]).all():
            # An arc that ends where it starts is cut at its extremes first.
            far, depth = max(_farthest(points, frozen, first, last, 0.0), first + 1), 0
            for begin, end in ((first, far), (far, last)):
                middle = max(_farthest(points, frozen, begin, end, 0.0), begin)
                keep[end] = keep[middle] = True
                for piece in ((begin, middle), (middle, end)):
                    stack[depth] = piece
                    depth += 1
        while depth:
            depth -= 1
            a, b = stack[depth]
            i = _farthest(points, frozen, a, b, tolerance[arc])
            if i >= 0:
                keep[i] = True
                stack[depth], stack[depth + 1] = (a, i), (i, b)
                depth += 2


@numba.njit(cache=True)
def _farthest(points: Floats, frozen: Bools, a: int, b: int, tolerance: float) -> int:
    """The point between two others that is farthest from their segment, -1 if none is too far.

    For a frozen point any distance is too far.
    """
    x, y = points[a]
    u, v = points[b, 0] - x, points[b, 1] - y
    square = u * u + v * v
    best, found = 0.0, -1
    for i in range(a + 1, b):
        p, q = points[i, 0] - x, points[i, 1] - y
        along = min(1.0, max(0.0, (p * u + q * v) / square)) if square > 0 else 0.0
        p, q = p - along * u, q - along * v
        distance = p * p + q * q
        least = 1e-12 if frozen[i] else max(tolerance * tolerance, 1e-12)
        if distance > least and distance > best:
            best, found = distance, i
    return found


@numba.njit(cache=True)
def _rounded(
    points: Floats, starts: Ints, keep: Bools, transform: tuple[float, ...], scale: float
) -> tuple[Ints, Ints]:
    """Kept points in map coordinates as whole numbers of the grid, no two alike in a row."""
    a, b, c, d, e, f = transform
    rounded, n = np.empty((keep.sum(), 2), np.int64), 0
    begin = np.zeros(len(starts), np.int64)
    for arc in range(len(starts) - 1):
        for i in range(starts[arc], starts[arc + 1]):
            if not keep[i]:
                continue
            x, y = points[i]
            u = np.int64(np.rint((a * x + b * y + c) * scale))
            v = np.int64(np.rint((d * x + e * y + f) * scale))
            if i == starts[arc + 1] - 1:
                # The end stays; what fell on it goes.
                while n > begin[arc] + 1 and rounded[n - 1, 0] == u and rounded[n - 1, 1] == v:
                    n -= 1
            elif n > begin[arc] and rounded[n - 1, 0] == u and rounded[n - 1, 1] == v:
                continue
            rounded[n] = u, v
            n += 1
        begin[arc + 1] = n
    return rounded[:n].copy(), begin


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
