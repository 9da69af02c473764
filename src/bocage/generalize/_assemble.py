"""From borders to the polygons of a coverage that keeps to the rules."""

from __future__ import annotations

import logging
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from bocage.errors import RunError
from bocage.generalize._affinity import similarity_table
from bocage.generalize._borders import cut_to
from bocage.generalize._coverage import Coverage
from bocage.generalize._edges import border_graph, dissolve, polygon_graph, tidy, unite
from bocage.generalize._faces import Geometries, faces
from bocage.generalize._frame import GRID
from bocage.generalize._graph import Bools, Codes
from bocage.generalize._merge import enforce
from bocage.generalize._rules import View
from bocage.generalize._tight import Tight, join_tight, tight_places, view_keys
from bocage.generalize._vector import Drawn, Traced
from bocage.legend import Legend

_log = logging.getLogger(__name__)
_ANGULAR = "angular"  # the flag of classes whose borders are straight and have corners

RETURNS = 6
"""How often what is too narrow as a polygon goes back to the raster."""

ROUNDING = 1e-6
"""Share by which polygons exceed the thresholds, so that rounding never decides."""


def angular_in(legend: Legend) -> Bools:
    """Class indices with angular borders, shape (256,)."""
    found = np.zeros(256, bool)
    found[[legend.index(code) for code in legend.flagged(_ANGULAR)]] = True
    return found


def assemble(
    drawn: Drawn,
    traced: Traced,
    outline: BaseGeometry | None,
    views: tuple[View, ...],
    legend: Legend,
    mmw_m: float,
    relevant: Callable[[Tight], Tight],
) -> tuple[Geometries, Codes, Tight]:
    """Polygons between borders, cut at the limit of the area, merged where they are too small.

    Parameters
    ----------
    drawn, traced
        The borders, and the regions beside them.
    outline
        The area; None where it is all that the borders enclose.
    views, legend, mmw_m
        The rules; minimum width, m.
    relevant
        Leaves out the places that do not matter.

    Returns
    -------
    numpy.ndarray
        The polygons.
    numpy.ndarray
        Their class indices, shape (n, years).
    Tight
        Where polygons of a view are too narrow.
    """
    pieces, numbers = faces(drawn.arcs)
    _log.info("%d regions", len(pieces))
    table = similarity_table(legend)
    if outline is None:
        graph = border_graph(drawn.arcs, shapely.area(pieces), traced.codes, traced.line)
        merged = enforce(graph, views, table)
        shapes = faces(drawn.arcs, merged.group)[0]
        if not mmw_m or len(shapes) == len(pieces):
            return shapes, merged.codes, drawn.tight
    else:
        pieces, numbers = cut_to(pieces, numbers, outline)
        graph = polygon_graph(pieces, traced.codes[numbers], traced.line[numbers])
        merged = enforce(graph, views, table)
        shapes = unite(pieces, merged.group)
        if not mmw_m:
            return shapes, merged.codes, drawn.tight
    tight = relevant(_tight(shapes, merged.codes, views, mmw_m, outline))
    if outline is not None:
        tight = join_tight([_away(drawn.tight, outline), tight])
    return shapes, merged.codes, tight


def _away(tight: Tight, outline: BaseGeometry) -> Tight:
    """Places of polygons that lie in the area and do not touch its limit."""
    shapely.prepare(outline)
    away = shapely.contains_properly(outline, tight.polygon)
    return Tight(tight.place[away], tight.polygon[away])


def _tight(
    shapes: Geometries,
    codes: Codes,
    views: tuple[View, ...],
    mmw_m: float,
    outline: BaseGeometry | None,
) -> Tight:
    """Where polygons of the views are too narrow; only at the limit of an area where it is given.

    Away from the limit the borders were tested when they were drawn.
    """
    rim = None if outline is None else shapely.boundary(outline)
    if rim is not None:
        shapely.prepare(rim)
    found = []
    for view in views:
        keys = view_keys(codes, view)
        belongs = keys >= 0
        polygons, _ = dissolve(shapes[belongs], keys[belongs, None])
        if rim is not None:
            # Vertices where borders meet the limit are beside it by up to half the grid.
            polygons = polygons[shapely.dwithin(rim, polygons, GRID)]
        found.append(tight_places(polygons, mmw_m, view.area))
    return join_tight(found)


def years_of(classes: xr.DataArray) -> tuple[int, ...]:
    """The years of a class raster; 1, 2 where it names none."""
    if "year" not in classes.coords:
        return tuple(range(1, (1 if classes.ndim == 2 else len(classes)) + 1))
    return tuple(int(y) for y in np.atleast_1d(classes["year"].values))


def coverage_of(
    shapes: Geometries, indices: Codes, years: tuple[int, ...], legend: Legend, crs: str
) -> Coverage:
    """The coverage of finished polygons with their class indices."""
    shapes, order = tidy(shapes)
    if not shapely.coverage_is_valid(shapes):
        raise RunError("the polygons do not form a valid coverage", remedy="report the raster")
    codes = legend.code_table()[indices[order]]
    columns = {Coverage.column(year): codes[:, n] for n, year in enumerate(years)}
    return Coverage(gpd.GeoDataFrame(columns, geometry=shapes, crs=crs), years)
