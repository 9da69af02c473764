"""Measures of single polygons, of covered ground against a boundary, and of clusters."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Positions = NDArray[np.int64]
Shapes = NDArray[np.object_]

AREA_M2 = 1e-6  # the least gap or overlap
CLEARANCE_M = 1e-5
RIM_M = 0.01  # the boundary is shrunk by 1 cm for the gap test
SNAP_M = 1e-6
_QUAD = 8  # segments of a quarter circle
_CHUNK = 4096


def by_chunks(test: Callable[[Shapes], NDArray[Any]], shapes: Shapes) -> NDArray[Any]:
    """A test of each shape, on all processors: GEOS works without the interpreter's lock."""
    parts = np.array_split(shapes, max(1, len(shapes) // _CHUNK))
    if len(parts) == 1:
        return test(shapes)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(test, parts)))


def valid(shapes: Shapes) -> NDArray[np.bool_]:
    """Which shapes are valid in the sense of OGC."""
    return np.asarray(by_chunks(shapely.is_valid, shapes), dtype=bool)


def shrink(shapes: Shapes, width: float) -> Shapes:
    """Polygons without a margin of half a width, with round joins."""
    return np.asarray(shapely.buffer(shapes, -width / 2, quad_segs=_QUAD), dtype=object)


def too_narrow(shapes: Shapes, width: float) -> NDArray[np.bool_]:
    """Which polygons do not stay one part when they are shrunk by half the width."""

    def parts(some: Shapes) -> NDArray[Any]:
        inner = shrink(some, width)
        return np.where(shapely.is_empty(inner), 0, shapely.get_num_geometries(inner))

    return np.asarray(by_chunks(parts, shapes) != 1)


def uncovered(boundary: Shapes, union: Any) -> Shapes:
    """Parts of the boundary, shrunk by 1 cm, that no feature covers."""
    inner = shapely.buffer(shapely.union_all(boundary), -RIM_M, quad_segs=_QUAD)
    inner = shapely.set_precision(inner, SNAP_M)
    return _gaps(shapely.difference(inner, union))


def outside(boundary: Shapes, union: Any) -> Shapes:
    """Parts of the covered ground that lie more than 1 cm outside the boundary."""
    outer = shapely.buffer(shapely.union_all(boundary), RIM_M, quad_segs=_QUAD)
    return _gaps(shapely.difference(union, outer))


def _gaps(remainder: Any) -> Shapes:
    parts = np.asarray(shapely.get_parts(remainder), dtype=object)
    parts = parts[shapely.area(parts) > AREA_M2]
    west, south, east, north = shapely.bounds(parts).T if len(parts) else np.empty((4, 0))
    wide = (east - west > CLEARANCE_M) & (north - south > CLEARANCE_M)
    parts = parts[wide]
    return np.asarray(parts[shapely.minimum_clearance(parts) > CLEARANCE_M], dtype=object)


def cluster_areas(
    initial: NDArray[np.float64],
    final: NDArray[np.float64],
    areas: NDArray[np.float64],
    neighbours: tuple[Positions, Positions],
) -> NDArray[np.float64]:
    """Area of the complex change that each feature belongs to, 0 where it stands alone.

    Touching features with one initial code form clusters, those with one final code form
    clusters too; a feature keeps the larger of its two.
    """
    best = np.zeros(len(areas))
    left, right = neighbours
    for codes in (initial, final):
        same = codes[left] == codes[right]
        graph = coo_array(
            (np.ones(int(same.sum())), (left[same], right[same])), shape=(len(areas), len(areas))
        )
        _, label = connected_components(graph, directed=False)
        sums = np.bincount(label, np.nan_to_num(areas))
        alone = np.bincount(label) == 1
        best = np.maximum(best, np.where(alone[label], 0.0, sums[label]))
    return best
