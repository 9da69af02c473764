"""From a class raster to the space–time coverage."""

from __future__ import annotations

import logging
import math

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import RunError
from bocage.generalize._affinity import similarity_table
from bocage.generalize._borders import cut_to, grow, region_polygons, simplify
from bocage.generalize._coverage import Coverage
from bocage.generalize._edges import Geometries, polygon_graph, tidy, unite
from bocage.generalize._frame import Frame, make_frame
from bocage.generalize._graph import Bools, Codes, Labels, label_regions, region_graph
from bocage.generalize._merge import enforce
from bocage.generalize._rules import HECTARE, views_of
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._specks import merge_specks
from bocage.generalize._widths import widen
from bocage.legend import Legend

_log = logging.getLogger(__name__)
_RIM_PIXELS = 3  # a region that meets the rim with fewer pixels may not touch it as a polygon
_WIDTH_PASSES = 2  # merging makes new narrow places, and a pass more finds hardly any
_ROUNDING = 1e-6  # share by which polygons exceed the thresholds, so that rounding never decides


def generalize(
    classes: xr.DataArray,
    area: BaseGeometry | None,
    legend: Legend,
    settings: GeneralizeSettings | None = None,
    *,
    locked: xr.DataArray | None = None,
) -> Coverage:
    """Turn a class raster of one or two years into one coverage of class pairs.

    Regions of equal class pairs merge into neighbours until the minimum mapping unit holds in
    every view (the status of each year, and the change), first on the raster, then, after
    smoothing, simplification and the exact cut at the limit of the area, on the polygons.

    Parameters
    ----------
    classes
        Class index, uint8, dims (year, y, x) with one or two years, or (y, x); coordinate
        ``year`` (without it the years are 1, 2); square pixels in metres. 0 is unknown and
        becomes nodata (code 0), 255 is outside. The raster should reach beyond `area`.
    area
        The area to map, in the coordinate reference system of the raster; None maps every
        pixel that is not outside.
    legend
        Names the classes, their similarity and what the rules ask for.
    settings
        Mapping unit, width, rules and tolerance; the defaults when None.
    locked
        Class index of drawn lines, 0 where none, dims (y, x), as `bocage.refine.draw_lines`
        gives it: lines are neither narrowed nor given away as long as they are large enough.

    Returns
    -------
    Coverage
        A valid coverage of exactly `area`.

    Raises
    ------
    InputError
        If the raster or the area is not what it must be.
    RunError
        If the polygons would not form a valid coverage.
    """
    settings = settings or GeneralizeSettings()
    frame = make_frame(
        classes, area, locked, classes_in_legend=len(legend), reach_m=settings.reach_m
    )
    table = similarity_table(legend)
    labels, codes, line = _merge_raster(frame, legend, settings, table)
    faces, numbers = region_polygons(grow(labels), frame.transform)
    faces = simplify(faces, settings.tolerance_m)
    pieces, numbers = cut_to(faces, numbers, frame.outline)
    _log.info("%d regions, %d pieces", len(codes), len(pieces))
    shapes, pairs = _merge_polygons(pieces, codes[numbers], line[numbers], legend, settings, table)
    return _coverage(shapes, pairs, _years(classes), legend, frame.crs)


def _merge_raster(
    frame: Frame, legend: Legend, settings: GeneralizeSettings, table: NDArray[np.float64]
) -> tuple[Labels, Codes, Bools]:
    """Regions that keep to the rules: labels, class indices (n, years), drawn lines (n,)."""
    classes, labels = _settle(frame, frame.classes, settings, table)
    views = views_of(len(classes), legend, settings, margin=settings.margin)
    # A strip of exactly the minimum width does not pass, one pixel more does.
    size = math.floor(settings.mmw_m / frame.pixel + 1e-9) + 1 if settings.mmw_m else 0
    # Widths come first: what is thin is mostly noise, and would drag its class along.
    for _ in range(_WIDTH_PASSES if size else 1):
        if size:
            exempt = frame.locked | _linear(classes, legend)
            classes = widen(classes, labels, size, exempt)
            classes, labels = _settle(frame, classes, settings, table)
        graph = region_graph(labels, classes, frame.inside, frame.locked, frame.pixel)
        merged = enforce(graph, views, table, rim_contact=_RIM_PIXELS * frame.pixel)
        labels = _look_up(merged.group, labels)
        classes = _paint(merged.codes, labels, classes)
    return labels, merged.codes, merged.line


def _settle(
    frame: Frame, classes: Codes, settings: GeneralizeSettings, table: NDArray[np.float64]
) -> tuple[Codes, Labels]:
    """Merge the specks of a class raster: its new classes and regions."""
    labels = label_regions(classes, frame.domain)
    graph = region_graph(labels, classes, frame.inside, frame.locked, frame.pixel)
    limit = settings.mmu_ha * HECTARE
    merged, group = merge_specks(graph, table, frame.pixel**2, limit)
    labels = _look_up(group, labels)
    return _paint(merged.codes, labels, classes), labels


def _paint(codes: Codes, labels: Labels, classes: Codes) -> Codes:
    """The classes of labelled regions; pixels of none keep theirs."""
    return np.where(labels >= 0, codes.T[:, labels], classes).astype(np.uint8)


def _look_up(group: NDArray[np.int64], labels: Labels) -> Labels:
    table = np.append(group, -1).astype(np.int32)
    return np.asarray(table[labels])


def _linear(classes: Codes, legend: Legend) -> Bools:
    indices = [legend.index(code) for code in legend.flagged("linear")]
    return np.asarray(np.isin(classes, indices).any(axis=0))


def _merge_polygons(
    pieces: Geometries,
    codes: Codes,
    line: Bools,
    legend: Legend,
    settings: GeneralizeSettings,
    table: NDArray[np.float64],
) -> tuple[Geometries, Codes]:
    """Unite what is equal or, by its exact area, too small: polygons and class indices."""
    graph = polygon_graph(pieces, codes, line)
    views = views_of(codes.shape[1], legend, settings, margin=_ROUNDING)
    merged = enforce(graph, views, table)
    return unite(pieces, merged.group), merged.codes


def _years(classes: xr.DataArray) -> tuple[int, ...]:
    if "year" not in classes.coords:
        return tuple(range(1, (1 if classes.ndim == 2 else len(classes)) + 1))
    return tuple(int(y) for y in np.atleast_1d(classes["year"].values))


def _coverage(
    shapes: Geometries, indices: Codes, years: tuple[int, ...], legend: Legend, crs: str
) -> Coverage:
    shapes, order = tidy(shapes)
    if not shapely.coverage_is_valid(shapes):
        raise RunError("the polygons do not form a valid coverage", remedy="report the raster")
    codes = legend.code_table()[indices[order]]
    columns = {Coverage.column(year): codes[:, n] for n, year in enumerate(years)}
    return Coverage(gpd.GeoDataFrame(columns, geometry=shapes, crs=crs), years)
