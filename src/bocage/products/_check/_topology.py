"""How the polygons of a layer lie to each other: neighbours, overlaps, outline, width.

The rules are those of the delivery check. Shared borders are found by comparing edges;
only pairs that share no edge to the bit are intersected.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Positions = NDArray[np.int64]
Shapes = NDArray[np.object_]

SHARED_M = 0.001  # two features are neighbours when they share more than 1 mm of line
AREA_M2 = 1e-6  # the least gap or overlap
CLEARANCE_M = 1e-5
RIM_M = 0.01  # the boundary is shrunk by 1 cm for the gap test
_SNAP_M = 1e-6
_QUAD = 8  # segments of a quarter circle


class Topology:
    """Relations between valid polygons.

    Parameters
    ----------
    shapes
        Valid single polygons, shape (n,); None is a feature without geometry.
    """

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    @cached_property
    def _pairs(self) -> tuple[Positions, Positions]:
        """Pairs of features whose bounding boxes meet, left < right."""
        left, right = shapely.STRtree(self.shapes).query(self.shapes)
        keep = left < right
        return left[keep].astype(np.int64), right[keep].astype(np.int64)

    @cached_property
    def neighbours(self) -> tuple[Positions, Positions]:
        """Pairs (left < right) that share more than 1 mm of line."""
        known = _shared_edges(self.shapes)
        left, right = self._pairs
        count = len(self.shapes)
        unsure = ~np.isin(left * count + right, known)
        left, right = left[unsure], right[unsure]
        meets = shapely.intersects(self.shapes[left], self.shapes[right])
        left, right = left[meets], right[meets]
        common = shapely.intersection(self.shapes[left], self.shapes[right])
        share = _line_length(common) > SHARED_M
        found = np.sort(np.concatenate([known, left[share] * count + right[share]]))
        return found // max(count, 1), found % max(count, 1)

    @cached_property
    def overlaps(self) -> tuple[Positions, Positions, Shapes]:
        """Pairs whose interiors meet, and where: parts of more than 1e-6 m².

        Containment and duplicates count: whether the two also share a line does not matter.
        """
        left, right = self._suspects()
        common = shapely.intersection(self.shapes[left], self.shapes[right])
        parts, pair = shapely.get_parts(common, return_index=True)
        keep = shapely.area(parts) > AREA_M2
        return left[pair[keep]], right[pair[keep]], parts[keep]

    def _suspects(self) -> tuple[Positions, Positions]:
        """Pairs that may overlap: one of the two has an edge that does not match."""
        left, right = self._pairs
        if self.is_coverage:
            return left[:0], right[:0]
        edges = shapely.coverage_invalid_edges(self.shapes)
        wrong = ~(shapely.is_empty(edges) | shapely.is_missing(edges))
        keep = wrong[left] | wrong[right]
        left, right = left[keep], right[keep]
        inside = shapely.relate_pattern(self.shapes[left], self.shapes[right], "T********")
        return left[inside], right[inside]

    @cached_property
    def is_coverage(self) -> bool:
        """Whether all borders match edge by edge and nothing overlaps."""
        return bool(shapely.coverage_is_valid(self.shapes))

    @cached_property
    def union(self) -> Any:
        """The covered ground."""
        shapes = self.shapes[~shapely.is_missing(self.shapes)]
        join = shapely.coverage_union_all if self.is_coverage else shapely.union_all
        return join(shapes)

    @cached_property
    def _outline(self) -> tuple[Shapes, shapely.STRtree]:
        rings = shapely.get_parts(shapely.boundary(self.union))
        lines = _segments(rings)
        return lines, shapely.STRtree(lines)

    def marginal(self, where: Positions) -> NDArray[np.bool_]:
        """Which of some features share a line with ground that no feature covers.

        The ground may lie outside the layer or in a hole of it; a point in common is not
        enough.
        """
        lines, tree = self._outline
        edges = shapely.boundary(self.shapes[where])
        feature, line = tree.query(edges, predicate="dwithin", distance=_SNAP_M)
        found = np.zeros(len(where), dtype=bool)
        order = np.argsort(feature, kind="stable")
        feature, line = feature[order], line[order]
        starts = np.searchsorted(feature, np.arange(len(where) + 1))
        for i in np.unique(feature):
            near = shapely.multilinestrings(lines[line[starts[i] : starts[i + 1]]])
            # The union may move a vertex by a rounding error: compare on a grid that is coarser.
            # (A buffer of a hair's width comes out empty, depending on where the line lies.)
            common = shapely.intersection(edges[i], near, grid_size=10 * _SNAP_M)
            found[i] = shapely.length(common) > SHARED_M
        return found


def _line_length(common: Shapes) -> NDArray[np.float64]:
    """Length of the one-dimensional parts of intersections; the rim of an area is none."""
    parts, pair = shapely.get_parts(common, return_index=True)
    lengths = np.where(shapely.get_dimensions(parts) == 1, shapely.length(parts), 0.0)
    return np.bincount(pair, lengths, len(common)).astype(np.float64)


def _segments(lines: Shapes) -> Shapes:
    points, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    pairs = np.stack([points[:-1][same], points[1:][same]], axis=1)
    return np.asarray(shapely.linestrings(pairs), dtype=object)


def _shared_edges(shapes: Shapes) -> Positions:
    """Sorted keys ``left * n + right`` of pairs with more than 1 mm of identical edges."""
    rings, owner_of_ring = shapely.get_rings(shapes, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = points[:-1][same] + 0.0, points[1:][same] + 0.0  # -0.0 becomes 0.0
    owner = owner_of_ring[ring[:-1][same]].astype(np.int64)
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[swap], end[swap] = end[swap], start[swap].copy()
    edges = np.concatenate([start, end], axis=1)
    order = np.argsort(_hashes(edges), kind="stable")
    first, second = order[:-1], order[1:]
    twin = (edges[first] == edges[second]).all(axis=1) & (owner[first] != owner[second])
    first, second = first[twin], second[twin]
    low = np.minimum(owner[first], owner[second])
    high = np.maximum(owner[first], owner[second])
    keys, inverse = np.unique(low * len(shapes) + high, return_inverse=True)
    lengths = np.hypot(*(edges[first, 2:] - edges[first, :2]).T)
    return keys[np.bincount(inverse, lengths, len(keys)) > SHARED_M]


def _hashes(edges: NDArray[np.float64]) -> NDArray[np.uint64]:
    """A number for each row, equal for equal rows."""
    words = np.ascontiguousarray(edges).view(np.uint64)
    mixed = np.zeros(len(edges), dtype=np.uint64)
    for column in range(words.shape[1]):
        mixed = (mixed ^ words[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def shrink(shapes: Shapes, width: float) -> Shapes:
    """Polygons without a margin of half a width, with round joins."""
    return np.asarray(shapely.buffer(shapes, -width / 2, quad_segs=_QUAD), dtype=object)


def too_narrow(shapes: Shapes, width: float) -> NDArray[np.bool_]:
    """Which polygons do not stay one part when they are shrunk by half the width."""
    inner = shrink(shapes, width)
    parts = np.where(shapely.is_empty(inner), 0, shapely.get_num_geometries(inner))
    return np.asarray(parts != 1)


def uncovered(boundary: Shapes, union: Any) -> Shapes:
    """Parts of the boundary, shrunk by 1 cm, that no feature covers."""
    inner = shapely.buffer(shapely.union_all(boundary), -RIM_M, quad_segs=_QUAD)
    inner = shapely.set_precision(inner, _SNAP_M)
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
