"""Byte rasters as cloud-optimised GeoTIFF, written in parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from bocage.cogs import BLOCK, byte_cog
from bocage.errors import InputError
from bocage.legend import OUTSIDE
from bocage.rasters import geobox_of

Color = tuple[int, int, int, int]


def write_cog(
    path: Path,
    parts: Iterable[xr.DataArray],
    box: GeoBox,
    *,
    resampling: str,
    description: str,
    colors: Mapping[int, Color] | None = None,
) -> NDArray[np.int64]:
    """Write a single-band byte raster, of which one part is in memory at a time.

    Parameters
    ----------
    path
        The ``.tif``; it appears whole or not at all.
    parts
        uint8 arrays with dims (y, x) on the pixels of `box`; 255 leaves what is there.
    box
        Pixel grid of the file. What no part covers is 255, nodata.
    resampling
        How overviews are made: ``mode`` for classes, ``average`` for amounts.
    description
        Name of the band.
    colors
        Value → red, green, blue, opacity.

    Returns
    -------
    numpy.ndarray
        Number of pixels of each value, int64 (256,).

    Raises
    ------
    InputError
        If a part reaches beyond the grid or lies between its pixels.
    """
    with byte_cog(path, box, resampling=resampling) as target:
        target.set_band_description(1, description)
        if colors is not None:
            target.write_colormap(1, dict(colors))
        for data in parts:
            _paste(target, data, box)
    return _counts(path)


def _paste(target: rasterio.io.DatasetWriter, data: xr.DataArray, box: GeoBox) -> None:
    own = geobox_of(data)
    column = (own.affine.c - box.affine.c) / box.affine.a
    row = (own.affine.f - box.affine.f) / box.affine.e
    rows, columns = own.shape
    places = (round(row), round(column), round(row) + rows, round(column) + columns)
    aligned = np.allclose((row, column), places[:2], atol=1e-6) and own.affine.a == box.affine.a
    if not aligned or min(places) < 0 or places[2] > box.shape.y or places[3] > box.shape.x:
        raise InputError(
            "a part of a raster does not fit its pixel grid",
            remedy="cut it to the grid and align it with its pixels",
        )
    values = np.asarray(data.values)
    # By rows of blocks, which keeps what is read back small.
    for first in range(0, rows, BLOCK):
        strip = values[first : first + BLOCK]
        window = Window(places[1], places[0] + first, columns, len(strip))
        old = target.read(1, window=window)
        target.write(np.where(strip == OUTSIDE, old, strip), 1, window=window)


def _counts(path: Path) -> NDArray[np.int64]:
    total = np.zeros(256, np.int64)
    with rasterio.open(path) as source:
        for _, window in source.block_windows(1):
            total += np.bincount(source.read(1, window=window).ravel(), minlength=256)
    return total
