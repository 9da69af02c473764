"""Whether the numbers of an image can be reflectance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.reflectance import UNSCALED, doubtful

POSSIBLE = (-0.2, 2.0)
"""Reflectance beyond these is no measurement: saturated, or an artefact of the correction."""

_SCALED_TWICE = 0.002  # highest value of one that was scaled once too often
_LEAST = 64  # pixels below which nothing is said
_MOST = 0.5  # share of an image from which it is no shadow or sea that is dark

_REMEDY = "give scale and offset in raster:bands of the item, or in the configuration of the folder"


def clean(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """An image (band, y, x) with NaN for what cannot be a reflectance."""
    with np.errstate(invalid="ignore"):
        possible = (image >= POSSIBLE[0]) & (image <= POSSIBLE[1])
    return np.where(possible, image, np.float32(np.nan))


def faults(
    image: NDArray[np.float32], clear: NDArray[np.bool_], bands: tuple[str, ...], item: str
) -> tuple[str, ...]:
    """What is doubtful about an image.

    Parameters
    ----------
    image
        Reflectance (band, y, x), NaN where there is none.
    clear
        Pixels (y, x) that the mask takes for clear.
    bands, item
        Names of the bands and of the item.

    Returns
    -------
    tuple of str
        Any of ``negative`` (a tenth below −0.02: an offset taken off twice?), ``bright`` (a tenth
        above 1.2), ``constant`` (all pixels of a band alike), each with the band; ``dark`` (the
        few clear pixels are black in every band).

    Raises
    ------
    InputError
        If the numbers are no reflectance at all: not scaled, or scaled twice.
    """
    known = clear & np.isfinite(image).all(axis=0)
    if known.sum() < _LEAST:
        return ()
    values = image[:, known]
    middle, highest = float(np.median(values)), float(values.max())
    if middle > UNSCALED:
        raise InputError(
            f"item {item}: half of its reflectances are above {middle:.3g}: they are not scaled",
            remedy=_REMEDY,
        )
    dark = highest < _SCALED_TWICE
    if dark and known.mean() > _MOST:
        raise InputError(
            f"item {item}: its highest reflectance is {highest:.2g}: scaled once too often?",
            remedy=_REMEDY,
        )
    found = ["dark"] if dark else []
    for band, row in zip(bands, values, strict=True):
        found += [f"{name} {band}" for name in doubtful(row)]
    return tuple(found)
