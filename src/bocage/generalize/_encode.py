"""Categorical rasters of any kind as class indices, in memory or read in windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pandas as pd
import rasterio
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from bocage.errors import InputError
from bocage.files import existing
from bocage.legend import OUTSIDE, Legend, LegendClass
from bocage.rasters import geobox_of, open_error, read_raster, wrap

_DENSE = 1 << 20  # largest value, or span of values, for which tables are made
_LARGEST = 2**31 - 2
_BLOCK = 2048  # rows and columns that are read at once


@dataclass(frozen=True)
class _Band:
    """A single-band raster file; parts of it are read by indexing. -1 is nodata."""

    path: Path
    box: GeoBox
    nodata: float | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what indexing gives."""
        return np.dtype(np.int32)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.box.shape
        return rows, columns

    @property
    def ndim(self) -> int:
        """Always two."""
        return 2

    def __getitem__(self, at: tuple[slice, slice]) -> NDArray[np.int32]:
        (top, bottom, _), (left, right, _) = (
            part.indices(size) for part, size in zip(at, self.shape, strict=True)
        )
        try:
            with rasterio.open(self.path) as source:
                data = source.read(1, window=Window(left, top, right - left, bottom - top))
        except RasterioError as error:
            raise open_error(self.path, error) from error
        return _whole(data, self.nodata, self.path.name)

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        """All of it, part by part."""
        rows, columns = self.shape
        for row in range(0, rows, _BLOCK):
            for column in range(0, columns, _BLOCK):
                yield self[row : row + _BLOCK, column : column + _BLOCK]


def read_any(
    paths: Sequence[Path], legend: Legend | None, years: Sequence[int]
) -> tuple[Legend, xr.DataArray]:
    """Class indices of raster files, all in memory.

    Parameters
    ----------
    paths
        Single-band rasters on the same grid, one per year. Their values are leaf codes or
        class indices of the legend.
    legend
        The nomenclature; None makes one level of the values.
    years
        Coordinate of the first dim.

    Returns
    -------
    Legend
        The nomenclature.
    xarray.DataArray
        Class index, uint8, dims (year, y, x).

    Raises
    ------
    InputError
        If a file is no such raster, or its values are not those of the legend.
    """
    rasters = [read_raster(path, what="classes") for path in paths]
    box = _common([geobox_of(raster) for raster in rasters], paths)
    values = [single_band(raster, p.name) for raster, p in zip(rasters, paths, strict=True)]
    legend, indices = encode_any(values, legend)
    return legend, wrap(indices, box, dims=("year", "y", "x"), year=list(years))


def open_any(
    paths: Sequence[Path], legend: Legend | None, years: Sequence[int]
) -> tuple[Legend, xr.DataArray]:
    """`read_any` for files that are larger than memory: they are read in windows later.

    Every value is looked at first, however, block by block. The result is backed by dask.
    """
    bands = [_opened(path) for path in paths]
    box = _common([band.box for band in bands], paths)
    present = _present(block for band in bands for block in band.blocks())
    legend, indices = indices_of(present, legend)
    layers = [
        dask.array.from_array(band, chunks=_BLOCK, name=False).map_blocks(
            _look_up, present, indices, dtype=np.uint8, meta=np.empty((0, 0), np.uint8)
        )
        for band in bands
    ]
    stacked = dask.array.stack(layers)
    return legend, wrap(stacked, box, dims=("year", "y", "x"), year=list(years))


def _common(boxes: Sequence[GeoBox], paths: Sequence[Path]) -> GeoBox:
    """The pixel grid of all files."""
    for box, path in zip(boxes, paths, strict=True):
        if box != boxes[0]:
            raise InputError(
                f"{paths[0]} and {path} are not on the same grid",
                remedy="warp one onto the other",
            )
    return boxes[0]


def _opened(path: Path) -> _Band:
    path = existing(path, "classes")
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise InputError(
                    f"{path} has no coordinate reference system",
                    remedy="assign one, for instance with rio edit-info --crs",
                )
            if source.count != 1:
                raise InputError(
                    f"{path.name}: {source.count} bands", remedy="give a single-band raster"
                )
            return _Band(path, GeoBox.from_rio(source), source.nodata)
    except RasterioError as error:
        raise open_error(path, error) from error


def encode_any(
    values: Sequence[NDArray[np.integer]], legend: Legend | None
) -> tuple[Legend, NDArray[np.uint8]]:
    """Class indices of rasters whose values are indices or codes.

    Parameters
    ----------
    values
        Integer arrays, shape (y, x), -1 outside and 0 unknown. Values that are leaf codes and
        could be indices as well are taken for codes.
    legend
        The nomenclature; None makes one level of the values.

    Returns
    -------
    Legend
        The nomenclature.
    numpy.ndarray
        Class index, uint8 (years, y, x).

    Raises
    ------
    InputError
        If the values are neither leaf codes nor class indices of the legend.
    """
    present = _present(values)
    legend, indices = indices_of(present, legend)
    return legend, np.stack([_look_up(v, present, indices) for v in values])


def indices_of(
    present: NDArray[np.int64], legend: Legend | None
) -> tuple[Legend, NDArray[np.uint8]]:
    """The legend of some values (-1 outside, 0 unknown), and the class index of each."""
    found = [int(v) for v in present if v > 0]
    if legend is None:
        legend = _legend_of(found)
    codes = set(legend.codes())
    known = np.maximum(present, 0)
    if set(found) <= codes:
        indices = legend.encode(known)
    elif all(v <= len(legend) for v in found):
        indices = known.astype(np.uint8)
    else:
        strange = [v for v in found if v not in codes]
        raise InputError(
            f"value {strange[0]} is neither a leaf code nor a class index of '{legend.id}'",
            remedy="give the legend of the raster, or none",
        )
    indices[present < 0] = OUTSIDE
    return legend, indices


def _present(parts: Iterable[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Values that occur in some arrays, in order."""
    # Hashing is much faster here than the sort of numpy.unique.
    found = [pd.unique(part.ravel()) for part in parts]
    return np.unique(np.concatenate(found)).astype(np.int64)


def _look_up(
    values: NDArray[np.integer], present: NDArray[np.int64], indices: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The index of each value, all of which are present."""
    low, high = int(present[0]), int(present[-1])
    if high - low >= _DENSE:
        return np.asarray(indices[np.searchsorted(present, values)])
    table = np.zeros(high - low + 1, np.uint8)
    table[present - low] = indices
    return np.asarray(table[values - low])


def _legend_of(found: list[int]) -> Legend:
    if not found:
        raise InputError("the raster has no value above 0", remedy="class codes start at 1")
    if len(found) >= OUTSIDE:
        raise InputError(
            f"the raster has {len(found)} values, that is no classification",
            remedy="give a categorical raster with fewer than 255 classes",
        )
    grey = [f"#{round(40 + 200 * n / len(found)):02x}" + "8080" for n in range(len(found))]
    return Legend(
        "values",
        tuple(LegendClass((v,), (str(v),), c) for v, c in zip(found, grey, strict=True)),
    )


def single_band(raster: xr.DataArray, name: str) -> NDArray[np.int32]:
    """The values of a raster of one band, shape (y, x), -1 for nodata.

    Raises
    ------
    InputError
        If it has more bands, or values that are not whole numbers from 0 on.
    """
    if len(raster) != 1:
        raise InputError(f"{name}: {len(raster)} bands", remedy="give a single-band raster")
    return _whole(raster.values[0], raster.attrs["nodata"], name)


def _whole(data: NDArray[Any], nodata: float | None, name: str) -> NDArray[np.int32]:
    """The values of a band as whole numbers, -1 for nodata."""
    outside = np.zeros(data.shape, bool)
    if nodata is not None:
        outside = np.isnan(data) if np.isnan(nodata) else data == nodata
    elif data.dtype == np.uint8:
        outside = data == OUTSIDE
    whole = np.where(outside, data.dtype.type(0), data)
    if np.issubdtype(data.dtype, np.floating):
        broken = bool((~np.isfinite(whole) | (whole != np.floor(whole))).any())
    else:
        broken = False
    if broken or whole.min(initial=0) < 0 or whole.max(initial=0) > _LARGEST:
        raise InputError(
            f"{name}: values are not whole numbers from 0 to {_LARGEST}",
            remedy="give a categorical raster",
        )
    whole = whole.astype(np.int32)
    whole[outside] = -1
    return np.asarray(whole)
