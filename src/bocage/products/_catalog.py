"""A static STAC catalogue of the products."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyogrio
import pystac
import rasterio
import shapely
from pystac.utils import make_relative_href

from bocage.errors import InputError
from bocage.files import sha256, write_text
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.products._delivery import Delivery
from bocage.products._inventory import Product, find_products
from bocage.products._metadata import geographic_bounds
from bocage.products._style import rgb

_EXTENSIONS = {
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "classification": "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
}
_MEDIA = {
    ".gpkg": "application/geopackage+sqlite3",
    ".parquet": "application/vnd.apache.parquet",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".xml": "application/xml",
    ".qml": "application/xml",
    ".zip": "application/zip",
}
_KEYS = {".gpkg": "data", ".tif": "data", ".parquet": "geoparquet", ".xml": "metadata",
         ".qml": "style", ".zip": "delivery"}  # fmt: skip
CATALOG = "catalog.json"
Bounds = tuple[float, float, float, float]


def write_catalog(folder: Path | str, delivery: Delivery) -> Path:
    """Write ``catalog.json`` and one STAC item beside each product.

    Parameters
    ----------
    folder
        Folder of the deliveries; every product that `delivery` names and that exists there
        becomes an item.
    delivery
        Names, legend and date.

    Returns
    -------
    Path
        The catalogue. All links are relative; times are those of the status years and of the
        delivery, so that the bytes depend on the products only.

    Raises
    ------
    InputError
        If the folder holds no product of the delivery.
    """
    folder = Path(folder)
    products = find_products(folder, delivery)
    if not products:
        raise InputError(
            f"{folder} holds no product of this delivery", remedy="write the products first"
        )
    catalog = pystac.Catalog(
        id=f"{delivery.project_name}-{delivery.unit.id}",
        title=f"{delivery.schema.title}, {delivery.unit.name}",
        description=f"Deliveries of {', '.join(map(str, delivery.years))}, "
        f"{delivery.version} {delivery.revision}.",
    )
    catalog.set_self_href(str((folder / CATALOG).resolve()))
    for product in products:
        item, main = _item(product, delivery)
        catalog.add_item(item)
        item.set_self_href(str((product.folder / f"{product.name}.json").resolve()))
        # Last: the catalogue rewrites the links of the assets whenever an item moves.
        _add_assets(item, product, folder, main)
    catalog.catalog_type = pystac.CatalogType.SELF_CONTAINED
    for product, item in zip(products, list(catalog.get_items()), strict=True):
        _save(item, product.folder / f"{product.name}.json")
    return _save(catalog, folder / CATALOG)


def _save(value: pystac.Catalog | pystac.Item, path: Path) -> Path:
    data = value.to_dict(include_self_link=False)
    return write_text(path, pystac.StacIO.default().json_dumps(data) + "\n")


def _item(product: Product, delivery: Delivery) -> tuple[pystac.Item, dict[str, Any]]:
    main, properties, bounds = _describe(product, delivery)
    degrees = geographic_bounds(bounds, delivery.schema.epsg)
    item = pystac.Item(
        id=product.name,
        geometry=shapely.geometry.mapping(shapely.box(*degrees)),
        bbox=list(degrees),
        datetime=None,
        start_datetime=datetime(product.years[0], 1, 1, tzinfo=UTC),
        end_datetime=datetime(product.years[-1], 12, 31, 23, 59, 59, tzinfo=UTC),
        properties={
            "title": f"{delivery.schema.title} {product.kind}",
            "created": f"{delivery.iso_date}T00:00:00Z",
            "updated": f"{delivery.iso_date}T00:00:00Z",
            "version": f"{delivery.version}-{delivery.revision}",
            "proj:code": f"EPSG:{delivery.schema.epsg}",
            "proj:bbox": list(bounds),
            **properties,
        },
        stac_extensions=[_EXTENSIONS["proj"], _EXTENSIONS["file"]],
    )
    if "raster:bands" in main:
        item.stac_extensions.append(_EXTENSIONS["raster"])
    if "classification:classes" in main:
        item.stac_extensions.append(_EXTENSIONS["classification"])
    item.stac_extensions.sort()
    return item, main


def _add_assets(item: pystac.Item, product: Product, folder: Path, main: dict[str, Any]) -> None:
    own = str((product.folder / f"{product.name}.json").resolve())
    files = [product.folder / f"{product.name}{s}" for s in (*_MEDIA,)]
    files.append(folder / f"{product.name}.zip")
    for file in files:
        if not file.exists():
            continue
        key = _KEYS[file.suffix]
        extra = main if key == "data" else {}
        item.assets[key] = pystac.Asset(
            href=make_relative_href(str(file.resolve()), own),
            media_type=_MEDIA[file.suffix],
            roles=[key if key in ("data", "metadata", "style") else "data"],
            extra_fields={
                # Multihash: 12 = SHA-256, 20 = 32 bytes long.
                "file:checksum": f"1220{sha256(file)}",
                "file:size": file.stat().st_size,
                **extra,
            },
        )


def _describe(
    product: Product, delivery: Delivery
) -> tuple[dict[str, Any], dict[str, Any], Bounds]:
    """Extra fields of the main asset, properties of the item, bounds in the CRS."""
    if product.kind in ("status", "change"):
        return _describe_layer(product, delivery)
    with rasterio.open(product.folder / f"{product.name}.tif") as source:
        band = {
            "data_type": source.dtypes[0],
            "nodata": source.nodata,
            "spatial_resolution": source.res[0],
        }
        shape, transform = list(source.shape), list(source.transform)[:6]
        west, south, east, north = (float(b) for b in source.bounds)
    extra: dict[str, Any] = {"raster:bands": [band]}
    if product.kind == "raster":
        extra["classification:classes"] = _classes(delivery)
    fields = {"proj:shape": shape, "proj:transform": transform}
    return extra, fields, (west, south, east, north)


def _describe_layer(
    product: Product, delivery: Delivery
) -> tuple[dict[str, Any], dict[str, Any], Bounds]:
    info = _info(product.folder / f"{product.name}.gpkg")
    count, bounds = int(info["features"]), info["total_bounds"]
    if count == 0:
        # An empty change layer lies where its status layer lies.
        status = delivery.path(product.folder.parent, "status", product.years[0])
        bounds = _info(status)["total_bounds"]
    west, south, east, north = (float(b) for b in bounds)
    return {}, {"table:row_count": count}, (west, south, east, north)


def _info(path: Path) -> dict[str, Any]:
    # The styles are a second table of the file: name the layer.
    info: dict[str, Any] = pyogrio.read_info(path, layer=path.stem, force_total_bounds=True)
    return info


def _classes(delivery: Delivery) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "value": index,
            "name": f"class_{leaf.code}",
            "title": f"{leaf.code} {leaf.name}",
            "color_hint": "".join(f"{v:02X}" for v in rgb(leaf.color)),
        }
        for index, leaf in enumerate(delivery.legend.classes, start=1)
    ]
    empty = [
        {"value": UNCLASSIFIED, "name": "unclassified", "nodata": True},
        {"value": OUTSIDE, "name": "outside", "nodata": True},
    ]
    return found + empty
