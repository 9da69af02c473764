"""Which items of a catalogue make the mosaics of an area and a year."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from pathlib import Path

import pystac
import pystac_client
import shapely
from odc.geo.geom import BoundingBox
from pystac_client.exceptions import APIError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from urllib3.exceptions import HTTPError

from bocage.errors import InputError
from bocage.files import existing
from bocage.imagery._bands import locate, missing_band, moment
from bocage.imagery._items import items_of, read_json
from bocage.imagery._settings import ImagerySettings, Slot, window

_TIMEOUT = 60
_NO_STAC = (pystac.STACError, pystac.STACTypeError, KeyError, ValueError, AttributeError, TypeError)


def search(
    catalog: str | Path,
    settings: ImagerySettings,
    bounds_3035: tuple[float, float, float, float],
    year: int,
) -> list[pystac.Item]:
    """Find the items of an area and a status year.

    Parameters
    ----------
    catalog
        A static STAC catalogue, collection or ItemCollection (file, or URL that ends in
        ``.json``), or the URL of a STAC API.
    settings
        Collection, bands, mask, window, cloud cover.
    bounds_3035
        West, south, east, north of the area in metres, EPSG:3035.
    year
        Status year.

    Returns
    -------
    list of pystac.Item
        Sorted by time and identifier, with absolute addresses. Every item has all bands and
        the mask of the settings.

    Raises
    ------
    InputError
        If the catalogue cannot be read or is empty, does not have the collection, has no item in
        the area or in the period, or an item lacks a band or the mask.
    """
    area = _lonlat(bounds_3035)
    slots = window(settings, year)
    if _is_api(catalog):
        found = _from_api(str(catalog), settings, area, slots)
    else:
        found = _from_static(catalog, settings, area)
    here = [i for i in found if any((moment(i).year, moment(i).month) in s for s in slots)]
    if not here:
        raise _none_in_period(catalog, found, slots)
    clear = [i for i in here if _cloud_cover(i) <= settings.max_cloud_cover]
    if not clear:
        raise InputError(
            f"{catalog}: all {len(here)} images of the period are cloudier than "
            f"{settings.max_cloud_cover:g} %",
            remedy="raise imagery.max_cloud_cover",
        )
    _require_bands(clear, settings)
    return sorted(clear, key=lambda i: (moment(i), i.id))


def _is_api(catalog: str | Path) -> bool:
    text = str(catalog)
    return text.startswith(("http://", "https://")) and not text.endswith(".json")


def _lonlat(bounds: tuple[float, float, float, float]) -> BaseGeometry:
    box = BoundingBox(*bounds, crs="EPSG:3035")
    step = max(box.span_x, box.span_y) / 20
    geometry: BaseGeometry = box.polygon.to_crs("EPSG:4326", resolution=step).geom
    return geometry


def _from_static(
    catalog: str | Path, settings: ImagerySettings, area: BaseGeometry
) -> list[pystac.Item]:
    every = list(_walk(catalog))
    if not every:
        raise InputError(f"{catalog} holds no item", remedy="'bocage catalog build' makes one")
    there = sorted({str(i.collection_id) for i in every})
    wanted = [i for i in every if i.collection_id == settings.collection]
    if not wanted:
        raise _no_collection(catalog, settings.collection, there)
    near = [i for i in wanted if i.geometry and shapely.intersects(shape(i.geometry), area)]
    if not near:
        limits = shapely.total_bounds([shape(i.geometry) for i in wanted if i.geometry])
        raise _outside(catalog, area, f"; its images cover {_degrees(limits.tolist())}")
    return near


def _walk(catalog: str | Path) -> Iterator[pystac.Item]:
    """All items of a static catalogue, with absolute addresses."""
    if not str(catalog).startswith(("http://", "https://")):
        path = existing(catalog, "imagery.catalog")
        if path.is_dir():
            raise InputError(
                f"{path} is a folder", remedy="give the catalogue file, for instance catalog.json"
            )
        value = read_json(path)
        if value.get("type") == "FeatureCollection":
            yield from items_of(value, path)
            return
    try:
        root = pystac.read_file(str(catalog))
        items = [root] if isinstance(root, pystac.Item) else _children(root)
        for item in items:
            item.make_asset_hrefs_absolute()
            yield item
    except (*_NO_STAC, OSError, HTTPError) as error:
        raise InputError(
            f"{catalog} is no STAC catalogue that can be read to the end: "
            f"{type(error).__name__}: {error}",
            remedy="'bocage catalog build' makes one; a linked file may be missing or damaged",
        ) from error


def _children(root: pystac.STACObject) -> Iterator[pystac.Item]:
    if not isinstance(root, pystac.Catalog):
        raise pystac.STACTypeError({}, pystac.Catalog)
    yield from root.get_items(recursive=True)


def _from_api(
    url: str, settings: ImagerySettings, area: BaseGeometry, slots: Sequence[Slot]
) -> list[pystac.Item]:
    west, south, east, north = area.bounds
    box = [west, south, east, north]
    try:
        client = pystac_client.Client.open(url, timeout=_TIMEOUT)
        names = sorted(c.id for c in client.get_collections())
        if settings.collection not in names:
            raise _no_collection(url, settings.collection, names)
        found = [
            item
            for period in _periods(slots)
            for item in client.search(
                collections=[settings.collection], bbox=box, datetime=period
            ).items()
        ]
        if not found:
            some = client.search(collections=[settings.collection], bbox=box, max_items=1)
            if not list(some.items()):
                raise _outside(url, area, "")
    except (APIError, *_NO_STAC, OSError, HTTPError) as error:
        raise InputError(
            f"{url} does not answer as a STAC API: {error}",
            remedy="check the address and the network; a static catalogue ends in .json",
        ) from error
    unique = {item.id: item for item in found}
    return [i for i in unique.values() if not i.geometry or shape(i.geometry).intersects(area)]


def _periods(slots: Sequence[Slot]) -> list[str]:
    """One period for each year of images: from its first to its last month."""
    months: dict[int, list[int]] = {}
    for slot in slots:
        for year in slot.years:
            months.setdefault(year, []).append(slot.month)
    return [
        f"{year}-{min(m):02d}-01T00:00:00Z/"
        f"{year}-{max(m):02d}-{calendar.monthrange(year, max(m))[1]}T23:59:59Z"
        for year, m in sorted(months.items())
    ]


def _cloud_cover(item: pystac.Item) -> float:
    return float(item.properties.get("eo:cloud_cover") or 0.0)


def _require_bands(items: Sequence[pystac.Item], settings: ImagerySettings) -> None:
    mask = () if settings.cloud_mask == "none" else (settings.cloud_mask,)
    for band in (*settings.bands, *mask):
        without = [item for item in items if locate(item, band) is None]
        if without:
            raise missing_band(band, without)


def _no_collection(catalog: str | Path, wanted: str, there: Sequence[str]) -> InputError:
    return InputError(
        f"{catalog} has no collection '{wanted}'; it has: {', '.join(there) or 'none'}",
        remedy="set imagery.collection",
    )


def _outside(catalog: str | Path, area: BaseGeometry, more: str) -> InputError:
    return InputError(
        f"{catalog}: no image touches the area {_degrees(area.bounds)}{more}: "
        "the sites lie outside the images",
        remedy="check the coordinate reference system of sites and images, or use other images",
    )


def _degrees(bounds: Sequence[float]) -> str:
    west, south, east, north = bounds
    return f"{west:.3f}–{east:.3f}° E, {south:.3f}–{north:.3f}° N"


def _none_in_period(
    catalog: str | Path, found: Sequence[pystac.Item], slots: Sequence[Slot]
) -> InputError:
    times = sorted(moment(i) for i in found)
    there = f"its images are of {times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}" if times else ""
    asked = f"{slots[0]} to {slots[-1]}"
    return InputError(
        f"{catalog}: no image of the area in the period {asked}; {there}",
        remedy="check years, imagery.first_month, imagery.months and imagery.years_around",
    )
