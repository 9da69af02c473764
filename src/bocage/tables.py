"""Tables with geometries on disk: GeoParquet whose bytes depend on its content only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
from pyproj import CRS

from bocage.files import atomic_path


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
