"""Line layers that others made: `_osm` and `_hydro`, and their files."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from bocage.simulate._domain import Seed
from bocage.simulate._hydro import hydro_layers
from bocage.simulate._landscape import Landscape
from bocage.simulate._osm import osm_layers
from bocage.simulate._vector import write_layers, write_vector


def line_layers(landscape: Landscape, seed: Seed) -> dict[str, gpd.GeoDataFrame]:
    """Layers ``roads``, ``rails`` and ``rivers``, see `_osm.osm_layers`."""
    return osm_layers(landscape, seed)


def write_lines(out: Path, landscape: Landscape, seed: Seed) -> list[Path]:
    """Write the line layers of a landscape.

    Parameters
    ----------
    out
        Folder of the area; left in it are ``linear/roads.gpkg``, ``linear/rails.gpkg``,
        ``linear/rivers.gpkg`` (OpenStreetMap-like) and ``linear/eu_hydro.gpkg``.
    landscape
        The state of the year in which the lines were drawn.
    """
    folder = out / "linear"
    written = [
        write_vector(folder / f"{name}.gpkg", frame, name)
        for name, frame in line_layers(landscape, seed).items()
    ]
    return [*written, write_layers(folder / "eu_hydro.gpkg", hydro_layers(landscape, seed))]
