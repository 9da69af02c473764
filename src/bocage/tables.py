"""Tables with geometries on disk, whose bytes depend on their content only."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyproj import CRS

from bocage.errors import InputError
from bocage.files import atomic_path

BATCH = 20_000
"""Rows that are in memory at a time where a table is read or written in parts."""

GEOPACKAGE = {"VERSION": "1.2"}
"""Creation options of a GeoPackage: GDAL before 3.7, and QGIS with it, warns of 1.4."""


def write_geoparquet(frame: gpd.GeoDataFrame, path: Path | str) -> Path:
    """Write a table as GeoParquet 1.1 and return the path.

    There is no covering column: the delivery check takes its columns for excessive attributes.

    Parameters
    ----------
    frame
        The table; its index is not written.
    path
        The file; it appears whole or not at all.
    """
    with atomic_path(path) as part:
        _with_own_crs(frame).to_parquet(
            part,
            index=False,
            compression="zstd",
            schema_version="1.1.0",
            geometry_encoding="WKB",
            write_covering_bbox=False,
        )
    return Path(path)


@dataclass(frozen=True)
class TableFacts:
    """What is known of a table of polygons once it is written.

    Attributes
    ----------
    rows
        Number of rows.
    bounds
        West, south, east, north; None for a table without rows.
    area
        Sum of the areas in the square unit of the CRS.
    """

    rows: int = 0
    bounds: tuple[float, float, float, float] | None = None
    area: float = 0.0

    def with_more(self, shapes: Any) -> TableFacts:
        """The facts with further geometries, an array of them."""
        if len(shapes) == 0:
            return self
        new = np.asarray(shapely.total_bounds(shapes))
        if self.bounds is not None:
            low, high = self.bounds[:2], self.bounds[2:]
            new = np.concatenate([np.minimum(new[:2], low), np.maximum(new[2:], high)])
        west, south, east, north = (float(v) for v in new)
        area = self.area + float(np.sum(shapely.area(shapes)))
        return TableFacts(self.rows + len(shapes), (west, south, east, north), area)


def write_geoparquet_parts(parts: Iterable[gpd.GeoDataFrame], path: Path | str) -> TableFacts:
    """Write a table that comes in parts as GeoParquet 1.1, one part in memory at a time.

    Parameters
    ----------
    parts
        Tables with the same columns, types and CRS, at least one; the first may be empty and
        then says what the columns are.
    path
        The file; it appears whole or not at all. It has no covering column.

    Raises
    ------
    InputError
        If there is no part, or one differs from the first.
    """
    facts, writer, name, crs = TableFacts(), None, "", None
    kinds: set[str] = set()
    with atomic_path(path) as part:
        try:
            for frame in parts:
                table = _plain_arrow(frame)
                if writer is None:
                    # Without the Arrow schema, so that every reader sees the key "geo" alike.
                    writer = pq.ParquetWriter(
                        part, table.schema, compression="zstd", store_schema=False
                    )
                    name, crs = str(frame.geometry.name), frame.crs
                if table.schema != writer.schema or frame.crs != crs:
                    raise InputError(
                        f"a part of {Path(path).name} has other columns than the first",
                        remedy="give all parts the same columns, types and CRS",
                    )
                facts = facts.with_more(frame.geometry.to_numpy())
                kinds |= set(frame.geometry.geom_type.unique())
                for start in range(0, max(len(frame), 1), BATCH):
                    writer.write_table(table.slice(start, BATCH))
                del frame, table  # before the next part is made
            if writer is None:
                raise InputError(f"there is nothing to write to {Path(path).name}")
            writer.add_key_value_metadata({"geo": json.dumps(_geo(name, crs, kinds, facts))})
        finally:
            if writer is not None:
                writer.close()
    return facts


def _plain_arrow(frame: gpd.GeoDataFrame) -> pa.Table:
    """Columns without metadata; texts as plain strings whatever they were before."""
    table = pa.table(frame.to_arrow(index=False, geometry_encoding="WKB"))
    fields = [
        pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type)
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _geo(name: str, crs: CRS | None, kinds: set[str], facts: TableFacts) -> dict[str, Any]:
    code = crs.to_epsg() if crs is not None else None
    crs = crs if code is None else _own_crs(code)
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(kinds),
        "crs": None if crs is None else crs.to_json_dict(),
    }
    if facts.bounds is not None:
        column["bbox"] = list(facts.bounds)
    return {"version": "1.1.0", "primary_column": name, "columns": {name: column}}


def read_parts(path: Path | str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a Parquet file, at most `BATCH` at a time."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(BATCH, columns=columns)


@contextmanager
def fixed_date(date: str) -> Iterator[None]:
    """Let GDAL stamp what it writes with a date (``yyyy-mm-dd``) instead of now.

    A GeoPackage notes when it was written; equal content shall give equal bytes.
    """
    key = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(key)
    pyogrio.set_gdal_config_options({key: f"{date}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({key: before})


# The table in which QGIS looks for the styles of a GeoPackage, as QGIS writes it.
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
  f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
  styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN,
  description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""


@dataclass(frozen=True)
class Style:
    """One way to draw a layer, as QGIS (QML) and as OGC viewers (SLD 1.1) read it."""

    name: str
    qml: str
    sld: str


def add_styles(path: Path, layer: str, date: str, styles: Sequence[Style]) -> Path:
    """Put styles into a GeoPackage, where QGIS finds them; the first is the default.

    The file is replaced as a whole.
    """
    stamp = f"{date}T00:00:00.000Z"
    with atomic_path(path) as part:
        shutil.copyfile(path, part)
        with closing(sqlite3.connect(part)) as base, base:
            column = base.execute(
                "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
            ).fetchone()[0]
            base.execute(_STYLES)
            base.executemany(
                "INSERT INTO layer_styles VALUES (?, '', '', ?, ?, ?, ?, ?, ?, ?, '', '', ?)",
                [
                    (n, layer, column, s.name, s.qml, s.sld, n == 1, f"{layer}, {s.name}", stamp)
                    for n, s in enumerate(styles, start=1)
                ],
            )
            base.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) "
                "VALUES ('layer_styles', 'attributes', 'layer_styles', ?)",
                (stamp,),
            )
    return path


def _with_own_crs(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    # Two libraries describe one EPSG code in different words, and which of them a table
    # has met depends on what the process did before.
    code = frame.crs.to_epsg() if frame.crs is not None else None
    return frame if code is None else frame.set_crs(_own_crs(code), allow_override=True)


@lru_cache
def _own_crs(code: int) -> CRS:
    """The CRS of an EPSG code in the words of the database.

    PROJ keeps what it has met, in each thread, and may answer with that instead: a new thread
    has met nothing.
    """
    with ThreadPoolExecutor(1) as fresh:
        words = fresh.submit(lambda: CRS.from_epsg(code).to_json()).result()
    return CRS.from_json(words)
