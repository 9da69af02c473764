"""Reading the layer that is checked, and the boundary, without repairing anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

from bocage.errors import InputError
from bocage.files import existing
from bocage.products._check._package import LayerRef

_OGR = {"OFTInteger": "integer", "OFTInteger64": "integer", "OFTReal": "real",
        "OFTString": "string"}  # fmt: skip


@dataclass(frozen=True)
class LayerInfo:
    """What can be known of a layer before its features are read.

    Attributes
    ----------
    types
        Lower-case attribute name → string, integer, real or the format's own word.
    authority
        Such as ``EPSG:3035``; None when the CRS names no authority.
    """

    types: Mapping[str, str]
    authority: str | None


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


def read_info(ref: LayerRef) -> LayerInfo:
    """Attribute types and CRS of a layer."""
    if ref.file.suffix.lower() == ".parquet":
        return _parquet_info(ref.file)
    info = pyogrio.read_info(ref.file, layer=ref.name)
    types = {
        str(name).lower(): _OGR.get(kind, kind)
        for name, kind in zip(info["fields"], info["ogr_types"], strict=True)
    }
    crs = info["crs"]
    return LayerInfo(types, crs if crs and ":" in crs[:8] else None)


def _parquet_info(file: Path) -> LayerInfo:
    schema = pq.read_schema(file)
    geo = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    columns = geo.get("columns", {})
    types: dict[str, str] = {}
    for column in schema:
        if column.name in columns:
            continue
        if pa.types.is_struct(column.type):
            types |= {f"{column.name}.{c.name}".lower(): _arrow(c.type) for c in column.type}
        else:
            types[column.name.lower()] = _arrow(column.type)
    primary = columns.get(geo.get("primary_column"), {})
    code = (primary.get("crs") or {}).get("id") or {}
    named = "authority" in code and "code" in code
    return LayerInfo(types, f"{code['authority']}:{code['code']}" if named else None)


def _arrow(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "real"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string"
    return str(kind)


def read_layer(ref: LayerRef, uid: str | None) -> tuple[Layer | None, str | None]:
    """Read all features; a reason instead when they cannot be read or are no polygons."""
    try:
        if ref.file.suffix.lower() == ".parquet":
            frame = gpd.read_parquet(ref.file)
        else:
            frame = pyogrio.read_dataframe(ref.file, layer=ref.name, use_arrow=True)
    except (DataSourceError, DataLayerError, GEOSException, OSError, ValueError) as error:
        return None, f"the layer cannot be read: {error}"
    if not isinstance(frame, gpd.GeoDataFrame):
        return None, "the layer has no geometry"
    shapes = shapely.force_2d(np.asarray(frame.geometry.to_numpy(), dtype=object))
    kinds = set(frame.geometry.geom_type.dropna().unique()) - {"Polygon", "MultiPolygon"}
    if kinds:
        return None, f"the layer holds {', '.join(sorted(kinds))}, not polygons only"
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True)
    table.columns = table.columns.str.lower()
    names = _names(table, uid)
    shapes[shapely.is_empty(shapes)] = None
    return Layer(table, shapes, names), None


def _names(table: pd.DataFrame, uid: str | None) -> NDArray[np.object_]:
    rows = np.array([f"row {i}" for i in range(1, len(table) + 1)], dtype=object)
    if uid is None or uid not in table.columns:
        return rows
    return np.where(table[uid].notna(), table[uid].astype(object), rows)


@dataclass(frozen=True)
class Boundary:
    """Polygons that a layer must fill: shape (n,) each."""

    units: NDArray[np.object_]
    shapes: NDArray[np.object_]


def read_boundary(path: Path | str, epsg: int, unit: str | None) -> Boundary:
    """Read the boundary file.

    Parameters
    ----------
    path
        A vector file; the layer called as the file is taken, else the only one.
    epsg
        CRS it must have; it is not reprojected, since the edges would move.
    unit
        Name of the column with the delivery unit; None: every polygon counts.

    Raises
    ------
    InputError
        If it cannot be read, has another CRS, no such text column, or no polygon.
    """
    path = existing(path, "boundary")
    try:
        names = [str(row[0]) for row in pyogrio.list_layers(path)]
        layer = path.stem if path.stem in names else names[0]
        frame: Any = pyogrio.read_dataframe(path, layer=layer)
    except (DataSourceError, DataLayerError, GEOSException, IndexError) as error:
        raise InputError(f"boundary {path} cannot be read: {error}") from error
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None:
        raise InputError(f"boundary {path} has no CRS or geometry", remedy=f"use EPSG:{epsg}")
    if frame.crs.to_epsg() != epsg:
        raise InputError(
            f"boundary {path} is in {frame.crs.to_string()}, not EPSG:{epsg}",
            remedy="write it in the CRS of the product; a reprojected edge leaves slivers",
        )
    frame.columns = [str(c).lower() for c in frame.columns]
    if unit and (unit not in frame or not pd.api.types.is_string_dtype(frame[unit])):
        raise InputError(
            f"boundary {path} has no text column '{unit}'",
            remedy="name the delivery unit of each polygon there",
        )
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    polygons = shapely.get_dimensions(shapes) == 2
    if not polygons.any() or not shapely.is_valid(shapes[polygons]).all():
        raise InputError(f"boundary {path} holds no valid polygon", remedy="repair it")
    units = frame[unit].to_numpy(dtype=object) if unit else np.full(len(frame), "", dtype=object)
    return Boundary(units[polygons], shapes[polygons])
