"""The dates of the months one by one, as the satellite has seen them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pystac
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.imagery._bands import require
from bocage.imagery._days import touching
from bocage.imagery._light import Relief
from bocage.imagery._months import counted
from bocage.imagery._mosaic import gather, light_on
from bocage.imagery._observations import Observations
from bocage.imagery._read import file_grid
from bocage.imagery._series import align, rule_out
from bocage.imagery._settings import ImagerySettings, window
from bocage.imagery._shifts import Shifts
from bocage.rasters import wrap

_PIXEL_M = 10.0
_NEAR = 0.01  # of a pixel: sizes that are the same
_MARGIN = 2  # pixels around the ground, for interpolation and shifts


def monthly_frames(
    items: Sequence[pystac.Item],
    geobox: GeoBox,
    settings: ImagerySettings,
    year: int,
    relief: Relief | None = None,
    shifts: Shifts | None = None,
) -> xr.Dataset:
    """The clear images of the months of a status year on the satellite's own pixels.

    What `monthly_mosaic` makes one image a month of, before it is interpolated to the grid of
    the mosaic: masked, screened and registered in the same way.

    Parameters
    ----------
    items, settings, year, relief, shifts
        As for `monthly_mosaic`. Shifts are always told, and never put right here.
    geobox
        Ground to cover, such as the grid of the mosaic.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` float32 (date, band, y, x) on a grid of 10 m in the CRS of most of the
        images, whose pixels they have in common; NaN in all bands where an observation does not
        count for its month. 20 m bands are there as 2 × 2 equal pixels; images in another CRS or
        on other pixels are interpolated. Coordinates ``date`` (ISO), ``month`` (date), ``down``
        and ``right`` (date): rows and columns by which an image must be moved to lie on the
        others, 0 where that is not known or too little to tell; ``band``,
        ``resolution`` (band).
        Attribute ``composite`` is the setting.

    Raises
    ------
    InputError
        As for `monthly_mosaic`; also if no item touches the grid, or images are not on a grid of
        10 m.
    """
    near = touching(items, geobox)
    grid = _own_grid(near, geobox, settings)
    slots = window(settings, year)
    light = light_on(settings, grid, relief)
    with Observations(settings.bands, (grid.shape.y, grid.shape.x)) as seen:
        dates = gather(near, slots, grid, settings, light, seen, exact=True)
        rule_out(seen, settings, dates)
        by_id = {i.id: i for i in near}
        told = replace(settings, coregister="report")
        moves = align(seen, by_id, grid, told, light, dates, shifts)
        images = np.empty((len(seen), len(seen.bands), *seen.shape), dtype=np.float32)
        for number in range(len(slots)):
            chosen = [n for n, day in enumerate(seen.days) if day.slot == number]
            if chosen:
                images[chosen] = counted(seen, chosen, slice(None), settings)
        months = [slots[day.slot].month for day in seen.days]
    reflectance = wrap(
        images,
        grid,
        dims=("date", "band", "y", "x"),
        date=[d["date"] for d in dates],
        band=list(settings.bands),
    )
    native = [require(near[0], band).native for band in settings.bands]
    return xr.Dataset(
        {"reflectance": reflectance}, attrs={"composite": settings.composite}
    ).assign_coords(
        month=("date", np.array(months, dtype=np.int64)),
        down=("date", np.array([down for down, _ in moves])),
        right=("date", np.array([right for _, right in moves])),
        resolution=("band", np.array(native, dtype=np.int64)),
    )


def _own_grid(items: Sequence[pystac.Item], geobox: GeoBox, settings: ImagerySettings) -> GeoBox:
    """The pixels that most of the images share, around some ground."""
    if not items:
        raise InputError("no image touches the ground", remedy="give images of it")
    finest = min(settings.bands, key=lambda band: require(items[0], band).native)
    grids = [file_grid(require(item, finest).href) for item in items]
    usual = Counter(str(grid.crs) for grid in grids).most_common(1)[0][0]
    own = next(grid for grid in grids if str(grid.crs) == usual)
    size = own.affine.a, -own.affine.e
    if own.crs is None or own.crs.geographic or max(abs(s - _PIXEL_M) for s in size) > _NEAR:
        raise InputError(
            f"{items[0].id} and others are not on a grid of 10 m in a projected CRS",
            remedy="dates are super-resolved one by one on their own pixels only: leave "
            "superres.frames out",
        )
    box = geobox.extent.to_crs(own.crs, resolution=50 * _PIXEL_M).boundingbox
    left, top = ~own.affine @ (box.left, box.top)
    right, bottom = ~own.affine @ (box.right, box.bottom)
    column, row = math.floor(left) - _MARGIN, math.floor(top) - _MARGIN
    shape = math.ceil(bottom) + _MARGIN - row, math.ceil(right) + _MARGIN - column
    return GeoBox(shape, own.affine @ Affine.translation(column, row), own.crs)
