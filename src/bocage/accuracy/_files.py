"""The accuracy of a map file against a reference file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray

from bocage.accuracy._assessment import assess_pairs
from bocage.accuracy._calibration import NO_CONFIDENCE
from bocage.accuracy._layers import (
    ClassRaster,
    Layer,
    Vector,
    is_raster,
    read_classes,
    read_vector,
    split_layer,
)
from bocage.accuracy._pixels import by_pixels
from bocage.accuracy._result import UNKNOWN, Assessment, Pairs
from bocage.accuracy._values import to_level, values_at, values_at_polygons
from bocage.accuracy._weights import point_pairs
from bocage.errors import InputError
from bocage.files import existing
from bocage.grid import CRS
from bocage.legend import Legend, load_legend
from bocage.rasters import geobox_of, read_raster, wrap

PROTOCOL = "protocol"
"""Attribute of reference points that says how they were interpreted."""

BLIND = "blind"
"""The protocol whose figures come first."""

_SURE = "confidence of the map"


def assess_files(
    map: Path | str,
    reference: Path | str,
    *,
    map_class: str | None = None,
    reference_class: str | None = None,
    strata: Path | str | None = None,
    level: int | None = None,
    legend: Legend | str | Path = "pa",
    protocol: str | None = None,
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

    protocol
        The points of this ``protocol`` only. Where the points are of several, one must be
        named: they are not mixed (`survey_files` gives each).

    Returns
    -------
    Assessment

    Raises
    ------
    InputError
        If a file cannot be read, a value is neither a code nor a class index of the legend, the
        layers do not overlap, or strata come with a reference that is no sample.
    """
    parts = read_pairs(
        map,
        reference,
        map_class=map_class,
        reference_class=reference_class,
        strata=strata,
        level=level,
        legend=legend,
    )
    name, part = choose(parts, protocol, reference)
    return replace(assess_pairs(part.pairs, part.legend, level), protocol=name)


@dataclass(frozen=True, eq=False)
class Part:
    """Pairs of one protocol, with the confidence of the map there (percent; NaN unknown)."""

    pairs: Pairs
    legend: Legend
    confidence: NDArray[np.float64] | None = None


def choose(
    parts: Mapping[str | None, Part], protocol: str | None, where: Path | str
) -> tuple[str | None, Part]:
    """The part of a protocol (however it is spelt), or the only one there is."""
    protocol = None if protocol is None else protocol.strip().lower()
    if protocol is None and len(parts) == 1:
        return next(iter(parts.items()))
    if protocol not in parts:
        found = ", ".join(str(p) for p in parts)
        raise InputError(
            f"{where} has points of the protocols {found}"
            if protocol is None
            else f"{where} has no points of the protocol '{protocol}'",
            remedy=f"choose one of {found}; figures of two protocols are not mixed",
        )
    return protocol, parts[protocol]


def read_pairs(
    map: Path | str,
    reference: Path | str,
    *,
    map_class: str | None = None,
    reference_class: str | None = None,
    strata: Path | str | None = None,
    level: int | None = None,
    legend: Legend | str | Path = "pa",
    regions: Mapping[str, gpd.GeoDataFrame] | None = None,
    confidence: Path | str | None = None,
) -> dict[str | None, Part]:
    """The places at which two files are compared, per protocol of the reference."""
    known = legend if isinstance(legend, Legend) else load_legend(legend)
    mapped = read_layer(Path(map), map_class, known, "map")
    truth = read_layer(Path(reference), reference_class, known, "reference", also=(PROTOCOL,))
    if isinstance(mapped, Vector) and mapped.kind == "points":
        raise InputError(f"the map {map} holds points", remedy="give a raster or polygons")
    groups = regions or {}
    if isinstance(truth, Vector) and truth.kind == "points":
        return _by_points(mapped, truth, known, strata, groups, confidence)
    for name, given in (("strata", strata), ("confidence", confidence)):
        if given is not None:
            raise InputError(
                f"{name} {given} with a reference that covers the area",
                remedy=f"{name} belong to sample points; leave it out",
            )
    return {None: Part(by_pixels(mapped, truth, known, level, groups), known)}


def read_layer(
    path: Path, field: str | None, legend: Legend, what: str, also: tuple[str, ...] = ()
) -> Layer:
    """A raster of classes, or a vector layer with their attribute."""
    existing(split_layer(path)[0], what)
    if is_raster(path):
        if field is not None:
            raise InputError(
                f"{what} {path} is a raster and has no attribute '{field}'",
                remedy="leave the class attribute out",
            )
        return read_classes(path, legend)
    return read_vector(path, field, legend, what, also=also)


def _by_points(
    mapped: Layer,
    truth: Vector,
    legend: Legend,
    strata: Path | str | None,
    groups: Mapping[str, gpd.GeoDataFrame],
    confidence: Path | str | None,
) -> dict[str | None, Part]:
    points = truth.frame
    codes = _codes_at(points, mapped)
    inside = codes >= 0
    if not inside.any():
        raise InputError(
            f"no point of {truth.path} lies in the map {mapped.path}",
            remedy="check that they overlap and the coordinate reference systems are right",
        )
    points, codes = points[inside].reset_index(drop=True), codes[inside]
    lost = int((~inside).sum())
    notes = (f"{lost} points lie outside the map and were left out",) if lost else ()
    parts: dict[str | None, Part] = {}
    for name, rows in _protocols(points).items():
        some = points[rows].reset_index(drop=True)
        columns: dict[str, NDArray[Any]] = {k: _names_at(some, g) for k, g in groups.items()}
        if confidence is not None:
            columns[_SURE] = _confidence_at(some, Path(confidence))
        if strata is None:
            how: dict[str, Any] = {"areas": _areas(mapped, legend)}
        else:
            how = dict(zip(("strata", "stratum_areas"), _strata(some, Path(strata)), strict=True))
        given = some["code"].to_numpy()
        pairs = point_pairs(codes[rows], given, legend, groups=columns, **how)
        named = {k: v for k, v in pairs.groups.items() if k in groups}
        known = replace(pairs, groups=named, notes=(*notes, *pairs.notes))
        parts[name] = Part(known, legend, pairs.groups.get(_SURE))
    return parts


def _confidence_at(points: gpd.GeoDataFrame, path: Path) -> NDArray[np.float64]:
    """Confidence in percent, NaN where it is not known."""
    found = values_at(points, path, fill=NO_CONFIDENCE).astype(np.float64)
    with rasterio.open(path) as source:
        gone = np.isin(found, [NO_CONFIDENCE] + [v for v in (source.nodata,) if v is not None])
    return np.where(gone, np.nan, found)


def _protocols(points: gpd.GeoDataFrame) -> dict[str | None, NDArray[np.bool_]]:
    """Rows of each protocol; points that do not say theirs are one of their own."""
    if PROTOCOL not in points:
        return {None: np.ones(len(points), dtype=bool)}
    text = points[PROTOCOL].astype("string").str.strip().str.lower().fillna("")
    names = sorted(set(text), key=lambda n: (n != BLIND, n))
    return {n or None: (text == n).to_numpy(dtype=bool) for n in names}


def _names_at(points: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> NDArray[Any]:
    numbered = regions.assign(number=np.arange(1, len(regions) + 1))
    number = values_at_polygons(points, numbered, "number")
    names: NDArray[Any] = np.array(["", *regions["region"]], dtype=object)
    return np.asarray(names[number])


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


def _strata_raster(path: Path) -> ClassRaster:
    """Numbers of strata, -1 outside; the raster may be of floats, with NaN outside."""
    data = read_raster(path, what="strata")[0]
    here = np.isfinite(data.values)
    if (nodata := data.attrs.get("nodata")) is not None:
        here &= data.values != nodata
    numbers = np.where(here, data.values, -1).astype(np.int64)
    if (numbers[here] != data.values[here]).any():
        raise InputError(f"strata {path} hold fractions", remedy="give whole numbers")
    return ClassRaster(path, wrap(numbers, geobox_of(data)))


def _strata(points: gpd.GeoDataFrame, path: Path) -> tuple[NDArray[np.int64], dict[int, float]]:
    if is_raster(existing(path, "strata")):
        raster = _strata_raster(path)
        found = raster.at(points)
        sizes = raster.areas()
    else:
        layer = read_vector(path, "stratum", None, "strata")
        found = values_at_polygons(points, layer.frame, "code", fill=-1).astype(np.int64)
        sizes = _polygon_areas(layer.frame)
    if (lost := int((found < 0).sum())) > 0:
        raise InputError(
            f"{lost} points lie in no stratum of {path}", remedy="let the strata cover the points"
        )
    return found, sizes
