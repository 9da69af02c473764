from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pystac
import pystac.validation
import pytest

from bocage.errors import InputError
from bocage.files import sha256
from bocage.grid import geobox
from bocage.products import (
    Delivery,
    Product,
    change_layer,
    find_products,
    status_layer,
    write_boundary,
    write_catalog,
    write_checksums,
    write_class_raster,
    write_inventory,
    write_layer,
)
from bocage.products._inventory import _product_of
from bocage.rasters import wrap


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("products")
    pa = parts.delivery()
    for year in pa.years:
        write_layer(status_layer(parts.view(), year, pa), folder, pa, "status", year)
    empty = gpd.GeoDataFrame({"code_2021": [], "code_2024": []}, geometry=[], crs=3035)
    write_layer(change_layer(empty, pa), folder, pa, "change", bounds=parts.AREA.bounds)
    box = geobox(parts.AREA.bounds, 2.5)
    classes = wrap(np.full(box.shape, 7, dtype=np.uint8), box)
    write_class_raster(pa.path(folder, "raster", 2021, ".tif"), classes, pa.legend)
    write_boundary(parts.AREA, pa.unit, folder)
    write_catalog(folder, pa)
    write_inventory(folder, pa)
    write_checksums(folder, pa)
    return folder


def test_products_are_found_in_order(products: Path, pa: Delivery) -> None:
    found = [(p.kind, p.year) for p in find_products(products, pa)]
    assert found == [("status", 2021), ("status", 2024), ("change", None), ("raster", 2021)]


def test_the_catalogue_is_valid_and_relative(products: Path, pa: Delivery) -> None:
    pytest.importorskip("jsonschema")
    catalog = pystac.Catalog.from_file(str(products / "catalog.json"))
    items = list(catalog.get_items())
    assert [i.id for i in items] == [p.name for p in find_products(products, pa)]
    collection = next(iter(catalog.get_collections()))
    assert [i.id for i in collection.get_items()] == [i.id for i in items]
    assert {i.collection_id for i in items} == {collection.id}
    assert {i.get_collection().id for i in items} == {collection.id}
    for value in (catalog, collection, *items):
        # Schemas of extensions are on the net; the core schema comes with the package.
        pystac.validation.validate_dict(value.to_dict(), extensions=[])
    for item in items:
        for asset in item.assets.values():
            assert not asset.href.startswith(("/", "http"))
            path = Path(asset.get_absolute_href() or "")
            assert path.exists()
            assert asset.extra_fields["file:checksum"] == f"1220{sha256(path)}"
    text = (products / "catalog.json").read_text("utf-8")
    assert str(products) not in text


def test_items_carry_projection_raster_and_classes(products: Path, pa: Delivery) -> None:
    raster = json.loads(pa.path(products, "raster", 2021, ".json").read_text("utf-8"))
    assert raster["properties"]["proj:code"] == "EPSG:3035"
    assert raster["properties"]["proj:transform"][:3] == [2.5, 0.0, parts.X0]
    data = raster["assets"]["data"]
    assert data["raster:bands"][0]["nodata"] == 255
    classes = {c["value"]: c["title"] for c in data["classification:classes"] if "title" in c}
    assert len(classes) == 59
    assert classes[7].startswith(str(pa.legend.classes[6].code))
    status = json.loads(pa.path(products, "status", 2021, ".json").read_text("utf-8"))
    assert status["properties"]["start_datetime"] == "2021-01-01T00:00:00Z"
    assert status["properties"]["proj:bbox"] == list(parts.AREA.bounds)
    change = json.loads(pa.path(products, "change", None, ".json").read_text("utf-8"))
    assert change["properties"]["proj:bbox"] == list(parts.AREA.bounds)


def test_the_catalogue_does_not_depend_on_where_it_lies(
    products: Path, pa: Delivery, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "products"
    shutil.copytree(products, copy)
    before = {p.relative_to(products): sha256(p) for p in products.rglob("*.json")}
    write_catalog(copy, pa)
    assert {p.relative_to(copy): sha256(p) for p in copy.rglob("*.json")} == before


def test_the_inventory(products: Path, pa: Delivery) -> None:
    text = (products / "inventory.csv").read_text("utf-8")
    rows = {r["file"]: r for r in csv.DictReader(text.splitlines())}
    expected = {p.relative_to(products).as_posix() for p in products.rglob("*") if p.is_file()}
    assert set(rows) == expected - {"inventory.csv", "SHA256SUMS"}
    assert {r["product"] for f, r in rows.items() if f.startswith("raster_2021/")} == {"raster"}
    name = pa.name("status", 2024)
    row = rows[f"status_2024/{name}.gpkg"]
    assert (row["layer"], row["product"], row["year"]) == (name, "status", "2024")
    assert (row["format"], row["features"]) == ("GeoPackage", "16")
    assert float(row["area_km2"]) == pytest.approx(0.16)
    assert row["sha256"] == sha256(products / row["file"])
    assert int(row["bytes"]) == (products / row["file"]).stat().st_size
    raster = rows[f"raster_2021/{pa.name('raster', 2021)}.tif"]
    assert float(raster["area_km2"]) == pytest.approx(0.16)
    assert write_inventory(products, pa).read_text("utf-8") == text


def test_what_is_not_of_the_delivery_is_not_listed(
    products: Path, pa: Delivery, tmp_path: Path
) -> None:
    """Files of another date, of somebody else, and an older product in the same folder."""
    copy = tmp_path / "copy"
    shutil.copytree(products, copy)
    older = replace(pa, date="20200101")
    place = pa.path(copy, "status", 2021)
    shutil.copy(place, older.path(copy, "status", 2021))
    (copy / f"{older.name('status', 2021)}.zip").write_bytes(b"old")
    (copy / "notes.parquet").write_text("no table")
    (place.parent / "own.gpkg").write_text("no layer")
    assert write_inventory(copy, pa).read_text() == (products / "inventory.csv").read_text()
    assert write_checksums(copy, pa).read_text() == (products / "SHA256SUMS").read_text()


def test_of_two_names_a_file_has_the_longer_one(products: Path, pa: Delivery) -> None:
    short, long = (Product("status", y, (y,), n, products) for y, n in ((1, "a"), (2, "a_b")))
    assert _product_of(Path("a_b.gpkg"), (short, long)) == long
    assert _product_of(Path("a_level1.qml"), (short, long)) == short


def test_an_empty_folder_is_named(pa: Delivery, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no product"):
        write_catalog(tmp_path, pa)


def test_the_checksums_are_what_sha256sum_reads(products: Path) -> None:
    lines = (products / "SHA256SUMS").read_text("utf-8").splitlines()
    found = dict(reversed(line.split("  ")) for line in lines)
    expected = {p.relative_to(products).as_posix() for p in products.rglob("*") if p.is_file()}
    assert set(found) == expected - {"SHA256SUMS"}
    assert all(sha256(products / name) == digest for name, digest in found.items())


def test_the_collection_spans_its_items(products: Path) -> None:
    catalog = pystac.Catalog.from_file(str(products / "catalog.json"))
    collection = next(iter(catalog.get_collections()))
    west, south, east, north = collection.extent.spatial.bboxes[0]
    begin, end = collection.extent.temporal.intervals[0]
    for item in collection.get_items():
        assert west <= item.bbox[0] <= item.bbox[2] <= east
        assert south <= item.bbox[1] <= item.bbox[3] <= north
        assert begin <= item.common_metadata.start_datetime
        assert item.common_metadata.end_datetime <= end
    assert collection.license
    assert collection.providers[0].url.startswith("https://")


def _prefixes(value: object) -> set[str]:
    """Extension prefixes of all keys."""
    if isinstance(value, dict):
        own = {k.partition(":")[0] for k in value if ":" in k}
        return own.union(*map(_prefixes, value.values()))
    return set().union(*map(_prefixes, value)) if isinstance(value, list) else set()


def test_items_declare_the_extensions_they_use(products: Path, pa: Delivery) -> None:
    """What the schemas of the extensions ask, which are on the net only, in words."""
    for product in find_products(products, pa):
        item = json.loads((product.folder / f"{product.name}.json").read_text("utf-8"))
        declared = {url.split("/")[3]: url for url in item["stac_extensions"]}
        short = {"proj": "projection"}
        used = {short.get(p, p) for p in _prefixes(item)} | {"version"}
        assert used == set(declared)
        assert re.fullmatch(r"EPSG:\d+", item["properties"]["proj:code"])
        assert len(item["properties"]["proj:bbox"]) == 4
        assert item["properties"]["version"] == "v01-r01"
        for asset in item["assets"].values():
            assert re.fullmatch(r"1220[0-9a-f]{64}", asset["file:checksum"])
            assert asset["file:size"] > 0
        if product.kind == "raster":
            assert item["properties"]["proj:shape"] == [400, 400]
            assert len(item["properties"]["proj:transform"]) == 6
            classes = item["assets"]["data"]["classification:classes"]
            assert len({c["value"] for c in classes}) == len(classes) == 61
            for c in classes:
                assert re.fullmatch(r"[0-9A-Za-z_-]+", c["name"])
                assert re.fullmatch(r"[0-9A-F]{6}", c.get("color_hint", "000000"))
            band = item["assets"]["data"]["raster:bands"][0]
            assert (band["data_type"], band["nodata"], band["spatial_resolution"]) == (
                "uint8", 255, 2.5,
            )  # fmt: skip
        else:
            names = [c["name"] for c in item["properties"]["table:columns"]]
            assert names == [*(f.name for f in pa.fields(product.kind, product.year)), "geometry"]
            assert item["properties"]["table:row_count"] == (0 if product.kind == "change" else 16)
            assert item["properties"]["table:primary_geometry"] in names
