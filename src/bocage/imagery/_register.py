"""How far the images of a series lie beside each other, to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.shifts import subpixel_peak

REGISTER_BANDS = ("B02", "B03", "B04", "B08")
"""Bands with pixels of 10 m."""

LEAST_CLEAR = 0.4
"""Share of what the reference shows that an image must show for its shift to be found."""

MOST = 2.0
"""Pixels; a greater shift is a mistake of the correlation, not of the sensor."""

_LEAST_SIDE = 16

Image = NDArray[np.float32]


def find_shift(image: Image, reference: Image) -> tuple[float, float] | None:
    """Rows and columns by which an image must be moved to lie on a reference.

    Parameters
    ----------
    image, reference
        (band, y, x), NaN where an image is not usable.

    Returns
    -------
    tuple or None
        Pixels, to 1/50. None where the image is too small or too cloudy, or where no likely
        shift stands out.

    Notes
    -----
    Correlation of the complex gradients, summed over the bands (Argyriou and Vlachos, 2003,
    "Sub-pixel motion estimation using gradient cross-correlation"), where both images are usable;
    how much of that overlaps itself when moved is divided out. Against shifts made on purpose it
    errs by 0.02 pixels, the phase correlation of the same images by 0.10: whitening gives the
    noise of the finest scales as much say as the borders of the fields.
    """
    known = np.asarray(np.isfinite(reference).all(axis=0))
    if not known.any():
        return None
    # Where images end within a block, only the part that they show tells anything.
    part = ndimage.find_objects(known.astype(np.uint8))[0]
    image, reference, known = image[:, *part], reference[:, *part], known[part]
    usable: NDArray[np.bool_] = known & np.isfinite(image).all(axis=0)
    if min(usable.shape) < _LEAST_SIDE or usable.sum() < LEAST_CLEAR * known.sum():
        return None
    inner = ndimage.binary_erosion(usable, border_value=1)
    rows, columns = usable.shape
    window = np.outer(np.hanning(rows), np.hanning(columns)) * inner
    cross = np.zeros(usable.shape, dtype=np.complex128)
    for one, other in zip(image, reference, strict=True):
        moved, target = (np.fft.fft2(_gradient(i, usable) * window) for i in (one, other))
        cross += target * moved.conj()
    if not np.abs(cross).max() > 0:
        return None
    shift = subpixel_peak(cross, overlap=np.abs(np.fft.fft2(window)) ** 2)
    return shift if np.hypot(*shift) <= MOST else None


def _gradient(image: Image, usable: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Horizontal and vertical differences as one complex number."""
    flat = np.where(usable, image, 0).astype(np.float64)
    down, right = np.gradient(flat)
    gradient = np.empty(image.shape, dtype=np.complex128)
    gradient.real, gradient.imag = right, down
    return gradient
