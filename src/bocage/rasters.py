"""Georeferenced arrays: reading, writing and warping GeoTIFF, always with names and a CRS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from rasterio.enums import Resampling
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.features import geometry_mask
from rasterio.vrt import WarpedVRT
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.files import atomic_path, existing


def wrap(
    data: NDArray[Any], geobox: GeoBox, *, dims: Sequence[str] = ("y", "x"), **coords: object
) -> xr.DataArray:
    """Put the coordinates of a pixel grid on an array whose last two dimensions are y and x.

    Parameters
    ----------
    data
        Array whose last two axes have the shape of `geobox`.
    geobox
        Pixel grid.
    dims
        Names of all dimensions, the last two ``y`` and ``x``.
    coords
        Coordinates of the leading dimensions.
    """
    return xr.DataArray(
        data, dims=tuple(dims), coords={**coords, **xr_coords(geobox, always_yx=True)}
    )


def crop(data: xr.Dataset, geobox: GeoBox) -> xr.Dataset:
    """The part of a dataset inside a pixel grid that is aligned with its own.

    Raises
    ------
    InputError
        If the grid reaches outside or is not aligned.
    """
    coords = xr_coords(geobox)
    at = {"y": coords["y"].values, "x": coords["x"].values}
    try:
        return data.sel(at, method="nearest", tolerance=1e-3)
    except KeyError as error:
        raise InputError(
            "the data do not cover the pixel grid they are cropped to",
            remedy="make them with a wider halo",
        ) from error


def geobox_of(data: xr.DataArray | xr.Dataset, what: str = "the raster") -> GeoBox:
    """Pixel grid of an array, or an `InputError` when it carries no georeference."""
    found = data.odc.geobox
    if not isinstance(found, GeoBox) or found.crs is None:
        raise InputError(
            f"{what} has no georeference",
            remedy="give x and y coordinates with a CRS, as bocage.rasters.wrap does",
        )
    return found


def inside(area: BaseGeometry, geobox: GeoBox) -> NDArray[np.bool_]:
    """Pixels whose centre lies in an area, shape of the grid."""
    if shapely.is_empty(area):
        return np.zeros(geobox.shape, dtype=bool)
    mask: NDArray[np.bool_] = geometry_mask([area], geobox.shape, geobox.affine, invert=True)
    return mask


def open_error(path: Path | str, error: Exception) -> InputError:
    """The error to raise when a raster cannot be opened or decoded."""
    return InputError(
        f"{path} cannot be read as a raster: {error}",
        remedy="the file is missing, cut short or no raster; fetch or write it again",
    )


def read_raster(path: Path | str, *, what: str = "raster") -> xr.DataArray:
    """Read all of a raster.

    Returns
    -------
    xarray.DataArray
        Dims (band, y, x); the band coordinate holds the band descriptions, or "1", "2", …
        The file's nodata value is in ``attrs["nodata"]`` (None where there is none).

    Raises
    ------
    InputError
        If the file is missing, cannot be decoded or has no coordinate reference system.
    """
    path = existing(path, what)
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise InputError(
                    f"{path} has no coordinate reference system",
                    remedy="assign one, for instance with rio edit-info --crs",
                )
            geobox = GeoBox.from_rio(source)
            names = [d or str(i) for i, d in enumerate(source.descriptions, start=1)]
            array = wrap(source.read(), geobox, dims=("band", "y", "x"), band=names)
            array.attrs["nodata"] = source.nodata
            return array
    except RasterioError as error:
        raise open_error(path, error) from error


def read_onto(
    path: Path | str,
    geobox: GeoBox,
    *,
    band: int = 1,
    resampling: str = "nearest",
    fill: float | None = None,
    dtype: str | None = None,
    what: str = "raster",
) -> xr.DataArray:
    """Read one band of a raster on another pixel grid.

    Parameters
    ----------
    path
        Any raster that GDAL reads, in any CRS.
    geobox
        The grid to read on.
    band
        Number of the band, from 1.
    resampling
        Name of a GDAL method: nearest, bilinear, cubic, average, mode …
    fill
        Value outside the raster; its nodata value, or 0, by default.
    dtype
        Type to compute in, by default that of the file.

    Returns
    -------
    xarray.DataArray
        Dims (y, x), of `dtype`, ``attrs["nodata"]`` as `fill`.
    """
    path = existing(path, what)
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise InputError(f"{path} has no coordinate reference system", remedy="assign one")
            value = fill if fill is not None else (source.nodata or 0)
            with WarpedVRT(
                source,
                crs=str(geobox.crs),
                transform=geobox.affine,
                height=geobox.shape.y,
                width=geobox.shape.x,
                resampling=Resampling[resampling],
                nodata=value,
                dtype=dtype,
            ) as view:
                data = wrap(view.read(band), geobox)
    except RasterioIOError as error:
        raise open_error(path, error) from error
    data.attrs["nodata"] = value
    return data


def write_geotiff(
    path: Path | str,
    data: xr.DataArray,
    *,
    nodata: float | None = None,
    descriptions: Sequence[str] | None = None,
    **options: object,
) -> Path:
    """Write an array with dims (y, x) or (band, y, x) as a tiled, compressed GeoTIFF.

    Parameters
    ----------
    path
        The file; it appears whole or not at all.
    data
        Array on a pixel grid (see `wrap`).
    nodata
        Nodata value of the file.
    descriptions
        Band descriptions; the band coordinate by default.
    options
        Creation options of GDAL's GTiff driver.
    """
    bands = data if data.ndim == 3 else data.expand_dims(band=[""])
    box = geobox_of(data)
    names = (
        descriptions if descriptions is not None else [str(b) for b in bands[bands.dims[0]].values]
    )
    profile: dict[str, object] = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": box.shape.y,
        "width": box.shape.x,
        "dtype": str(data.dtype),
        "crs": str(box.crs),
        "transform": Affine(*box.affine[:6]),
        "nodata": nodata,
        "compress": "deflate",
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        **options,
    }
    with atomic_path(path) as part, rasterio.open(part, "w", **profile) as target:
        target.write(np.ascontiguousarray(bands.values))
        for number, name in enumerate(names, start=1):
            if name:
                target.set_band_description(number, name)
    return Path(path)
