"""Names of bands, and where an item keeps each of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pystac

from bocage.errors import InputError

NATIVE_M = {
    **dict.fromkeys(("B02", "B03", "B04", "B08"), 10),
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 20),
    **dict.fromkeys(("B01", "B09", "B10"), 60),
}
"""Native pixel size of the bands of Sentinel-2 MSI, metres."""

_ALIASES = {
    "coastal": "B01",
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "rededge1": "B05",
    "rededge071": "B05",
    "rededge2": "B06",
    "rededge075": "B06",
    "rededge3": "B07",
    "rededge078": "B07",
    "nir": "B08",
    "nir08": "B8A",
    "nir09": "B09",
    "swir16": "B11",
    "swir22": "B12",
    "scl": "SCL",
}
_CODE = re.compile(r"B(\d{1,2})(A?)", re.IGNORECASE)
_SUFFIX = re.compile(r"_(?:10|20|60)m$", re.IGNORECASE)

_OFFSET_BASELINE = 4.0
_OFFSET_DATE = dt.datetime(2022, 1, 25, tzinfo=dt.UTC)
L2A_OFFSET = -0.1
"""Reflectance added to Sentinel-2 L2A from processing baseline 04.00 on
(ESA, Sentinel-2 Products Specification Document, BOA_ADD_OFFSET = -1000)."""


@lru_cache(maxsize=1024)
def canonical(name: str) -> str:
    """Sentinel-2 name of a band: ``B2``, ``b02``, ``B02_10m`` and ``blue`` are all ``B02``.

    A name that is none of Sentinel-2 comes back as it is, without a suffix such as ``_10m``.
    """
    short = _SUFFIX.sub("", name.strip())
    code = _CODE.fullmatch(short)
    if code:
        number = int(code[1])
        return f"B{number}A" if code[2] else f"B{number:02d}"
    return _ALIASES.get(short.lower(), short)


def known(name: str) -> bool:
    """Whether a name means a band of Sentinel-2 or its scene classification."""
    return canonical(name) in NATIVE_M or canonical(name) == "SCL"


@dataclass(frozen=True)
class Source:
    """One band of one item: the file, the number of the band in it, and its units.

    Attributes
    ----------
    item
        Identifier of the item.
    band
        Name of the band as asked for.
    names
        Canonical names of all bands of the item, to recognise a shuffled file.
    href, index
        File, and number of the band in it from 1.
    nodata
        Nodata value that the item declares.
    declared
        Scale and offset that the item declares, reflectance = DN · scale + offset.
    offset
        Offset of the processing baseline where the item declares no scale; None when the
        item does not say whether there is one.
    native
        Pixel size of the sensor, metres.
    """

    item: str
    band: str
    names: frozenset[str]
    href: str
    index: int
    nodata: float | None
    declared: tuple[float, float] | None
    offset: float | None
    native: int


@dataclass(frozen=True)
class _Candidate:
    names: tuple[str, ...]
    key: str
    index: int
    count: int
    asset: pystac.Asset
    meta: Mapping[str, Any]


def _entries(asset: pystac.Asset, field: str) -> list[dict[str, Any]]:
    found = asset.extra_fields.get(field) or []
    return [dict(entry) for entry in found if isinstance(entry, Mapping)]


def _candidates(item: pystac.Item) -> Iterator[_Candidate]:
    for key, asset in item.assets.items():
        if {"thumbnail", "overview", "metadata"} & set(asset.roles or ()):
            continue
        named = _entries(asset, "eo:bands") or _entries(asset, "bands")
        raster = _entries(asset, "raster:bands") or _entries(asset, "bands")
        for number in range(max(1, len(named))):
            entry = named[number] if number < len(named) else {}
            names = [str(entry[f]) for f in ("name", "common_name", "eo:common_name") if f in entry]
            if len(named) <= 1:
                names.insert(0, key)
            meta = raster[number] if number < len(raster) else {}
            yield _Candidate(tuple(names), key, number + 1, max(1, len(named)), asset, meta)


def locate(item: pystac.Item, band: str) -> Source | None:
    """Where an item keeps a band, or None.

    A band is found by the key of an asset, or by its name in ``eo:bands`` or ``bands``;
    assets with fewer bands, of that very key and with finer pixels come first.
    """
    wanted = canonical(band)
    every = list(_candidates(item))
    found = [c for c in every if any(canonical(n) == wanted for n in c.names)]
    if not found:
        return None
    best = min(found, key=lambda c: (c.count, canonical(c.key) != wanted, _gsd(c, wanted), c.key))
    return Source(
        item=item.id,
        band=band,
        names=frozenset(canonical(n) for c in every for n in c.names),
        href=_path(best.asset.href),
        index=best.index,
        nodata=_number(best, "nodata"),
        declared=_declared(item, best),
        offset=_baseline_offset(item),
        native=round(_gsd(best, wanted)),
    )


def require(item: pystac.Item, band: str) -> Source:
    """Where an item keeps a band.

    Raises
    ------
    InputError
        If the item has no such band; the message lists the assets that it has.
    """
    source = locate(item, band)
    if source is None:
        raise missing_band(band, [item])
    return source


def missing_band(band: str, items: list[pystac.Item]) -> InputError:
    """The error for a band that items lack."""
    names = ", ".join(i.id for i in items[:5]) + (", …" if len(items) > 5 else "")
    has = ", ".join(sorted({n for c in _candidates(items[0]) for n in c.names}))
    return InputError(
        f"band {band} is missing in {len(items)} item(s): {names}; {items[0].id} has {has}",
        remedy="list in imagery.bands only what all images have, name the mask asset in "
        "imagery.cloud_mask (or none), or correct the catalogue",
    )


def _path(href: str) -> str:
    return href.removeprefix("file://")


def _gsd(candidate: _Candidate, band: str) -> float:
    for value in (
        candidate.meta.get("spatial_resolution"),
        candidate.meta.get("raster:spatial_resolution"),
        candidate.asset.extra_fields.get("gsd"),
        candidate.meta.get("gsd"),
        (found := re.search(r"_(10|20|60)m$", candidate.key)) and found[1],
    ):
        if value:
            return float(value)
    return float(NATIVE_M.get(band, 10))


def _number(candidate: _Candidate, field: str) -> float | None:
    for place in (candidate.meta, candidate.asset.extra_fields):
        for key in (field, f"raster:{field}"):
            if place.get(key) is not None:
                return float(place[key])
    return None


def _declared(item: pystac.Item, candidate: _Candidate) -> tuple[float, float] | None:
    scale, offset = _number(candidate, "scale"), _number(candidate, "offset")
    if scale is None and offset is None:
        return None
    if _applied(item):
        # Earth Search keeps offset -0.1 in raster:bands of files it has already corrected.
        offset = 0.0
    return (0.0001 if scale is None else scale), (offset or 0.0)


def _applied(item: pystac.Item) -> bool:
    return item.properties.get("earthsearch:boa_offset_applied") is True


def _baseline_offset(item: pystac.Item) -> float | None:
    if _applied(item):
        return 0.0
    version = baseline(item)
    if version is not None:
        return L2A_OFFSET if version >= _OFFSET_BASELINE else 0.0
    return 0.0 if moment(item) < _OFFSET_DATE else None


def baseline(item: pystac.Item) -> float | None:
    """Processing baseline of an item, None where it does not say."""
    for field in ("s2:processing_baseline", "processing:version", "sentinel2:processing_baseline"):
        value = re.match(r"\d+\.\d+", str(item.properties.get(field, "")))
        if value:
            return float(value[0])
    return None


def moment(item: pystac.Item) -> dt.datetime:
    """Time of an item (UTC); the middle of its period where it has no single time.

    Raises
    ------
    InputError
        If the item has neither.
    """
    when = item.datetime
    if when is None:
        start, end = item.common_metadata.start_datetime, item.common_metadata.end_datetime
        if start is None or end is None:
            raise InputError(f"item {item.id} has no datetime", remedy="correct the catalogue")
        when = start + (end - start) / 2
    return when.astimezone(dt.UTC) if when.tzinfo else when.replace(tzinfo=dt.UTC)
