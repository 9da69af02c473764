"""The list of what a delivery holds, and the digests of its files."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyogrio
import rasterio
import shapely

from bocage.errors import RunError
from bocage.files import sha256, write_text
from bocage.products._delivery import Delivery
from bocage.products._schema import Kind
from bocage.products._vector import BOUNDARY
from bocage.tables import TableFacts, read_parts

INVENTORY = "inventory.csv"
CHECKSUMS = "SHA256SUMS"
CROSSWALK = "crosswalk.csv"
"""How the classes of the map became those of a delivery in other classes."""

CATALOG = "catalog.json"
COLLECTION = "collection.json"
_COMMON = (f"{BOUNDARY}.gpkg", CATALOG, COLLECTION, CROSSWALK)
_COLUMNS = (
    "file", "layer", "product", "year", "format", "features", "area_km2", "bytes", "sha256",
)  # fmt: skip
FORMATS = {
    ".gpkg": "GeoPackage",
    ".parquet": "GeoParquet",
    ".fgb": "FlatGeobuf",
    ".tif": "COG",
    ".xml": "ISO 19139",
    ".qml": "QGIS style",
    ".sld": "SLD 1.1 style",
    ".dbf": "attribute table",
    ".cpg": "encoding of the attribute table",
    ".csv": "CSV",
    ".zip": "delivery archive",
    ".json": "STAC",
}


@dataclass(frozen=True)
class Product:
    """One product that was found in the folder of a delivery."""

    kind: Kind
    year: int | None
    years: tuple[int, ...]
    name: str
    folder: Path


def find_products(folder: Path | str, delivery: Delivery) -> tuple[Product, ...]:
    """The products of a delivery whose main file (GeoPackage or GeoTIFF) exists, in order."""
    found = []
    for kind, year in delivery.products():
        name, place = delivery.name(kind, year), Path(folder) / delivery.folder(kind, year)
        suffix = "gpkg" if kind in ("status", "change") else "tif"
        if (place / f"{name}.{suffix}").exists():
            found.append(Product(kind, year, delivery.years_of(kind, year), name, place))
    return tuple(found)


def write_inventory(folder: Path | str, delivery: Delivery) -> Path:
    """Write ``inventory.csv``: one row for each file of the delivery.

    Parameters
    ----------
    folder
        Folder of the deliveries. The files of every product that `delivery` names are listed,
        boundary, catalogue and crosswalk; not those of another date or revision.
    delivery
        Names of the products.

    Returns
    -------
    Path
        CSV with the columns file, layer, product, year, format, features, area_km2, bytes, sha256.
    """
    folder = Path(folder)
    products = find_products(folder, delivery)
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for file in _files(folder, products):
        writer.writerow(_row(file, folder, _product_of(file, products)))
    return write_text(folder / INVENTORY, text.getvalue())


def write_checksums(folder: Path | str, delivery: Delivery) -> Path:
    """Write ``SHA256SUMS``, which ``sha256sum -c`` reads, of every file of the delivery.

    Written last, it holds the inventory, too. Parameters as in `write_inventory`.
    """
    folder = Path(folder)
    files = [*_files(folder, find_products(folder, delivery)), folder / INVENTORY]
    lines = [
        f"{sha256(f)}  {f.relative_to(folder).as_posix()}\n" for f in sorted(files) if f.exists()
    ]
    return write_text(folder / CHECKSUMS, "".join(lines))


def _files(folder: Path, products: tuple[Product, ...]) -> list[Path]:
    """Files of the products and those they share, but for the lists of them."""
    places = {folder, *(p.folder for p in products)}
    found = [f for place in places for f in place.iterdir() if f.is_file()]
    return sorted(f for f in found if f.name in _COMMON or _product_of(f, products) is not None)


def _product_of(file: Path, products: tuple[Product, ...]) -> Product | None:
    """The product that a file is named after, be it a style of a level or an archive."""
    same = [p for p in products if file.name.startswith((f"{p.name}.", f"{p.name}_"))]
    return max(same, key=lambda p: len(p.name), default=None)


def _row(file: Path, folder: Path, product: Product | None) -> dict[str, object]:
    features, area = ("", "") if product is None else _content(file)
    return {
        "file": file.relative_to(folder).as_posix(),
        "layer": product.name if product else "",
        "product": product.kind if product else "",
        "year": "-".join(map(str, product.years)) if product else "",
        "format": FORMATS.get(file.suffix, file.suffix.lstrip(".")),
        "features": features,
        "area_km2": area,
        "bytes": file.stat().st_size,
        "sha256": sha256(file),
    }


def _content(file: Path) -> tuple[object, object]:
    if file.suffix in (".gpkg", ".fgb", ".parquet"):
        facts = layer_facts(file)
        return facts.rows, f"{facts.area / 1e6:.6f}"
    if file.suffix != ".tif":
        return "", ""
    try:
        with rasterio.open(file) as source:
            pixel = abs(source.res[0] * source.res[1]) / 1e6
            count = sum(int((source.read(1, window=w) != source.nodata).sum())
                        for _, w in source.block_windows(1))  # fmt: skip
    except rasterio.errors.RasterioError as error:
        raise RunError(f"{file} cannot be read: {error}", remedy="publish it again") from error
    return "", f"{count * pixel:.6f}"


def layer_facts(file: Path) -> TableFacts:
    """Rows, extent and area of a layer, of which some rows are in memory at a time."""
    facts = TableFacts()
    if file.suffix == ".parquet":
        for batch in read_parts(file, ["geometry"]):
            facts = facts.with_more(_shapes(batch["geometry"]))
        return facts
    # The styles of a GeoPackage are a second table of the file: name the layer.
    layer = file.stem if file.suffix == ".gpkg" else None
    with pyogrio.open_arrow(file, layer=layer, columns=[], use_pyarrow=True) as (meta, reader):
        name = meta["geometry_name"] or "wkb_geometry"
        for batch in reader:
            facts = facts.with_more(_shapes(batch[name]))
    return facts


def _shapes(column: pa.Array) -> object:
    return shapely.from_wkb(column.to_numpy(zero_copy_only=False))
