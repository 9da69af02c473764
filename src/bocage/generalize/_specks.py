"""The first pass: specks far below the mapping unit join their best neighbours, in steps."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._affinity import scores
from bocage.generalize._graph import Ints, RegionGraph, contract, fuse

STEPS = (2, 4, 8, 16, 32, 64)
"""Region sizes in pixels below which regions are merged, step by step."""

_ROUNDS = 4  # rounds of one step; what is left is taken by the next step or by the exact merge


@numba.njit(cache=True)
def _absorb(order: Ints, target: Ints) -> Ints:
    parent = np.arange(len(target))
    for region in order:
        root = target[region]
        while parent[root] != root:
            parent[root] = parent[parent[root]]
            root = parent[root]
        if root != region:
            parent[region] = root
    for region in range(len(parent)):
        root = region
        while parent[root] != root:
            root = parent[root]
        parent[region] = root
    return parent


def merge_specks(
    graph: RegionGraph, table: NDArray[np.float64], pixel_area: float, limit: float
) -> tuple[RegionGraph, Ints]:
    """Merge small regions into the neighbour with the best score, smallest steps first.

    A sequence of sieves with growing size keeps more of what belongs together than one sieve
    with the final size, and leaves few regions for the exact merge. Lines are left alone.

    Parameters
    ----------
    graph
        The regions, n of them.
    table
        Similarity of class indices, shape (256, 256).
    pixel_area
        Area of a pixel, m².
    limit
        Regions of this area, m², and larger ones are never merged.

    Returns
    -------
    RegionGraph
        The regions that are left.
    numpy.ndarray
        The region each of the n regions has become part of, shape (n,).
    """
    graph, lineage = fuse(graph)
    for step in STEPS:
        size = min(step * pixel_area, limit)
        for _ in range(_ROUNDS):
            small = (graph.area < size) & ~graph.line
            target = _best_neighbours(graph, table, small)
            chosen = np.flatnonzero(target >= 0)
            if not len(chosen):
                break
            order = chosen[np.lexsort((chosen, graph.area[chosen]))]
            root = _absorb(order, np.where(target < 0, np.arange(len(graph)), target))
            keep, group = np.unique(root, return_inverse=True)
            graph, joined = fuse(contract(graph, group, keep))
            lineage = joined[group[lineage]]
    return graph, lineage


def _best_neighbours(
    graph: RegionGraph, table: NDArray[np.float64], small: NDArray[np.bool_]
) -> Ints:
    own = np.concatenate([graph.first, graph.second])
    other = np.concatenate([graph.second, graph.first])
    border = np.concatenate([graph.border, graph.border])
    taken = small[own]
    own, other, border = own[taken], other[taken], border[taken]
    score = scores(
        table, graph.codes[own], graph.codes[other], border, graph.line[own], graph.line[other]
    )
    order = np.lexsort((-other, graph.area[other], score, own))
    own, other = own[order], other[order]
    last = np.append(own[1:] != own[:-1], True)[: len(own)]
    target = np.full(len(graph), -1, np.int64)
    target[own[last]] = other[last]
    return target
