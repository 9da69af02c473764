"""Tiles of the EEA reference grid and the blocks that are processed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError

CRS = "EPSG:3035"
"""ETRS89-extended / LAEA Europe, the coordinate reference system of everything we make."""

NATIVE = 10.0
"""Pixel size of the mosaics, metres."""

FINE = 2.5
"""Pixel size of the maps, metres."""

GRID_RATIO = 4
"""Fine pixels along the side of a native pixel."""

TILE_M = 10_000
BLOCK_M = 2_000
HALO_M = 160
_EDGE = 0.001


def geobox(bounds: tuple[float, float, float, float], resolution: float) -> GeoBox:
    """Pixel grid over bounds whose corners lie on multiples of the resolution.

    Parameters
    ----------
    bounds
        West, south, east, north in metres, EPSG:3035.
    resolution
        Pixel size in metres.
    """
    west, south, east, north = bounds
    snapped = BoundingBox(
        math.floor(west / resolution) * resolution,
        math.floor(south / resolution) * resolution,
        math.ceil(east / resolution) * resolution,
        math.ceil(north / resolution) * resolution,
        crs=CRS,
    )
    return GeoBox.from_bbox(snapped, resolution=resolution, tight=True)


@dataclass(frozen=True, order=True)
class Block:
    """A square that is processed in one go.

    Attributes
    ----------
    id
        Name after the lower left corner, such as ``2kmE2160N1605``.
    tile
        Code of the 10 km tile it lies in.
    west, south
        Lower left corner of the core in metres, EPSG:3035.
    size
        Side of the core in metres.
    halo
        Width in metres of the margin that is read beside the core.
    """

    id: str
    tile: str
    west: int
    south: int
    size: int = BLOCK_M
    halo: int = HALO_M

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the core."""
        return self.west, self.south, self.west + self.size, self.south + self.size

    def geobox(self, resolution: float, *, halo: bool = False) -> GeoBox:
        """Pixel grid of the core, or of the core with its halo, at a resolution in metres."""
        margin = self.halo if halo else 0
        west, south, east, north = self.bounds
        return geobox((west - margin, south - margin, east + margin, north + margin), resolution)

    def box(self, *, halo: bool = False) -> BaseGeometry:
        """The square as a polygon."""
        margin = self.halo if halo else 0
        west, south, east, north = self.bounds
        return shapely.box(west - margin, south - margin, east + margin, north + margin)


@dataclass(frozen=True, order=True)
class Tile:
    """A cell of the EEA 10 km reference grid with the blocks in it that touch a site."""

    id: str
    blocks: tuple[Block, ...]


def tile_code(x: float, y: float) -> str:
    """Code of the 10 km cell that holds a point, such as ``10kmE432N321``."""
    return f"10kmE{math.floor(x / TILE_M)}N{math.floor(y / TILE_M)}"


def plan_tiles(
    sites: gpd.GeoDataFrame, *, block: int = BLOCK_M, halo: int = HALO_M
) -> tuple[Tile, ...]:
    """Tiles and blocks that touch a site, in the order of their codes.

    Parameters
    ----------
    sites
        Polygons in EPSG:3035, as `read_sites` gives them.
    block
        Side of a block in metres; it divides the 10 km of a tile and is a multiple of 500 m.
    halo
        Margin of a block in metres, a multiple of 20 m so that 10 m and 20 m grids fit.
    """
    if block <= 0 or TILE_M % block or block % 500 or halo < 0 or halo % 20:
        raise InputError(
            f"blocks of {block} m with a halo of {halo} m do not fit the 10 km grid",
            remedy="use a block of 500, 1000, 2000, 2500 or 5000 m and a halo of a multiple of 20",
        )
    parts = shapely.get_parts(sites.geometry.to_numpy())
    found: dict[str, list[Block]] = {}
    for column, row in _squares(parts, block):
        made = _block(column, row, block, halo)
        found.setdefault(made.tile, []).append(made)
    return tuple(Tile(code, tuple(sorted(found[code]))) for code in sorted(found))


def _squares(parts: NDArray[np.object_], size: int) -> list[tuple[int, int]]:
    """Columns and rows of the squares whose interior meets the interior of a polygon."""
    spans = [_span(bounds, size) for bounds in shapely.bounds(parts)]
    places = np.unique(np.concatenate(spans), axis=0) if spans else np.empty((0, 2), dtype=int)
    west, south = places.T * size
    tree = shapely.STRtree(parts)
    inner = shapely.box(west + _EDGE, south + _EDGE, west + size - _EDGE, south + size - _EDGE)
    taken = np.zeros(len(places), dtype=bool)
    taken[tree.query(inner, predicate="intersects")[0]] = True
    # What meets the outermost millimetre only is rare, and measured.
    whole = shapely.box(west, south, west + size, south + size)
    left = np.flatnonzero(~taken)
    square, part = tree.query(whole[left], predicate="intersects")
    shared = shapely.area(shapely.intersection(whole[left[square]], parts[part]))
    taken[left[square[shared > 0]]] = True
    return [(int(column), int(row)) for column, row in places[taken]]


def _span(bounds: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """Columns and rows of all squares that a bounding box meets, shape (n, 2)."""
    low = np.floor(bounds[:2] / size).astype(np.intp)
    high = np.maximum(np.ceil(bounds[2:] / size).astype(np.intp), low + 1)
    columns, rows = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)))
    return np.stack([columns.ravel(), rows.ravel()], axis=1)


def _block(column: int, row: int, size: int, halo: int) -> Block:
    label = f"{size // 1000}km" if size % 1000 == 0 else f"{size}m"
    x, y = column * size, row * size
    return Block(f"{label}E{column}N{row}", tile_code(x, y), x, y, size, halo)
