"""Dates of a real series that are kept back, foreseen from the super-resolved months of the others.

There is no truth at 2.5 m, but a sharper and better placed month must foresee better what another
date of the month sees: the month is seen through the point spread of each 10 m band, at the pixels
of that date, where its own shift puts them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pystac
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage

from benchmarks.mosaics import Flanders
from bocage.grid import Block
from bocage.imagery import ImagerySettings, Shifts, monthly_frames, survey_shifts
from bocage.rasters import geobox_of
from bocage.superres import FACTOR, psf_mtf
from bocage.superres._psf import spread

FOUR = ("B02", "B03", "B04", "B08")
YEAR = 2018
SETTINGS = ImagerySettings(first_month=12)

_CLEAR, _HALF = 0.9, 0.5
_LEAST = 3  # dates of a month that are half clear, the one that is kept back among them
_RIM = 6  # pixels of 10 m that are not judged
_BROAD = 3.0  # pixels of 10 m, standard deviation

Image = NDArray[np.float32]


def area_shifts(
    items: Sequence[pystac.Item], box: GeoBox, settings: ImagerySettings, year: int
) -> Shifts:
    """Shifts of the dates on two kilometres around a grid."""
    bounds = box.boundingbox
    ground = Block("", "", int(bounds.left), int(bounds.bottom), int(bounds.span_x))
    return survey_shifts(items, (ground,), settings, year)


def errors(methods: Callable[..., dict[str, xr.Dataset]]) -> dict[str, list[float]]:
    """Root mean square error of the detail of each date that is kept back, by method.

    Parameters
    ----------
    methods
        Gives the series of each method from items, grid, settings, year and shifts.

    Notes
    -----
    Detail: the mean over some 40 m is taken off, since light, haze and growth differ between
    dates.
    """
    with tempfile.TemporaryDirectory() as folder:
        series = Flanders(Path(folder))
        items = series.items(SETTINGS, YEAR)
        shifts = area_shifts(items, series.box, SETTINGS, YEAR)
        frames = monthly_frames(items, series.box, SETTINGS, YEAR, shifts=shifts)
        kept_back = _choose(frames)
        days = {str(frames["date"].values[n]) for n in kept_back}
        others = [i for i in items if i.datetime and i.datetime.date().isoformat() not in days]
        made = methods(others, series.box, SETTINGS, YEAR, shifts)
    found: dict[str, list[float]] = {name: [] for name in made}
    for number in kept_back:
        date = frames.isel(date=number)
        seen = date["reflectance"].sel(band=list(FOUR)).values
        month = {name: s["reflectance"].sel(month=int(date["month"])) for name, s in made.items()}
        foreseen = {name: _foresee(image, date) for name, image in month.items()}
        counted = np.isfinite(np.stack([seen, *foreseen.values()])).all(axis=(0, 1))
        counted[:_RIM] = counted[-_RIM:] = counted[:, :_RIM] = counted[:, -_RIM:] = False
        for name, image in foreseen.items():
            left = _detail(seen - image, counted)
            found[name].append(float(np.sqrt(np.mean(left**2))))
    return found


def _choose(frames: xr.Dataset) -> list[int]:
    """One clear date with a known shift of each month that has others."""
    share = np.isfinite(frames["reflectance"].values[:, 0]).mean(axis=(1, 2))
    known = np.hypot(frames["down"].values, frames["right"].values) > 0
    chosen = []
    for month in np.unique(frames["month"].values):
        own = frames["month"].values == month
        clear = np.flatnonzero(own & known & (share > _CLEAR))
        if len(clear) and (own & (share > _HALF)).sum() >= _LEAST:
            chosen.append(int(clear[len(clear) // 2]))
    return chosen


def _foresee(image: xr.DataArray, date: xr.Dataset) -> Image:
    """The four 10 m bands of a month at 2.5 m as a date would see them."""
    own, fine = geobox_of(date["reflectance"]), geobox_of(image)
    rows, columns = _places(own, fine, float(date["down"]), float(date["right"]))
    bands = image.sel(band=list(FOUR)).values
    blurred = [
        ndimage.gaussian_filter(values, spread(mtf, FACTOR))
        for values, mtf in zip(bands, psf_mtf(FOUR), strict=True)
    ]
    return np.stack([ndimage.map_coordinates(b, [rows, columns], cval=np.nan) for b in blurred])


def _places(
    own: GeoBox, fine: GeoBox, down: float, right: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns on a fine grid of the centres of pixels that are moved by a shift."""
    rows, columns = np.mgrid[0 : own.shape[0], 0 : own.shape[1]] + 0.5
    turn = Transformer.from_crs(str(own.crs), str(fine.crs), always_xy=True)
    x, y = turn.transform(*(own.affine @ (columns + right, rows + down)))
    column, row = ~fine.affine @ (x, y)
    return row - 0.5, column - 0.5


def _detail(image: Image, counted: NDArray[np.bool_]) -> Image:
    weight = ndimage.gaussian_filter(counted.astype(np.float32), _BROAD)[counted]
    flat = [np.where(counted, band, 0) for band in image]
    return np.stack(
        [b[counted] - ndimage.gaussian_filter(b, _BROAD)[counted] / weight for b in flat]
    )
