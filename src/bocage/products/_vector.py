"""The files of a status or change layer, and of the boundary."""

from __future__ import annotations

from dataclasses import dataclass
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
from bocage.products._files import write_geopackage, write_zip
from bocage.products._metadata import metadata_xml
from bocage.products._schema import Kind
from bocage.products._style import qml_style
from bocage.tables import write_geoparquet

BOUNDARY = "boundary_pa"
"""Name of the boundary file and of its layer."""


@dataclass(frozen=True)
class LayerFiles:
    """The files of one layer."""

    geopackage: Path
    geoparquet: Path
    qml: Path
    metadata: Path
    zip: Path


def write_layer(
    frame: gpd.GeoDataFrame,
    folder: Path | str,
    delivery: Delivery,
    kind: Kind,
    year: int | None = None,
    *,
    bounds: tuple[float, float, float, float] | None = None,
) -> LayerFiles:
    """Write all files of a status or change layer.

    Parameters
    ----------
    frame
        As `status_layer` or `change_layer` gives it.
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

    Returns
    -------
    LayerFiles
        GeoPackage (with styles for QGIS), GeoParquet, style, metadata and archive; the bytes
        of all depend on the input only.

    Raises
    ------
    InputError
        If the columns are not those of the delivery, or an empty layer has no extent.
    """
    fields = delivery.fields(kind, year)
    expected = [*(f.name for f in fields), frame.geometry.name]
    if list(frame.columns) != expected:
        raise InputError(
            f"the layer has the columns {', '.join(map(str, frame.columns))}",
            remedy=f"make it with {kind}_layer; a delivery has {', '.join(expected)}",
        )
    extent = bounds or _extent(frame, Path(folder), delivery, kind)
    final = max(f.position for f in fields)
    code = [f.name for f in fields if f.role == "code" and f.position == final][-1]
    name, root = delivery.name(kind, year), Path(folder)
    place = root / delivery.folder(kind, year)
    style = qml_style(delivery.legend, code)
    record = metadata_xml(delivery, kind, year, extent)
    files = LayerFiles(
        geopackage=place / f"{name}.gpkg",
        geoparquet=place / f"{name}.parquet",
        qml=write_text(place / f"{name}.qml", style),
        metadata=write_text(place / f"{name}.xml", record),
        zip=root / f"{name}.zip",
    )
    write_geoparquet(frame, files.geoparquet)
    # First without styles, into the archive; then with styles, over it.
    write_geopackage(frame, files.geopackage, name, delivery.iso_date)
    write_zip(files.zip, {f"{name}.gpkg": files.geopackage, f"metadata/{name}.xml": files.metadata})
    write_geopackage(frame, files.geopackage, name, delivery.iso_date, qml=style)
    return files


def _extent(
    frame: gpd.GeoDataFrame, folder: Path, delivery: Delivery, kind: Kind
) -> tuple[float, float, float, float]:
    bounds = frame.total_bounds
    if frame.empty:
        status = delivery.path(folder, "status", delivery.years[0])
        if kind != "change" or not status.exists():
            raise InputError(
                f"the {kind} layer is empty",
                remedy="give bounds, or write the status layer first",
            )
        # Nothing changed in the area of the status layer.
        info = pyogrio.read_info(status, layer=status.stem, force_total_bounds=True)
        bounds = info["total_bounds"]
    west, south, east, north = (float(v) for v in bounds)
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
    return write_geopackage(frame, path, BOUNDARY, date, geometry_type="MultiPolygon")


def _outlines(area: BaseGeometry | gpd.GeoDataFrame) -> Any:
    if not isinstance(area, gpd.GeoDataFrame):
        return np.array([area], dtype=object)
    if area.crs is None or area.crs != CRS:
        raise InputError(f"the boundary is in {area.crs}", remedy=f"give it in {CRS}")
    return area.geometry.to_numpy()
