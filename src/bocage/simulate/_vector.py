"""Vector files whose bytes depend on their content only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pyogrio

from bocage.files import atomic_path
from bocage.tables import GEOPACKAGE, fixed_date

_DATE = "2000-01-01"


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
    with fixed_date(_DATE), atomic_path(path) as part:
        for number, (name, (frame, kind)) in enumerate(layers.items()):
            pyogrio.write_dataframe(
                frame,
                part,
                layer=name,
                driver="GPKG",
                append=number > 0,
                dataset_options=GEOPACKAGE,
                geometry_type=None if kind == "Unknown" else kind,
            )
    return path
