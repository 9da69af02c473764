"""Regions while they merge: who is part of whom, and who lies beside whom."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Codes, Floats, Ints, Labels, RegionGraph, find_root

Masses = NDArray[np.float32]


class Merging(NamedTuple):
    """The regions while they merge; each has a linked list of half-edges to its neighbours.

    A list is joined to another in one step and cleaned only when it is read, so that a merge
    costs as much as the small region has neighbours, however many the large one has.
    """

    parent: Labels
    area: Floats
    rim: Floats
    line: Bools
    codes: Codes
    head: Labels
    tail: Labels
    after: Labels
    to: Labels
    length: Floats
    stamp: Labels  # the cleaning in which a region was met, and at which half-edge
    slot: Labels
    member: Labels  # the search in which a region was found
    found: Labels  # the regions of that search
    ticks: Ints  # numbers of the last cleaning and of the last search, and of merges
    mass: Masses
    queued: Bools  # whether a region waits in the heap for a view, (n, views)


def merging(graph: RegionGraph, views: int, mass: Masses) -> Merging:
    """Regions of which none has merged yet; for `mass` see `enforce`."""
    size = len(graph)
    to = np.empty(2 * len(graph.first), np.int32)
    to[0::2], to[1::2] = graph.second, graph.first
    head, tail, after = _lists(size, graph.first, graph.second)
    return Merging(
        parent=np.arange(size, dtype=np.int32),
        area=graph.area.copy(),
        rim=graph.rim.copy(),
        line=graph.line.copy(),
        codes=np.ascontiguousarray(graph.codes),
        head=head,
        tail=tail,
        after=after,
        to=to,
        length=np.repeat(graph.border, 2),
        stamp=np.zeros(size, np.int32),
        slot=np.zeros(size, np.int32),
        member=np.zeros(size, np.int32),
        found=np.empty(size, np.int32),
        ticks=np.zeros(3, np.int64),
        mass=mass,
        queued=np.zeros((size, views), bool),
    )


@numba.njit(cache=True)
def _lists(size: int, first: Ints, second: Ints) -> tuple[Labels, Labels, Labels]:
    head, tail = np.full(size, -1, np.int32), np.full(size, -1, np.int32)
    after = np.full(2 * len(first), -1, np.int32)
    for edge in range(len(first)):
        for side in range(2):
            own, half = (second[edge] if side else first[edge]), 2 * edge + side
            if head[own] < 0:
                head[own] = half
            else:
                after[tail[own]] = half
            tail[own] = half
    return head, tail, after


@numba.njit(cache=True)
def roots_of(parent: Labels) -> Ints:
    """The region that each has become part of."""
    roots = np.empty(len(parent), np.int64)
    for item in range(len(parent)):
        roots[item] = find_root(parent, item)
    return roots


@numba.njit(cache=True)
def clean(s: Merging, region: int) -> None:
    """Leave one half-edge for each neighbour of a region, with the whole shared length."""
    s.ticks[0] += 1
    tick, last, edge = s.ticks[0], -1, s.head[region]
    s.head[region] = -1
    while edge >= 0:
        following = s.after[edge]
        other = find_root(s.parent, s.to[edge])
        if other != region and s.stamp[other] == tick:
            s.length[s.slot[other]] += s.length[edge]
        elif other != region:
            s.stamp[other], s.slot[other], s.to[edge] = tick, edge, other
            if last < 0:
                s.head[region] = edge
            else:
                s.after[last] = edge
            s.after[edge], last = -1, edge
        edge = following
    s.tail[region] = last


@numba.njit(cache=True)
def equal(s: Merging, one: int, other: int) -> bool:
    """Whether two regions have the same classes in all years."""
    for year in range(s.codes.shape[1]):  # noqa: SIM110 -- generators do not compile
        if s.codes[one, year] != s.codes[other, year]:
            return False
    return True


@numba.njit(cache=True)
def unite(s: Merging, region: int, into: int) -> None:
    """Make a region part of another, which keeps its classes."""
    s.parent[region] = into
    s.area[into] += s.area[region]
    s.rim[into] += s.rim[region]
    for year in range(s.mass.shape[1]):
        for index in range(s.mass.shape[2]):
            s.mass[into, year, index] += s.mass[region, year, index]
    if equal(s, region, into):
        s.line[into] |= s.line[region]
    if s.head[region] >= 0:
        if s.head[into] < 0:
            s.head[into] = s.head[region]
        else:
            s.after[s.tail[into]] = s.head[region]
        s.tail[into] = s.tail[region]
