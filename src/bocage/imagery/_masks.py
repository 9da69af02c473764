"""Which pixels are clear."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SCL_CLOUD = (3, 8, 9, 10)
"""Values of the Sen2Cor scene classification that are grown: cloud shadow, cloud of medium
and high probability, thin cirrus (ESA, Sentinel-2 Level-2A Algorithm Overview)."""


def dilate(bad: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Grow a mask by a disc.

    Parameters
    ----------
    bad
        (y, x).
    radius
        Pixels; a pixel is bad when a bad one lies within this distance of it.
    """
    if radius == 0 or not bad.any():
        return bad
    reach: NDArray[np.bool_] = ndimage.distance_transform_edt(~bad) <= radius
    return reach


def clear_from_scl(
    codes: NDArray[np.float32], clear: Collection[int], radius: int
) -> NDArray[np.bool_]:
    """Clear pixels of a scene classification.

    Parameters
    ----------
    codes
        (y, x), NaN outside.
    clear
        Values that count as clear.
    radius
        Growth in pixels of the clouds and shadows among the other values. The rest (no data,
        saturated, topographic shadow) is not grown: it has sharp edges.
    """
    grown = [code for code in SCL_CLOUD if code not in clear]
    usable: NDArray[np.bool_] = np.isin(codes, list(clear)) & ~dilate(np.isin(codes, grown), radius)
    return usable


def clear_from_mask(values: NDArray[np.float32], radius: int) -> NDArray[np.bool_]:
    """Clear pixels of a mask whose values other than zero are bad; NaN is outside."""
    outside = np.isnan(values)
    usable: NDArray[np.bool_] = ~outside & ~dilate((values != 0) & ~outside, radius)
    return usable
