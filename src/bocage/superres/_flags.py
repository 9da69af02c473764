"""What is doubtful about an image, so that a bad one can be left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.reflectance import UNSCALED, doubtful
from bocage.superres._bicubic import fill_nearest
from bocage.superres._edges import overshoot
from bocage.superres._psf import psf_table

EMPTY = 0.5
"""Share of pixels without a value from which an image is called so."""

_TOO_LOW = 0.005  # the highest value of an image that was scaled once too often
_LEAST_SIDE = 16

SHARPENED = "sharpened"
"""Flag of an image whose edges ring."""

_RINGING = 0.04
"""Share of a step: at most 0.03 on clear Sentinel-2, 0.04 to 0.12 after an unsharp mask."""

_TEN_M = 10


def image_flags(image: NDArray[np.float32], bands: tuple[str, ...]) -> tuple[str, ...]:
    """Name what is doubtful about an image.

    Parameters
    ----------
    image
        Reflectance (band, y, x), NaN where there is nothing.
    bands
        Their names.

    Returns
    -------
    tuple of str
        Any of ``nothing``, ``empty`` (half of the pixels), ``small`` (below 16 pixels a side),
        ``scale`` (the numbers cannot be reflectance), ``sharpened`` (see `is_sharpened`), and
        with the band ``constant``, ``negative`` (a tenth below −0.02), ``bright`` (a tenth above
        1.2: cloud, snow, or saturated).
    """
    known = np.isfinite(image)
    if not known.any():
        return ("nothing",)
    found = []
    if min(image.shape[1:]) < _LEAST_SIDE:
        found.append("small")
    if 1 - known.all(axis=0).mean() >= EMPTY:
        found.append("empty")
    if np.abs(image[known]).max() < _TOO_LOW or np.median(image[known]) > UNSCALED:
        found.append("scale")
    if is_sharpened(image, bands):
        found.append(SHARPENED)
    for band, values, inside in zip(bands, image, known, strict=True):
        row = values[inside]
        if not row.size:
            found.append(f"empty {band}")
            continue
        odd = doubtful(row)
        found += [f"{name} {band}" for name in odd if name != "bright" or "scale" not in found]
    return tuple(found)


def is_sharpened(image: NDArray[np.float32], bands: tuple[str, ...]) -> bool:
    """Whether somebody has sharpened an image already, so that it would come out over-sharpened.

    The median over the 10 m bands (all bands where none is known to be one) of the overshoot of
    edges, which noise and resampling do not have. Strong sharpening is found (an unsharp mask of
    one pixel from an amount of about 1.5), weak sharpening is not, nor that of images with few
    edges between fields.
    """
    table = psf_table()
    ten = [i for i, b in enumerate(bands) if b in table and table[b].native_m == _TEN_M]
    some = image[ten] if ten else image
    planes = fill_nearest(np.where(np.isfinite(some), some, np.float32(np.nan)))
    found = [v for v in (overshoot(p, _TEN_M) for p in planes) if v is not None]
    return bool(found) and float(np.median(found)) > _RINGING
