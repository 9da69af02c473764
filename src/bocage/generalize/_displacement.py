"""How far the borders of polygons lie from the borders of their classes in a raster."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.generalize._edges import Geometries
from bocage.generalize._graph import Codes, Floats, Ints

AT_RIM = 0.01
"""Points this near the rim of the mapped area, m, lie on it."""


class Displacement(NamedTuple):
    """Distances of points along borders, one row a point.

    Attributes
    ----------
    polygon
        Position of the polygon whose border it is, shape (n,).
    distance
        Distance in metres, shape (n,).
    """

    polygon: Ints
    distance: Floats


def displacement(
    polygons: Geometries,
    own: Codes,
    classes: Codes,
    transform: Affine,
    *,
    reach_m: float,
    rim: BaseGeometry | None = None,
) -> Displacement:
    """Distance from the borders of polygons to the nearest border of their class.

    A border between two polygons is looked at from both sides: for each of them against the
    class of that polygon, so that borders of other classes that happen to lie near do not
    make a displaced border look right.

    Parameters
    ----------
    polygons
        The polygons.
    own
        Class index of each, shape (n,).
    classes
        Class index of pixels, shape (y, x).
    transform
        Pixel corners to map coordinates; the pixels are square.
    reach_m
        Distances beyond this are this, m.
    rim
        The mapped area; its limit is exact and does not count. None: everything counts.

    Returns
    -------
    Displacement
        For points that are about a pixel apart along the borders.
    """
    points, polygon = _along(polygons, transform.a)
    if rim is not None:
        limit = shapely.boundary(rim)
        shapely.prepare(limit)
        free = ~shapely.dwithin(limit, shapely.points(points), AT_RIM)
        points, polygon = points[free], polygon[free]
    places = (points - [transform.c, transform.f]) / [transform.a, transform.e]
    reach = reach_m / transform.a
    return Displacement(polygon, _nearest(places, own[polygon], classes, reach) * transform.a)


def _along(polygons: Geometries, step: float) -> tuple[Floats, Ints]:
    """Points at equal distances along the rings of polygons, and the polygon of each."""
    rings, of_ring = shapely.get_rings(polygons, return_index=True)
    points, of_point = shapely.get_coordinates(rings, return_index=True)
    length = np.hypot(*np.diff(points, axis=0).T) * (of_point[1:] == of_point[:-1])
    total = np.concatenate([[0.0], np.cumsum(length)])
    first = np.searchsorted(of_point, np.arange(len(rings)))
    size = total[np.append(first, len(points))[1:] - 1] - total[first]
    count = np.maximum(np.rint(size / step), 1).astype(np.int64)
    ring = np.repeat(np.arange(len(rings)), count)
    number = np.arange(len(ring)) - np.repeat(np.cumsum(count) - count, count)
    where = total[first[ring]] + (number + 0.5) * (size / count)[ring]
    segment = np.searchsorted(total, where, side="right") - 1
    share = (where - total[segment]) / length[segment]
    found = points[segment] + share[:, None] * (points[segment + 1] - points[segment])
    return found, of_ring[ring].astype(np.int64)


@numba.njit(cache=True)
def _nearest(places: Floats, own: Codes, classes: Codes, reach: float) -> Floats:
    """Distance in pixels from each place to the nearest border of its class."""
    result = np.empty(len(places))
    for n in range(len(places)):
        x, y = places[n]
        column, row = math.floor(x), math.floor(y)
        best = reach
        # The pixels of a ring lie more than the number of the ring less one away.
        for ring in range(int(reach) + 2):
            if best <= ring - 1:
                break
            best = min(best, _in_ring(classes, own[n], x, y, row, column, ring))
        result[n] = best
    return result


@numba.njit(cache=True)
def _in_ring(
    classes: Codes, own: int, x: float, y: float, row: int, column: int, ring: int
) -> float:
    """Distance to the nearest border of a class among the pixels of a square ring."""
    height, width = classes.shape
    best = np.inf
    for r in range(max(row - ring, 0), min(row + ring + 1, height)):
        whole = abs(r - row) == ring
        step = 1 if whole or ring == 0 else 2 * ring
        for c in range(column - ring, column + ring + 1, step):
            if not 0 <= c < width or classes[r, c] != own:
                continue
            if c == 0 or classes[r, c - 1] != own:
                best = min(best, _to_crack(y, x, r, c))
            if c == width - 1 or classes[r, c + 1] != own:
                best = min(best, _to_crack(y, x, r, c + 1))
            if r == 0 or classes[r - 1, c] != own:
                best = min(best, _to_crack(x, y, c, r))
            if r == height - 1 or classes[r + 1, c] != own:
                best = min(best, _to_crack(x, y, c, r + 1))
    return best


@numba.njit(cache=True)
def _to_crack(along: float, across: float, begin: int, at: int) -> float:
    """Distance from a place to the side of a pixel, in coordinates along and across it."""
    beyond = max(begin - along, along - begin - 1, 0.0)
    return math.hypot(beyond, across - at)


def shared_length(polygons: Geometries) -> tuple[float, int]:
    """Length of the borders between polygons, m, and the number of their segments."""
    rings = shapely.get_rings(polygons)
    points, of_point = shapely.get_coordinates(rings, return_index=True)
    joined = of_point[1:] == of_point[:-1]
    start, end = points[:-1][joined], points[1:][joined]
    turned = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[turned], end[turned] = end[turned], start[turned].copy()
    segments: NDArray[np.float64] = np.concatenate([start, end], axis=1)
    segments = segments[np.lexsort(segments.T[::-1])]
    both = segments[1:][(segments[1:] == segments[:-1]).all(axis=1)]
    return float(np.hypot(*(both[:, 2:] - both[:, :2]).T).sum()), len(both)
