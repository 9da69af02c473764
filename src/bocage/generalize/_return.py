"""Back to the raster: what is too narrow as a polygon is taken from it pixel by pixel."""

from __future__ import annotations

import numpy as np
from affine import Affine
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.generalize._frame import Frame
from bocage.generalize._graph import Bools, Labels, pair_codes
from bocage.generalize._places import pixels_in, window_around
from bocage.generalize._raster import Regions, classes_of, repair_regions
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._tight import Tight
from bocage.generalize._widths import OUT, Keys, grow_into
from bocage.legend import Legend

AROUND = 8
"""Pixels around a place that take part."""

_REACH = 1000  # rings over which it is filled: all of it
_MOVED = 4  # pixels over which smoothing and simplification move a border


def take_away(
    regions: Regions, tight: Tight, frame: Frame, legend: Legend, settings: GeneralizeSettings
) -> Regions:
    """Give the places where polygons are too narrow to what lies beside these polygons.

    Parameters
    ----------
    regions
        The regions of the polygons.
    tight
        The places, without those of locked lines (`unlocked`).
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
        window, where = window_around(place, frame.transform, keys.shape, AROUND)
        at = window.rows, window.columns
        keys[at], taken = give_place(
            keys[at], regions.labels[at], frame.inside[at], place, polygon, where
        )
        touched[at] |= taken
    # Those beside belong to polygons that may have been left with too little.
    starts = np.flatnonzero(ndimage.binary_dilation(touched)).astype(np.int32)
    found = classes_of(keys, classes, regions.labels >= 0)
    return repair_regions(frame, found, regions.drawn, legend, settings, starts)


def give_place(
    keys: Keys,
    labels: Labels,
    inside: Bools,
    place: BaseGeometry,
    polygon: BaseGeometry,
    where: Affine,
) -> tuple[Keys, Bools]:
    """Give a place where a polygon is too narrow to what lies beside the polygon.

    Parameters
    ----------
    keys
        Class pairs of the pixels around the place, OUT outside, shape (y, x).
    labels
        Their regions.
    inside
        Pixels whose centre is in the area.
    place, polygon
        As `Tight` has them.
    where
        Pixel corner to map coordinates.

    Returns
    -------
    numpy.ndarray
        The class pairs afterwards.
    numpy.ndarray
        The pixels that were given, shape (y, x).
    """
    drawn = pixels_in(polygon, keys.shape, where)
    own = _own_pixels(labels, drawn, inside)
    taken = pixels_in(place, keys.shape, where)
    # Between a smooth border and that of the pixels lies what would keep the place apart.
    taken |= ndimage.binary_dilation(taken, iterations=_MOVED, mask=own & ~drawn)
    taken &= keys != OUT
    grown = np.array(keys)
    grow_into(grown, taken.copy(), ~own & (keys != OUT), _REACH)
    return grown, taken


def _own_pixels(labels: Labels, drawn: Bools, inside: Bools) -> Bools:
    """Pixels in a polygon as it is drawn, and those beside that belong to the same regions.

    Smooth borders and the limit of the area leave out the centres of some pixels, which must
    not give back what is taken. A region is the polygon's when most of it in the area is, or
    when it has most of the polygon.
    """
    _, number = np.unique(labels, return_inverse=True)
    number = number.reshape(labels.shape)
    size = np.bincount(number[inside], minlength=number.max() + 1)
    within = np.bincount(number[drawn], minlength=len(size))
    mine = 2 * np.bincount(number[inside & drawn], minlength=len(size)) > size
    mine[np.argmax(within)] = within.any()
    return np.asarray(drawn | mine[number])
