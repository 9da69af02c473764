"""The pixel grids of the images: one set for each UTM zone that the area touches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from bocage.grid import CRS, FINE
from bocage.simulate._domain import Domain
from bocage.simulate._instrument import SIZES
from bocage.simulate._noise import FloatArray

MARGIN_M = 320
"""Width in metres of the margin of the images around the mapped area."""

OVERLAP_M = 10_000
"""How far the tiles of a zone reach beyond its border, metres."""

ORIGIN_M = 60
"""Corners of the grids are multiples of it, so that pixels of all sizes fit into each other."""


@dataclass(frozen=True)
class Film:
    """Pixel grids of the images in one UTM zone.

    Attributes
    ----------
    zone
        Number of the UTM zone.
    boxes
        Pixel grid of each pixel size (10, 20 and 60 m).
    rows, columns
        Where each pixel centre lies in the landscape, in pixels of 2.5 m, float64 (y, x).
    """

    zone: int
    boxes: dict[int, GeoBox]
    rows: dict[int, NDArray[np.float64]]
    columns: dict[int, NDArray[np.float64]]

    @property
    def epsg(self) -> int:
        """Code of the coordinate reference system."""
        return 32600 + self.zone

    def pixels(
        self, domain: Domain, x: NDArray[np.float64], y: NDArray[np.float64], size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of the pixels that hold places given in local metres."""
        turn = Transformer.from_crs(CRS, f"EPSG:{self.epsg}", always_xy=True)
        east, north = turn.transform(domain.west + x, domain.north - y)
        corner = self.boxes[size].affine
        rows = np.floor((corner.f - np.asarray(north)) / size).astype(np.int64)
        columns = np.floor((np.asarray(east) - corner.c) / size).astype(np.int64)
        return rows, columns


def zone_of(longitude: float) -> int:
    """Number of the UTM zone."""
    return int((longitude + 180) // 6) + 1


def load_films(domain: Domain) -> tuple[Film, ...]:
    """Pixel grids that cover the mapped area with a margin, the zone of its centre first.

    An area that lies across the border of two zones gets a film in both. Each covers its own
    side and `OVERLAP_M` beyond the border, as the tiles of the satellites do.
    """
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    x, y = domain.center
    edge = shapely.segmentize(
        shapely.box(x - domain.half, y - domain.half, x + domain.half, y + domain.half), 500
    )
    longitudes, latitudes = to_degrees.transform(*shapely.get_coordinates(edge).T)
    central = zone_of(to_degrees.transform(x, y)[0])
    zones = range(zone_of(float(np.min(longitudes))), zone_of(float(np.max(longitudes))) + 1)
    order = sorted(zones, key=lambda z: (z != central, z))
    return tuple(_film(domain, zone, zones, latitudes) for zone in order)


def _film(domain: Domain, zone: int, zones: range, latitudes: NDArray[np.float64]) -> Film:
    crs = f"EPSG:{32600 + zone}"
    reach = domain.half + MARGIN_M
    x, y = domain.center
    forth = Transformer.from_crs(CRS, crs, always_xy=True)
    west, south, east, north = forth.transform_bounds(
        x - reach, y - reach, x + reach, y + reach, densify_pts=21
    )
    border = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    span = [float(np.min(latitudes)), float(np.max(latitudes))]
    if zone - 1 in zones:
        edge, _ = border.transform([6.0 * (zone - 1) - 180] * 2, span)
        west = max(west, min(edge) - OVERLAP_M)
    if zone + 1 in zones:
        edge, _ = border.transform([6.0 * zone - 180] * 2, span)
        east = min(east, max(edge) + OVERLAP_M)
    west, north = math.floor(west / ORIGIN_M) * ORIGIN_M, math.ceil(north / ORIGIN_M) * ORIGIN_M
    across, down = math.ceil((east - west) / ORIGIN_M), math.ceil((north - south) / ORIGIN_M)
    back = Transformer.from_crs(crs, CRS, always_xy=True)
    boxes, rows, columns = {}, {}, {}
    for size in SIZES:
        shape = (down * ORIGIN_M // size, across * ORIGIN_M // size)
        boxes[size] = GeoBox(shape, Affine(size, 0, west, 0, -size, north), crs)
        centers_x = west + (np.arange(shape[1]) + 0.5) * size
        centers_y = north - (np.arange(shape[0]) + 0.5) * size
        grid_x, grid_y = np.meshgrid(centers_x, centers_y)
        east_, north_ = back.transform(grid_x.ravel(), grid_y.ravel())
        columns[size] = ((east_ - domain.west) / FINE).reshape(shape)
        rows[size] = ((domain.north - north_) / FINE).reshape(shape)
    return Film(zone, boxes, rows, columns)


def resize(field: FloatArray, size: int) -> FloatArray:
    """A field on the pixels of 20 m on those of another size: smoothed at 10, means at 60 m."""
    if size == 20:
        return field
    if size == 10:
        return _double(field)
    return shrink(field, size // 20)


def _double(field: FloatArray) -> FloatArray:
    """Linear interpolation half-way between pixel centres: quarters and three quarters."""
    wide = np.pad(field, 1, mode="edge")
    near, far = np.float32(0.75), np.float32(0.25)
    tall = np.empty((2 * field.shape[0], wide.shape[1]), np.float32)
    tall[0::2] = near * wide[1:-1] + far * wide[:-2]
    tall[1::2] = near * wide[1:-1] + far * wide[2:]
    out = np.empty((tall.shape[0], 2 * field.shape[1]), np.float32)
    out[:, 0::2] = near * tall[:, 1:-1] + far * tall[:, :-2]
    out[:, 1::2] = near * tall[:, 1:-1] + far * tall[:, 2:]
    return out


def shrink(field: FloatArray, times: int) -> FloatArray:
    """Means of blocks of `times` by `times` pixels."""
    rows, columns = field.shape[0] // times, field.shape[1] // times
    blocks = field.reshape(rows, times, columns, times)
    mean: FloatArray = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mean
