"""What a map says at places, in codes of a legend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from bocage.errors import InputError
from bocage.files import existing
from bocage.legend import OUTSIDE, Legend
from bocage.rasters import geobox_of, open_error


def to_level(
    codes: NDArray[np.integer], legend: Legend, level: int, what: str = "codes"
) -> NDArray[np.int64]:
    """Codes of a level from codes of that level or deeper ones; 0 stays 0.

    A code that stands at several levels is read at the deepest.

    Raises
    ------
    InputError
        If a code is not in the legend, or stands above `level` only.
    """
    legend.codes(level)
    values, inverse = distinct(np.asarray(codes))
    found = [_ancestor(int(v), legend, level, what) if v else 0 for v in values]
    return np.array(found, dtype=np.int64)[inverse].reshape(np.shape(codes))


def _ancestor(code: int, legend: Legend, level: int, what: str) -> int:
    for own in range(legend.levels, 0, -1):
        if code not in legend.codes(own):
            continue
        if own < level:
            raise InputError(
                f"{what}: class {code} is of level {own}, the comparison is made at level {level}",
                remedy=f"compare at level {own}",
            )
        return legend.parent(legend.leaves(code, own)[0], level)
    raise InputError(
        f"{what}: class {code} is not in the legend '{legend.id}'",
        remedy="give the legend of the data, or correct the codes",
    )


def raster_codes(
    values: NDArray[Any], legend: Legend, *, nodata: float | None = None, where: str = "raster"
) -> NDArray[np.int32]:
    """Codes from the values of a class raster: class indices, or codes of any level.

    Values that are all leaf codes are codes; values that are all class indices (1 … n) are
    indices; values that are all codes of some level are codes. In a byte raster 255 is outside.

    Parameters
    ----------
    values
        Values of any shape.
    legend
        Legend of the raster.
    nodata
        Value that stands for no map.
    where
        Name of the raster for messages.

    Returns
    -------
    numpy.ndarray
        int32 codes of the same shape; 0 unclassified, -1 outside.

    Raises
    ------
    InputError
        If the values are neither, or can be read both ways.
    """
    found, inverse = distinct(values)
    outside = np.isnan(found) if found.dtype.kind == "f" else np.zeros(found.shape, dtype=bool)
    if nodata is not None:
        outside |= found == nodata
    if found.dtype == np.uint8:
        outside |= found == OUTSIDE
    rest = found[~outside & (found != 0)]
    if (rest != np.round(rest)).any():
        raise InputError(f"{where} holds fractions", remedy="give a raster of classes")
    table = reading({int(v) for v in rest}, legend, where)
    codes = np.array(
        [-1 if gone else table.get(int(v), 0) for v, gone in zip(found, outside, strict=True)],
        dtype=np.int32,
    )
    return np.asarray(codes[inverse].reshape(np.shape(values)), dtype=np.int32)


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Distinct values, and for each element the position of its value."""
    if values.dtype.kind not in "ui" or values.size == 0:
        return np.unique(values, return_inverse=True)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > np.iinfo(np.uint16).max:
        return np.unique(values, return_inverse=True)
    # Small integers index a table themselves: no sorting of a large raster.
    found = np.flatnonzero(np.bincount(values.ravel())).astype(values.dtype)
    position = np.zeros(high + 1, dtype=np.intp)
    position[found] = np.arange(len(found))
    return found, position[values]


def reading(present: set[int], legend: Legend, where: str) -> dict[int, int]:
    """Code of each value of a raster that holds class indices or codes (see `raster_codes`)."""
    indices = {i: c.code for i, c in enumerate(legend.classes, start=1)}
    as_leaf, as_index = present <= set(legend.codes()), present <= set(indices)
    if as_leaf and as_index and any(indices[v] != v for v in present):
        raise InputError(
            f"{where}: its values are both codes and class indices of the legend '{legend.id}'",
            remedy="write the raster with codes above the number of classes, or as class indices "
            "of a legend whose codes are not small numbers",
        )
    if as_leaf:
        return {v: v for v in present}
    if as_index:
        return indices
    if present <= {c for level in range(1, legend.levels + 1) for c in legend.codes(level)}:
        return {v: v for v in present}
    strange = sorted(present - set(legend.codes()) - set(indices)) or sorted(present)
    raise InputError(
        f"{where}: values {', '.join(map(str, strange[:8]))} are neither codes nor class indices "
        f"(1 … {len(legend)}) of the legend '{legend.id}'",
        remedy="give the legend of the raster, or mark the values as nodata in the file",
    )


def values_at(
    points: gpd.GeoDataFrame, raster: Path | str | xr.DataArray, *, fill: float | None = None
) -> NDArray[Any]:
    """Values of the pixels that hold points.

    Parameters
    ----------
    points
        Points in any CRS, n rows.
    raster
        A raster file (its first band) or an array (y, x) on a pixel grid.
    fill
        Value for points outside the raster; the raster's nodata value by default.

    Returns
    -------
    numpy.ndarray
        Values, shape (n,), of the raster's dtype.

    Raises
    ------
    InputError
        If points lie outside and there is neither `fill` nor a nodata value.
    """
    if isinstance(raster, xr.DataArray):
        box = geobox_of(raster)
        row, column = _pixels(points, str(box.crs), Affine(*box.affine[:6]))
        nodata = raster.attrs.get("nodata")
        return _pick(raster.values, row, column, fill if fill is not None else nodata)
    path = existing(raster, "raster")
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise InputError(f"{path} has no coordinate reference system", remedy="assign one")
            row, column = _pixels(points, source.crs.to_wkt(), source.transform)
            inside = (row >= 0) & (row < source.height) & (column >= 0) & (column < source.width)
            top = row[inside].min(initial=source.height)
            left = column[inside].min(initial=source.width)
            window = Window(
                left,
                top,
                max(0, column[inside].max(initial=-1) - left + 1),
                max(0, row[inside].max(initial=-1) - top + 1),
            )
            data = source.read(1, window=window) if inside.any() else np.empty((0, 0), "uint8")
            nodata = source.nodata
    except RasterioIOError as error:
        raise open_error(path, error) from error
    return _pick(data, row - top, column - left, fill if fill is not None else nodata, str(path))


def _pixels(
    points: gpd.GeoDataFrame, crs: str, transform: Affine
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if points.crs is None:
        raise InputError("points without a coordinate reference system", remedy="assign one")
    places = points.geometry.to_crs(crs)
    back = ~transform
    x, y = places.x.to_numpy(), places.y.to_numpy()
    column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    return np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)


def _pick(
    data: NDArray[Any],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    fill: float | None,
    where: str = "the raster",
) -> NDArray[Any]:
    inside = (row >= 0) & (row < data.shape[0]) & (column >= 0) & (column < data.shape[1])
    if not inside.all() and fill is None:
        raise InputError(
            f"{int((~inside).sum())} points lie outside {where}",
            remedy="give a value for them (fill), or points inside",
        )
    found = np.full(len(row), fill if fill is not None else 0, dtype=data.dtype)
    found[inside] = data[row[inside], column[inside]]
    return found


def values_at_polygons(
    points: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, column: str, *, fill: int = 0
) -> NDArray[Any]:
    """Attribute of the polygon that holds each point.

    A point on the border of several polygons takes the first of them.

    Parameters
    ----------
    points
        Points in any CRS, n rows.
    polygons
        Polygons with the attribute.
    column
        Name of the attribute.
    fill
        Value for points in no polygon.

    Returns
    -------
    numpy.ndarray
        Values, shape (n,).

    Raises
    ------
    InputError
        If there is no such attribute or no CRS.
    """
    if column not in polygons:
        raise InputError(
            f"polygons have no attribute '{column}'",
            remedy=f"they have {', '.join(c for c in polygons if c != polygons.geometry.name)}",
        )
    if points.crs is None or polygons.crs is None:
        raise InputError(
            "points or polygons without a coordinate reference system", remedy="assign one"
        )
    places = points.geometry.to_crs(polygons.crs).to_numpy()
    tree = shapely.STRtree(polygons.geometry.to_numpy())
    point, polygon = tree.query(places, predicate="intersects")
    owner = np.full(len(places), len(polygons), dtype=np.intp)
    np.minimum.at(owner, point, polygon)
    values = np.asarray(polygons[column].to_numpy())
    found = np.full(len(places), fill, dtype=values.dtype)
    hit = owner < len(polygons)
    found[hit] = values[owner[hit]]
    return found
