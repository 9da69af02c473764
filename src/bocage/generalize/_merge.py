"""The merge: what is too small in a view joins its best neighbour, smallest first."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._affinity import BASE, LINE_PENALTY, MASS
from bocage.generalize._graph import (
    Bools,
    Codes,
    Ints,
    RegionGraph,
    fuse,
    wide,
)
from bocage.generalize._heap import Heap, empty_heap, pop, push
from bocage.generalize._merging import Masses, Merging, clean, equal, merging, roots_of, unite
from bocage.generalize._rules import (
    CONTACT,
    View,
    ViewTable,
    cluster_wanted,
    has_clusters,
    may_stay,
    view_table,
)

_VIEWS = 4  # items of the heap are region · 4 + view


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
    mass: Masses | None = None,
) -> Merged:
    """Merge regions until no polygon of any view is too small.

    A polygon of a view is a connected set of regions with the same class in that view. When
    one is below the mapping unit and no exception holds, its smallest region that has a
    neighbour outside the polygon joins the neighbour with the best score. Every step takes
    one region away, so the loop ends. What has no neighbour outside (an area that is smaller
    than the mapping unit itself) stays. A change that only its cluster allows is looked at
    again after other merges, until none of these remains without a cluster.

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
    mass
        Probability of each class index in each region and year, summed over its pixels, shape
        (n, years, classes + 1): neighbours whose class is likely in a region fit it better.
        None where no probabilities are known.

    Returns
    -------
    Merged
        The regions that are left.
    """
    graph, lineage = fuse(graph)
    joined = np.zeros((len(graph), graph.codes.shape[1], 0), np.float32)
    if mass is not None:
        joined = np.zeros((len(graph), *mass.shape[1:]), np.float32)
        np.add.at(joined, lineage, mass)
    state = merging(graph, len(views), joined)
    _run(state, view_table(views), table, rim_contact)
    roots, group = np.unique(roots_of(state.parent), return_inverse=True)
    return Merged(
        group.reshape(-1)[lineage].astype(np.int64), graph.codes[roots], state.line[roots].copy()
    )


@numba.njit(cache=True)
def _run(s: Merging, views: ViewTable, table: NDArray[np.float64], rim_contact: float) -> None:
    heap = empty_heap()
    while True:
        before = s.ticks[2]
        for region in range(len(s.parent)):
            if s.parent[region] == region:
                heap = _look_at(s, views, region, heap)
        _empty(s, views, table, rim_contact, heap)
        # A change that its cluster allowed may have lost it since: nobody looked at it then.
        if s.ticks[2] == before or not has_clusters(views):
            break


@numba.njit(cache=True)
def _empty(
    s: Merging, views: ViewTable, table: NDArray[np.float64], rim_contact: float, heap: Heap
) -> None:
    """Merge what waits in the heap, and what comes to wait, until nothing does."""
    while heap[2][0]:
        known, item = pop(heap)
        region, view = item // _VIEWS, item % _VIEWS
        s.queued[region, view] = False
        if s.parent[region] != region:
            continue
        count, area = _small_polygon(s, views, region, view)
        if count == 0:
            continue
        if area > known:
            s.queued[region, view] = True
            heap = push(heap, area, item)
        elif not _may_stay(s, views, view, count, area, rim_contact):
            heap = _dissolve(s, views, table, count, heap)


@numba.njit(cache=True)
def _belongs(s: Merging, views: ViewTable, region: int, view: int) -> bool:
    first, last = views.first[view], views.last[view]
    return bool(first == last or s.codes[region, first] != s.codes[region, last])


@numba.njit(cache=True)
def _alike(s: Merging, views: ViewTable, one: int, other: int, view: int) -> bool:
    first, last = views.first[view], views.last[view]
    return bool(
        s.codes[one, first] == s.codes[other, first] and s.codes[one, last] == s.codes[other, last]
    )


@numba.njit(cache=True)
def _look_at(s: Merging, views: ViewTable, region: int, heap: Heap) -> Heap:
    """Queue a region for every view in which its polygon may be too small."""
    for view in range(len(views.area)):
        if s.area[region] < views.area[view] and not s.queued[region, view]:
            count, area = _small_polygon(s, views, region, view)
            if count:
                s.queued[region, view] = True
                heap = push(heap, area, region * _VIEWS + view)
    return heap


@numba.njit(cache=True)
def _small_polygon(s: Merging, views: ViewTable, region: int, view: int) -> tuple[int, float]:
    """Number (in `found`) and area of the regions of a polygon; 0 of a polygon large enough."""
    limit = views.area[view]
    total = s.area[region]
    if total >= limit or not _belongs(s, views, region, view):
        return 0, total
    s.ticks[1] += 1
    tick = s.ticks[1]
    s.member[region], s.found[0] = tick, region
    count, done = 1, 0
    while done < count:
        own = s.found[done]
        done += 1
        clean(s, own)
        edge = s.head[own]
        while edge >= 0:
            other = s.to[edge]
            if s.member[other] != tick and _alike(s, views, own, other, view):
                s.member[other], s.found[count] = tick, other
                count += 1
                total += s.area[other]
                if total >= limit:
                    return 0, total
            edge = s.after[edge]
    return count, total


@numba.njit(cache=True)
def _may_stay(
    s: Merging, views: ViewTable, view: int, count: int, area: float, rim_contact: float
) -> bool:
    last, tick = views.last[view], s.ticks[1]
    around, rim = np.zeros(256, np.bool_), 0.0
    for n in range(count):
        rim += s.rim[s.found[n]]
        edge = s.head[s.found[n]]
        while edge >= 0:
            other = wide(s.to[edge])
            if s.member[other] != tick and _belongs(s, views, other, view):
                around[s.codes[other, last]] = True
            edge = s.after[edge]
    touching = rim if rim > rim_contact else 0.0
    region = wide(s.found[0])
    code = wide(s.codes[region, last])
    if may_stay(views, view, code, area, touching, around, 0.0):
        return True
    wanted, part = cluster_wanted(views, view, area)
    if wanted <= 0.0:
        return False
    cluster = max(
        _cluster(s, views, region, view, views.first[view], part, wanted),
        _cluster(s, views, region, view, last, part, wanted),
    )
    _small_polygon(s, views, region, view)  # is in `found` again
    return may_stay(views, view, code, area, touching, around, cluster)


@numba.njit(cache=True)
def _cluster(
    s: Merging, views: ViewTable, region: int, view: int, year: int, part: float, wanted: float
) -> float:
    """Area of the changes around a region with its class in a year; 0 where it is alone.

    Parts below `part` do not count, as they will hardly stay, nor what is beyond `wanted`.
    """
    s.ticks[1] += 1
    tick = s.ticks[1]
    s.member[region], s.found[0] = tick, region
    count, done, total = 1, 0, s.area[region]
    while done < count and total < wanted:
        own = s.found[done]
        done += 1
        clean(s, own)
        edge = s.head[own]
        while edge >= 0:
            other = wide(s.to[edge])
            if (
                s.member[other] != tick
                and s.length[edge] > CONTACT
                and s.area[other] >= part
                and s.codes[other, year] == s.codes[region, year]
                and _belongs(s, views, other, view)
            ):
                s.member[other], s.found[count] = tick, other
                count += 1
                total += s.area[other]
            edge = s.after[edge]
    return total if count > 1 else 0.0


@numba.njit(cache=True)
def _dissolve(
    s: Merging, views: ViewTable, table: NDArray[np.float64], count: int, heap: Heap
) -> Heap:
    """Merge the smallest region of the polygon in `found` that borders on anything else."""
    tick, chosen, into = s.ticks[1], wide(-1), wide(-1)
    for n in range(count):
        region = wide(s.found[n])
        if chosen >= 0 and not _goes_first(s, region, chosen):
            continue
        best = _best_neighbour(s, table, region, tick)
        if best >= 0:
            chosen, into = region, best
    return heap if chosen < 0 else _merge(s, views, chosen, into, heap)


@numba.njit(cache=True)
def _goes_first(s: Merging, one: int, other: int) -> bool:
    if s.line[one] != s.line[other]:
        return bool(s.line[other])
    return bool(s.area[one] < s.area[other] or (s.area[one] == s.area[other] and one < other))


@numba.njit(cache=True)
def _best_neighbour(s: Merging, table: NDArray[np.float64], region: int, tick: int) -> int:
    """The neighbour outside the polygon with the best score; -1 where there is none."""
    best, most, years = -1, -1.0, s.codes.shape[1]
    total = max(float(s.mass[region].sum()), 1e-9) / years
    edge = s.head[region]
    while edge >= 0:
        other = s.to[edge]
        if s.member[other] != tick:
            alike = 0.0
            for year in range(years):
                alike += table[s.codes[region, year], s.codes[other, year]] / years
                if s.mass.shape[2]:
                    alike += MASS * s.mass[region, year, s.codes[other, year]] / total / years
            factor = LINE_PENALTY if s.line[other] and not s.line[region] else 1.0
            score = s.length[edge] * (BASE + alike) * factor
            if (
                score > most
                or (score == most and s.area[other] > s.area[best])
                or (score == most and s.area[other] == s.area[best] and other < best)
            ):
                best, most = other, score
        edge = s.after[edge]
    return best


@numba.njit(cache=True)
def _merge(s: Merging, views: ViewTable, region: int, into: int, heap: Heap) -> Heap:
    beside, count, edge = s.found, 0, s.head[region]
    while edge >= 0:
        # What lies beside is kept where the polygon was: it is not needed any more.
        beside[count] = s.to[edge]
        count += 1
        edge = s.after[edge]
    near = beside[:count].astype(np.int64)
    s.ticks[2] += 1
    unite(s, region, into)
    # The classes of the region are now those of `into`: neighbours that had them all along
    # become one region with it.
    for other in near:
        if other != into and equal(s, other, into):
            unite(s, other, into)
    heap = _look_at(s, views, into, heap)
    for other in near:
        if other != into and s.parent[other] == other:
            heap = _look_at(s, views, other, heap)
    return heap
