"""Validation points: random in strata, or on a systematic frame."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.accuracy._design import allocate
from bocage.accuracy._strata import pixel_ha
from bocage.errors import InputError
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.rasters import geobox_of

LUCAS_M = 2000.0
"""Spacing of the LUCAS master frame, whose points lie on multiples of it in EPSG:3035."""


def sample_points(
    classes: xr.DataArray,
    n: int,
    seed: int,
    *,
    stratified: bool = True,
    minimum: int = 10,
    exclude: tuple[int, ...] = (UNCLASSIFIED, OUTSIDE),
) -> gpd.GeoDataFrame:
    """Draw validation points at pixel centres, without replacement.

    Stratified, every class gets `minimum` points and the rest are shared by area (Olofsson
    et al. 2014, section 5.1); where `n` is too small for that, every class gets the same
    smaller number, and where there are more classes than points the draw is simple random.

    Parameters
    ----------
    classes
        Class index, uint8 (y, x), on a pixel grid.
    n
        Number of points; fewer where there are fewer pixels.
    seed
        Seed of the draw.
    stratified
        Whether the classes are strata; else the draw is simple random.
    minimum
        Points that each class gets, as far as it has pixels.
    exclude
        Class indices that are not sampled.

    Returns
    -------
    geopandas.GeoDataFrame
        ``point_id`` (str), ``stratum`` (class index), ``weight`` (hectares that the point stands
        for) and points in the CRS of the raster, in raster order.

    Raises
    ------
    InputError
        If n is not positive or no pixel may be sampled.
    """
    box = geobox_of(classes, "the class raster")
    values = np.asarray(classes.values)
    wanted = ~np.isin(values, exclude)
    if n < 1 or not wanted.any():
        raise InputError(
            f"{n} points wanted from {int(wanted.sum())} pixels",
            remedy="give points and mapped pixels",
        )
    found, sizes = np.unique(values[wanted], return_counts=True)
    if stratified and n >= len(found):
        shares = allocate(sizes, n, minimum=minimum)
        strata = np.where(wanted, values.astype(np.int64) + 1, 0)
        plan = {int(v) + 1: int(k) for v, k in zip(found, shares, strict=True)}
    else:
        strata, plan = wanted.astype(np.int64), {1: min(n, int(wanted.sum()))}
    place, weight = _random(strata.ravel(), plan, np.random.default_rng(seed), pixel_ha(box))
    return _points(place, weight, values.ravel()[place], box)


def draw_points(
    strata: xr.DataArray,
    allocation: Mapping[int, int],
    seed: int,
    *,
    design: str = "random",
    step_m: float = LUCAS_M,
) -> gpd.GeoDataFrame:
    """Draw validation points in strata of any kind.

    ``random``: pixels of each stratum without replacement. ``systematic``: the frame is a square
    grid of points on multiples of `step_m` (2 km in EPSG:3035 is the LUCAS frame; 1 km, 500 m …
    are denser and hold it), and in each stratum every k-th of them in the order of
    a Hilbert curve is taken from a random start, so that the points are spread. Intervals treat
    a systematic sample as random, which is on the safe side.

    Parameters
    ----------
    strata
        Number of the stratum, integer (y, x), on a pixel grid; 0 is not sampled
        (`combine_strata`).
    allocation
        Points of each stratum (`allocate`).
    seed
        Seed of the draw.
    design
        ``random`` or ``systematic``.
    step_m
        Spacing of the frame, in the unit of the CRS.

    Returns
    -------
    geopandas.GeoDataFrame
        ``point_id`` (text; kilometres east and north where the points are of the LUCAS
        frame), ``stratum``, ``weight`` (hectares that the point stands for) and points.

    Raises
    ------
    InputError
        If a stratum has fewer places than points are wanted, no points are wanted at all, or the
        design is unknown.
    """
    box = geobox_of(strata, "the strata")
    flat = np.asarray(strata.values).ravel()
    plan = {int(k): int(v) for k, v in sorted(allocation.items()) if v > 0}
    if not plan:
        raise InputError("no stratum gets a point", remedy="allocate points above 0")
    rng = np.random.default_rng(seed)
    if design == "random":
        place, weight = _random(flat, plan, rng, pixel_ha(box))
        return _points(place, weight, flat[place], box)
    if design != "systematic":
        raise InputError(f"there is no design '{design}'", remedy="use random or systematic")
    frame = lucas_frame(box, step_m)
    frame["stratum"] = flat[frame.pop("place").to_numpy()]
    parts = [_every(frame[frame["stratum"] == s], s, k, rng) for s, k in plan.items()]
    points = pd.concat(parts).sort_index().reset_index(drop=True)
    numbers, sizes = np.unique(flat, return_counts=True)
    area = dict(zip(numbers.tolist(), (sizes * pixel_ha(box)).tolist(), strict=True))
    points["weight"] = [area[s] / plan[s] for s in points["stratum"].tolist()]
    return gpd.GeoDataFrame(points[["point_id", "stratum", "weight", "geometry"]], crs=str(box.crs))


def lucas_frame(box: GeoBox, step_m: float = LUCAS_M) -> gpd.GeoDataFrame:
    """Points of a square frame inside a pixel grid.

    Parameters
    ----------
    box
        Pixel grid, north up.
    step_m
        Spacing; the points lie on its multiples.

    Returns
    -------
    geopandas.GeoDataFrame
        ``point_id``: kilometres east and north, four digits each, as the LUCAS survey names its
        points, or metres, seven digits, where the spacing is no whole number of kilometres;
        ``place``: position of its pixel in the flattened raster.
    """
    if step_m <= 0:
        raise InputError(f"a spacing of {step_m:g}", remedy="give a spacing above 0")
    west, south, east, north = box.boundingbox.bbox
    x = np.arange(np.ceil(west / step_m), np.floor(east / step_m) + 1) * step_m
    y = np.arange(np.ceil(south / step_m), np.floor(north / step_m) + 1)[::-1] * step_m
    x, y = x[x < east], y[y > south]
    column = np.floor((x - box.affine.c) / box.affine.a).astype(np.int64)
    row = np.floor((y - box.affine.f) / box.affine.e).astype(np.int64)
    keep_x, keep_y = (column >= 0) & (column < box.shape.x), (row >= 0) & (row < box.shape.y)
    x, column, y, row = x[keep_x], column[keep_x], y[keep_y], row[keep_y]
    unit, digits = (1000.0, 4) if step_m % 1000 == 0 else (1.0, 7)
    east_of, north_of = (np.round(v / unit).astype(np.int64) for v in (x, y))
    return gpd.GeoDataFrame(
        {
            "point_id": [f"{e:0{digits}}{n:0{digits}}" for n in north_of for e in east_of],
            "place": (row[:, None] * box.shape.x + column).ravel(),
        },
        geometry=gpd.points_from_xy(np.tile(x, len(y)), np.repeat(y, len(x))),
        crs=str(box.crs),
    )


def _random(
    strata: NDArray[np.integer],
    plan: Mapping[int, int],
    rng: np.random.Generator,
    size_ha: float,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    chosen, weights = [], []
    for stratum, count in plan.items():
        index = np.flatnonzero(strata == stratum)
        if count > index.size:
            raise InputError(
                f"stratum {stratum} has {index.size} pixels, {count} points are wanted",
                remedy="draw fewer points there",
            )
        chosen.append(rng.choice(index, size=count, replace=False))
        weights.append(np.full(count, index.size / count * size_ha))
    place, weight = np.concatenate(chosen), np.concatenate(weights)
    order = np.argsort(place)
    return place[order], weight[order]


def _every(
    frame: gpd.GeoDataFrame, stratum: int, count: int, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """`count` points of a frame at equal steps along a Hilbert curve, from a random start."""
    if count > len(frame):
        raise InputError(
            f"stratum {stratum} has {len(frame)} points of the frame, {count} are wanted",
            remedy="make the frame denser (step_m), or draw fewer points there",
        )
    order = np.argsort(frame.hilbert_distance().to_numpy(), kind="stable")
    start = rng.random()
    steps = np.floor((np.arange(count) + start) * len(frame) / count).astype(np.intp)
    return frame.iloc[np.sort(order[steps])]


def _points(
    place: NDArray[np.intp], weight: NDArray[np.float64], stratum: NDArray[np.integer], box: GeoBox
) -> gpd.GeoDataFrame:
    row, column = np.divmod(place, box.shape.x)
    x = box.affine.c + (column + 0.5) * box.affine.a
    y = box.affine.f + (row + 0.5) * box.affine.e
    return gpd.GeoDataFrame(
        {
            "point_id": [f"p{i:06d}" for i in range(len(place))],
            "stratum": stratum,
            "weight": weight,
        },
        geometry=gpd.points_from_xy(x, y),
        crs=str(box.crs),
    )
