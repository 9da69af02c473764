"""Polygons that are kept as they are: the rest of the area is generalised around them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError, RunError
from bocage.generalize._coverage import FROZEN, Coverage
from bocage.generalize._edges import tidy
from bocage.generalize._frame import GRID, snapped_area
from bocage.generalize._settings import GeneralizeSettings
from bocage.legend import OUTSIDE, Legend
from bocage.rasters import geobox_of

Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class Frozen:
    """Polygons that must not change.

    Attributes
    ----------
    shapes
        Polygons on the 1 mm grid that do not overlap, shape (n,).
    codes
        Leaf code in each year, shape (n, years).
    """

    shapes: Geometries
    codes: NDArray[np.int32]


def frozen_of(given: gpd.GeoDataFrame, years: Sequence[int], legend: Legend, crs: str) -> Frozen:
    """Check polygons that are to be kept.

    Parameters
    ----------
    given
        Columns ``code_<year>`` of every year, or ``code`` for all of them, and polygons.
    years
        The years of the map.
    legend
        What the codes are of; 0 is nodata.
    crs
        Coordinate reference system of the map.

    Raises
    ------
    InputError
        If a column is missing, a code is unknown, or the polygons are not what they must be.
    """
    if given.crs is None or given.crs != crs:
        raise InputError(
            f"the frozen polygons are in {given.crs and given.crs.name}, the raster is in {crs}",
            remedy="keep what was made in the system of the raster: a conversion moves vertices",
        )
    columns = [Coverage.column(year) for year in years]
    if not set(columns) <= set(given.columns):
        if "code" not in given.columns:
            raise InputError(f"the frozen polygons have no column code or {', '.join(columns)}")
        columns = ["code"] * len(columns)
    codes = given[columns].to_numpy()
    known = {0, *legend.codes()}
    if strange := [code for code in np.unique(codes).tolist() if code not in known]:
        raise InputError(f"the code {strange[0]} of a frozen polygon is not in '{legend.id}'")
    shapes = given.geometry.to_numpy()
    _check_shapes(shapes)
    return Frozen(shapes, codes.astype(np.int32))


def _check_shapes(shapes: Geometries) -> None:
    """Raise an InputError unless these are valid polygons on the grid."""
    flat = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & ~shapely.has_z(shapes)
    _refuse(~flat | shapely.is_empty(shapes), "is no polygon with two dimensions", "split parts")
    points, number = shapely.get_coordinates(shapes, return_index=True)
    off = (points != np.round(points * (1 / GRID)) / (1 / GRID)).any(axis=1)
    remedy = f"snap all of them together: shapely.set_precision(geometry, {GRID:g})"
    _refuse(np.bincount(number[off], minlength=len(shapes)) > 0, "is not on the 1 mm grid", remedy)
    _refuse(~shapely.is_valid(shapes), "is invalid", "repair it")


def _refuse(bad: NDArray[np.bool_], what: str, remedy: str) -> None:
    if bad.any():
        number = int(np.flatnonzero(bad)[0])
        raise InputError(f"frozen polygon {number} {what} ({int(bad.sum())} do)", remedy=remedy)


def data_area(classes: xr.DataArray) -> BaseGeometry:
    """The pixels of a class raster, dims (year, y, x) or (y, x), that are not outside.

    Raises
    ------
    InputError
        If there are none.
    """
    data = classes.values != OUTSIDE
    data = data.any(axis=0) if data.ndim == 3 else data
    if not data.any():
        raise InputError("the class raster has no classified pixel")
    transform = Affine(*geobox_of(classes, "the class raster").affine[:6])
    parts = rasterio.features.shapes(data.astype(np.uint8), mask=data, transform=transform)
    return snapped_area(shapely.union_all([shapely.geometry.shape(part) for part, _ in parts]))


def set_apart(
    area: BaseGeometry, frozen: Frozen, *, within: bool
) -> tuple[Geometries, BaseGeometry]:
    """Node frozen polygons with one another and the area, and take them from it.

    Parameters
    ----------
    area
        The area.
    frozen
        What is kept.
    within
        Whether frozen polygons must lie in the area.

    Returns
    -------
    numpy.ndarray
        The frozen polygons with a vertex wherever another or the limit of the area has one.
    shapely.Geometry
        What else is in the area, with the same vertices; perhaps empty.

    Raises
    ------
    InputError
        If one reaches beyond the area although it must not.
    RunError
        If one could not be kept.
    """
    area = snapped_area(area)
    if within:
        beyond = shapely.buffer(shapely.difference(frozen.shapes, area), -GRID)
        _refuse(~shapely.is_empty(beyond), "reaches beyond the area", "leave it out, or cut it")
    lines = np.append(np.asarray(shapely.boundary(frozen.shapes)), [shapely.boundary(area)])
    noded = shapely.union_all(lines, grid_size=GRID)
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    points = shapely.point_on_surface(pieces)
    piece, owner = shapely.STRtree(frozen.shapes).query(points, predicate="intersects")
    number = np.full(len(pieces), -1, np.int64)
    number[piece] = owner
    overlaps = np.zeros(len(frozen.shapes), bool)
    overlaps[owner[np.bincount(piece, minlength=len(pieces))[piece] > 1]] = True
    _refuse(overlaps, "overlaps another", "keep one of them, or snap them to one another")
    kept = frozen.shapes.copy()
    for n in range(len(kept)):
        # The limit of the area cuts through what reaches beyond it.
        united = shapely.get_parts(shapely.coverage_union_all(pieces[number == n]))
        kept[n] = united[0] if len(united) == 1 else shapely.multipolygons(united)
    _check_kept(frozen.shapes, kept)
    shapely.prepare(area)
    open_ = pieces[(number < 0) & shapely.intersects(area, points)]
    return kept, shapely.coverage_union_all(open_)


def without_rim(settings: GeneralizeSettings) -> GeneralizeSettings:
    """The settings without exceptions for what touches the rim: frozen polygons are none."""
    kept = tuple(rule for rule in settings.rules.exceptions if not rule.at_rim)
    return replace(settings, rules=replace(settings.rules, exceptions=kept))


def put_back(rest: Coverage | None, frozen: Frozen, years: tuple[int, ...], crs: str) -> Coverage:
    """The generalised rest and the frozen polygons as one coverage.

    Parameters
    ----------
    rest
        A coverage of what `set_apart` left; None where nothing was.
    frozen
        What was kept, noded. Where borders of the rest meet it, it gets more vertices.
    years, crs
        Years and coordinate reference system of the map.

    Returns
    -------
    Coverage
        Valid; the column ``frozen`` says what was kept.

    Raises
    ------
    RunError
        If the polygons form no valid coverage.
    """
    columns = [Coverage.column(year) for year in years]
    shapes, codes = frozen.shapes, frozen.codes
    if rest is not None:
        others = rest.frame.geometry.to_numpy()
        shapes = np.append(_with_vertices(shapes, others), others)
        codes = np.append(codes, rest.frame[columns].to_numpy(), axis=0)
    shapes, order = tidy(shapes)
    if not shapely.coverage_is_valid(shapes):
        raise RunError(
            "the polygons do not form a valid coverage with the frozen ones",
            remedy="look for frozen polygons that nearly touch, within a few millimetres",
        )
    found: dict[str, NDArray[np.generic]] = dict(zip(columns, codes[order].T, strict=True))
    found[FROZEN] = order < len(frozen.shapes)
    return Coverage(gpd.GeoDataFrame(found, geometry=shapes, crs=crs), years)


Vertex = tuple[float, float]


def _with_vertices(frozen: Geometries, others: Geometries) -> Geometries:
    """Frozen polygons with the vertices that others have along their edges."""
    beside = _rim(others)
    found = frozen.copy()
    for n, polygon in enumerate(frozen):
        rings = [_refined(ring, beside) for ring in (polygon.exterior, *polygon.interiors)]
        if any(more for _, more in rings):
            found[n] = shapely.Polygon(rings[0][0], [points for points, _ in rings[1:]])
    return found


def _rim(polygons: Geometries) -> dict[Vertex, set[Vertex]]:
    """What each vertex is joined to by edges that belong to one polygon only."""
    points, ring = shapely.get_coordinates(
        shapely.get_rings(polygons, return_index=False), return_index=True
    )
    known, number = np.unique(points, axis=0, return_inverse=True)
    number = number.reshape(-1)
    joined = ring[1:] == ring[:-1]
    ends = np.sort(np.stack([number[:-1], number[1:]], axis=1)[joined], axis=1)
    edges, count = np.unique(ends, axis=0, return_counts=True)
    beside: dict[Vertex, set[Vertex]] = {}
    for one, other in edges[count == 1].tolist():
        a, b = tuple(known[one].tolist()), tuple(known[other].tolist())
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    return beside


def _refined(
    ring: shapely.LinearRing, beside: dict[Vertex, set[Vertex]]
) -> tuple[list[Vertex], bool]:
    """The vertices of a ring with those of others along its edges, and whether there are any."""
    own: list[Vertex] = list(map(tuple, shapely.get_coordinates(ring).tolist()))
    found = own[:1]
    for start, end in itertools.pairwise(own):
        found += _between(start, end, beside)
        found.append(end)
    return found, len(found) > len(own)


def _between(start: Vertex, end: Vertex, beside: dict[Vertex, set[Vertex]]) -> list[Vertex]:
    """Vertices by which others go from the start to the end of an edge; none if they do not."""
    way, here, done = [start], start, 0.0
    length = math.dist(start, end)
    ahead = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    while here != end:
        steps = []
        for x, y in beside.get(here, ()):
            u, v = x - start[0], y - start[1]
            along, off = u * ahead[0] + v * ahead[1], u * ahead[1] - v * ahead[0]
            if done < along < length + GRID and abs(off) <= GRID:
                steps.append((along, (x, y)))
        if not steps:
            return []
        done, here = min(steps)
        way.append(here)
    return way[1:-1]


def _check_kept(before: Geometries, after: Geometries) -> None:
    """Raise a RunError unless polygons have all their vertices and their line."""
    lost = shapely.get_type_id(after) != shapely.GeometryType.POLYGON
    points, of = shapely.get_coordinates(before, return_index=True)
    there, of_there = shapely.get_coordinates(after, return_index=True)
    known = set(zip(of_there.tolist(), *there.T.tolist(), strict=True))
    own = zip(of.tolist(), *points.T.tolist(), strict=True)
    missing = np.fromiter((vertex not in known for vertex in own), bool, len(points))
    lost[of[missing]] = True
    lines = np.asarray(shapely.boundary(before))
    shapely.prepare(lines)
    far = ~shapely.dwithin(lines[of_there], shapely.points(there), GRID)
    lost[of_there[far]] = True
    if lost.any():
        where = shapely.bounds(before[np.flatnonzero(lost)[0]]).tolist()
        raise RunError(
            f"{int(lost.sum())} frozen polygons could not be kept, one at {where}",
            remedy="look for parts that are narrower than a few millimetres",
        )
