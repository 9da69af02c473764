"""The exact limit of the area: labels reach beyond it, polygons are cut at it."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.generalize._frame import GRID, PAD
from bocage.generalize._graph import Ints, Labels

Geometries = NDArray[np.object_]


def grow(labels: Labels, pixels: int = PAD) -> Labels:
    """Extend the regions by some pixels into what is no region, nearest first."""
    distance, (row, column) = ndimage.distance_transform_edt(labels < 0, return_indices=True)
    return np.where(distance <= pixels, labels[row, column], labels)


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
