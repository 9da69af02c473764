"""From labelled pixels to polygons: smoothed cracks, shared simplification, exact site limit."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.errors import RunError
from bocage.generalize._frame import GRID, PAD
from bocage.generalize._graph import Floats, Ints, Labels

Geometries = NDArray[np.object_]


def grow(labels: Labels, pixels: int = PAD) -> Labels:
    """Extend the regions by some pixels into what is no region, nearest first."""
    distance, (row, column) = ndimage.distance_transform_edt(labels < 0, return_indices=True)
    return np.where(distance <= pixels, labels[row, column], labels)


def crack_segments(labels: Labels) -> Floats:
    """Borders between labels as short segments in pixel coordinates, corners cut.

    Every border between two pixels (a crack) is represented by its midpoint. At a pixel corner
    where two cracks meet, their midpoints are joined, which turns the stairs of a raster
    into a slanting line; where three or four meet the corner is a node and is joined with
    each midpoint. No two segments cross, and each midpoint has exactly two, so the
    polygons between them form a valid coverage by construction.

    Parameters
    ----------
    labels
        Region numbers, shape (y, x).

    Returns
    -------
    numpy.ndarray
        float64 (s, 2, 2): start and end as (x, y) in pixel units, y downwards.
    """
    padded = np.pad(labels, 1, constant_values=-2)
    # Cracks that leave a corner (row, column) to the north, south, west and east.
    upright = padded[:, :-1] != padded[:, 1:]
    level = padded[:-1] != padded[1:]
    north, south = upright[:-1], upright[1:]
    west, east = level[:, :-1], level[:, 1:]
    arms = np.stack([north, south, west, east]).astype(np.int8)
    degree = arms.sum(axis=0)
    offsets = np.array([(0.0, -0.5), (0.0, 0.5), (-0.5, 0.0), (0.5, 0.0)])
    row, column = np.nonzero(degree == 2)
    ends = arms[:, row, column]
    first, last = ends.argmax(axis=0), 3 - ends[::-1].argmax(axis=0)
    corner = np.stack([column, row], axis=1).astype(np.float64)
    passing = np.stack([corner + offsets[first], corner + offsets[last]], axis=1)
    row, column = np.nonzero(degree > 2)
    node = np.stack([column, row], axis=1).astype(np.float64)
    which, arm = np.nonzero(arms[:, row, column].T)
    leaving = np.stack([node[which], node[which] + offsets[arm]], axis=1)
    return np.concatenate([passing, leaving])


def region_polygons(labels: Labels, transform: Affine) -> tuple[Geometries, Ints]:
    """Polygons of labelled regions as a valid coverage.

    Returns
    -------
    numpy.ndarray
        Polygons.
    numpy.ndarray
        The label of each.
    """
    segments = crack_segments(labels).reshape(-1, 2)
    x, y = _map(transform, segments[:, 0], segments[:, 1])
    lines = np.asarray(shapely.linestrings(np.stack([x, y], axis=1).reshape(-1, 2, 2)))
    faces = shapely.get_parts(shapely.polygonize(lines))
    points = shapely.get_coordinates(shapely.point_on_surface(faces))
    column, row = _map(~transform, points[:, 0], points[:, 1])
    found = _label_at(labels, row, column)
    kept = found >= 0
    return faces[kept], found[kept]


def _map(transform: Affine, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )


def _label_at(labels: Labels, row: Floats, column: Floats) -> Ints:
    # A point of a face may lie in the corner that was cut off a pixel of another region, but
    # a point on the surface of a face is taken mid-way across it: only faces narrower than
    # half a pixel could be mistaken, and there are none.
    i = np.clip(np.floor(row).astype(np.int64), 0, labels.shape[0] - 1)
    j = np.clip(np.floor(column).astype(np.int64), 0, labels.shape[1] - 1)
    return labels[i, j].astype(np.int64)


def simplify(faces: Geometries, tolerance: float) -> Geometries:
    """Simplify the shared borders of a coverage; its outer border is left as it is.

    Visvalingam–Whyatt on the borders as they are shared, as GEOS does it.

    Raises
    ------
    RunError
        If the coverage is not valid after it.
    """
    if tolerance > 0:
        faces = shapely.coverage_simplify(faces, tolerance, simplify_boundary=False)
    if not shapely.coverage_is_valid(faces):
        raise RunError(
            "the polygons do not form a valid coverage after simplification",
            remedy="report the raster; generalize.tolerance_m: 0 avoids the simplification",
        )
    return np.asarray(faces)


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
