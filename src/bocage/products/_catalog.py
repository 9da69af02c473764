"""A static STAC catalogue of the products."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pystac
import rasterio
import shapely
from pystac.utils import make_relative_href

from bocage.errors import InputError
from bocage.files import sha256, write_text
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.products._delivery import Delivery
from bocage.products._inventory import (
    CATALOG,
    COLLECTION,
    Product,
    find_products,
    layer_facts,
)
from bocage.products._metadata import geographic_bounds
from bocage.products._style import rgb
from bocage.products._vector import BOUNDARY

_EXTENSIONS = {
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "classification": "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "table": "https://stac-extensions.github.io/table/v1.2.0/schema.json",
    "version": "https://stac-extensions.github.io/version/v1.2.0/schema.json",
}
_MEDIA = {
    ".gpkg": "application/geopackage+sqlite3",
    ".parquet": "application/vnd.apache.parquet",
    ".fgb": "application/vnd.flatgeobuf",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".xml": "application/xml",
    ".qml": "application/xml",
    ".sld": "application/vnd.ogc.sld+xml",
    ".zip": "application/zip",
}
_KEYS = {".gpkg": "data", ".tif": "data", ".parquet": "geoparquet", ".fgb": "flatgeobuf",
         ".xml": "metadata", ".qml": "style", ".sld": "style_sld", ".zip": "delivery"}  # fmt: skip
_ROLES = {"metadata": "metadata", "style": "style", "style_sld": "style"}
_LICENSE = "other"  # the terms are in the metadata records, they have no SPDX name
Bounds = tuple[float, float, float, float]


def write_catalog(folder: Path | str, delivery: Delivery) -> Path:
    """Write ``catalog.json``, ``collection.json`` and one STAC item beside each product.

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
        The catalogue, which has the collection and, for those who look no further, the items
        themselves as children. All links are relative; times are those of the status years and
        of the delivery, so that the bytes depend on the products only.

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
    made = [_item(product, delivery) for product in products]
    collection = _collection([item for item, _ in made], delivery)
    catalog.add_child(collection)
    collection.set_self_href(str((folder / COLLECTION).resolve()))
    for product, (item, main) in zip(products, made, strict=True):
        catalog.add_item(item)
        item.set_collection(collection)
        collection.add_link(pystac.Link.item(item))
        item.set_self_href(str((product.folder / f"{product.name}.json").resolve()))
        # Last: the catalogue rewrites the links of the assets whenever an item moves.
        _add_assets(item, product, folder, main)
    catalog.catalog_type = collection.catalog_type = pystac.CatalogType.SELF_CONTAINED
    for product, (item, _) in zip(products, made, strict=True):
        _save(item, product.folder / f"{product.name}.json")
    _save(collection, folder / COLLECTION)
    return _save(catalog, folder / CATALOG)


def _collection(items: list[pystac.Item], delivery: Delivery) -> pystac.Collection:
    """What all products of the delivery have in common."""
    boxes = [item.bbox for item in items if item.bbox]
    west, south = (min(b[i] for b in boxes) for i in (0, 1))
    east, north = (max(b[i] for b in boxes) for i in (2, 3))
    times = [item.common_metadata for item in items]
    period: list[datetime | None] = [
        min(t.start_datetime for t in times if t.start_datetime),
        max(t.end_datetime for t in times if t.end_datetime),
    ]
    texts = delivery.schema.metadata
    return pystac.Collection(
        id=f"{delivery.schema.id}-{delivery.unit.id}-{delivery.project_name}",
        title=f"{delivery.schema.title}, {delivery.unit.name}",
        description=str(texts["lineage"]),
        license=_LICENSE,
        keywords=[*map(str, texts["themes"]), delivery.unit.name],
        providers=[
            pystac.Provider(
                str(texts["organisation"]),
                roles=[pystac.ProviderRole.PRODUCER, pystac.ProviderRole.LICENSOR],
                url=str(texts["link"]),
            )
        ],
        extent=pystac.Extent(
            pystac.SpatialExtent([[west, south, east, north]]), pystac.TemporalExtent([period])
        ),
        summaries=pystac.Summaries({"proj:code": [f"EPSG:{delivery.schema.epsg}"]}),
        stac_extensions=[_EXTENSIONS["proj"]],
    )


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
        stac_extensions=[_EXTENSIONS[name] for name in ("proj", "file", "version")],
    )
    used = {key.partition(":")[0] for key in (*main, *properties)}
    item.stac_extensions += [_EXTENSIONS[name] for name in used & set(_EXTENSIONS) - {"proj"}]
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
            roles=[_ROLES.get(key, "data")],
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
    file = product.folder / f"{product.name}.parquet"
    bounds = layer_facts(file).bounds
    # An empty layer lies where the status layer lies, or the area that was mapped.
    root = product.folder.parent
    status = delivery.path(root, "status", delivery.years[0], ".parquet")
    for other in (status, root / f"{BOUNDARY}.gpkg"):
        if bounds is None and other.exists():
            bounds = layer_facts(other).bounds
    if bounds is None:
        raise InputError(f"{file} holds no polygon", remedy="write the boundary first")
    schema = pq.read_schema(file)
    table = {
        "table:row_count": pq.read_metadata(file).num_rows,
        "table:primary_geometry": "geometry",
        "table:columns": [{"name": c.name, "type": str(c.type)} for c in schema],
    }
    return {}, table, bounds


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
