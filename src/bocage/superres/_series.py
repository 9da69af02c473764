"""Mosaics and single images at 2.5 m."""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.rasters import geobox_of, wrap
from bocage.superres._backends import SuperResolver, get_backend
from bocage.superres._bicubic import FACTOR, repeat
from bocage.superres._consistent import consistent

_DIMS = ("month", "band", "y", "x")


def fine_geobox(geobox: GeoBox) -> GeoBox:
    """The same ground with pixels of a quarter of the size."""
    rows, columns = geobox.shape
    a, b, west, d, e, north = geobox.affine[:6]
    affine = Affine(a / FACTOR, b / FACTOR, west, d / FACTOR, e / FACTOR, north)
    return GeoBox((FACTOR * rows, FACTOR * columns), affine, geobox.crs)


def superresolve(mosaic: xr.Dataset, backend: str | SuperResolver = "default") -> xr.Dataset:
    """Bring a mosaic to 2.5 m, month by month.

    Parameters
    ----------
    mosaic
        As `bocage.imagery.monthly_mosaic` gives it.
    backend
        Name of a backend, or one.

    Returns
    -------
    xarray.Dataset
        The series: the variables and coordinates of the mosaic on the 2.5 m grid.
        ``reflectance`` averages back to the mosaic over each 4 × 4 block; ``valid`` and ``gap``
        are repeated. Attribute ``backend`` names the backend that was used.

    Raises
    ------
    InputError
        If it is no mosaic, or the backend gives something that is no super-resolved image.
    ConfigError
        If there is no such backend.
    """
    missing = {"reflectance", "valid", "gap"} - set(mosaic.data_vars)
    if missing:
        raise InputError(f"no mosaic: it lacks {', '.join(sorted(missing))}")
    engine = get_backend(backend) if isinstance(backend, str) else backend
    coarse = mosaic["reflectance"].transpose(*_DIMS)
    geobox = fine_geobox(geobox_of(coarse, "the mosaic"))
    bands = tuple(str(b) for b in coarse["band"].values)
    months, count, rows, columns = coarse.shape
    fine = np.empty((months, count, FACTOR * rows, FACTOR * columns), dtype=np.float32)
    for month in range(months):
        image = np.ascontiguousarray(coarse[month].values, dtype=np.float32)
        fine[month] = consistent(engine.upscale(image, bands), image)
    labels = {"month": mosaic["month"].values}
    series = xr.Dataset(
        {
            "reflectance": wrap(fine, geobox, dims=_DIMS, **labels, band=mosaic["band"].values),
            **{
                name: wrap(
                    repeat(mosaic[name].transpose("month", "y", "x").values),
                    geobox,
                    dims=("month", "y", "x"),
                    **labels,
                )
                for name in ("valid", "gap")
            },
        },
        attrs={**mosaic.attrs, "backend": engine.name},
    )
    series["reflectance"].attrs = dict(mosaic["reflectance"].attrs)
    if "resolution" in mosaic.coords:
        series = series.assign_coords(resolution=("band", mosaic["resolution"].values))
    return series


def superresolve_image(
    image: xr.DataArray, backend: str | SuperResolver = "default"
) -> xr.DataArray:
    """Super-resolve one image to a quarter of its pixel size.

    Parameters
    ----------
    image
        Dims (band, y, x) on a grid, any unit and dtype, as `bocage.rasters.read_raster` gives
        it; ``attrs["nodata"]`` marks what is missing.
    backend
        Name of a backend, or one.

    Returns
    -------
    xarray.DataArray
        float32 (band, 4 y, 4 x) in the unit of the image, NaN where it has no data;
        ``attrs["backend"]`` names the backend, ``attrs["nodata"]`` is NaN.

    Raises
    ------
    InputError
        If the dims are others or there is no georeference.
    """
    if image.dims != ("band", "y", "x"):
        raise InputError(
            f"an image has the dims (band, y, x), not {tuple(str(d) for d in image.dims)}",
            remedy="transpose it, or add the band dimension",
        )
    engine = get_backend(backend) if isinstance(backend, str) else backend
    geobox = fine_geobox(geobox_of(image, "the image"))
    coarse = image.values.astype(np.float32)
    nodata = image.attrs.get("nodata")
    if nodata is not None:
        coarse[image.values == nodata] = np.nan
    names = [str(b) for b in image["band"].values]
    fine = consistent(engine.upscale(coarse, tuple(names)), coarse)
    result = wrap(fine, geobox, dims=("band", "y", "x"), band=names)
    result.attrs = {**image.attrs, "nodata": float("nan"), "backend": engine.name}
    return result
