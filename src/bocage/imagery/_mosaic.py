"""Monthly mosaics of a piece of ground from the items that touch it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import pystac
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from bocage.imagery._bands import moment, require
from bocage.imagery._composite import fill_months, gaps, median, medoid
from bocage.imagery._masks import clear_from_mask, clear_from_scl
from bocage.imagery._read import read_bands, read_codes
from bocage.imagery._settings import ImagerySettings, window
from bocage.rasters import wrap


def monthly_mosaic(
    items: Sequence[pystac.Item], geobox: GeoBox, settings: ImagerySettings, year: int
) -> xr.Dataset:
    """Make the monthly mosaics of one status year.

    The months are made one after the other, so that memory does not grow with the number of
    dates. Items of one day are merged before they count as one observation; where they overlap,
    the newest processing and then the first identifier wins. Nothing is raised for what is
    cloudy: see `require_months`, `check_mosaic` and `require_observed`.

    Parameters
    ----------
    items
        Items of any CRS, as `search` gives them; those that do not touch the grid or lie
        outside the window are left out.
    geobox
        Pixel grid of the mosaic: 10 m, EPSG:3035.
    settings
        Bands, mask, composite, window.
    year
        Status year.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` float32 (month, band, y, x), unit 1, NaN where there is nothing;
        ``valid`` uint8 (month, y, x), number of days with a clear observation; ``gap`` uint8
        (month, y, x): 0 observed, 1 filled in from other months of the pixel, 2 missing.
        Coordinates ``month`` (month of the year, in chronological order of the window),
        ``band``, ``resolution`` (band; metres, native), ``x``, ``y``, ``spatial_ref``;
        attribute ``year``.

    Raises
    ------
    InputError
        If an item lacks a band or the mask, or a file is missing, corrupt, not georeferenced
        or holds another band than its item says.

    Notes
    -----
    Reflectance is DN · scale + offset of ``raster:bands`` (offset 0 where only the scale is
    given), else of the file, else DN · 0.0001 and −0.1 from processing baseline 04.00 on.
    ``earthsearch:boa_offset_applied`` true means that the offset is in the DN already.
    """
    near = touching(items, geobox)
    slots = window(settings, year)
    shape_yx = (geobox.shape.y, geobox.shape.x)
    series = np.full((len(slots), len(settings.bands), *shape_yx), np.nan, dtype=np.float32)
    valid = np.zeros((len(slots), *shape_yx), dtype=np.uint8)
    for number, slot in enumerate(slots):
        chosen = [i for i in near if (moment(i).year, moment(i).month) in slot]
        series[number], valid[number] = _month(chosen, geobox, settings)
    months = np.array([s.month for s in slots], dtype=np.int64)
    if settings.fill == "linear":
        series, gap = fill_months(series, months)
    else:
        gap = gaps(series)
    return _dataset(series, valid, gap, months, geobox, settings, _native(near, settings), year)


def touching(items: Iterable[pystac.Item], geobox: GeoBox) -> list[pystac.Item]:
    """The items whose footprint meets a grid, sorted by time and identifier."""
    area = geobox.extent.to_crs("EPSG:4326", resolution=geobox.resolution.x * 50).geom
    found = [i for i in items if i.geometry is None or shapely.intersects(shape(i.geometry), area)]
    return sorted(found, key=lambda i: (moment(i), i.id))


def _month(
    items: Sequence[pystac.Item], geobox: GeoBox, settings: ImagerySettings
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Composite (band, y, x) and number of clear days (y, x) of one month."""
    days: dict[date, list[pystac.Item]] = {}
    for item in items:
        days.setdefault(solar_day(item), []).append(item)
    observed = [_day(days[day], geobox, settings) for day in sorted(days)]
    stack = [image for image in observed if image is not None]
    if not stack:
        empty = np.full((len(settings.bands), geobox.shape.y, geobox.shape.x), np.nan, np.float32)
        return empty, np.zeros(empty.shape[1:], dtype=np.uint8)
    dates = np.stack(stack)
    count = np.minimum(np.isfinite(dates[:, 0]).sum(axis=0), 255).astype(np.uint8)
    return (median if settings.composite == "median" else medoid)(dates), count


def _day(
    items: Sequence[pystac.Item], geobox: GeoBox, settings: ImagerySettings
) -> NDArray[np.float32] | None:
    """One day merged: (band, y, x), NaN in all bands where it is not clear; None if nowhere."""
    merged: NDArray[np.float32] | None = None
    for item in sorted(items, key=lambda i: (-_baseline(i), i.id)):
        image = _observation(item, geobox, settings)
        if image is None:
            continue
        merged = image if merged is None else np.where(np.isnan(merged), image, merged)
    return merged


def _observation(
    item: pystac.Item, geobox: GeoBox, settings: ImagerySettings
) -> NDArray[np.float32] | None:
    sources = [require(item, band) for band in settings.bands]
    clear = _clear(item, geobox, settings)
    if clear is not None and not clear.any():
        return None
    image = read_bands(sources, geobox)
    usable = np.isfinite(image).all(axis=0)
    if clear is not None:
        usable &= clear
    if not usable.any():
        return None
    image[:, ~usable] = np.nan
    return image


def _clear(
    item: pystac.Item, geobox: GeoBox, settings: ImagerySettings
) -> NDArray[np.bool_] | None:
    """Clear pixels (y, x); None where no mask is asked for.

    Read with a margin as wide as the growth, so that a cloud just outside counts too.
    """
    if settings.cloud_mask == "none":
        return None
    margin = settings.dilation_px
    codes = read_codes(require(item, settings.cloud_mask), geobox.pad(margin))
    if settings.cloud_mask.lower() == "scl":
        clear = clear_from_scl(codes, settings.scl_clear, margin)
    else:
        clear = clear_from_mask(codes, margin)
    rows, columns = geobox.shape.y, geobox.shape.x
    return clear[margin : margin + rows, margin : margin + columns]


def solar_day(item: pystac.Item) -> date:
    """Day of an item in local solar time: its tiles of one overpass share it."""
    when = moment(item)
    if item.bbox is not None:
        when += timedelta(minutes=4 * (item.bbox[0] + item.bbox[2]) / 2)
    return when.date()


def _baseline(item: pystac.Item) -> float:
    text = str(item.properties.get("s2:processing_baseline", ""))
    return float(text) if text.replace(".", "", 1).isdigit() else 0.0


def _native(items: Sequence[pystac.Item], settings: ImagerySettings) -> list[int]:
    """Native pixel size of the bands; that of the mosaic grid where no item touches it."""
    return [require(items[0], band).native if items else 10 for band in settings.bands]


def _dataset(
    series: NDArray[np.float32],
    valid: NDArray[np.uint8],
    gap: NDArray[np.uint8],
    months: NDArray[np.int64],
    geobox: GeoBox,
    settings: ImagerySettings,
    native: list[int],
    year: int,
) -> xr.Dataset:
    flat = ("month", "y", "x")
    mosaic = xr.Dataset(
        {
            "reflectance": wrap(
                series,
                geobox,
                dims=("month", "band", "y", "x"),
                month=months,
                band=list(settings.bands),
            ),
            "valid": wrap(valid, geobox, dims=flat, month=months),
            "gap": wrap(gap, geobox, dims=flat, month=months),
        },
        attrs={"year": int(year)},
    )
    mosaic["reflectance"].attrs = {"units": "1", "long_name": "surface reflectance"}
    return mosaic.assign_coords(resolution=("band", np.array(native, dtype=np.int64)))
