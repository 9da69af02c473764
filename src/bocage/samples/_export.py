"""Samples as files for other programs, tile by tile."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
from numpy.typing import NDArray

from bocage.files import atomic_path
from bocage.grid import tile_code
from bocage.samples._table import check_samples
from bocage.tables import GEOPACKAGE, fixed_date

_DATE = "2000-01-01"  # the same samples give the same bytes


def export_samples(samples: gpd.GeoDataFrame, folder: Path | str) -> tuple[Path, ...]:
    """Write samples as one GeoPackage per EEA 10 km tile.

    Parameters
    ----------
    samples
        A samples table.
    folder
        Where ``samples_<tile>.gpkg`` is written, with the layer ``samples`` and all columns. A
        cube lies whole in the tile of its centre. Files of other tiles there are left alone.

    Returns
    -------
    tuple
        Paths in the order of the tiles; none without samples.

    Raises
    ------
    InputError
        If it is no samples table.
    """
    table = check_samples(samples).sort_values("sample_id", ignore_index=True)
    tiles = _tiles(table)
    return tuple(
        _write(table[tiles == tile], Path(folder) / f"samples_{tile}.gpkg")
        for tile in np.unique(tiles).tolist()
    )


def _tiles(table: gpd.GeoDataFrame) -> NDArray[np.str_]:
    """Code of the tile that holds the centre of each sample's cube."""
    x, y = (
        values.groupby(table["cube"]).transform("mean")
        for values in (table.geometry.x, table.geometry.y)
    )
    return np.array([tile_code(*centre) for centre in zip(x, y, strict=True)], dtype=np.str_)


def _write(part: gpd.GeoDataFrame, path: Path) -> Path:
    with atomic_path(path) as file, fixed_date(_DATE):
        pyogrio.write_dataframe(
            part, file, layer="samples", driver="GPKG", dataset_options=GEOPACKAGE
        )
    return path
