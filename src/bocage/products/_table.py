"""Attribute tables of class rasters: GDAL's (``.aux.xml``) and ArcGIS' (``.vat.dbf``)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.files import atomic_path, write_text
from bocage.legend import OUTSIDE

_WIDEST = 254  # bytes of a text in a DBF file


@dataclass(frozen=True)
class TableRow:
    """A value of a raster, how often it occurs and what it means."""

    value: int
    count: int
    area_km2: float
    area_perc: float
    class_name: str
    color: tuple[int, int, int]


def table_rows(
    counts: NDArray[np.int64],
    box: GeoBox,
    values: Sequence[tuple[int, str, tuple[int, int, int]]],
) -> list[TableRow]:
    """Rows of an attribute table.

    Parameters
    ----------
    counts
        Pixels of each value, shape (256,).
    box
        Pixel grid, for the areas.
    values
        Value, name and colour of each row; value 0 has a row only where it occurs.
    """
    inside = max(int(counts.sum() - counts[OUTSIDE]), 1)
    pixel = abs(float(box.resolution.x) * float(box.resolution.y)) / 1e6
    return [
        TableRow(v, int(counts[v]), counts[v] * pixel, 100 * counts[v] / inside, name, color)
        for v, name, color in values
        if v > 0 or counts[0] > 0
    ]


def write_tables(raster: Path, rows: Sequence[TableRow]) -> tuple[Path, ...]:
    """Write ``.aux.xml``, ``.vat.dbf`` and its ``.vat.cpg`` (encoding) beside a raster."""
    aux = write_text(raster.with_name(f"{raster.name}.aux.xml"), _pam(rows))
    dbf = raster.with_name(f"{raster.name}.vat.dbf")
    with atomic_path(dbf) as part:
        part.write_bytes(_dbf(rows))
    return aux, dbf, write_text(raster.with_name(f"{raster.name}.vat.cpg"), "UTF-8\n")


def _pam(rows: Sequence[TableRow]) -> str:
    root = ET.Element("PAMDataset")
    band = ET.SubElement(root, "PAMRasterBand", band="1")
    table = ET.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    columns = (
        ("value", 0, 5), ("count", 1, 1), ("area_km2", 1, 0), ("area_perc", 1, 0),
        ("class_name", 2, 2), ("red", 0, 6), ("green", 0, 7), ("blue", 0, 8),
    )  # fmt: skip
    for position, (name, kind, usage) in enumerate(columns):
        column = ET.SubElement(table, "FieldDefn", index=str(position))
        for key, text in (("Name", name), ("Type", kind), ("Usage", usage)):
            ET.SubElement(column, key).text = str(text)
    for position, r in enumerate(rows):
        row = ET.SubElement(table, "Row", index=str(position))
        numbers = (f"{r.area_km2:.9g}", f"{r.area_perc:.9g}")
        for cell in (r.value, r.count, *numbers, r.class_name, *r.color):
            ET.SubElement(row, "F").text = str(cell)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _dbf(rows: Sequence[TableRow]) -> bytes:
    """A dBASE III table; its date is fixed, so that equal tables are equal bytes."""
    names = [_cut(r.class_name) for r in rows]
    width = max([1, *map(len, names)])
    fields = (
        ("value", b"N", 5, 0), ("count", b"N", 18, 0), ("area_km2", b"N", 19, 9),
        ("area_perc", b"N", 12, 8), ("class_name", b"C", width, 0),
    )  # fmt: skip
    size = 1 + sum(length for _, _, length, _ in fields)
    head = struct.pack("<B3BIHH20x", 3, 80, 1, 1, len(rows), 32 * len(fields) + 33, size)
    for name, kind, length, decimals in fields:
        head += struct.pack("<11sc4xBB14x", name.encode(), kind, length, decimals)
    body = b"".join(
        b" " + f"{r.value:5d}{r.count:18d}{r.area_km2:19.9f}{r.area_perc:12.8f}".encode()
        + name.ljust(width)
        for r, name in zip(rows, names, strict=True)
    )  # fmt: skip
    return head + b"\r" + body + b"\x1a"


def _cut(text: str) -> bytes:
    """The text in UTF-8, cut to what a field can hold between two letters."""
    return text.encode()[:_WIDEST].decode(errors="ignore").encode()
