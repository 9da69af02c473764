"""The exact limit of the area: labels reach beyond it, polygons are cut at it."""

from __future__ import annotations

import numba
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.generalize._frame import GRID, PAD
from bocage.generalize._graph import Ints, Labels

Geometries = NDArray[np.object_]


def grow(labels: Labels, pixels: int = PAD) -> Labels:
    """Extend the regions by some pixels into what is no region.

    The nearest pixel gives its label, the first in raster order of those that are equally near,
    so that windows of a raster and the whole of it grow alike.
    """
    return _grow(labels, pixels)


@numba.njit(cache=True)
def _grow(labels: Labels, pixels: int) -> Labels:
    height, width = labels.shape
    grown = labels.copy()
    distance = np.full((height, width), np.int16(pixels * pixels + 1))
    for y in range(height):
        for x in range(width):
            if labels[y, x] < 0 or not _at_rim(labels, y, x):
                continue
            for r in range(max(y - pixels, 0), min(y + pixels + 1, height)):
                for c in range(max(x - pixels, 0), min(x + pixels + 1, width)):
                    away = (r - y) ** 2 + (c - x) ** 2
                    if labels[r, c] < 0 and away < distance[r, c]:
                        distance[r, c], grown[r, c] = away, labels[y, x]
    return grown


@numba.njit(cache=True)
def _at_rim(labels: Labels, y: int, x: int) -> bool:
    """Whether a pixel touches one without a label."""
    for r in range(max(y - 1, 0), min(y + 2, labels.shape[0])):
        for c in range(max(x - 1, 0), min(x + 2, labels.shape[1])):
            if labels[r, c] < 0:
                return True
    return False


def cut_to(faces: Geometries, values: Ints, outline: BaseGeometry) -> tuple[Geometries, Ints]:
    """Node a coverage with the outline of the area on the 1 mm grid and keep what lies in it.

    Parameters
    ----------
    faces
        Polygons of a valid coverage that reaches beyond the area.
    values
        A value of each.
    outline
        The area.

    Returns
    -------
    numpy.ndarray
        Polygons on the 1 mm grid whose union is the area.
    numpy.ndarray
        The value of each.
    """
    lines = np.append(np.asarray(shapely.boundary(faces)), [shapely.boundary(outline)])
    noded = shapely.union_all(lines, grid_size=GRID)
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    points = shapely.point_on_surface(pieces)
    shapely.prepare(outline)
    inside = shapely.intersects(outline, points)
    pieces, points = pieces[inside], points[inside]
    tree = shapely.STRtree(faces)
    piece, face = tree.query(points, predicate="intersects")
    found = np.full(len(points), -1, np.int64)
    found[piece[::-1]] = face[::-1]
    lost = np.flatnonzero(found < 0)
    if len(lost):
        near = tree.query_nearest(points[lost], all_matches=False)
        found[lost[near[0]]] = near[1]
    return pieces, values[found]
