"""Where a geometry lies on the pixels of a frame."""

from __future__ import annotations

import rasterio.features
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from bocage.generalize._frame import Frame
from bocage.generalize._graph import Bools


def window_around(geometry: BaseGeometry, frame: Frame, pixels: int) -> tuple[slice, slice, Affine]:
    """Rows and columns that hold a geometry and some pixels around it, and their transform."""
    west, south, east, north = shapely.bounds(geometry)
    left, top = ~frame.transform @ (west, north)
    right, bottom = ~frame.transform @ (east, south)
    row, column = max(int(top) - pixels, 0), max(int(left) - pixels, 0)
    rows = slice(row, min(int(bottom) + pixels + 1, frame.domain.shape[0]))
    columns = slice(column, min(int(right) + pixels + 1, frame.domain.shape[1]))
    return rows, columns, frame.transform @ Affine.translation(column, row)


def pixels_in(geometry: BaseGeometry, shape: tuple[int, ...], where: Affine) -> Bools:
    """Pixels whose centre lies in a geometry, shape (y, x)."""
    found: Bools = rasterio.features.rasterize(
        [(geometry, 1)], out_shape=shape, transform=where, dtype="uint8"
    ).astype(bool)
    return found
