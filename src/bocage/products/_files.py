"""Vector files and archives whose bytes depend on their content only."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import geopandas as gpd
import pyogrio

from bocage.files import atomic_path

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)

# The table in which QGIS looks for the styles of a GeoPackage, as QGIS writes it.
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
  f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
  styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN,
  description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""


@contextmanager
def _fixed_date(date: str) -> Iterator[None]:
    # GDAL stamps a GeoPackage with the time of writing unless it is told the time.
    key = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(key)
    pyogrio.set_gdal_config_options({key: f"{date}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({key: before})


def write_geopackage(
    frame: gpd.GeoDataFrame,
    path: Path,
    layer: str,
    date: str,
    *,
    qml: str | None = None,
    geometry_type: str = "Polygon",
) -> Path:
    """Write one layer as GeoPackage.

    Parameters
    ----------
    frame
        The layer; it may be empty.
    path
        The file; it appears whole or not at all.
    layer
        Name of the layer.
    date
        ``yyyy-mm-dd`` that the file is stamped with.
    qml
        QGIS style; put into ``layer_styles`` so that QGIS opens the layer with it.
    geometry_type
        Geometry type of the layer.
    """
    with atomic_path(path) as part:
        with _fixed_date(date):
            pyogrio.write_dataframe(
                frame, part, layer=layer, driver="GPKG", geometry_type=geometry_type,
                promote_to_multi=geometry_type.startswith("Multi"),
            )  # fmt: skip
        if qml is not None:
            _add_style(part, layer, date, qml)
    return path


def _add_style(path: Path, layer: str, date: str, qml: str) -> None:
    stamp = f"{date}T00:00:00.000Z"
    with closing(sqlite3.connect(path)) as base, base:
        column = base.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()[0]
        base.execute(_STYLES)
        base.execute(
            "INSERT INTO layer_styles VALUES (1, '', '', ?, ?, 'default', ?, '', 1, ?, '', '', ?)",
            (layer, column, qml, layer, stamp),
        )
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', ?)",
            (stamp,),
        )


def write_zip(path: Path, files: Mapping[str, Path | bytes]) -> Path:
    """Write an archive with fixed timestamps.

    Parameters
    ----------
    path
        The archive; it appears whole or not at all.
    files
        Name in the archive → file or content, written in the order of the names.
    """
    with atomic_path(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            content = files[name]
            if isinstance(content, bytes):
                archive.writestr(info, content)
                continue
            info.file_size = content.stat().st_size
            with archive.open(info, "w") as target, content.open("rb") as source:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
    return path
