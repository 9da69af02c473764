"""The same map in the classes of another nomenclature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray

from bocage.generalize import Coverage, GeneralizeSettings, coarsen, load_rules
from bocage.legend import HOW, OUTSIDE, Decision, Legend, Recode
from bocage.posterior import Posterior
from bocage.products._schema import Schema
from bocage.rasters import geobox_of, wrap

Shares = NDArray[np.float32]
_HECTARE = 10_000.0
_ROWS = 1 << 17  # pixels that are decided at a time
_KEYS = ["year", "code", "target", "decided_by"]


def recode_coverage(
    coverage: Coverage,
    recode: Recode,
    shares: Sequence[Shares] | None = None,
    layers: Mapping[str, NDArray[np.floating]] | None = None,
) -> tuple[Coverage, pd.DataFrame]:
    """Give the polygons of a coverage the codes of another legend.

    A polygon that keeps its class has one new class in both years: what is known of both
    counts together, so that a doubtful pair makes no change.

    Parameters
    ----------
    coverage
        Codes of the source legend.
    recode
        From that legend to the other.
    shares
        For each year what the polygons hold of each class, as `class_shares` gives it.
    layers
        Mean of ancillary layers in each polygon, as `layer_means` gives it.

    Returns
    -------
    coverage
        The same polygons; equal neighbours are not united yet, see `fit_rules`.
    report
        Columns ``year``, ``code``, ``target``, ``decided_by`` (see `bocage.legend.Decision`),
        ``count`` and ``area_ha``: one row for each way a class was recoded.
    """
    frame = coverage.frame
    columns = [coverage.column(year) for year in coverage.years]
    own = [recode.source.encode(frame[column].to_numpy()) for column in columns]
    known = list(shares) if shares is not None else [None] * len(own)
    if len(own) == 2 and known[0] is not None and known[1] is not None:
        same = (own[0] == own[1])[:, None]
        mean = (known[0] + known[1]) / 2
        known = [np.where(same, mean, part) for part in known]
    area = shapely.area(frame.geometry.to_numpy()) / _HECTARE
    found, reports = {}, []
    for year, column, index, part in zip(coverage.years, columns, own, known, strict=True):
        decision = recode.decide(index, part, layers)
        found[column] = decision.code.astype(np.int32)
        reports.append(_report(year, frame[column].to_numpy(), decision, area))
    made = frame.assign(**found)
    return Coverage(made, coverage.years), pd.concat(reports, ignore_index=True)


def _report(
    year: int,
    code: NDArray[np.integer],
    decision: Decision,
    area: NDArray[np.floating],
) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "year": year,
            "code": code,
            "target": decision.code,
            "decided_by": np.array(HOW)[decision.how],
            "area_ha": area,
        }
    )
    return _summed(table[table["code"] != 0].assign(count=1))


def _summed(table: pd.DataFrame) -> pd.DataFrame:
    """Count and area of equal rows."""
    sums = table.groupby(_KEYS, as_index=False)[["count", "area_ha"]].sum()
    return sums.sort_values(_KEYS, ignore_index=True)


def joined_reports(reports: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One report of several, such as those of the areas of a delivery unit."""
    return _summed(pd.concat(reports, ignore_index=True))


def layer_means(polygons: gpd.GeoDataFrame, layer: xr.DataArray) -> NDArray[np.float64]:
    """Mean of a raster in each polygon, NaN where the raster has no value.

    Parameters
    ----------
    polygons
        In the coordinate reference system of the raster.
    layer
        Dims (y, x), NaN where there is none.
    """
    return _in_polygons(polygons, layer, "mean")


def layer_medians(polygons: gpd.GeoDataFrame, layer: xr.DataArray) -> NDArray[np.float64]:
    """Median of a raster in each polygon, see `layer_means`."""
    return _in_polygons(polygons, layer, "median")


def _in_polygons(polygons: gpd.GeoDataFrame, layer: xr.DataArray, what: str) -> NDArray[np.float64]:
    left, bottom, right, top = geobox_of(layer, "the layer").boundingbox
    values = np.asarray(layer.values, np.float64)
    raster = NumPyRasterSource(
        values, xmin=left, ymin=bottom, xmax=right, ymax=top, nodata=np.nan,
        srs_wkt=polygons.crs.to_wkt(),
    )  # fmt: skip
    found = exact_extract(raster, polygons[[polygons.geometry.name]], [what], output="pandas")
    return np.asarray(found[what], np.float64)


def fit_rules(
    coverage: Coverage, legend: Legend, schema: Schema, settings: GeneralizeSettings
) -> tuple[Coverage, float]:
    """Unite polygons until the mapping unit and width of a schema hold.

    Parameters
    ----------
    coverage
        Codes of `legend`.
    legend
        The legend that is delivered.
    schema
        Its ``mmu_ha``, ``mmw_m``, ``rules`` and ``islands`` are kept.
    settings
        What the coverage was made with.

    Returns
    -------
    coverage
        The polygons that are delivered.
    left_out_ha
        Area of land below the mapping unit without neighbours, where ``islands`` is false.
    """
    codes = np.unique(coverage.frame[[coverage.column(y) for y in coverage.years]].to_numpy())
    if not codes.any():
        return coverage, 0.0
    used = legend.only(int(code) for code in codes if code)
    kept, left_out = (coverage, 0.0) if schema.islands else _without_islands(coverage, schema)
    if kept.frame.empty:
        return kept, left_out
    own = replace(settings, mmu_ha=schema.mmu_ha, rules=load_rules(schema.rules))
    return coarsen(kept, used, schema.mmu_ha, own, mmw_m=schema.mmw_m), left_out


def _without_islands(coverage: Coverage, schema: Schema) -> tuple[Coverage, float]:
    shapes = coverage.frame.geometry.to_numpy()
    parts = shapely.get_parts(shapely.coverage_union_all(shapes))
    small = parts[shapely.area(parts) < schema.mmu_ha * _HECTARE]
    tree = shapely.STRtree(small)
    inner, _ = tree.query(shapely.point_on_surface(shapes), predicate="within")
    gone = np.zeros(len(shapes), bool)
    gone[inner] = True
    left = coverage.frame[~gone].reset_index(drop=True)
    return Coverage(left, coverage.years), float(shapely.area(small).sum()) / _HECTARE


def recode_raster(
    classes: xr.DataArray,
    recode: Recode,
    year: int,
    *,
    posterior: Posterior | None = None,
    layers: Mapping[str, xr.DataArray] | None = None,
    factor: int = 1,
) -> tuple[xr.DataArray, pd.DataFrame]:
    """Turn a raster of class indices into one of another legend, pixel by pixel.

    Parameters
    ----------
    classes
        Class index of the source legend, uint8 (y, x): 0 unknown, 255 outside.
    recode
        From that legend to the other.
    year
        For the report.
    posterior
        Class probabilities on the same pixels.
    layers
        Ancillary layers on the same pixels, NaN where there is none.
    factor
        As in `coarser_raster`, which the result goes through.

    Returns
    -------
    raster
        Class index of the target legend, uint8 (y, x).
    report
        As `recode_coverage`; ``count`` is pixels of the input.
    """
    own = np.asarray(classes.values)
    box = geobox_of(classes, "the class raster")
    pixel = abs(float(box.resolution.x) * float(box.resolution.y)) / _HECTARE
    flat = own.ravel()
    index = np.full(flat.shape, OUTSIDE, np.uint8)
    place = np.zeros(max(recode.target.codes()) + 1, np.uint8)
    place[list(recode.target.codes())] = np.arange(1, len(recode.target) + 1)
    beside = {name: np.asarray(layer.values).ravel() for name, layer in (layers or {}).items()}
    codes, reports = recode.source.code_table(), []
    inside = np.flatnonzero(flat != OUTSIDE)
    for start in range(0, len(inside), _ROWS):
        cells = inside[start : start + _ROWS]
        part = None if posterior is None else _dense(posterior, cells, len(recode.source))
        decision = recode.decide(flat[cells], part, {k: v[cells] for k, v in beside.items()})
        index[cells] = place[decision.code]
        reports.append(_report(year, codes[flat[cells]], decision, np.full(len(cells), pixel)))
    empty = pd.DataFrame(columns=[*_KEYS, "count", "area_ha"])
    report = joined_reports(reports) if reports else empty
    return coarser_raster(wrap(index.reshape(own.shape), box), factor), report


def coarser_raster(classes: xr.DataArray, factor: int) -> xr.DataArray:
    """Unite pixels of a raster of class indices.

    Parameters
    ----------
    classes
        Class index, uint8 (y, x): 0 unknown, 255 outside.
    factor
        Pixels of the input along a side of one of the result, which gets the most frequent
        class of those in it, or 255 where most of them are outside. The shape of the input is
        a multiple of it.
    """
    if factor == 1:
        return classes
    box = geobox_of(classes, "the class raster")
    return wrap(_most_frequent(np.asarray(classes.values), factor), box.zoom_out(factor))


def _dense(posterior: Posterior, cells: NDArray[np.integer], classes: int) -> Shares:
    """Probability of each class in some pixels, shape (pixel, class)."""
    full = np.zeros((len(cells), classes + 1), np.float32)
    rows = np.arange(len(cells))
    listed, probability = posterior.data["index"].values, posterior.data["probability"].values
    for index, share in zip(listed, probability, strict=True):
        full[rows, index.ravel()[cells]] += share.ravel()[cells] / np.float32(255)
    return full[:, 1:]


def _most_frequent(index: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    rows, columns = index.shape[0] // factor, index.shape[1] // factor
    blocks = index.reshape(rows, factor, columns, factor)
    outside = (blocks == OUTSIDE).sum(axis=(1, 3))
    best, most = np.zeros((rows, columns), np.uint8), np.zeros((rows, columns), np.int64)
    for value in np.unique(index[(index != 0) & (index != OUTSIDE)]):
        count = (blocks == value).sum(axis=(1, 3))
        better = count > most
        best[better], most[better] = value, count[better]
    return np.where(2 * outside > factor**2, np.uint8(OUTSIDE), best)
