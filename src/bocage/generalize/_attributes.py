"""What the polygons of a map are worth: attributes from the rasters that they were made of."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.generalize._displacement import Displacement, displacement, shared_length
from bocage.generalize._graph import Floats, Ints
from bocage.generalize._rules import HECTARE
from bocage.generalize._tally import Source, Tally, source_of, tally_of
from bocage.legend import Legend
from bocage.posterior import Posterior

REACH_M = 50.0
"""How far from a border of a polygon its counterpart in the raster is looked for."""

SIZES_HA = (0.5, 1.0, 5.0, 25.0, 100.0)
"""Limits of the size classes of a summary."""

_COLUMNS = (
    *("confidence", "support", "second", "second_share", "purity", "heterogeneity"),
    *("relabelled_m2", "displacement_m", "displacement_p95_m", "regions"),
)


def describe(
    polygons: gpd.GeoDataFrame,
    classes: xr.DataArray,
    legend: Legend,
    *,
    confidence: xr.DataArray | None = None,
    posterior: Posterior | None = None,
    column: str = "code",
    rim: BaseGeometry | None = None,
) -> gpd.GeoDataFrame:
    """Add to each polygon how well the raster that it was made of supports it.

    Pixels count by the share of them that a polygon covers. Unknown pixels (0 or 255) count
    nowhere; where all pixels of a polygon are unknown its numbers are NaN.

    Parameters
    ----------
    polygons
        Polygons of one year, such as `Coverage.status` gives them, in the coordinate
        reference system of the raster.
    classes
        Class index before the generalisation, uint8, dims (y, x) or (1, y, x).
    legend
        The nomenclature of both.
    confidence
        Per cent, uint8 (y, x), 255 where there is none, on the same grid.
    posterior
        Class probabilities on the same grid.
    column
        The column of `polygons` with leaf codes; 0 is nodata.
    rim
        The area that was mapped: its limit is no displaced border.

    Returns
    -------
    geopandas.GeoDataFrame
        The polygons with further columns:

        - ``confidence`` (float32, per cent): mean of `confidence`; only if it is given.
        - ``support`` (float32, per cent): mean probability of the polygon's class, as far as
          `posterior` lists it; only if it is given.
        - ``second`` (int32): code of the most frequent other class, or of that with the
          largest sum of probabilities if there is a posterior; 0 where there is none.
        - ``second_share`` (float32, 0 … 1): its share of the pixels or probabilities.
        - ``purity`` (float32, 0 … 1): share that has the polygon's class in the raster.
        - ``heterogeneity`` (float32, 0 … 1): normalised Shannon entropy, that of the class
          shares over the logarithm of the number of classes of the legend.
        - ``relabelled_m2`` (float32, m²): area whose class the generalisation changed.
        - ``displacement_m``, ``displacement_p95_m`` (float32, m): mean and 95 % quantile of
          the distance from the polygon's border to the nearest border of its class in the
          raster; what is beyond 50 m counts as 50 m, and a polygon without a border that
          counts has NaN.
        - ``regions`` (int32): how many connected regions of the raster went into it. A region
          counts in the one polygon that has most of it.

    Raises
    ------
    InputError
        If a raster is not on the grid of `classes`, or the polygons are in another
        coordinate reference system or lie outside.
    """
    source = source_of(polygons, classes, legend, column, confidence, posterior)
    tally = tally_of(source, len(legend))
    found = _of_classes(tally, source, legend)
    if confidence is not None:
        found["confidence"] = _ratio(tally.confidence, tally.confident)
    moved = _displacement(source, rim)
    mean, upper = _mean_and_upper(moved, len(source.shapes))
    found["displacement_m"], found["displacement_p95_m"] = mean, upper
    result = polygons.copy()
    for name in _order(found):
        kind = np.int32 if name in ("second", "regions") else np.float32
        result[name] = found[name].astype(kind)
    return result


def class_shares(
    polygons: gpd.GeoDataFrame,
    classes: xr.DataArray,
    legend: Legend,
    *,
    posterior: Posterior | None = None,
    column: str = "code",
) -> NDArray[np.float32]:
    """What each polygon holds of each class: mean probabilities, or shares of its pixels.

    Parameters
    ----------
    polygons, classes, legend, posterior, column
        As `describe` takes them. Without a posterior the pixels of `classes` are counted.

    Returns
    -------
    numpy.ndarray
        float32 (polygon, class) in the order of the legend; a row adds up to at most 1, to 0
        where nothing is known.
    """
    source = source_of(polygons, classes, legend, column, None, posterior)
    tally = tally_of(source, len(legend))
    part = tally.pixels if posterior is None else tally.mass
    total = tally.pixels.sum(axis=1, keepdims=True)
    shares = np.nan_to_num(_ratio(part, total))[:, 1 : len(legend) + 1]
    return np.asarray(shares, np.float32)


def summary(
    polygons: gpd.GeoDataFrame,
    classes: xr.DataArray,
    legend: Legend,
    *,
    column: str = "code",
    rim: BaseGeometry | None = None,
) -> dict[str, Any]:
    """The worth of a whole map in a few numbers.

    Parameters
    ----------
    polygons
        As `describe` gives them.
    classes, legend, column, rim
        What they were described with.

    Returns
    -------
    dict
        ``polygons``; ``area_ha``; ``relabelled_share`` of the area, 0 … 1;
        ``displacement_p50_m``, ``displacement_p95_m`` and ``displacement_max_m`` over all
        borders (at most 50 m; None without borders); ``border_km`` between polygons, without
        the rim, and ``vertices_per_km`` of it (None without borders); ``polygons_by_size``: a
        number for each size class, such as ``0.5-1 ha``.

    Raises
    ------
    InputError
        If the polygons are not described, or as `describe`.
    """
    if "relabelled_m2" not in polygons.columns:
        raise InputError("the polygons have no attributes", remedy="call describe first")
    source = source_of(polygons, classes, legend, column)
    area = shapely.area(source.shapes)
    moved = _displacement(source, rim).distance
    length, segments = shared_length(source.shapes)
    quantiles = np.quantile(moved, (0.5, 0.95, 1.0)).round(3).tolist() if len(moved) else [None] * 3
    changed = float(polygons["relabelled_m2"].sum())
    return {
        "polygons": len(polygons),
        "area_ha": float(area.sum()) / HECTARE,
        "relabelled_share": changed / float(area.sum()) if len(area) else None,
        **dict(zip((f"displacement_{q}_m" for q in ("p50", "p95", "max")), quantiles, strict=True)),
        "border_km": length / 1000.0,
        "vertices_per_km": segments / length * 1000.0 if length else None,
        "polygons_by_size": _by_size(area / HECTARE),
    }


def _by_size(hectares: Floats) -> dict[str, int]:
    limits = [0.0, *SIZES_HA]
    names = [f"{low:g}-{high:g} ha" for low, high in zip(limits, SIZES_HA, strict=False)]
    which = np.digitize(hectares, SIZES_HA)
    numbers = np.bincount(which, minlength=len(limits)).tolist()
    return dict(zip([*names, f"from {SIZES_HA[-1]:g} ha"], numbers, strict=True))


def _of_classes(tally: Tally, source: Source, legend: Legend) -> dict[str, NDArray[Any]]:
    """The attributes that follow from sums over pixels."""
    row, own = np.arange(len(source.own)), source.own
    total = tally.pixels.sum(axis=1)
    share = _ratio(tally.pixels, total[:, None])
    logs = np.log(np.where(share > 0, share, 1.0))
    found: dict[str, NDArray[Any]] = {
        "purity": share[row, own],
        "heterogeneity": -(share * logs).sum(axis=1) / np.log(max(len(legend), 2)),
        "relabelled_m2": (total - tally.pixels[row, own]) * source.transform.a**2,
        "regions": tally.regions,
    }
    weight = tally.pixels if source.index is None else tally.mass
    if source.index is not None:
        found["support"] = 100.0 * _ratio(weight[row, own], total)
    others = weight.copy()
    others[row, own] = 0
    second = others.argmax(axis=1)
    found["second"] = legend.code_table()[second]
    found["second_share"] = _ratio(others[row, second], weight.sum(axis=1))
    return found


def _ratio(part: Floats | Ints, whole: Floats | Ints) -> Floats:
    """Quotients, NaN where there is nothing to divide by."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def _displacement(source: Source, rim: BaseGeometry | None) -> Displacement:
    return displacement(
        source.shapes, source.own, source.classes, source.transform, reach_m=REACH_M, rim=rim
    )


def _mean_and_upper(moved: Displacement, count: int) -> tuple[Floats, Floats]:
    """Mean and 95 % quantile of the distances of each polygon, NaN where there is none."""
    size = np.bincount(moved.polygon, minlength=count)
    mean = _ratio(np.bincount(moved.polygon, moved.distance, minlength=count), size)
    ordered = moved.distance[np.lexsort((moved.distance, moved.polygon))]
    last = np.cumsum(size)
    place = last - size + np.ceil(0.95 * size).astype(np.int64) - 1
    upper = np.full(count, np.nan)
    upper[size > 0] = ordered[place[size > 0]]
    return mean, upper


def _order(found: dict[str, NDArray[Any]]) -> list[str]:
    return [name for name in _COLUMNS if name in found]
