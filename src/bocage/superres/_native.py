"""The native 20 m bands on a 10 m grid: found, averaged to their cells and sharpened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.rasters import geobox_of, wrap
from bocage.superres._psf import psf_mtf, psf_table
from bocage.superres._sharpen import SHARPEN_STEPS, fixed_weights, sharpen

_RATIO = 2
_FINE_M, _COARSE_M = 10, 20
_REPEATED = 0.9  # share of equal neighbours above which an image is one of repeated pixels
_TOLERANCE = 1e-3  # pixels


def native_sizes(bands: Sequence[str]) -> tuple[int, ...]:
    """Pixel size of the sensor by band name, metres; 10 for a name that is none of Sentinel-2."""
    table = psf_table()
    return tuple(table[b].native_m if b in table else _FINE_M for b in bands)


@dataclass(frozen=True)
class Sharpened:
    """An image whose 20 m bands have been brought to 10 m.

    Attributes
    ----------
    image
        float32 (band, y, x).
    bands
        The bands that were sharpened; empty when there was nothing to do.
    aligned
        Whether the grid of the 20 m pixels was found; otherwise cells of 2 × 2 pixels that
        start at the corner of the image stand for them.
    """

    image: NDArray[np.float32]
    bands: tuple[str, ...] = ()
    aligned: bool = True


def sharpen_native(
    image: NDArray[np.float32],
    bands: Sequence[str],
    native: Sequence[int],
    mtf: Mapping[str, float] | None = None,
    steps: int = SHARPEN_STEPS,
    *,
    fixed: bool = False,
) -> Sharpened:
    """Sharpen the bands of 20 m that have been resampled to a grid of 10 m.

    Parameters
    ----------
    image
        float32 (band, y, x) without NaN, pixels of 10 m.
    bands, native
        Name, and pixel size of the sensor in metres, of each band.
    mtf
        Modulation transfers that replace those of the table.
    steps
        Corrections by back-projection.
    fixed
        Use the weights of the package where it has them for these bands, not a regression over
        the image: images that meet, such as blocks of one area, then fit together.
    """
    coarse = [i for i, size in enumerate(native) if size == _COARSE_M]
    guides = [i for i, size in enumerate(native) if size == _FINE_M]
    _, rows, columns = image.shape
    if not coarse or not guides or min(rows, columns) < 2 * _RATIO:
        return Sharpened(image)
    cells = find_cells(image[coarse])
    top, left = cells.row, cells.column
    # Whole cells, the outer ones completed by repeating edge pixels.
    pad = ((0, 0), (top, (top + rows) % _RATIO), (left, (left + columns) % _RATIO))
    padded = np.pad(image, pad, mode="edge")
    names = [bands[i] for i in coarse]
    fine = sharpen(
        _cell_mean(padded[coarse]),
        np.ascontiguousarray(padded[guides]),
        psf_mtf(names, mtf),
        psf_mtf([bands[i] for i in guides], mtf),
        steps,
        fixed_weights(tuple(names), tuple(bands[i] for i in guides)) if fixed else None,
    )
    result = image.copy()
    result[coarse] = fine[:, top : top + rows, left : left + columns]
    return Sharpened(result, tuple(names), cells.known)


@dataclass(frozen=True)
class Cells:
    """Where cells of 2 × 2 pixels start.

    Attributes
    ----------
    row, column
        Rows and columns of the first cell that lie outside the image, 0 or 1.
    known
        Whether this was found in the image.
    """

    row: int
    column: int
    known: bool


def find_cells(image: NDArray[np.float32]) -> Cells:
    """Find the cells of an image (band, y, x) whose pixels have been repeated 2 × 2."""
    across, seen_across = _phase(image)
    down, seen_down = _phase(image.swapaxes(1, 2))
    return Cells(down, across, seen_across and seen_down)


def _phase(image: NDArray[np.float32]) -> tuple[int, bool]:
    """Of the last axis: 1 when pairs start at the second pixel, and whether there are pairs."""
    equal = (image[..., 1:] == image[..., :-1]).mean(axis=(0, 1))
    even, odd = float(equal[0::2].mean()), float(equal[1::2].mean())
    if max(even, odd) < _REPEATED or min(even, odd) >= _REPEATED:
        return 0, False
    return int(odd > even), True


def _cell_mean(image: NDArray[np.float32]) -> NDArray[np.float32]:
    bands, rows, columns = image.shape
    cells = image.reshape(bands, rows // _RATIO, _RATIO, columns // _RATIO, _RATIO)
    mean: NDArray[np.float32] = cells.mean(axis=(2, 4))
    return mean


@dataclass(frozen=True)
class _Window:
    """Part of the fine grid and of the coarse grid that cover the same ground."""

    grid: GeoBox
    fine: tuple[slice, slice] = field(repr=False)
    coarse: tuple[slice, slice] = field(repr=False)


def sharpen_images(
    fine: xr.DataArray,
    coarse: xr.DataArray,
    mtf: Mapping[str, float] | None = None,
    steps: int = SHARPEN_STEPS,
) -> xr.DataArray:
    """Join the 10 m bands and the 20 m bands of one scene, each on its own grid.

    Parameters
    ----------
    fine, coarse
        Dims (band, y, x), float32 reflectance without NaN, as `bocage.rasters.read_raster`
        gives them after scaling. The grids may be shifted by a fine pixel.
    mtf
        Modulation transfers that replace those of the table.
    steps
        Corrections by back-projection.

    Returns
    -------
    xarray.DataArray
        float32 (band, y, x), all bands at 10 m on the ground that both images cover, the bands
        of `fine` first.

    Raises
    ------
    InputError
        If coarse pixels are not 2 × 2 fine ones, or there is no common ground.
    """
    window = _common(geobox_of(fine, "the 10 m image"), geobox_of(coarse, "the 20 m image"))
    guides = np.ascontiguousarray(fine.values[:, *window.fine], dtype=np.float32)
    values = np.ascontiguousarray(coarse.values[:, *window.coarse], dtype=np.float32)
    first, second = ([str(b) for b in a["band"].values] for a in (fine, coarse))
    sharp = sharpen(values, guides, psf_mtf(second, mtf), psf_mtf(first, mtf), steps)
    return wrap(
        np.concatenate([guides, sharp]), window.grid, dims=("band", "y", "x"), band=first + second
    )


def _common(fine: GeoBox, coarse: GeoBox) -> _Window:
    """The whole coarse pixels inside both grids."""
    # Corner and size of the coarse grid in pixels of the fine one.
    a, b, left, d, e, top = (~fine.affine @ coarse.affine)[:6]
    near = (a - _RATIO, e - _RATIO, b, d, left - round(left), top - round(top))
    if fine.crs != coarse.crs or max(map(abs, near)) > _TOLERANCE * max(fine.shape):
        raise InputError(
            "the grids of the two images do not fit: a 20 m pixel must cover 2 × 2 pixels of 10 m",
            remedy="give both as they are delivered, in the same coordinate reference system",
        )
    x0, y0 = round(left), round(top)
    rows = _overlap(y0, coarse.shape[0], fine.shape[0])
    columns = _overlap(x0, coarse.shape[1], fine.shape[1])
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise InputError("the two images have no common ground")
    inner = tuple(
        slice(_RATIO * s.start + at, _RATIO * s.stop + at) for s, at in ((rows, y0), (columns, x0))
    )
    shape = tuple(s.stop - s.start for s in inner)
    moved = fine.affine @ Affine.translation(inner[1].start, inner[0].start)
    return _Window(GeoBox(shape, moved, fine.crs), (inner[0], inner[1]), (rows, columns))


def _overlap(start: int, coarse: int, fine: int) -> slice:
    """Coarse pixels, the first at fine pixel `start`, that lie inside 0 … `fine`."""
    return slice(max(0, -(start // _RATIO)), min(coarse, (fine - start) // _RATIO))
