"""Reading the layer that is checked, without repairing anything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.errors import GEOSException

from bocage.products._check._package import LayerRef

_OGR = {"OFTInteger": "integer", "OFTInteger64": "integer", "OFTReal": "real",
        "OFTString": "string"}  # fmt: skip
_BATCH = 1 << 13
_SHOWN = 80  # of a text out of the file, in a message
_POLYGONS = (-1, shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)  # -1: missing
_UNREADABLE = (
    DataSourceError, DataLayerError, GEOSException, pa.ArrowException, sqlite3.Error, OSError,
    ValueError, TypeError, KeyError, AttributeError, RuntimeError,
)  # fmt: skip

Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class LayerInfo:
    """What can be known of a layer before its features are read.

    Attributes
    ----------
    types
        Lower-case attribute name → string, integer, real or the format's own word.
    authority
        Such as ``EPSG:3035``; None when the CRS names no authority.
    repeated
        Lower-case names that several attributes have.
    """

    types: Mapping[str, str]
    authority: str | None
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """The features of a layer.

    Attributes
    ----------
    table
        Attributes with lower-case names.
    shapes
        Geometries, shape (n,), None where there is none.
    uids
        Identifiers for messages, shape (n,); ``row N`` where there is none.
    """

    table: pd.DataFrame
    shapes: NDArray[np.object_]
    uids: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.shapes)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as float64, NaN where it is null."""
        return np.asarray(pd.to_numeric(self.table[name], errors="coerce"), dtype=np.float64)

    def texts(self, name: str) -> NDArray[np.object_]:
        """A column as texts, None where it is null."""
        column = self.table[name].astype(object)
        return np.asarray(column.where(self.table[name].notna(), None), dtype=object)


def read_info(ref: LayerRef) -> tuple[LayerInfo | None, str | None]:
    """Attribute types and CRS of a layer; a reason instead when they cannot be read."""
    try:
        if ref.file.suffix.lower() == ".parquet":
            return _parquet_info(ref.file), None
        info = pyogrio.read_info(ref.file, layer=ref.name)
        crs = info["crs"]
        named = crs and ":" in crs[:8] and (ref.file.suffix.lower() != ".gpkg" or _has_number(ref))
    except _UNREADABLE as error:
        return None, f"the layer cannot be read: {_short(error)}"
    names = [str(name).lower() for name in info["fields"]]
    types = {n: _OGR.get(t, t) for n, t in zip(names, info["ogr_types"], strict=True)}
    return LayerInfo(types, crs if named else None, _repeated(names)), None


def _repeated(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted({n for n in names if names.count(n) > 1}))


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:_SHOWN] if str(error) else type(error).__name__


def _has_number(ref: LayerRef) -> bool:
    """Whether a GeoPackage itself names the authority: GDAL guesses it from the parameters too."""
    with closing(sqlite3.connect(f"{ref.file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        row = database.execute(
            "select s.organization from gpkg_geometry_columns g join gpkg_spatial_ref_sys s "
            "using (srs_id) where lower(g.table_name) = lower(?)",
            (ref.name,),
        ).fetchone()
    return row is not None and str(row[0]).upper() != "NONE"


def _parquet_info(file: Path) -> LayerInfo:
    schema = pq.read_schema(file)
    geo = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    columns = geo.get("columns", {})
    found: list[tuple[str, str]] = []
    for column in schema:
        if column.name in columns:
            continue
        if pa.types.is_struct(column.type):
            found += [(f"{column.name}.{c.name}".lower(), _arrow(c.type)) for c in column.type]
        else:
            found.append((column.name.lower(), _arrow(column.type)))
    primary = columns.get(geo.get("primary_column"), {})
    code = (primary.get("crs") or {}).get("id") or {}
    named = "authority" in code and "code" in code
    authority = f"{code['authority']}:{code['code']}" if named else None
    return LayerInfo(dict(found), authority, _repeated([name for name, _ in found]))


def _arrow(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):  # as GDAL counts
        return "integer"
    if pa.types.is_floating(kind):
        return "real"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string"
    return str(kind)


def read_layer(ref: LayerRef, uid: str | None) -> tuple[Layer | None, str | None]:
    """Read all features; a reason instead when they cannot be read or are no polygons.

    Features are read in batches, so that the encoded geometries are not all held at once.
    """
    try:
        if ref.file.suffix.lower() == ".parquet":
            shapes, table = _read_parquet(ref.file)
        else:
            shapes, table = _read_ogr(ref)
    except _UNREADABLE as error:
        return None, f"the layer cannot be read: {_short(error)}"
    if shapes is None:
        return None, "the layer has no geometry"
    strange = ~np.isin(shapely.get_type_id(shapes), _POLYGONS)
    if strange.any():
        kinds = ", ".join(sorted({s.geom_type for s in shapes[strange]}))
        return None, f"the layer holds {kinds}, not polygons only"
    if shapely.has_z(shapes).any():
        shapes = shapely.force_2d(shapes)
    table.columns = [str(c).lower() for c in table.columns]
    shapes[shapely.is_empty(shapes)] = None
    return Layer(table, shapes, _names(table, uid)), None


def _read_ogr(ref: LayerRef) -> tuple[Shapes | None, pd.DataFrame]:
    with pyogrio.open_arrow(ref.file, layer=ref.name, batch_size=_BATCH) as (about, stream):
        reader = pa.RecordBatchReader.from_stream(stream)
        column = about["geometry_name"] or "wkb_geometry"
        if about["geometry_type"] is None or column not in reader.schema.names:
            return None, pd.DataFrame()
        return _gathered(reader, column, reader.schema)


def _read_parquet(file: Path) -> tuple[Shapes | None, pd.DataFrame]:
    source = pq.ParquetFile(file)
    geo = json.loads((source.schema_arrow.metadata or {}).get(b"geo", b"{}"))
    column = geo.get("primary_column")
    if column not in source.schema_arrow.names:
        return None, pd.DataFrame()
    if geo["columns"][column].get("encoding") != "WKB":
        frame = gpd.read_parquet(file)
        shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
        return shapes, pd.DataFrame(frame.drop(columns=column)).reset_index(drop=True)
    return _gathered(source.iter_batches(batch_size=_BATCH), column, source.schema_arrow)


def _gathered(
    batches: Iterable[pa.RecordBatch], column: str, schema: pa.Schema
) -> tuple[Shapes, pd.DataFrame]:
    """Geometries of one column, and the others as a table."""
    shapes = [np.empty(0, dtype=object)]
    rest = []
    for batch in batches:
        encoded = batch.column(column).to_numpy(zero_copy_only=False)
        shapes.append(np.atleast_1d(shapely.from_wkb(encoded)))
        rest.append(batch.drop_columns([column]))
    empty = schema.remove(schema.get_field_index(column))
    table = pa.Table.from_batches(rest, rest[0].schema if rest else empty)
    table.validate(full=True)  # texts in another encoding than UTF-8
    return np.concatenate(shapes), table.to_pandas(ignore_metadata=True)


def _names(table: pd.DataFrame, uid: str | None) -> NDArray[np.object_]:
    rows = np.array([f"row {i}" for i in range(1, len(table) + 1)], dtype=object)
    if uid is None or uid not in table.columns:
        return rows
    texts = table[uid].astype(object)
    known = texts.notna()
    rows[known] = [str(t)[:_SHOWN] for t in texts[known]]
    return rows
