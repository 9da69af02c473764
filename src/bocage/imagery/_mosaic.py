"""Monthly mosaics of a piece of ground from the items that touch it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pystac
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import ConfigError
from bocage.imagery._bands import require
from bocage.imagery._days import by_day, is_single, merge_day, touching
from bocage.imagery._fill import fill_months, gaps, smooth_months
from bocage.imagery._ground import load_ground
from bocage.imagery._light import Light, Relief
from bocage.imagery._months import NOT_SEEN, Monthly, compose_months
from bocage.imagery._observations import Day, Observations
from bocage.imagery._series import align, rule_out
from bocage.imagery._settings import ImagerySettings, Slot, window
from bocage.imagery._shifts import Shifts
from bocage.rasters import wrap


def monthly_mosaic(
    items: Sequence[pystac.Item],
    geobox: GeoBox,
    settings: ImagerySettings,
    year: int,
    relief: Relief | None = None,
    shifts: Shifts | None = None,
) -> xr.Dataset:
    """Make the monthly mosaics of one status year.

    Images of all days are read once and kept in a temporary file, and what needs many of them is
    done by strips of rows: memory grows little with their number. Items of one day are merged
    before they count as one observation; where they overlap, the newest processing and then the
    first identifier wins. Nothing is raised for what is cloudy: see `require_months`,
    `check_mosaic` and `require_observed`.

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
    relief
        Heights, and how the light falls on them; needed for ``illumination``.
    shifts
        Where the images of each day lie, as `survey_shifts` finds it for a whole area: blocks
        that share it fit together. Without it, ``coregister`` finds the shifts of this ground.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` float32 (month, band, y, x), unit 1, NaN where there is nothing;
        ``valid`` uint8 (month, y, x), number of days with a clear observation; ``gap`` uint8
        (month, y, x): 0 observed, 1 filled in from other months of the pixel, 2 missing;
        ``age`` int8 (month, y, x), days from the middle of the month to the observation, or to
        the mean of those that were used, −128 where there is none; ``fill_error`` float32
        (month, y, x), expected root mean square error over the bands of what was filled in, 0
        where observed. Coordinates ``month`` (month of the year, in chronological order of the
        window), ``band``, ``resolution`` (band; metres, native), ``x``, ``y``, ``spatial_ref``;
        attributes ``year``, ``screen`` (what the series was screened for) and ``dates``: JSON, a
        list with an entry a day: ``date``, ``month``, ``items``, ``clear`` (share of the grid
        that the mask leaves), ``screened`` (share of the grid that the screening found),
        ``shift`` (rows and columns by which the image must be moved to lie on the others, or
        null), ``moved`` (whether it was) and ``faults``.

    Raises
    ------
    InputError
        If an item lacks a band or the mask, or a file is missing, corrupt, not georeferenced,
        holds another band than its item says, or its numbers are no reflectance; if it does not
        say where sun and satellite stood, or there are no heights for it, and the settings ask
        for them.
    ConfigError
        If the settings ask for a relief and there is none.

    Notes
    -----
    Reflectance is DN · scale + offset of ``raster:bands`` (offset 0 where only the scale is
    given), else of the file, else DN · 0.0001 and −0.1 from processing baseline 04.00 on.
    ``earthsearch:boa_offset_applied`` true means that the offset is in the DN already.
    """
    near = touching(items, geobox)
    slots = window(settings, year)
    light = light_on(settings, geobox, relief)
    with Observations(settings.bands, (geobox.shape.y, geobox.shape.x)) as seen:
        dates = gather(near, slots, geobox, settings, light, seen)
        said = rule_out(seen, settings, dates)
        if settings.coregister != "none":
            by_id = {i.id: i for i in near}
            align(seen, by_id, geobox, settings, light, dates, shifts)
        monthly = compose_months(seen, slots, settings)
    attrs = {"year": int(year), "screen": said, "dates": json.dumps(dates)}
    return _dataset(monthly, slots, geobox, settings, _native(near, settings)).assign_attrs(attrs)


def light_on(settings: ImagerySettings, geobox: GeoBox, relief: Relief | None) -> Light | None:
    """The light on a grid, where the settings ask for it.

    Raises
    ------
    ConfigError
        If they do and there is no relief.
    """
    if settings.illumination == "none":
        return None
    if relief is None:
        raise ConfigError(
            f"imagery.illumination: {settings.illumination} needs heights",
            remedy="give imagery.terrain, or set imagery.illumination: none",
        )
    return Light(load_ground(relief.heights, geobox), relief.lighting)


def gather(
    items: Sequence[pystac.Item],
    slots: Sequence[Slot],
    geobox: GeoBox,
    settings: ImagerySettings,
    light: Light | None,
    seen: Observations,
    *,
    exact: bool = False,
) -> list[dict[str, Any]]:
    """Read every day of the window; an entry for each that was kept, as in ``dates``.

    `exact` is that of `bocage.imagery._read.read_bands`.
    """
    found = []
    for day, number, ordered in by_day(items, slots):
        merged = merge_day(ordered, geobox, settings, light, exact=exact)
        if merged is not None:
            single = all(is_single(i) for i in ordered)
            seen.add(Day(day, number, single, tuple(i.id for i in ordered)), merged.image)
            uneven = light is not None and day.isoformat() not in light.lighting
            faults = (*merged.faults, *(["uneven"] if uneven else []))
            found.append(_entry(seen, len(seen) - 1, slots, faults))
    return found


def _entry(
    seen: Observations, number: int, slots: Sequence[Slot], faults: tuple[str, ...]
) -> dict[str, Any]:
    day = seen.days[number]
    return {
        "date": day.day.isoformat(),
        "month": slots[day.slot].month,
        "items": list(day.items),
        "clear": round(float(seen.usable[number].mean()), 4),
        "screened": 0.0,
        "shift": None,
        "moved": False,
        "faults": list(faults),
    }


def _native(items: Sequence[pystac.Item], settings: ImagerySettings) -> list[int]:
    """Native pixel size of the bands; that of the mosaic grid where no item touches it."""
    return [require(items[0], band).native if items else 10 for band in settings.bands]


def _dataset(
    monthly: Monthly,
    slots: Sequence[Slot],
    geobox: GeoBox,
    settings: ImagerySettings,
    native: list[int],
) -> xr.Dataset:
    months = np.array([s.month for s in slots], dtype=np.int64)
    series = monthly.reflectance
    gap, error = gaps(series), np.where(np.isnan(series[:, 0]), np.float32(np.nan), np.float32(0))
    if settings.fill == "linear":
        series, gap, error = fill_months(series, months)
    if settings.smooth == "whittaker":
        weights = np.minimum(monthly.valid, _ENOUGH).astype(np.float32)
        smooth = smooth_months(series, months, weights, settings.smooth_strength)
        series = np.where(np.isnan(series), series, smooth)

    def flat(values: NDArray[Any]) -> xr.DataArray:
        return wrap(values, geobox, dims=("month", "y", "x"), month=months)

    mosaic = xr.Dataset(
        {
            "reflectance": wrap(
                series,
                geobox,
                dims=("month", "band", "y", "x"),
                month=months,
                band=list(settings.bands),
            ),
            "valid": flat(monthly.valid),
            "gap": flat(gap),
            "age": flat(monthly.age),
            "fill_error": flat(error),
        }
    )
    mosaic["reflectance"].attrs = {"units": "1", "long_name": "surface reflectance"}
    mosaic["age"].attrs = {"units": "days", "missing_value": NOT_SEEN}
    return mosaic.assign_coords(resolution=("band", np.array(native, dtype=np.int64)))


_ENOUGH = 4
"""Clear days beyond which a month counts no more in the smoothing."""
