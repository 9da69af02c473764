"""The list of what a delivery holds, and its STAC catalogue."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio
import rasterio
import shapely

from bocage.errors import RunError
from bocage.files import sha256, write_text
from bocage.products._delivery import Delivery
from bocage.products._schema import Kind

INVENTORY = "inventory.csv"
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
        Folder of the deliveries; files of every product that `delivery` names are listed,
        and those that lie in the folder itself.
    delivery
        Names of the products.

    Returns
    -------
    Path
        CSV with the columns file, layer, product, year, format, features, area_km2, bytes, sha256.
    """
    folder = Path(folder)
    products = find_products(folder, delivery)
    named = {p.name: p for p in products}
    files = {f for p in products for f in p.folder.iterdir() if f.is_file()}
    files |= {f for f in folder.iterdir() if f.is_file() and f.name != INVENTORY}
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for file in sorted(f for f in files if not f.name.startswith(".")):
        writer.writerow(_row(file, folder, named.get(file.name.split(".")[0])))
    return write_text(folder / INVENTORY, text.getvalue())


def _row(file: Path, folder: Path, product: Product | None) -> dict[str, object]:
    features, area = _content(file)
    known = product is not None
    return {
        "file": file.relative_to(folder).as_posix(),
        "layer": product.name if product else "",
        "product": product.kind if product else "",
        "year": "-".join(map(str, product.years)) if product else "",
        "format": FORMATS.get(file.suffix, file.suffix.lstrip(".")),
        "features": features if known else "",
        "area_km2": area if known else "",
        "bytes": file.stat().st_size,
        "sha256": sha256(file),
    }


def _content(file: Path) -> tuple[object, object]:
    if file.suffix == ".gpkg":
        shapes = pyogrio.read_dataframe(file, layer=file.stem, columns=[]).geometry.to_numpy()
        return len(shapes), f"{float(shapely.area(shapes).sum()) / 1e6:.6f}"
    if file.suffix == ".parquet":
        shapes = gpd.read_parquet(file, columns=["geometry"]).geometry.to_numpy()
        return len(shapes), f"{float(shapely.area(shapes).sum()) / 1e6:.6f}"
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
