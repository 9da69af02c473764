"""Small spatial helpers shared by the rooms' pieces."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.geom import box as odc_box
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry

from bocage.grid import CRS, Block


def inside(area: BaseGeometry, geobox: GeoBox) -> NDArray[np.bool_]:
    """Pixels whose centre lies in an area, shape of the grid."""
    if shapely.is_empty(area):
        return np.zeros(geobox.shape, dtype=bool)
    mask: NDArray[np.bool_] = geometry_mask([area], geobox.shape, geobox.affine, invert=True)
    return mask


def lonlat_bounds(block: Block) -> tuple[float, float, float, float]:
    """West, south, east, north of a block with its halo in degrees."""
    west, south, east, north = shapely.bounds(block.box(halo=True))
    outline = odc_box(west, south, east, north, crs=CRS)
    bounds = outline.to_crs("EPSG:4326", resolution=500).boundingbox
    return bounds.left, bounds.bottom, bounds.right, bounds.top
