"""From a series and samples to pixels to learn from."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.grid import GRID_RATIO
from bocage.legend import Legend
from bocage.model._pixels import Pixels
from bocage.model._place import layer_names, place_at
from bocage.model._scales import REACH, WIDE_M, means, ten_metres
from bocage.model._series import band_names, check_series, month_numbers, observed, select
from bocage.rasters import geobox_of, inside

_COLUMNS = ("sample_id", "code", "allowed", "weight", "fold")
_ROWS = 64  # of 10 m that are looked at in one go


def read_pixels(
    series: xr.Dataset,
    samples: gpd.GeoDataFrame,
    legend: Legend,
    *,
    area: BaseGeometry | None = None,
    unlabelled: int = 0,
    place: xr.DataArray | None = None,
    seed: int = 0,
) -> Pixels:
    """Read the pixels under samples, and some without labels, out of a series.

    Parameters
    ----------
    series
        Series at 2.5 m (see the conventions of `bocage.superres`).
    samples
        Table of `bocage.samples` in the CRS of the series, all inside it.
    legend
        Legend of the codes in ``code`` and ``allowed``.
    area
        Where pixels without labels may lie, in the CRS of the series; everywhere by default.
    unlabelled
        Number of them, at most; drawn at random among those that were ever seen.
    place
        Shares of regions and terrain, dims (layer, y, x) with names and centres of any raster
        that covers the series; it is interpolated.
    seed
        Of the draw.

    Returns
    -------
    Pixels
        Bands are ordered finest first, months rising.

    Raises
    ------
    InputError
        If the series or the table is not what it must be, a sample lies outside, or a code
        is not in the legend.
    """
    check_series(series)
    check_samples(samples)
    bands, resolutions = band_names(series)
    months = month_numbers(series)
    reflectance, gap = select(series, bands, months)
    row, column = _places(series, samples)
    seen = observed(gap.values)
    more = _draw(series, seen, area, unlabelled, seed)
    row, column = np.concatenate([row, more[0]]), np.concatenate([column, more[1]])
    near, wide, visible = _looks(reflectance, seen, row, column)
    sets, label = _sets(samples, legend)
    extra = len(more[0])
    x, y = series["x"].values[column], series["y"].values[row]
    return Pixels(
        legend_id=legend.id,
        codes=legend.codes(),
        bands=bands,
        resolutions=resolutions,
        months=months,
        near=near,
        wide=wide,
        observed=visible,
        x=x.astype(np.float64),
        y=y.astype(np.float64),
        label=_and(label, np.int32(-1), extra),
        weight=_and(samples["weight"].to_numpy(np.float32), np.float32(0), extra),
        fold=_and(samples["fold"].to_numpy(np.int16), np.int16(-1), extra),
        sample_id=_and(samples["sample_id"].to_numpy(str), "", extra),
        sets=sets,
        layers=layer_names(place),
        place=place_at(place, xr.DataArray(y, dims="at"), xr.DataArray(x, dims="at")).T,
    )


def _and(values: NDArray[Any], value: Any, count: int) -> NDArray[Any]:
    """The values, and one value so many times more."""
    return np.concatenate([values, np.full(count, value, values.dtype)])


def _draw(
    series: xr.Dataset,
    seen: NDArray[np.bool_],
    area: BaseGeometry | None,
    count: int,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of random pixels in an area."""
    wanted = np.repeat(np.repeat(seen.any(axis=0), GRID_RATIO, 0), GRID_RATIO, 1)
    if area is not None:
        wanted &= inside(area, geobox_of(series["reflectance"], "the series"))
    places = np.flatnonzero(wanted)
    chosen = np.random.default_rng(seed).choice(places, min(count, len(places)), replace=False)
    row, column = np.unravel_index(chosen, wanted.shape)
    return row.astype(np.int64), column.astype(np.int64)


def _looks(
    reflectance: xr.DataArray,
    seen: NDArray[np.bool_],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
) -> tuple[NDArray[np.float16], NDArray[np.float16], NDArray[np.bool_]]:
    """Pixels at all scales and what was seen of them; strip by strip, to spare memory."""
    months, bands = reflectance.shape[:2]
    near = np.zeros((len(row), months, bands), np.float16)
    wide = np.zeros((len(row), len(WIDE_M), months, bands), np.float16)
    visible = np.zeros((len(row), months), bool)
    for top in range(0, seen.shape[1], _ROWS):
        here = np.flatnonzero((row // GRID_RATIO >= top) & (row // GRID_RATIO < top + _ROWS))
        if not len(here):
            continue
        first = max(top - REACH, 0)
        rows = slice(first, top + _ROWS + REACH)
        values = reflectance[:, :, rows.start * GRID_RATIO : rows.stop * GRID_RATIO].values
        ten = ten_metres(values)
        part = seen[:, rows] & np.isfinite(ten).all(axis=1)
        y, x = row[here] - first * GRID_RATIO, column[here]
        near[here] = np.moveaxis(values[:, :, y, x], 2, 0)
        y, x = y // GRID_RATIO, x // GRID_RATIO
        wide[here] = np.moveaxis(means(ten, part)[..., y, x], 3, 0)
        visible[here] = part[:, y, x].T
    return near, wide, visible


def check_samples(samples: gpd.GeoDataFrame) -> None:
    """Raise an `InputError` unless a table has the columns that training needs."""
    if missing := [c for c in _COLUMNS if c not in samples]:
        raise InputError(
            f"the samples have no column {', '.join(missing)}",
            remedy="give a table that bocage.samples has drawn",
        )


def _places(
    series: xr.Dataset, samples: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each sample."""
    box = geobox_of(series["reflectance"], "the series")
    if samples.crs is None or samples.crs != str(box.crs):
        raise InputError(
            f"the samples have the CRS {samples.crs}, the series {box.crs}",
            remedy="reproject the samples",
        )
    column, row = ~box.affine @ (samples.geometry.x.to_numpy(), samples.geometry.y.to_numpy())
    row, column = (np.floor(np.asarray(v)).astype(np.int64) for v in (row, column))
    inside = (row >= 0) & (row < box.shape.y) & (column >= 0) & (column < box.shape.x)
    if not inside.all():
        raise InputError(
            f"{int((~inside).sum())} samples lie outside the series, the first is "
            f"{samples['sample_id'].to_numpy()[~inside][0]}",
            remedy="read pixels with the samples of the same block",
        )
    return row, column


def _sets(samples: gpd.GeoDataFrame, legend: Legend) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Distinct sets of allowed classes, and the set of each sample."""
    texts = [
        str(int(code)) if not allowed.strip() else allowed
        for code, allowed in zip(
            samples["code"], samples["allowed"].fillna("").astype(str), strict=True
        )
    ]
    distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    sets = np.zeros((len(distinct), len(legend)), bool)
    for text, i in distinct.items():
        for code in text.split(";"):
            sets[i, legend.index(int(code)) - 1] = True
    label = np.array([distinct[text] for text in texts], np.int32)
    return sets, label
