"""Where a geometry lies on pixels."""

from __future__ import annotations

import rasterio.features
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from bocage.generalize._graph import Bools
from bocage.generalize._window import Window


def window_around(
    geometry: BaseGeometry, transform: Affine, shape: tuple[int, ...], pixels: int
) -> tuple[Window, Affine]:
    """The pixels that hold a geometry and some around it, and the transform of their corner.

    Parameters
    ----------
    geometry
        In map coordinates.
    transform, shape
        Of the raster, which the window does not leave.
    pixels
        How many more on each side.
    """
    west, south, east, north = shapely.bounds(geometry)
    left, top = ~transform @ (west, north)
    right, bottom = ~transform @ (east, south)
    found = Window(int(top), int(bottom) + 1, int(left), int(right) + 1)
    found = found.grown(pixels).within((shape[0], shape[1]))
    return found, transform @ Affine.translation(found.left, found.top)


def pixels_in(geometry: BaseGeometry, shape: tuple[int, ...], where: Affine) -> Bools:
    """Pixels whose centre lies in a geometry, shape (y, x)."""
    found: Bools = rasterio.features.rasterize(
        [(geometry, 1)], out_shape=shape, transform=where, dtype="uint8"
    ).astype(bool)
    return found
