"""The exact merge: what is too small in a view joins its best neighbour, smallest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.generalize._affinity import BASE, LINE_PENALTY
from bocage.generalize._graph import Bools, Codes, Ints, RegionGraph, fuse
from bocage.generalize._rules import View, exemption


@dataclass(frozen=True)
class Merged:
    """What a merge left.

    Attributes
    ----------
    group
        The final region, of 0 … m - 1, each of the n regions has become part of, shape (n,).
    codes
        Class index of each final region in each year, shape (m, years).
    line
        Whether it is a drawn line, shape (m,).
    """

    group: Ints
    codes: Codes
    line: Bools


def enforce(
    graph: RegionGraph,
    views: tuple[View, ...],
    table: NDArray[np.float64],
    *,
    rim_contact: float = 0.0,
) -> Merged:
    """Merge regions until no polygon of any view is too small.

    A polygon of a view is a connected set of regions with the same class in that view. When
    one is below the mapping unit and no exception holds, its smallest region that has a
    neighbour outside the polygon joins the neighbour with the best score. Every step takes
    one region away, so the loop ends. What has no neighbour outside (an area that is smaller
    than the mapping unit itself) stays.

    Parameters
    ----------
    graph
        The regions, n of them.
    views
        The views with their thresholds.
    table
        Similarity of class indices, shape (256, 256).
    rim_contact
        Borders with the rim up to this length, m, do not count as touching it.

    Returns
    -------
    Merged
        The regions that are left.
    """
    graph, lineage = fuse(graph)
    merger = _Merger(graph, views, table, rim_contact)
    roots, group = np.unique(merger.run(), return_inverse=True)
    line = np.array([merger.line[r] for r in roots], dtype=bool)
    return Merged(group[lineage].astype(np.int64), graph.codes[roots], line)


class _Merger:
    """The state of the merge; regions are named by their position in the graph."""

    def __init__(
        self,
        graph: RegionGraph,
        views: tuple[View, ...],
        table: NDArray[np.float64],
        rim_contact: float,
    ) -> None:
        self.views = views
        self.table: list[list[float]] = table.tolist()
        self.rim_contact = rim_contact
        self.codes = [tuple(int(c) for c in row) for row in graph.codes]
        self.area = graph.area.tolist()
        self.rim = graph.rim.tolist()
        self.line = graph.line.tolist()
        self.parent = list(range(len(graph)))
        self.around: list[dict[int, float]] = [{} for _ in range(len(graph))]
        for a, b, length in zip(
            graph.first.tolist(), graph.second.tolist(), graph.border.tolist(), strict=True
        ):
            self.around[a][b] = length
            self.around[b][a] = length
        self.queue: list[tuple[float, int, int]] = []

    def run(self) -> Ints:
        """Merge everything that is too small; the root of each region."""
        for region in range(len(self.parent)):
            self._look_at(region)
        while self.queue:
            area, region, number = heapq.heappop(self.queue)
            if self.parent[region] != region:
                continue
            view = self.views[number]
            polygon = self._small_polygon(region, view)
            if polygon is None:
                continue
            now = sum(self.area[r] for r in polygon)
            if now > area:
                heapq.heappush(self.queue, (now, region, number))
                continue
            if not self._may_stay(polygon, now, view):
                self._dissolve(polygon, view)
        return np.array([self._find(r) for r in range(len(self.parent))], dtype=np.int64)

    def _find(self, region: int) -> int:
        while self.parent[region] != region:
            region = self.parent[region]
        return region

    def _key(self, region: int, view: View) -> tuple[int, ...]:
        return tuple(self.codes[region][y] for y in view.years)

    def _belongs(self, region: int, view: View) -> bool:
        codes = self.codes[region]
        return not view.is_change or codes[0] != codes[1]

    def _look_at(self, region: int) -> None:
        """Queue a region for every view in which its polygon may be too small."""
        for number, view in enumerate(self.views):
            if self.area[region] < view.area and self._belongs(region, view):
                polygon = self._small_polygon(region, view)
                if polygon is not None:
                    area = sum(self.area[r] for r in polygon)
                    heapq.heappush(self.queue, (area, region, number))

    def _small_polygon(self, region: int, view: View) -> list[int] | None:
        """The regions of a polygon below the mapping unit, in order; None when it is larger."""
        if not self._belongs(region, view):
            return None
        key, total = self._key(region, view), self.area[region]
        found, waiting = {region}, [region]
        while waiting:
            if total >= view.area:
                return None
            for other in self.around[waiting.pop()]:
                if other not in found and self._key(other, view) == key:
                    found.add(other)
                    waiting.append(other)
                    total += self.area[other]
        return None if total >= view.area else sorted(found)

    def _may_stay(self, polygon: list[int], area: float, view: View) -> bool:
        last = view.years[-1]
        rim = sum(self.rim[r] for r in polygon)
        touching = rim if rim > self.rim_contact else 0.0
        code = self.codes[polygon[0]][last]
        return exemption(view, code, area, touching, self._neighbours(polygon, view)) is not None

    def _neighbours(self, polygon: list[int], view: View) -> Iterator[int]:
        inside = set(polygon)
        for region in polygon:
            for other in self.around[region]:
                if other not in inside and self._belongs(other, view):
                    yield self.codes[other][view.years[-1]]

    def _dissolve(self, polygon: list[int], view: View) -> None:
        inside = set(polygon)
        for region in sorted(polygon, key=lambda r: (self.line[r], self.area[r], r)):
            choices = [other for other in self.around[region] if other not in inside]
            if choices:
                best = max(choices, key=lambda other: self._rank(region, other))
                self._merge(region, best)
                return

    def _rank(self, region: int, other: int) -> tuple[float, float, int]:
        own, its = self.codes[region], self.codes[other]
        alike = sum(self.table[a][b] for a, b in zip(own, its, strict=True)) / len(own)
        factor = LINE_PENALTY if self.line[other] and not self.line[region] else 1.0
        score = self.around[region][other] * (BASE + alike) * factor
        return float(score), self.area[other], -other

    def _merge(self, region: int, into: int) -> None:
        beside = [r for r in self.around[region] if r != into]
        self._unite(region, into)
        # The classes of the region are now those of `into`: neighbours that had them all along
        # become one region with it.
        for other in sorted(self.around[into]):
            if self.parent[other] == other and self.codes[other] == self.codes[into]:
                # The one with fewer neighbours moves, so that no border is moved many times.
                if len(self.around[other]) > len(self.around[into]):
                    other, into = into, other
                self._unite(other, into)
        for other in sorted({self._find(r) for r in [into, *beside]}):
            self._look_at(other)

    def _unite(self, region: int, into: int) -> None:
        self.parent[region] = into
        self.area[into] += self.area[region]
        self.rim[into] += self.rim[region]
        if self.codes[region] == self.codes[into]:
            self.line[into] = self.line[into] or self.line[region]
        for other, length in self.around[region].items():
            del self.around[other][region]
            if other != into:
                joined = self.around[into].get(other, 0.0) + length
                self.around[into][other] = joined
                self.around[other][into] = joined
        self.around[region] = {}
