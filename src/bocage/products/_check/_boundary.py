"""Reading the boundary that a status layer must fill."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.errors import GEOSException

from bocage.errors import InputError
from bocage.files import existing


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
        if len(names) > 1 and path.stem not in names:
            raise InputError(
                f"boundary {path} has the layers {', '.join(names[:5])}",
                remedy=f"call the one with the boundary '{path.stem}', or leave only that one",
            )
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
