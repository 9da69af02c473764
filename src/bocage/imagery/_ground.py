"""How the ground lies: normals of the heights on a pixel grid, and the light that falls on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from bocage.imagery._angles import Direction
from bocage.imagery._read import read_heights

_STEP = 1e-3  # degrees to the north that tell where north is


@dataclass(frozen=True, eq=False)
class Ground:
    """Parts of the unit vector that stands on the ground, float32 (y, x).

    Attributes
    ----------
    east, north
        To the true east and north, which are not those of the grid.
    up
        Cosine of the slope.
    """

    east: NDArray[np.float32]
    north: NDArray[np.float32]
    up: NDArray[np.float32]

    def cosine(self, sun: Direction) -> NDArray[np.float32]:
        """Cosine of the angle between the sun and the vector, float32 (y, x)."""
        zenith, azimuth = np.radians(sun.zenith), np.radians(sun.azimuth)
        level = self.east * np.sin(azimuth) + self.north * np.cos(azimuth)
        result: NDArray[np.float32] = self.up * np.cos(zenith) + level * np.sin(zenith)
        return result.astype(np.float32)


def load_ground(heights: Path | str, geobox: GeoBox) -> Ground:
    """How the ground lies on a pixel grid, NaN where there are no heights.

    Parameters
    ----------
    heights
        Raster of heights in metres, any CRS.
    geobox
        Pixel grid in a projected CRS, rows to the south. A pixel depends on its neighbours, not
        on where the grid ends.
    """
    return lie(read_heights(heights, geobox.pad(1)), geobox)


def lie(wide: NDArray[np.float32], geobox: GeoBox) -> Ground:
    """Normals from heights on a grid that is one pixel wider on every side."""
    size = 2 * abs(float(geobox.affine.a))
    right = (wide[1:-1, 2:] - wide[1:-1, :-2]) / size
    ahead = (wide[:-2, 1:-1] - wide[2:, 1:-1]) / size
    length = np.sqrt(1 + right**2 + ahead**2)
    x, y = -right / length, -ahead / length
    turn = _north(geobox)
    return Ground(
        (x * np.cos(turn) - y * np.sin(turn)).astype(np.float32),
        (x * np.sin(turn) + y * np.cos(turn)).astype(np.float32),
        (1 / length).astype(np.float32),
    )


def _north(geobox: GeoBox) -> NDArray[np.float64]:
    """Angle (y, x) by which the true north lies east of the grid's, radians.

    Linear between the corners: of a block of some kilometres that is exact to a millionth.
    """
    box = geobox.boundingbox
    x, y = np.meshgrid([box.left, box.right], [box.top, box.bottom])
    degrees = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    longitude, latitude = degrees.transform(x, y)
    there_x, there_y = degrees.transform(longitude, latitude + _STEP, direction="INVERSE")
    corners = np.arctan2(np.asarray(there_x) - x, np.asarray(there_y) - y)
    rows, columns = geobox.shape.y, geobox.shape.x
    down = ((np.arange(rows) + 0.5) / rows)[:, None]
    along = (np.arange(columns) + 0.5) / columns
    top = corners[0, 0] * (1 - along) + corners[0, 1] * along
    bottom = corners[1, 0] * (1 - along) + corners[1, 1] * along
    result: NDArray[np.float64] = top * (1 - down) + bottom * down
    return result
