"""Vector files and archives whose bytes depend on their content only."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from bocage.files import atomic_path, write_text
from bocage.tables import GEOPACKAGE, Style, fixed_date, read_parts

_DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf"}
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def write_vector(
    table: Path,
    path: Path,
    layer: str,
    date: str,
    crs: str,
    *,
    geometry_type: str = "Polygon",
) -> Path:
    """Write the rows of a GeoParquet file as GeoPackage or FlatGeobuf, in batches.

    Parameters
    ----------
    table
        The GeoParquet file, of which some rows are in memory at a time.
    path
        The file; its suffix, ``.gpkg`` or ``.fgb``, says the format. It appears whole or not
        at all.
    layer
        Name of the layer.
    date
        ``yyyy-mm-dd`` that the file is stamped with.
    crs
        Coordinate reference system, such as ``EPSG:3035``.
    geometry_type
        Geometry type of the layer.
    """
    packaged = path.suffix == ".gpkg"
    geo = json.loads(pq.read_schema(table).metadata[b"geo"])
    batches = pa.RecordBatchReader.from_batches(
        pq.ParquetFile(table).schema_arrow, read_parts(table)
    )
    with atomic_path(path) as part, fixed_date(date):
        pyogrio.write_arrow(
            batches,
            part,
            layer=layer,
            driver=_DRIVERS[path.suffix],
            geometry_name=geo["primary_column"],
            geometry_type=geometry_type,
            crs=crs,
            dataset_options=GEOPACKAGE if packaged else None,
            layer_options={"GEOMETRY_NAME": "geom"} if packaged else None,
        )
    return path


def write_styles(stem: Path, styles: Mapping[str, Style]) -> tuple[Path, ...]:
    """Write the QML and SLD files of styles; `stem` is their path without suffix."""
    written = []
    for suffix, style in styles.items():
        for ending, text in ((".qml", style.qml), (".sld", style.sld)):
            written.append(write_text(stem.with_name(f"{stem.name}{suffix}{ending}"), text))
    return tuple(written)


def write_zip(path: Path, files: Mapping[str, Path]) -> Path:
    """Write an archive with fixed timestamps.

    Parameters
    ----------
    path
        The archive; it appears whole or not at all.
    files
        Name in the archive → file, written in the order of the names.
    """
    with atomic_path(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            file = files[name]
            info.file_size = file.stat().st_size
            with archive.open(info, "w") as target, file.open("rb") as source:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
    return path
