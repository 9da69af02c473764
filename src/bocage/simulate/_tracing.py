"""Mapping units: from a raster of classes to polygons of a least size that do not overlap."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes, sieve
from scipy import ndimage

from bocage.grid import CRS
from bocage.simulate._domain import Domain

ROUNDS = 12
"""A sieve merges units into each other; so many passes leave none that is too small."""

Relabel = Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.int64]]
"""New class indices of units from their class indices and areas in square metres."""


def sieved(
    codes: NDArray[np.uint8], pixels: int, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Merge units of fewer pixels into their largest neighbour until none is left.

    Parameters
    ----------
    codes
        Shape (y, x).
    pixels
        Least size of a unit.
    mask
        Where there is something to map; units outside are no neighbours.
    """
    result = np.ascontiguousarray(codes)
    for _ in range(ROUNDS):
        merged = sieve(result, pixels, connectivity=4, mask=mask)
        if (merged == result).all():
            break
        result = merged
    return result


def relabelled(codes: NDArray[np.uint8], step: float, change: Relabel) -> NDArray[np.uint8]:
    """Give connected units new class indices; 0 is no unit.

    Parameters
    ----------
    codes
        Class index of every pixel, shape (y, x).
    step
        Pixel size in metres.
    change
        Tells the new class indices.
    """
    label = np.zeros(codes.shape, np.int32)
    kinds: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    count = 0
    for code in np.unique(codes[codes > 0]):
        part, many = ndimage.label(codes == code)
        here = part > 0
        label[here] = part[here] + count
        kinds.append(np.full(many, code, np.int64))
        count += many
    kind = np.concatenate(kinds)
    if count == 0:
        return codes
    area = (np.bincount(label.ravel(), minlength=count + 1) * step**2).astype(np.float64)
    kind[1:] = change(kind[1:], area[1:])
    result: NDArray[np.uint8] = kind.astype(np.uint8)[label]
    return result


def traced(
    codes: NDArray[np.uint8], domain: Domain, step: float, tolerance: float
) -> gpd.GeoDataFrame:
    """Outlines of the connected units of a raster, smoothed without gaps or overlaps.

    Parameters
    ----------
    codes
        Class index of every pixel, shape (y, x); 0 is no unit.
    step
        Pixel size in metres.
    tolerance
        Triangles at vertices smaller than the square of it are cut off, in metres.

    Returns
    -------
    geopandas.GeoDataFrame
        Column ``index`` and valid polygons in EPSG:3035 on a grid of 1 cm, in scan order.
    """
    affine = domain.geobox(step).affine
    found = list(shapes(codes, mask=codes > 0, connectivity=4, transform=affine))
    outlines = np.array([shapely.geometry.shape(geometry) for geometry, _ in found], object)
    index = np.array([int(value) for _, value in found], np.int64)
    if outlines.size:
        outlines = shapely.coverage_simplify(outlines, tolerance)
        outlines = shapely.transform(outlines, lambda xy: np.round(xy, 2))
    frame = gpd.GeoDataFrame({"index": index}, geometry=list(outlines), crs=CRS)
    if not frame.geometry.is_valid.all():
        frame = frame.set_geometry(shapely.make_valid(frame.geometry.to_numpy()))
        frame = frame.explode(ignore_index=True)
    kept = frame.geometry.geom_type == "Polygon"
    return frame[kept].reset_index(drop=True)
