"""Items of one day made into one image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pystac
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from bocage.imagery._bands import baseline, moment, require
from bocage.imagery._correct import corrected
from bocage.imagery._light import Light
from bocage.imagery._masks import clear_from_mask, clear_from_scl
from bocage.imagery._plausible import clean, faults
from bocage.imagery._read import read_bands, read_codes
from bocage.imagery._settings import ImagerySettings, Slot


@dataclass(frozen=True, eq=False)
class Merged:
    """The items of one day as one image.

    Attributes
    ----------
    image
        float32 (band, y, x), NaN in all bands where it is not clear.
    faults
        What is doubtful about the items, see `bocage.imagery._plausible.faults`.
    """

    image: NDArray[np.float32]
    faults: tuple[str, ...]


def touching(items: Iterable[pystac.Item], geobox: GeoBox) -> list[pystac.Item]:
    """The items whose footprint meets a grid, sorted by time and identifier."""
    area = geobox.extent.to_crs("EPSG:4326", resolution=geobox.resolution.x * 50).geom
    found = [i for i in items if i.geometry is None or shapely.intersects(shape(i.geometry), area)]
    return sorted(found, key=lambda i: (moment(i), i.id))


def solar_day(item: pystac.Item) -> date:
    """Day of an item in local solar time: its tiles of one overpass share it."""
    when = moment(item)
    if item.bbox is not None:
        when += timedelta(minutes=4 * (item.bbox[0] + item.bbox[2]) / 2)
    return when.date()


def by_day(
    items: Iterable[pystac.Item], slots: Sequence[Slot]
) -> list[tuple[date, int, list[pystac.Item]]]:
    """Days of a window: the day, the position of its month, its items with the winner first."""
    days: dict[tuple[date, int], list[pystac.Item]] = {}
    for item in items:
        taken = moment(item)
        for number, slot in enumerate(slots):
            if (taken.year, taken.month) in slot:
                days.setdefault((solar_day(item), number), []).append(item)
    return [(*when, by_winner(group)) for when, group in sorted(days.items(), key=lambda d: d[0])]


def is_single(item: pystac.Item) -> bool:
    """Whether an item is an image of one day, and not already a composite of many."""
    known = item.common_metadata
    if known.start_datetime is None or known.end_datetime is None:
        return True
    return known.end_datetime - known.start_datetime <= timedelta(days=1)


def by_winner(items: Sequence[pystac.Item]) -> list[pystac.Item]:
    """Newest processing first, then by identifier."""
    return sorted(items, key=lambda i: (-(baseline(i) or 0.0), i.id))


def merge_day(
    items: Sequence[pystac.Item],
    geobox: GeoBox,
    settings: ImagerySettings,
    light: Light | None = None,
    *,
    exact: bool = False,
) -> Merged | None:
    """One day on a grid, the first item with a clear pixel wins; None if nothing is clear.

    Slopes look level where there is a light. `exact` is that of `bocage.imagery._read.read_bands`.
    """
    merged: NDArray[np.float32] | None = None
    found: list[str] = []
    for item in items:
        one = _observation(item, geobox, settings, light, exact=exact)
        if one is None:
            continue
        found += one.faults
        merged = one.image if merged is None else np.where(np.isnan(merged), one.image, merged)
    return None if merged is None else Merged(merged, tuple(dict.fromkeys(found)))


def _observation(
    item: pystac.Item,
    geobox: GeoBox,
    settings: ImagerySettings,
    light: Light | None,
    *,
    exact: bool,
) -> Merged | None:
    sources = [require(item, band) for band in settings.bands]
    clear = _clear(item, geobox, settings)
    if not clear.any():
        return None
    image = read_bands(sources, geobox, exact=exact)
    doubts = faults(image, clear, settings.bands, item.id)
    image = corrected(clean(image), item, solar_day(item), settings, light)
    usable = np.isfinite(image).all(axis=0) & clear
    if not usable.any():
        return None
    image[:, ~usable] = np.nan
    return Merged(image, doubts)


def _clear(item: pystac.Item, geobox: GeoBox, settings: ImagerySettings) -> NDArray[np.bool_]:
    """Clear pixels (y, x): all where no mask is asked for.

    Read with a margin as wide as the growth, so that a cloud just outside counts too.
    """
    if settings.cloud_mask == "none":
        return np.ones((geobox.shape.y, geobox.shape.x), dtype=bool)
    margin = settings.dilation_px
    codes = read_codes(require(item, settings.cloud_mask), geobox.pad(margin))
    if settings.cloud_mask.lower() == "scl":
        clear = clear_from_scl(codes, settings.scl_clear, margin)
    else:
        clear = clear_from_mask(codes, margin)
    rows, columns = geobox.shape.y, geobox.shape.x
    return clear[margin : margin + rows, margin : margin + columns]
