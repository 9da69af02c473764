"""The accuracy of a map file against a reference file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize

from bocage.accuracy._assessment import UNKNOWN, Assessment, Pairs, assess, assess_pairs
from bocage.accuracy._layers import ClassRaster, Vector, is_raster, read_classes, read_vector
from bocage.accuracy._values import to_level, values_at, values_at_polygons
from bocage.errors import InputError
from bocage.files import existing
from bocage.grid import CRS, FINE, geobox
from bocage.legend import Legend, load_legend
from bocage.rasters import read_raster

CLUSTER_M = 500.0
"""Side of the squares that count as one unit where a whole layer is the reference."""

Layer = ClassRaster | Vector


def assess_files(
    map: Path | str,
    reference: Path | str,
    *,
    map_class: str | None = None,
    reference_class: str | None = None,
    strata: Path | str | None = None,
    level: int | None = None,
    legend: Legend | str | Path = "pa",
) -> Assessment:
    """Estimate the accuracy of a map file.

    With **points** as the reference the estimates are adjusted by area: the strata are the classes
    of the map, or those of `strata`. With **polygons or a raster** as the reference every pixel
    that both layers classify is compared (on the map's grid, else the reference's, else at 2.5 m),
    and squares of 500 m are the units of the intervals, since pixels side by side are not
    independent.

    Parameters
    ----------
    map
        Raster of class indices or codes, or polygons.
    reference
        Points, polygons or a raster.
    map_class, reference_class
        Attribute with the class code; found by its name (``code``, ``class``, ``code_4_21`` …)
        where there is one only.
    strata
        Strata that the points were drawn in: a raster of whole numbers, or polygons with an
        attribute ``stratum``.
    level
        Level of the comparison; the leaves by default.
    legend
        Legend of both files, its id or its CSV file.

    Returns
    -------
    Assessment

    Raises
    ------
    InputError
        If a file cannot be read, a value is neither a code nor a class index of the legend, the
        layers do not overlap, or strata come with a reference that is no sample.
    """
    known = legend if isinstance(legend, Legend) else load_legend(legend)
    mapped = _read(Path(map), map_class, known, "map")
    truth = _read(Path(reference), reference_class, known, "reference")
    if isinstance(mapped, Vector) and mapped.kind == "points":
        raise InputError(f"the map {map} holds points", remedy="give a raster or polygons")
    if isinstance(truth, Vector) and truth.kind == "points":
        return _by_points(mapped, truth, known, level, strata)
    if strata is not None:
        raise InputError(
            f"strata {strata} with a reference that covers the area",
            remedy="strata belong to sample points; leave them out",
        )
    return assess_pairs(_by_pixels(mapped, truth, known, level), known, level)


def _read(path: Path, field: str | None, legend: Legend, what: str) -> Layer:
    existing(path, what)
    if is_raster(path):
        if field is not None:
            raise InputError(
                f"{what} {path} is a raster and has no attribute '{field}'",
                remedy="leave the class attribute out",
            )
        return read_classes(path, legend)
    return read_vector(path, field, legend, what)


def _by_points(
    mapped: Layer, truth: Vector, legend: Legend, level: int | None, strata: Path | str | None
) -> Assessment:
    points = truth.frame
    codes = _codes_at(points, mapped)
    inside = codes >= 0
    if not inside.any():
        raise InputError(
            f"no point of {truth.path} lies in the map {mapped.path}",
            remedy="check that they overlap and the coordinate reference systems are right",
        )
    points, codes = points[inside].reset_index(drop=True), codes[inside]
    given = points["code"].to_numpy()
    if strata is None:
        found = assess(codes, given, legend, level=level, areas=_areas(mapped, legend))
    else:
        stratum, sizes = _strata(points, Path(strata))
        found = assess(codes, given, legend, level=level, strata=stratum, stratum_areas=sizes)
    if inside.all():
        return found
    note = f"{int((~inside).sum())} points lie outside the map and were left out"
    return _noted(found, note)


def _noted(assessment: Assessment, note: str) -> Assessment:
    values = {**assessment.__dict__, "notes": (note, *assessment.notes)}
    return Assessment(**values)


def _codes_at(points: gpd.GeoDataFrame, layer: Layer) -> NDArray[np.int64]:
    if isinstance(layer, ClassRaster):
        return layer.at(points)
    return values_at_polygons(points, layer.frame, "code", fill=-1).astype(np.int64)


def _areas(layer: Layer, legend: Legend) -> Mapping[int, float]:
    """Mapped area per code, all at the level of the coarsest code."""
    areas = layer.areas() if isinstance(layer, ClassRaster) else _polygon_areas(layer.frame)
    level = max(
        (n for n in range(1, legend.levels + 1) if _at_or_below(areas, legend, n)), default=1
    )
    merged: dict[int, float] = {}
    codes = to_level(np.array(list(areas), dtype=np.int64), legend, level, "map")
    for code, area in zip(codes.tolist(), areas.values(), strict=True):
        merged[code] = merged.get(code, 0.0) + area
    return merged


def _at_or_below(codes: Mapping[int, float], legend: Legend, level: int) -> bool:
    fine = {c for n in range(level, legend.levels + 1) for c in legend.codes(n)}
    return all(code in fine or code == UNKNOWN for code in codes)


def _polygon_areas(frame: gpd.GeoDataFrame) -> dict[int, float]:
    sizes = shapely.area(frame.geometry.to_crs(CRS).to_numpy()) / 10_000
    values, number = np.unique(frame["code"].to_numpy(), return_inverse=True)
    return dict(zip(values.tolist(), np.bincount(number, sizes).tolist(), strict=True))


def _strata(points: gpd.GeoDataFrame, path: Path) -> tuple[NDArray[np.int64], dict[int, float]]:
    if is_raster(existing(path, "strata")):
        data = read_raster(path, what="strata")[0]
        nodata = data.attrs.get("nodata")
        raster = ClassRaster(path, data)
        outside = -1 if nodata is None else int(nodata)
        wide = data.astype("int64")
        found = values_at(points, wide, fill=outside).astype(np.int64)
        sizes = {k: v for k, v in raster.areas().items() if k != outside}
    else:
        layer = read_vector(path, "stratum", None, "strata")
        outside = -1
        found = values_at_polygons(points, layer.frame, "code", fill=outside).astype(np.int64)
        sizes = _polygon_areas(layer.frame)
    if (lost := int((found == outside).sum())) > 0:
        raise InputError(
            f"{lost} points lie in no stratum of {path}", remedy="let the strata cover the points"
        )
    return found, sizes


def _by_pixels(mapped: Layer, truth: Layer, legend: Legend, level: int | None) -> Pairs:
    """Counts of map and reference codes per square."""
    level = legend.levels if level is None else level
    box = _common_grid(mapped, truth)
    pair = [_on_grid(layer, box) for layer in (mapped, truth)]
    both = (pair[0] >= 0) & (pair[1] > 0)
    first, second = (
        to_level(codes[both], legend, level, what)
        for codes, what in zip(pair, ("map", "reference"), strict=True)
    )
    side = max(1, round(CLUSTER_M / abs(box.resolution.x)))
    row, column = np.nonzero(both)
    square = row // side * (box.shape.x // side + 1) + column // side
    # One number per triple: a table of rows would be sorted far slower.
    codes = np.sort(np.array([UNKNOWN, *legend.codes(level)], dtype=np.int64))
    shape = (int(square.max(initial=0)) + 1, len(codes), len(codes))
    triple = (square, np.searchsorted(codes, first), np.searchsorted(codes, second))
    key, counts = np.unique(np.ravel_multi_index(triple, shape), return_counts=True)
    square, first, second = np.unravel_index(key, shape)
    pixel_ha = abs(box.affine.a * box.affine.e) / 10_000
    return Pairs(
        mapped=codes[first],
        reference=codes[second],
        weight=counts.astype(np.float64) * float(pixel_ha),
        cluster=square,
        count=counts,
        hectares=True,
        notes=(f"all pixels compared; squares of {CLUSTER_M:g} m are the units of the intervals",),
    )


def _common_grid(mapped: Layer, truth: Layer) -> GeoBox:
    for layer in (mapped, truth):
        if isinstance(layer, ClassRaster):
            if layer.pixel_ha <= 0:
                raise InputError(f"{layer.path} has no pixel size", remedy="write it again")
            return layer.box
    bounds = [
        shapely.box(*layer.frame.to_crs(CRS).total_bounds)
        for layer in (mapped, truth)
        if isinstance(layer, Vector)
    ]
    shared = shapely.intersection_all(bounds)
    if shared.is_empty or shared.area == 0:
        raise InputError(
            f"{mapped.path} and {truth.path} do not overlap",
            remedy="check their coordinate reference systems",
        )
    return geobox(shared.bounds, FINE)


def _on_grid(layer: Layer, box: GeoBox) -> NDArray[np.int32]:
    if isinstance(layer, Vector):
        frame = layer.frame.to_crs(str(box.crs))
        shapes = zip(frame.geometry, frame["code"].astype("int32"), strict=True)
        shape = (box.shape.y, box.shape.x)
        transform = Affine(*box.affine[:6])
        filled = rasterize(shapes, shape, transform=transform, fill=-1, dtype="int32")
        return np.asarray(filled, dtype=np.int32)
    if layer.box == box:
        return np.asarray(layer.codes.values)
    moved = layer.codes.odc.reproject(box, resampling="nearest", dst_nodata=-1)
    return np.asarray(moved.values)
