"""Smoothing of arcs together with the nodes that they share."""

from __future__ import annotations

import numba
import numpy as np

from bocage.generalize._faces import swept
from bocage.generalize._graph import Bools, Floats, Ints


@numba.njit(cache=True)
def _near(x: float, y: float, home: Floats, clamp: float) -> tuple[float, float]:
    """The point, or the nearest one within the clamp around its home."""
    u, v = x - home[0], y - home[1]
    square = u * u + v * v
    if square <= clamp * clamp:
        return x, y
    share = clamp / np.sqrt(square)
    return home[0] + share * u, home[1] + share * v


@numba.njit(cache=True, nogil=True)
def relax(
    points: Floats, starts: Ints, nodes: Ints, steps: Ints, frozen: Bools, clamp: float
) -> None:
    """Binomial smoothing of arcs and their nodes together, in place.

    Parameters
    ----------
    points, starts
        Vertices and first points of the arcs, shapes (n, 2) and (m + 1,).
    nodes
        As `end_nodes` gives them, shape (m, 2).
    steps
        Smoothing steps of each arc, shape (m,).
    frozen
        Points that do not move, shape (n,).
    clamp
        Largest move of a vertex.
    """
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


@numba.njit(cache=True, nogil=True)
def turn_rings(places: Floats, frozen: Bools, starts: Ints, rings: Bools) -> None:
    """Let rings start where they bend most, lest their start become a false corner."""
    for arc in range(len(rings)):
        if not rings[arc]:
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
        places[first : first + n + 1] = places[order]
        frozen[first : first + n + 1] = frozen[order]
