"""What is doubtful about an image, so that a bad one can be left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.reflectance import UNSCALED, doubtful

EMPTY = 0.5
"""Share of pixels without a value from which an image is called so."""

_TOO_LOW = 0.005  # the highest value of an image that was scaled once too often
_LEAST_SIDE = 16


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
        ``scale`` (the numbers cannot be reflectance), and with the band ``constant``,
        ``negative`` (a tenth below −0.02), ``bright`` (a tenth above 1.2: cloud, snow, or
        saturated).
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
    for band, values, inside in zip(bands, image, known, strict=True):
        row = values[inside]
        if not row.size:
            found.append(f"empty {band}")
            continue
        odd = doubtful(row)
        found += [f"{name} {band}" for name in odd if name != "bright" or "scale" not in found]
    return tuple(found)
