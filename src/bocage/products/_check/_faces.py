"""Areas that lines enclose, and how many polygons lie over each."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.products._check._edges import Shapes

_ATTEMPTS = 20
_GOLDEN = (5**0.5 - 1) / 2


def faces_of(lines: Shapes) -> Shapes:
    """Areas that lines enclose, which meet at their ends only."""
    found = shapely.polygonize(shapely.get_parts(lines))
    return np.asarray(shapely.get_parts(found), dtype=object)


def crossed(lines: Shapes) -> Shapes:
    """Areas that any lines enclose: they are cut where they cross."""
    faces = faces_of(np.array([shapely.union_all(lines)], dtype=object))
    return faces[shapely.area(faces) > 0]


def covered(tree: shapely.STRtree, faces: Shapes) -> NDArray[np.float64]:
    """How many polygons lie over each face, looked up at a point that lies on no border."""
    times = np.zeros(len(faces))
    left = np.arange(len(faces))
    for attempt in range(_ATTEMPTS):
        points = shapely.point_on_surface(_western_part(faces[left], attempt))
        inside, meets = (
            np.bincount(tree.query(points, predicate=p)[0], minlength=len(left))
            for p in ("within", "intersects")
        )
        # On the border of two polygons each counts for a half.
        times[left] = (inside + meets) / 2
        left = left[inside != meets]
        if len(left) == 0:
            break
    return times


def _western_part(faces: Shapes, attempt: int) -> Shapes:
    """The faces themselves at first, then another share of each at every attempt."""
    if attempt == 0:
        return faces
    west, south, east, north = shapely.bounds(faces).T
    share = (attempt * _GOLDEN) % 1
    boxes = shapely.box(west, south, west + share * (east - west), north)
    part = np.asarray(shapely.intersection(faces, boxes), dtype=object)
    return np.where(shapely.area(part) > 0, part, faces)
