"""Dates super-resolved one by one, each on its own pixels, before they are composited."""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.warp import reproject

from bocage.errors import InputError
from bocage.imagery import compose
from bocage.rasters import geobox_of
from bocage.superres._bicubic import FACTOR
from bocage.superres._chain import Chain, apply_chain, for_series

_TOLERANCE = 0.02  # of the approximated reprojection, pixels of 2.5 m
_ROWS = 64  # composited at a time


def put_frames(
    fine: NDArray[np.float32],
    frames: xr.Dataset,
    months: NDArray[np.integer],
    bands: tuple[str, ...],
    geobox: GeoBox,
    chain: Chain,
) -> list[str]:
    """Put what the dates of each month show into its image, in place.

    Parameters
    ----------
    fine
        float32 (month, band, y, x) at 2.5 m; kept where no date shows the ground.
    frames
        As `bocage.imagery.monthly_frames` gives them.
    months, bands, geobox
        Labels and pixel grid of `fine`.
    chain
        How images are super-resolved.

    Returns
    -------
    list of str
        What did not go the usual way.

    Raises
    ------
    InputError
        If the frames lack a band.

    Notes
    -----
    Dates lie a fraction of a pixel beside each other. A composite of 10 m pixels blurs by that
    much, and putting dates right at 10 m blurs by interpolation; here each is interpolated once
    only, at 2.5 m, where it has nothing fine left to lose.
    """
    if missing := sorted(set(bands) - {str(b) for b in frames["band"].values}):
        raise InputError(f"the frames lack {', '.join(missing)}", remedy="make them anew")
    images = frames["reflectance"].sel(band=list(bands)).transpose("date", "band", "y", "x")
    own = geobox_of(images, "the frames")
    chain = for_series(images.values, chain)
    notes: list[str] = []
    for position, month in enumerate(months):
        placed = []
        for date in np.flatnonzero(frames["month"].values == month):
            made = apply_chain(images.values[date], chain)
            notes += made.notes
            down, right = float(frames["down"][date]), float(frames["right"][date])
            moved = own.affine @ Affine.translation(right, down) @ Affine.scale(1 / FACTOR)
            placed.append(_placed(made.image, moved, own, geobox))
        if placed:
            _composite(fine[position], placed, str(frames.attrs["composite"]))
    return notes


def _placed(
    image: NDArray[np.float32], affine: Affine, own: GeoBox, geobox: GeoBox
) -> NDArray[np.float32]:
    """An image (band, y, x) by cubic convolution on another grid, NaN where it has nothing."""
    out = np.full((len(image), *geobox.shape), np.nan, dtype=np.float32)
    reproject(
        image,
        out,
        src_transform=affine,
        src_crs=str(own.crs),
        src_nodata=np.nan,
        dst_transform=geobox.affine,
        dst_crs=str(geobox.crs),
        dst_nodata=np.nan,
        resampling=Resampling.cubic,
        tolerance=_TOLERANCE,
        # GDAL would take the factor from the window, and blocks would not fit together.
        XSCALE=1,
        YSCALE=1,
    )
    return out


def _composite(fine: NDArray[np.float32], placed: list[NDArray[np.float32]], how: str) -> None:
    """Composite images (band, y, x) into one, in place, strip by strip."""
    for top in range(0, fine.shape[1], _ROWS):
        rows = slice(top, top + _ROWS)
        image, _ = compose(np.stack([p[:, rows] for p in placed]), how)
        seen = np.isfinite(image).all(axis=0)
        fine[:, rows][:, seen] = image[:, seen]
