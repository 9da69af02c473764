"""What a delivery is made of, area by area: polygons as layers, pixels as windows of a raster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from bocage.cubes import load_array
from bocage.generalize import Coverage, GeneralizeSettings, undersized
from bocage.grid import geobox
from bocage.legend import OUTSIDE
from bocage.products import Delivery, change_layer, status_layer, write_layer
from bocage.rasters import geobox_of, inside, wrap
from bocage.workflow._plan import RASTER_ORIGIN_M


@dataclass(frozen=True)
class Area:
    """What was made of an area: its outline and files.

    Attributes
    ----------
    outline
        Its polygon.
    coverage, refined, heterogeneity
        Polygons, corrected rasters at 2.5 m, number of classes at 10 m.
    posteriors
        Class probabilities of each year, by block.
    mosaics
        Images of each year, by block, where they are needed.
    """

    outline: BaseGeometry
    coverage: Path
    refined: Path
    heterogeneity: Path
    posteriors: dict[int, tuple[Path, ...]]
    mosaics: dict[int, tuple[Path, ...]] = field(default_factory=dict)


Bounds = tuple[float, float, float, float]
Describe = Callable[[int, int, gpd.GeoDataFrame], gpd.GeoDataFrame]
"""Adds attributes to the polygons of an area (by its number) and a year."""


def write_layers(
    delivery: Delivery,
    coverages: list[Path],
    settings: GeneralizeSettings,
    out: Path,
    *,
    flatgeobuf: bool,
    describe: Describe | None = None,
    bounds: Bounds | None = None,
) -> dict[str, int]:
    """Write the layers; polygons are numbered through all areas.

    `bounds` stand in the metadata, by default those of the polygons.
    """
    counts = {}
    for kind, year in delivery.products():
        if kind not in ("status", "change"):
            continue
        parts = _layer_parts(coverages, delivery, year, settings, describe)
        files = write_layer(parts, out, delivery, kind, year, bounds=bounds, flatgeobuf=flatgeobuf)
        counts[delivery.folder(kind, year)] = files.facts.rows
    return counts


def _layer_parts(
    coverages: list[Path],
    delivery: Delivery,
    year: int | None,
    settings: GeneralizeSettings,
    describe: Describe | None,
) -> Iterator[gpd.GeoDataFrame]:
    """The layer of a year, or of the change, area by area."""
    first = 1
    for number, path in enumerate(coverages):
        coverage = Coverage.load(path)
        if year is None:
            view = coverage.frame if coverage.frame.empty else coverage.change()
            part = change_layer(view, delivery, first=first)
        else:
            view = _commented(coverage, year, delivery, settings)
            if describe is not None:
                view = describe(number, year, view)
            part = status_layer(view, year, delivery, first=first)
        first += len(part)
        yield part


def _commented(
    coverage: Coverage, year: int, delivery: Delivery, settings: GeneralizeSettings
) -> gpd.GeoDataFrame:
    """A status view that says why polygons below the minimum mapping unit are there.

    Only sites that are smaller than the unit themselves leave such polygons.
    """
    if coverage.frame.empty:
        return coverage.frame.rename(columns={coverage.column(year): "code"})
    view = coverage.status(year)
    comments = delivery.schema.layers["status"].comments
    if not comments or not view["code"].any():
        return view
    legend = delivery.legend.only(int(c) for c in np.unique(view["code"]) if c)
    alone = Coverage(view.rename(columns={"code": Coverage.column(year)}), (year,))
    small = undersized(alone, legend, settings)
    small = small[small["exception"] == ""]
    if small.empty:
        return view
    tree = shapely.STRtree(view.geometry.to_numpy())
    _, found = tree.query(shapely.points(small["x"], small["y"]), predicate="within")
    comment = np.full(len(view), None, dtype=object)
    comment[found] = comments[0]
    return view.assign(comment=comment)


def raster_grid(areas: tuple[Area, ...], size: float) -> GeoBox:
    """Pixels of a size over all areas, from whole kilometres to whole kilometres."""
    whole = geobox(total_bounds(areas), RASTER_ORIGIN_M)
    return whole.zoom_out(size / RASTER_ORIGIN_M)


def total_bounds(areas: tuple[Area, ...]) -> Bounds:
    """West, south, east, north of all areas."""
    west, south, east, north = shapely.total_bounds([area.outline for area in areas])
    return float(west), float(south), float(east), float(north)


def raster_parts(
    areas: tuple[Area, ...], name: str, year: int, grid: GeoBox
) -> Iterator[xr.DataArray]:
    """A variable of a year, area by area."""
    for area in areas:
        file = area.heterogeneity if name == "heterogeneity" else area.refined
        yield cut(load_array(file, name, year=year), area, grid, float(grid.affine.a))


def cut(data: xr.DataArray, area: Area, grid: GeoBox, step: float) -> xr.DataArray:
    """The pixels of an area, 255 around it, in a window of the grid on multiples of a step."""
    box, size = geobox_of(data), float(grid.affine.a)
    west, south, east, north = area.outline.bounds
    left = np.floor((west - grid.affine.c) / step) * step + grid.affine.c
    top = grid.affine.f - np.floor((grid.affine.f - north) / step) * step
    columns = int(np.ceil((east - left) / step) * round(step / size))
    rows = int(np.ceil((top - south) / step) * round(step / size))
    made = np.full((rows, columns), OUTSIDE, np.uint8)
    row, column = round((box.affine.f - top) / size), round((left - box.affine.c) / size)
    # Pixels whose centre lies in the area are within its bounds, whatever the margin of the data.
    low, side = np.nonzero(inside(area.outline, box))
    made[low - row, side - column] = data.values[low, side]
    return wrap(made, GeoBox((rows, columns), Affine(size, 0.0, left, 0.0, -size, top), box.crs))
