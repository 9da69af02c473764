"""How the polygons of a layer lie to each other: neighbours, overlaps, covered ground, rim.

Shared borders are found by comparing edges to the bit. The edges that fit nothing are the rim of
the covered ground when the layer is clean: then, and only then, they are also the whole boundary
of one valid area, run through with the ground on the left. (How many polygons lie over a point is
the winding number of all their edges together; edges that fit cancel out in it. If what remains
is the boundary of an area, the number is one inside and zero outside.) Otherwise these edges are
cut at their crossings, and polygons are compared only where ground is covered twice, or where
such edges meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.products._check._edges import (
    Edges,
    Pairs,
    Positions,
    Shapes,
    directed_keys,
    line_keys,
    match_edges,
    summed,
)
from bocage.products._check._faces import covered, crossed, faces_of
from bocage.products._check._shapes import AREA_M2, SNAP_M

SHARED_M = 0.001  # two features are neighbours when they share more than 1 mm of line


@dataclass(frozen=True)
class Ground:
    """What the polygons cover.

    Attributes
    ----------
    union
        All of it.
    twice
        Where it is covered more than once, shape (t,): areas that touch at most.
    """

    union: Any
    twice: Shapes


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
    def _edges(self) -> Edges:
        return match_edges(self.shapes)

    @cached_property
    def _clean_union(self) -> Any | None:
        """The covered ground when all borders fit and nothing overlaps, else None."""
        lines = self._edges.lines
        faces = faces_of(lines)
        owner, keys = directed_keys(faces)
        rim = line_keys(lines)
        first = np.searchsorted(owner, np.arange(len(faces)))
        inside = np.isin(keys[first], rim) if len(faces) else np.zeros(0, dtype=bool)
        keys = keys[inside[owner]] if len(faces) else keys
        if not np.array_equal(np.sort(keys), np.sort(rim)):
            return None
        union = shapely.multipolygons(faces[inside])
        return union if shapely.is_valid(union) else None

    @property
    def is_coverage(self) -> bool:
        """Whether all borders match edge by edge and nothing overlaps."""
        return self._clean_union is not None

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    @cached_property
    def ground(self) -> Ground:
        """The covered ground, and where it is covered twice."""
        if self._clean_union is not None:
            return Ground(self._clean_union, np.empty(0, dtype=object))
        faces = crossed(self._edges.lines)
        times = covered(self._tree, faces)
        return Ground(shapely.coverage_union_all(faces[times > 0]), faces[times > 1])

    @property
    def union(self) -> Any:
        """The covered ground."""
        return self.ground.union

    @cached_property
    def _suspects(self) -> tuple[Positions, Positions]:
        """Pairs (left < right) at ground that is covered twice."""
        _, some = self._tree.query(self.ground.twice, predicate="dwithin", distance=SNAP_M)
        some = np.unique(some)
        left, right = shapely.STRtree(self.shapes[some]).query(self.shapes[some])
        keep = left < right
        return some[left[keep]], some[right[keep]]

    @cached_property
    def neighbours(self) -> tuple[Positions, Positions]:
        """Pairs (left < right) that share more than 1 mm of line."""
        edges = self._edges
        found = [(edges.left, edges.right, edges.length)]
        if not self.is_coverage:
            found += [self._unmatched_lines(), self._lines_at_overlaps()]
        left, right, length = summed(found, len(self.shapes))
        return left[length > SHARED_M], right[length > SHARED_M]

    def _unmatched_lines(self) -> Pairs:
        """Pairs with lines in common that do not match edge by edge."""
        lines, owner = self._edges.lines, self._edges.owner
        first, second = shapely.STRtree(lines).query(lines, predicate="intersects")
        keep = owner[first] < owner[second]
        first, second = first[keep], second[keep]
        common = _line_length(shapely.intersection(lines[first], lines[second]))
        return owner[first], owner[second], common

    def _lines_at_overlaps(self) -> Pairs:
        left, right = self._suspects
        common = shapely.intersection(self.shapes[left], self.shapes[right])
        return left, right, _line_length(common)

    @cached_property
    def overlaps(self) -> tuple[Positions, Positions, Shapes]:
        """Pairs whose interiors meet, and where: parts of more than 1e-6 m².

        Containment and duplicates count: whether the two also share a line does not matter.
        """
        left, right = self._suspects
        inside = shapely.relate_pattern(self.shapes[left], self.shapes[right], "T********")
        left, right = left[inside], right[inside]
        common = shapely.intersection(self.shapes[left], self.shapes[right])
        parts, pair = shapely.get_parts(common, return_index=True)
        keep = shapely.area(parts) > AREA_M2
        return left[pair[keep]], right[pair[keep]], parts[keep]

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
        feature, line = tree.query(edges, predicate="dwithin", distance=SNAP_M)
        found = np.zeros(len(where), dtype=bool)
        order = np.argsort(feature, kind="stable")
        feature, line = feature[order], line[order]
        starts = np.searchsorted(feature, np.arange(len(where) + 1))
        for i in np.unique(feature):
            near = shapely.multilinestrings(lines[line[starts[i] : starts[i + 1]]])
            # The union may move a vertex by a rounding error: compare on a grid that is coarser.
            # (A buffer of a hair's width comes out empty, depending on where the line lies.)
            common = shapely.intersection(edges[i], near, grid_size=10 * SNAP_M)
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
