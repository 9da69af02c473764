"""Shared edges of the polygons of a valid coverage."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.errors import RunError
from bocage.generalize._arcs import Arcs
from bocage.generalize._graph import Codes, Floats, Ints, RegionGraph, components

Geometries = NDArray[np.object_]


def shared_edges(polygons: Geometries) -> tuple[Ints, Ints, Floats, Floats]:
    """Which polygons of a noded coverage share edges, and how long these are.

    Parameters
    ----------
    polygons
        Polygons of a coverage in which neighbours have the same vertices.

    Returns
    -------
    first, second
        Polygons of each border, first < second; each pair occurs once.
    border
        Length of each border.
    rim
        Length of the edges of each polygon that it shares with none.
    """
    count = len(polygons)
    rings, of_ring = shapely.get_rings(polygons, return_index=True)
    points, of_point = shapely.get_coordinates(rings, return_index=True)
    _, number = np.unique(points, axis=0, return_inverse=True)
    number = number.reshape(-1).astype(np.int64)
    joined = of_point[1:] == of_point[:-1]
    start, end = number[:-1][joined], number[1:][joined]
    length = np.hypot(*(points[1:] - points[:-1])[joined].T)
    owner = of_ring[of_point[:-1][joined]].astype(np.int64)
    key = np.minimum(start, end) * (len(points) + 1) + np.maximum(start, end)
    order = np.lexsort((owner, key))
    key, owner, length = key[order], owner[order], length[order]
    twin = np.append(key[1:] == key[:-1], False)[: len(key)]
    alone = ~twin & ~np.append(False, twin[:-1])[: len(key)]
    rim = np.bincount(owner[alone], length[alone], minlength=count).astype(np.float64)
    here = np.flatnonzero(twin)
    low, high = owner[here], owner[here + 1]
    apart = low != high
    pairs, inverse = np.unique(low[apart] * count + high[apart], return_inverse=True)
    border = np.bincount(inverse, length[here][apart], minlength=len(pairs)).astype(np.float64)
    return pairs // max(count, 1), pairs % max(count, 1), border, rim


def polygon_graph(polygons: Geometries, codes: Codes, line: NDArray[np.bool_]) -> RegionGraph:
    """The region graph of polygons with class indices `codes`, shape (n, years)."""
    first, second, border, rim = shared_edges(polygons)
    return RegionGraph(codes, shapely.area(polygons), rim, line, first, second, border)


def border_graph(arcs: Arcs, areas: Floats, codes: Codes, line: NDArray[np.bool_]) -> RegionGraph:
    """The graph of regions whose borders are arcs.

    Parameters
    ----------
    arcs
        Borders in map coordinates; their sides are positions of regions, -1 outside.
    areas, codes, line
        Area, m², class indices (n, years), and whether it is a drawn line, of each region.
    """
    count = len(areas)
    step = np.hypot(*np.diff(arcs.points, axis=0, append=0).T)
    step[arcs.starts[1:] - 1] = 0.0  # from the end of an arc to the start of the next
    length = np.add.reduceat(step, arcs.starts[:-1])
    low = np.minimum(arcs.left, arcs.right)
    high = np.maximum(arcs.left, arcs.right)
    outside = low < 0
    rim = np.bincount(high[outside], length[outside], minlength=count).astype(np.float64)
    pairs, inverse = np.unique((low * count + high)[~outside], return_inverse=True)
    border = np.bincount(inverse, length[~outside], minlength=len(pairs)).astype(np.float64)
    return RegionGraph(codes, areas, rim, line, pairs // count, pairs % count, border)


def unite(polygons: Geometries, group: Ints) -> Geometries:
    """Unite the polygons of each group (0 … m - 1); each group is connected through edges.

    Raises
    ------
    RunError
        If a union is not one valid polygon.
    """
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    members = np.split(order, starts[1:])
    united = np.array(
        [
            polygons[m[0]] if len(m) == 1 else shapely.coverage_union_all(polygons[m])
            for m in members
            if len(m)
        ],
        dtype=object,
    )
    single = _single(united)
    bad = (shapely.get_type_id(single) != shapely.GeometryType.POLYGON) | ~shapely.is_valid(single)
    if bad.any():
        where = shapely.bounds(single[np.flatnonzero(bad)[0]])
        raise RunError(f"uniting regions gave no single valid polygon at {where.tolist()}")
    return single


def _single(united: Geometries) -> Geometries:
    found = united.copy()
    for position, geometry in enumerate(united):
        if shapely.get_num_geometries(geometry) == 1:
            found[position] = shapely.get_geometry(geometry, 0)
    return found


def dissolve(polygons: Geometries, keys: NDArray[np.integer]) -> tuple[Geometries, Ints]:
    """Unite edge neighbours with equal keys.

    Parameters
    ----------
    polygons
        Polygons of a valid coverage, or some of them.
    keys
        What must be equal, shape (n, k).

    Returns
    -------
    numpy.ndarray
        The united polygons.
    numpy.ndarray
        The position of one of the parts of each.
    """
    if not len(polygons):
        return polygons, np.zeros(0, np.int64)
    first, second, _, _ = shared_edges(polygons)
    same = (keys[first] == keys[second]).all(axis=1)
    group = components(len(polygons), first[same], second[same])
    _, example = np.unique(group, return_index=True)
    return unite(polygons, group), example


def tidy(polygons: Geometries) -> tuple[Geometries, Ints]:
    """Normalise polygons and put them in the order of their lower left corners.

    Returns
    -------
    numpy.ndarray
        The polygons in order, rings starting at a fixed vertex.
    numpy.ndarray
        The position each came from.
    """
    normal = shapely.normalize(polygons)
    bounds = shapely.bounds(normal)
    order = np.lexsort((shapely.area(normal), *bounds.T[::-1]))
    return normal[order], order
