"""What a polygon consists of, and how it behaves over the year, in the manner of EAGLE.

Land cover components are shares of ground (sealed, trees, water …), characteristics are
properties of it (how long there is water, how often it is mown); both stand beside the class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.legend import Recode

CHARACTERISTICS = ("water_persistence", "mowing_events")
"""Characteristics that are read from the images of a year."""

_SUMMER = range(4, 11)  # months in which grass grows and is mown
_DROP, _GREEN, _REGROWTH = 0.15, 0.4, 0.1  # NDVI: lost by mowing, before it, and after it


def component_shares(
    shares: NDArray[np.floating], recode: Recode, groups: Mapping[str, Sequence[int]]
) -> dict[str, NDArray[np.float64]]:
    """Per cent of each land cover component in polygons.

    Parameters
    ----------
    shares
        What the polygons hold of each class of the map, shape (n, class), as
        `bocage.generalize.class_shares` gives it.
    recode
        From the classes of the map to those of a land cover nomenclature; of a class that may
        be several of them each counts with its weight in the table.
    groups
        Component → leaf codes of that nomenclature.

    Returns
    -------
    dict
        float64 (n,) for each component, NaN where nothing is known of a polygon.
    """
    covers = np.asarray(shares, np.float64) @ recode.weight
    total = covers.sum(axis=1)
    percent = 100 * covers / np.where(total > 0, total, np.nan)[:, None]
    return {
        name: percent[:, [recode.target.index(code) - 1 for code in codes]].sum(axis=1)
        for name, codes in groups.items()
    }


def water_persistence(mosaic: xr.Dataset) -> xr.DataArray | None:
    """Per cent of the observed months in which there is open water.

    Water is where the NDWI of green and near infrared is above 0 (McFeeters 1996).

    Parameters
    ----------
    mosaic
        ``reflectance`` (month, band, y, x) and ``gap`` (month, y, x), 0 where observed.

    Returns
    -------
    xarray.DataArray or None
        float32 (y, x), NaN where no month was observed; None without the bands.
    """
    index = _ratio(mosaic, "B03", "B08")
    if index is None:
        return None
    seen = (mosaic["gap"] == 0) & index.notnull()
    months = seen.sum("month")
    share = 100 * ((index > 0) & seen).sum("month") / months.where(months > 0)
    return share.astype(np.float32)


def mowing_events(mosaic: xr.Dataset) -> xr.DataArray | None:
    """How often green ground lost its leaves from one month to the next, and grew again.

    An event is an observed month from April to October whose NDVI is at least 0.15 below that
    of the month before, which was at least 0.4, while one of the two months after it is at
    least 0.1 above. Cuts within a month, and grazing, are not seen in monthly mosaics: it is
    evidence, no count of cuts.

    Parameters
    ----------
    mosaic
        As in `water_persistence`.

    Returns
    -------
    xarray.DataArray or None
        float32 (y, x), NaN where there is no image; None without the bands.
    """
    index = _ratio(mosaic, "B08", "B04")
    if index is None:
        return None
    index = index.sortby("month")
    months = [int(m) for m in index["month"].values]
    values, gap = index.values, mosaic["gap"].sortby("month").values
    events = np.zeros(values.shape[1:], np.float32)
    for n in range(1, len(months) - 1):
        if months[n] not in _SUMMER:
            continue
        before, here, after = values[n - 1], values[n], values[n + 1 : n + 3]
        regrown = np.where(np.isnan(after), -np.inf, after).max(axis=0) - here >= _REGROWTH
        events += (gap[n] == 0) & (before >= _GREEN) & (before - here >= _DROP) & regrown
    events[np.isnan(values).all(axis=0)] = np.nan
    return index.isel(month=0, drop=True).copy(data=events)


def _ratio(mosaic: xr.Dataset, first: str, second: str) -> xr.DataArray | None:
    """Normalised difference of two bands, (month, y, x)."""
    if not {first, second} <= set(mosaic["band"].values.tolist()):
        return None
    a, b = (mosaic["reflectance"].sel(band=name, drop=True) for name in (first, second))
    total = a + b
    return ((a - b) / total.where(total > 0)).transpose("month", "y", "x")
