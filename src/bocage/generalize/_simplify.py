"""Simplification of arcs, and their vertices on a grid of whole numbers."""

from __future__ import annotations

import numba
import numpy as np

from bocage.generalize._graph import Bools, Floats, Ints


@numba.njit(cache=True, nogil=True)
def choose(
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


@numba.njit(cache=True, nogil=True)
def rounded(
    points: Floats, starts: Ints, keep: Bools, transform: tuple[float, ...], scale: float
) -> tuple[Ints, Ints]:
    """Kept points in map coordinates as whole numbers of the grid, no two alike in a row."""
    a, b, c, d, e, f = transform
    whole, n = np.empty((keep.sum(), 2), np.int64), 0
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
                while n > begin[arc] + 1 and whole[n - 1, 0] == u and whole[n - 1, 1] == v:
                    n -= 1
            elif n > begin[arc] and whole[n - 1, 0] == u and whole[n - 1, 1] == v:
                continue
            whole[n] = u, v
            n += 1
        begin[arc + 1] = n
    return whole[:n].copy(), begin
