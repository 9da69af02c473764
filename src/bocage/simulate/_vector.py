"""Vector files whose bytes depend on their content only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pyogrio

from bocage.files import atomic_path


def write_vector(path: Path, frame: gpd.GeoDataFrame, layer: str) -> Path:
    """Write a GeoPackage of one layer.

    Parameters
    ----------
    path
        The file; it appears whole or not at all.
    frame
        What to write.
    layer
        Name of the layer.
    """
    return write_layers(path, {layer: (frame, "Unknown")})


def write_layers(path: Path, layers: Mapping[str, tuple[gpd.GeoDataFrame, str]]) -> Path:
    """Write a GeoPackage of several layers.

    Parameters
    ----------
    path
        The file; it appears whole or not at all.
    layers
        Frames, and the type of their geometry (``Unknown``: as found), by name of the layer.
        An empty frame gives an empty layer of the type.
    """
    with _fixed_date(), atomic_path(path) as part:
        for number, (name, (frame, kind)) in enumerate(layers.items()):
            pyogrio.write_dataframe(
                frame,
                part,
                layer=name,
                driver="GPKG",
                append=number > 0,
                geometry_type=None if kind == "Unknown" else kind,
            )
    return path


@contextmanager
def _fixed_date() -> Iterator[None]:
    """GeoPackage notes when it was written; the same input must give the same bytes."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
