"""Small images and items, written on demand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from affine import Affine
from rasterio.warp import transform_bounds
from shapely.geometry import box, mapping

WEST, NORTH = 4_000_000, 3_000_000


def write_image(
    path: Path,
    bands,
    *,
    descriptions=None,
    nodata=None,
    crs="EPSG:3035",
    pixel=10.0,
    origin=(WEST, NORTH),
    tags=None,
    **profile,
) -> Path:
    data = np.stack([np.asarray(b) for b in bands])
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = Affine(pixel, 0, origin[0], 0, -pixel, origin[1])
    options = {"driver": "GTiff", "compress": "deflate", **profile}
    if crs is not None:
        options |= {"crs": crs, "transform": transform}
    with rasterio.open(
        path,
        "w",
        width=data.shape[2],
        height=data.shape[1],
        count=len(data),
        dtype=data.dtype,
        nodata=nodata,
        **options,
    ) as file:
        file.write(data)
        for number, name in enumerate(descriptions or (), start=1):
            file.set_band_description(number, name)
        if tags:
            file.update_tags(**tags)
    return path


def make_item(
    name: str,
    when: str,
    assets: dict,
    *,
    properties=None,
    collection="sentinel-2-l2a",
) -> pystac.Item:
    """An item of GeoTIFF assets: key → path, or (path, further fields)."""
    parts = {k: (v if isinstance(v, tuple) else (v, {})) for k, v in assets.items()}
    first = next(iter(parts.values()))[0]
    try:
        with rasterio.open(first) as file:
            limits = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    except rasterio.errors.RasterioError:
        limits = (9.9, 49.9, 10.2, 50.1)
    item = pystac.Item(
        name,
        mapping(box(*limits)),
        list(limits),
        dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC),
        {"s2:processing_baseline": "02.14", **(properties or {})},
        collection=collection,
    )
    for key, (path, fields) in parts.items():
        item.add_asset(
            key,
            pystac.Asset(str(path), roles=["data"], media_type="image/tiff", extra_fields=fields),
        )
    return item


@pytest.fixture
def image():
    return write_image


@pytest.fixture
def item():
    return make_item


@pytest.fixture
def grid():
    from bocage.grid import geobox

    def make(columns=6, rows=6):
        return geobox((WEST, NORTH - 10 * rows, WEST + 10 * columns, NORTH), 10)

    return make
