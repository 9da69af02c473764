"""Narrow parts of regions: found by opening with a square, given to what is wide beside them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bocage.generalize._graph import Bools, Codes, Labels


def narrow_pixels(labels: Labels, size: int) -> Bools:
    """Pixels that no square of `size` × `size` pixels inside their region covers.

    Parameters
    ----------
    labels
        Region numbers, shape (y, x); -1 is no region.
    size
        Side of the square in pixels.
    """
    low = ndimage.minimum_filter(labels, size=size, mode="constant", cval=-1)
    high = ndimage.maximum_filter(labels, size=size, mode="constant", cval=-1)
    centres = (low == high) & (low >= 0)
    # The reflected square: for an even size the window is off centre by one.
    shift = -1 if size % 2 == 0 else 0
    wide = ndimage.maximum_filter(
        centres.astype(np.uint8), size=size, mode="constant", cval=0, origin=shift
    )
    return np.asarray((labels >= 0) & (wide == 0))


def widen(classes: Codes, labels: Labels, size: int, exempt: Bools) -> Codes:
    """Give the narrow parts of regions to the nearest wide part of any region.

    Parameters
    ----------
    classes
        Class index, shape (years, y, x).
    labels
        Regions of equal classes, shape (y, x), -1 outside.
    size
        Least width in pixels.
    exempt
        Pixels that keep their class: drawn lines and linear classes, shape (y, x).

    Returns
    -------
    numpy.ndarray
        The classes after the change. A narrow part with nothing wide within `size` pixels
        stays as it is.
    """
    if size < 2:
        return classes
    narrow = narrow_pixels(labels, size) & ~exempt
    wide = (labels >= 0) & ~narrow & ~exempt
    if not narrow.any() or not wide.any():
        return classes
    distance, (row, column) = ndimage.distance_transform_edt(~wide, return_indices=True)
    moved = narrow & (distance <= size)
    return np.where(moved, classes[:, row, column], classes)
