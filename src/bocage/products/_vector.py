"""The files of a status or change layer, and of the boundary."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.files import write_text
from bocage.grid import CRS, DeliveryUnit
from bocage.products._delivery import Delivery
from bocage.products._files import write_styles, write_vector, write_zip
from bocage.products._metadata import metadata_xml
from bocage.products._schema import Kind
from bocage.products._style import COARSE, qml_style, sld_style
from bocage.tables import Style, TableFacts, add_styles, write_geoparquet_parts

Bounds = tuple[float, float, float, float]

BOUNDARY = "boundary_pa"
"""Name of the boundary file and of its layer."""


@dataclass(frozen=True)
class LayerFiles:
    """The files of one layer, and what is in it.

    Attributes
    ----------
    geopackage, geoparquet, metadata, zip
        One file each; the GeoPackage holds the styles.
    flatgeobuf
        None where it was not asked for.
    styles
        QML and SLD files, those of the finest level first.
    facts
        Rows, extent and area.
    """

    geopackage: Path
    geoparquet: Path
    metadata: Path
    zip: Path
    flatgeobuf: Path | None
    styles: tuple[Path, ...]
    facts: TableFacts


def write_layer(
    layer: gpd.GeoDataFrame | Iterable[gpd.GeoDataFrame],
    folder: Path | str,
    delivery: Delivery,
    kind: Kind,
    year: int | None = None,
    *,
    bounds: Bounds | None = None,
    flatgeobuf: bool = False,
) -> LayerFiles:
    """Write all files of a status or change layer.

    Parameters
    ----------
    layer
        As `status_layer` or `change_layer` gives it: one table, or its parts one after the
        other, of which one is in memory at a time.
    folder
        Folder of the deliveries. The files go into its subfolder ``status_<year>`` or
        ``change_<years>``, the archive into the folder itself. The archive holds the GeoPackage
        without its styles (the official check takes the styles table for a second layer)
        and the metadata.
    delivery
        Names, texts and date.
    kind, year
        ``status`` with its year, or ``change`` (no year).
    bounds
        Extent for the metadata, by default that of the layer; for an empty change layer that
        of the first status layer, which then must have been written before.
    flatgeobuf
        Whether to write FlatGeobuf, too.

    Returns
    -------
    LayerFiles
        The bytes of all files depend on the input only.

    Raises
    ------
    InputError
        If the columns are not those of the delivery, or an empty layer has no extent.
    """
    name, root = delivery.name(kind, year), Path(folder)
    place = root / delivery.folder(kind, year)
    parts = _as_parts(layer, [f.name for f in delivery.fields(kind, year)], kind)
    table, geopackage = place / f"{name}.parquet", place / f"{name}.gpkg"
    facts = write_geoparquet_parts(parts, table)
    extent = bounds or facts.bounds or _extent(root, delivery, kind)
    text = metadata_xml(delivery, kind, year, extent, count=facts.rows)
    record = write_text(place / f"{name}.xml", text)
    crs, date = f"EPSG:{delivery.schema.epsg}", delivery.iso_date
    write_vector(table, geopackage, name, date, crs)
    archive = root / f"{name}.zip"
    write_zip(archive, {f"{name}.gpkg": geopackage, f"metadata/{name}.xml": record})
    styles = layer_styles(delivery, kind, year)
    add_styles(geopackage, name, date, list(styles.values()))
    extra = place / f"{name}.fgb"
    if flatgeobuf:
        write_vector(table, extra, name, date, crs)
    else:
        extra.unlink(missing_ok=True)  # one from before would stand for this layer
    return LayerFiles(
        geopackage=geopackage,
        geoparquet=table,
        metadata=record,
        zip=archive,
        flatgeobuf=extra if flatgeobuf else None,
        styles=write_styles(place / name, styles),
        facts=facts,
    )


def layer_styles(delivery: Delivery, kind: Kind, year: int | None = None) -> dict[str, Style]:
    """The styles of a layer by the suffix of their files, that of the finest level first.

    A layer that has the codes of several levels has a style for the two coarsest, too. Of a
    change layer the second year is drawn.
    """
    fields = [f for f in delivery.fields(kind, year) if f.role == "code"]
    last = max(f.position for f in fields)
    codes = {f.level: f.name for f in fields if f.position == last}
    finest = max(codes)
    found = {}
    for level in [finest, *(n for n in sorted(codes) if n <= COARSE and n < finest)]:
        legend, name = delivery.legend, f"level {level}"
        style = Style(
            name, qml_style(legend, codes[level], level), sld_style(legend, codes[level], level)
        )
        found["" if level == finest else f"_level{level}"] = style
    return found


def _as_parts(
    layer: gpd.GeoDataFrame | Iterable[gpd.GeoDataFrame], fields: list[str], kind: Kind
) -> Iterator[gpd.GeoDataFrame]:
    """The parts of a layer, the first of which is looked at before anything is written."""
    parts = iter([layer] if isinstance(layer, gpd.GeoDataFrame) else layer)
    checked = (_with_fields(part, fields, kind) for part in parts)
    return chain(list(islice(checked, 1)), checked)


def _with_fields(frame: gpd.GeoDataFrame, fields: list[str], kind: Kind) -> gpd.GeoDataFrame:
    expected = [*fields, frame.geometry.name]
    if list(frame.columns) != expected:
        raise InputError(
            f"the layer has the columns {', '.join(map(str, frame.columns))}",
            remedy=f"make it with {kind}_layer; a delivery has {', '.join(expected)}",
        )
    return frame


def _extent(folder: Path, delivery: Delivery, kind: Kind) -> Bounds:
    """Where nothing changed, the area is that of the status layer."""
    status = delivery.path(folder, "status", delivery.years[0])
    if kind != "change" or not status.exists():
        raise InputError(
            f"the {kind} layer is empty",
            remedy="give bounds, or write the status layer first",
        )
    info = pyogrio.read_info(status, layer=status.stem, force_total_bounds=True)
    west, south, east, north = (float(v) for v in info["total_bounds"])
    return west, south, east, north


def write_boundary(
    area: BaseGeometry | gpd.GeoDataFrame,
    unit: DeliveryUnit,
    folder: Path | str,
    *,
    date: str = "2000-01-01",
) -> Path:
    """Write the boundary that the coverage was made in, for the gap test.

    Parameters
    ----------
    area
        Polygon or multipolygon in EPSG:3035, or a frame of sites whose union it is.
    unit
        The delivery unit; its code is the ``du_id``.
    folder
        Folder of the deliveries.
    date
        ``yyyy-mm-dd`` that the file is stamped with.

    Returns
    -------
    Path
        ``boundary_pa.gpkg`` with the layer ``boundary_pa`` and the text column ``du_id``.

    Raises
    ------
    InputError
        If the area holds no polygon or a frame is not in EPSG:3035.
    """
    parts: Any = shapely.get_parts(shapely.union_all(_outlines(area)))
    parts = parts[shapely.get_dimensions(parts) == 2]
    if len(parts) == 0:
        raise InputError("the boundary holds no polygon", remedy="give the mapped area")
    frame = gpd.GeoDataFrame(
        {"du_id": pd.array([unit.id], dtype="string")},
        geometry=[shapely.multipolygons(parts)],
        crs=CRS,
    )
    path = Path(folder) / f"{BOUNDARY}.gpkg"
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "boundary.parquet"
        write_geoparquet_parts([frame], table)
        return write_vector(table, path, BOUNDARY, date, CRS, geometry_type="MultiPolygon")


def _outlines(area: BaseGeometry | gpd.GeoDataFrame) -> Any:
    if not isinstance(area, gpd.GeoDataFrame):
        return np.array([area], dtype=object)
    if area.crs is None or area.crs != CRS:
        raise InputError(f"the boundary is in {area.crs}", remedy=f"give it in {CRS}")
    return area.geometry.to_numpy()
