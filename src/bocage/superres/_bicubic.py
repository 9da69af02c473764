"""Cubic convolution by a factor of four, without a trace of nodata."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FACTOR = 4
"""Fine pixels along the side of a native pixel."""

_A = -0.5  # Keys' parameter: exact for polynomials up to the second degree
_REACH = 2


def _kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic convolution kernel (Keys, 1981, IEEE Trans. ASSP 29(6), 1153–1160)."""
    d = np.abs(distance)
    near = ((_A + 2) * d - (_A + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * _A - 4 * _A
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


@cache
def cubic_taps(factor: int = FACTOR) -> NDArray[np.float32]:
    """Weights (phase, tap) of source pixels -2 … +2 around the pixel a fine pixel lies in."""
    phase = (np.arange(factor) + 0.5) / factor - 0.5
    source = np.arange(-_REACH, _REACH + 1)
    return _kernel(phase[:, None] - source[None, :]).astype(np.float32)


def upsample(image: NDArray[np.float32], factor: int = FACTOR) -> NDArray[np.float32]:
    """Cubic convolution to `factor` times the pixels along y and x, edge pixels repeated.

    Parameters
    ----------
    image
        (band, y, x) without NaN.

    Returns
    -------
    numpy.ndarray
        float32 (band, factor · y, factor · x).
    """
    bands, rows, columns = image.shape
    out = np.empty((bands, factor * rows, factor * columns), dtype=np.float32)
    # Band by band the work fits the cache of a core.
    for band in range(bands):
        tall = _along_rows(image[band], factor)
        out[band] = _along_rows(np.ascontiguousarray(tall.T), factor).T
    return out


def _along_rows(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """One direction: (y, x) to (factor · y, x)."""
    rows, columns = image.shape
    padded = np.pad(image, ((_REACH, _REACH), (0, 0)), mode="edge")
    out = np.zeros((rows, factor, columns), dtype=np.float32)
    product = np.empty((rows, columns), dtype=np.float32)
    for phase, weights in enumerate(cubic_taps(factor)):
        for tap, weight in enumerate(weights):
            if weight != 0:
                np.multiply(padded[tap : tap + rows], weight, out=product)
                out[:, phase] += product
    return out.reshape(factor * rows, columns)


def bilinear(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bilinear interpolation (band, y, x) to four times the pixels, edge pixels repeated."""
    out = image
    for axis in (1, 2):
        count = out.shape[axis]
        at = np.clip((np.arange(FACTOR * count) + 0.5) / FACTOR - 0.5, 0, count - 1)
        first = np.minimum(at.astype(np.int64), max(count - 2, 0))
        second = np.minimum(first + 1, count - 1)
        share = (at - first).astype(np.float32)
        share = share[:, None] if axis == 1 else share
        out = out.take(first, axis) * (1 - share) + out.take(second, axis) * share
    return out


def fill_nearest(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace NaN by the nearest value of the same band; a band of NaN becomes zero.

    Parameters
    ----------
    image
        (band, y, x).
    """
    gone = np.isnan(image)
    if not gone.any():
        return image
    filled = image.copy()
    shared = bool((gone == gone[:1]).all())
    where = _nearest(gone[0]) if shared else None
    for band in range(len(image)):
        place = where if shared else _nearest(gone[band])
        filled[band] = 0.0 if place is None else image[band][tuple(place)]
    return filled


def _nearest(gone: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    if gone.all():
        return None
    found: NDArray[np.int32] = ndimage.distance_transform_edt(
        gone, return_distances=False, return_indices=True
    )
    return found


def repeat(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each pixel of (…, y, x) as 4 × 4 equal pixels."""
    return image.repeat(FACTOR, axis=-2).repeat(FACTOR, axis=-1)


class Bicubic:
    """The backend that invents nothing: cubic convolution.

    Nodata (NaN) is filled from the nearest pixels before and put back after, so that it
    neither spreads nor pulls at its neighbours.
    """

    name: ClassVar[str] = "bicubic"
    any_unit: ClassVar[bool] = True
    consistency: ClassVar[str] = "mean"

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Four times the pixels along y and x; NaN where the source is NaN.

        Parameters
        ----------
        image
            float32 (band, y, x), NaN where there is nothing.
        bands
            Names of the bands; cubic convolution treats all alike.
        """
        fine = upsample(fill_nearest(image))
        return mask_back(fine, image)


def mask_back(
    fine: NDArray[np.float32], image: NDArray[np.float32], factor: int = FACTOR
) -> NDArray[np.float32]:
    """Put the NaN of the source (band, y, x) back into the fine image, in place."""
    gone = np.isnan(image)
    if gone.any():
        bands, rows, columns = image.shape
        cells = fine.reshape(bands, rows, factor, columns, factor)
        cells.transpose(0, 1, 3, 2, 4)[gone] = np.nan
    return fine
