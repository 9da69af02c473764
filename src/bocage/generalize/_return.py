"""Back to the raster: what is too narrow as a polygon is taken from it pixel by pixel."""

from __future__ import annotations

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from bocage.generalize._frame import Frame
from bocage.generalize._graph import Bools, Labels, pair_codes
from bocage.generalize._raster import Regions, classes_of, repair_regions
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._vector import Tight
from bocage.generalize._widths import OUT, grow_into
from bocage.legend import Legend

_AROUND = 8  # pixels around a place that take part
_REACH = 1000  # rings over which it is filled: all of it


def take_away(
    regions: Regions, tight: Tight, frame: Frame, legend: Legend, settings: GeneralizeSettings
) -> Regions:
    """Give the places where polygons are too narrow to what lies beside these polygons.

    Parameters
    ----------
    regions
        The regions of the polygons.
    tight
        The places.
    frame
        Where the pixels lie.
    legend, settings
        What the rules are that must hold afterwards.

    Returns
    -------
    Regions
        Repaired where they changed.
    """
    classes = regions.codes.T[:, np.maximum(regions.labels, 0)]
    keys = np.where(regions.labels >= 0, pair_codes(classes), OUT).astype(np.uint16)
    touched = np.zeros(keys.shape, bool)
    for place, polygon in zip(tight.place, tight.polygon, strict=True):
        rows, columns, where = _window(place, frame, keys.shape)
        part = keys[rows, columns]
        taken = _inside(place, part.shape, where) & (part != OUT)
        source = ~_inside(polygon, part.shape, where) & (part != OUT)
        touched[rows, columns] |= taken
        grown = np.ascontiguousarray(part)
        grow_into(grown, taken, source, _REACH)
        keys[rows, columns] = grown
    starts = np.flatnonzero(touched).astype(np.int32)
    found = classes_of(keys, classes, regions.labels >= 0)
    return repair_regions(frame, found, regions.drawn, legend, settings, starts)


def _window(
    place: BaseGeometry, frame: Frame, shape: tuple[int, ...]
) -> tuple[slice, slice, Affine]:
    west, south, east, north = shapely.bounds(place)
    left, top = ~frame.transform * (west, north)
    right, bottom = ~frame.transform * (east, south)
    row, column = max(int(top) - _AROUND, 0), max(int(left) - _AROUND, 0)
    rows = slice(row, min(int(bottom) + _AROUND + 1, shape[0]))
    columns = slice(column, min(int(right) + _AROUND + 1, shape[1]))
    return rows, columns, frame.transform * Affine.translation(column, row)


def _inside(geometry: BaseGeometry, shape: tuple[int, ...], where: Affine) -> Bools:
    return np.asarray(
        rasterio.features.rasterize(
            [(geometry, 1)], out_shape=shape, transform=where, dtype="uint8"
        ).astype(bool)
    )
