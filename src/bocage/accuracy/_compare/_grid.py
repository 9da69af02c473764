"""The pixel grid that two layers are compared on, and its windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import geopandas as gpd
import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from bocage.accuracy._pixels import shared_bounds
from bocage.errors import InputError
from bocage.grid import CRS, FINE, geobox

BLOCK = 1024
"""Side of the windows that are read at a time, pixels."""

TOLERANCE_M = 10.0
"""How far apart two borders may lie to count as one, by default; at least a pixel."""


def windows(box: GeoBox, block: int = BLOCK) -> Iterator[tuple[slice, slice]]:
    """Windows of a grid, row by row."""
    for row in range(0, box.shape.y, block):
        for column in range(0, box.shape.x, block):
            yield (
                slice(row, min(row + block, box.shape.y)),
                slice(column, min(column + block, box.shape.x)),
            )


def as_window(window: tuple[slice, slice]) -> Window:
    """The same window as rasterio has it."""
    rows, columns = window
    return Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


def pixel_of(box: GeoBox) -> float:
    """Side of a pixel, metres."""
    if box.crs is None or not box.crs.projected:
        raise InputError(
            "the maps are in degrees, their pixels have no common area",
            remedy="reproject one of them to EPSG:3035, or give a resolution in metres",
        )
    return float(np.sqrt(abs(box.affine.a * box.affine.e)))


def tolerance_of(given: float | None, box: GeoBox) -> float:
    """The tolerance itself, or its default."""
    if given is None:
        return max(TOLERANCE_M, pixel_of(box))
    if given < 0:
        raise InputError(f"a tolerance of {given:g} m", remedy="give 0 or more metres")
    return given


def common_grid(
    grids: Sequence[GeoBox | None], outlines: Sequence[gpd.GeoSeries], resolution: float | None
) -> GeoBox:
    """The grid that two layers are compared on, where both are.

    That of the raster with the smaller pixels; EPSG:3035 at 2.5 m for polygons, or where no
    raster has metres.

    Parameters
    ----------
    grids
        Own grid of each layer, None for polygons.
    outlines
        Bounding box of each layer.
    resolution
        Side of a pixel, metres, where another is wanted.
    """
    metric = [g for g in grids if g is not None and g.crs is not None and g.crs.projected]
    own = min(metric, key=pixel_of) if metric else None
    crs = CRS if own is None else str(own.crs)
    shared = shared_bounds(outlines, crs)
    if own is None or resolution is not None:
        step = resolution or FINE
        if step <= 0:
            raise InputError(f"a resolution of {step:g} m", remedy="give metres above 0")
        made = geobox(shared, step)
        return made if own is None else GeoBox(made.shape, made.affine, own.crs)
    west, south, east, north = shared
    affine = own.affine
    left, right = ((x - affine.c) / affine.a for x in (west, east))
    top, bottom = ((y - affine.f) / affine.e for y in (north, south))
    left, top = (int(np.floor(v + 1e-6)) for v in (left, top))
    right, bottom = (int(np.ceil(v - 1e-6)) for v in (right, bottom))
    rows = slice(max(top, 0), min(bottom, own.shape.y))
    columns = slice(max(left, 0), min(right, own.shape.x))
    return own[rows, columns]
