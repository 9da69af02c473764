"""Filters on class rasters: the sieve and the count of classes per 10 m pixel."""

from __future__ import annotations

import numpy as np
import rasterio.features
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import ConfigError, InputError
from bocage.grid import GRID_RATIO
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.rasters import geobox_of, wrap


def sieve(classes: xr.DataArray, min_pixels: int = 15, connectivity: int = 8) -> xr.DataArray:
    """Remove patches of fewer than `min_pixels` pixels: they join their largest neighbour.

    Parameters
    ----------
    classes
        Class index, uint8, dims (y, x) or (year, y, x); every year is sieved on its own.
    min_pixels
        Patches of this size stay. The default is that of the product (15 pixels, 94 m²).
    connectivity
        4 or 8: whether pixels that meet at a corner belong to one patch.

    Returns
    -------
    xarray.DataArray
        As `classes`. Unclassified (0) and outside (255) pixels neither change nor spread.
    """
    if connectivity not in (4, 8) or min_pixels < 0:
        raise ConfigError(
            f"sieve: {min_pixels} pixels with connectivity {connectivity}",
            remedy="give a size that is not below 0 and the connectivity 4 or 8",
        )
    _check(classes)
    if min_pixels < 2:
        return classes.copy()
    years = classes.values if classes.ndim == 3 else classes.values[None]
    sieved = np.stack([_sieve(layer, min_pixels, connectivity) for layer in years])
    return classes.copy(data=sieved.reshape(classes.shape))


def _sieve(layer: NDArray[np.uint8], size: int, connectivity: int) -> NDArray[np.uint8]:
    known = (layer != OUTSIDE) & (layer != UNCLASSIFIED)
    if not known.any():
        return layer.copy()
    found = rasterio.features.sieve(layer, size=size, mask=known, connectivity=connectivity)
    return np.where(known, found, layer).astype(np.uint8)


def heterogeneity(classes: xr.DataArray) -> xr.DataArray:
    """Number of classes among the 16 fine pixels of each 10 m pixel.

    Parameters
    ----------
    classes
        Class index at 2.5 m, uint8, dims (y, x), on a grid aligned to 10 m.

    Returns
    -------
    xarray.DataArray
        uint8 (y, x) at 10 m: 1 … 16, 0 where no pixel is classified, 255 where all pixels
        are outside. Unclassified and outside pixels are no class.
    """
    _check(classes)
    if classes.ndim != 2:
        raise InputError(f"heterogeneity of dims {classes.dims}", remedy="give one year, (y, x)")
    height, width = classes.shape
    if height % GRID_RATIO or width % GRID_RATIO:
        raise InputError(
            f"{width} × {height} pixels are no whole number of 10 m pixels",
            remedy="give a raster aligned to the 10 m grid",
        )
    side, rows, columns = GRID_RATIO, height // GRID_RATIO, width // GRID_RATIO
    cells = classes.values.reshape(rows, side, columns, side).transpose(0, 2, 1, 3)
    cells = np.sort(cells.reshape(rows, columns, side * side), axis=2)
    first = np.ones(cells.shape, bool)
    first[..., 1:] = cells[..., 1:] != cells[..., :-1]
    real = (cells != OUTSIDE) & (cells != UNCLASSIFIED)
    count = (first & real).sum(axis=2).astype(np.uint8)
    count[(cells == OUTSIDE).all(axis=2)] = OUTSIDE
    coarse: GeoBox = geobox_of(classes, "the class raster").zoom_out(GRID_RATIO)
    return wrap(count, coarse)


def _check(classes: xr.DataArray) -> None:
    if classes.dtype != np.uint8 or classes.dims[-2:] != ("y", "x"):
        raise InputError(
            f"class rasters are uint8 (…, y, x), this is {classes.dtype} {classes.dims}",
            remedy="give class indices as bocage.legend encodes them",
        )
