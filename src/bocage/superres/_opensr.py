"""The metrics of opensr-test under their names, with the defaults of its version 1.3.3.

Aybar et al. (2024), "A comprehensive benchmark for optical remote sensing image
super-resolution", IEEE GRSL 21, 1–5. Written anew in numpy from the published definitions; the
package itself needs torch and torchvision.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.shifts import subpixel_peak
from bocage.superres._bicubic import FACTOR, bilinear
from bocage.superres._quality import spectral_angle

BORDER = 16
"""Fine pixels along the rim that are left out."""

_QUANTILE = 0.75
_TEMPERATURE = 0.25
_SCORE = 0.05
_UPSAMPLING = 50
_MOST_SHIFT = 5.0
_EPSILON = 1e-8

Image = NDArray[np.float32]


def consistency(coarse: Image, fine: Image) -> dict[str, float]:
    """What the super-resolved image, seen again at the source's pixels, lacks of the source.

    Parameters
    ----------
    coarse, fine
        float32 (band, y, x) and (band, 4 y, 4 x) reflectance.

    Returns
    -------
    dict
        ``reflectance`` mean absolute difference, ``spectral`` mean angle in degrees, and
        ``spatial`` shift in coarse pixels.
    """
    lr, sr = _crop(coarse, BORDER // FACTOR), _crop(fine, BORDER)
    back = _shrink(sr)
    rows, columns = find_shift(back[:3].mean(axis=0), lr[:3].mean(axis=0))
    return {
        "reflectance": float(np.abs(lr - back).mean()),
        "spectral": float(spectral_angle(lr, back).mean()),
        "spatial": float(np.hypot(rows, columns)),
    }


def correctness(coarse: Image, fine: Image, truth: Image) -> dict[str, float]:
    """How much of what was added is true, missing or invented.

    Parameters
    ----------
    coarse, fine, truth
        float32 (band, y, x), (band, 4 y, 4 x) and (band, 4 y, 4 x) reflectance.

    Returns
    -------
    dict
        ``synthesis`` mean absolute difference to the interpolated source, ``ha_metric``,
        ``om_metric`` and ``im_metric``: mean shares of hallucination, omission and improvement
        over the pixels with detail, which sum to one.
    """
    hr = _crop(truth, BORDER)
    flat = bilinear(_crop(coarse, BORDER // FACTOR))
    sr = _aligned(_match(_crop(fine, BORDER), hr), hr)
    reference, wrong, added = _apart(flat, hr), _apart(sr, hr), _apart(sr, flat)
    ordered = np.sort(reference, axis=None)
    limit = ordered[max(int(_QUANTILE * ordered.size) - 1, 0)]
    chosen = (reference > limit) | (wrong > limit) | (added > limit)
    with np.errstate(divide="ignore", invalid="ignore"):
        im, om = wrong[chosen] / reference[chosen], added[chosen] / reference[chosen]
        beyond = 1 - np.exp(-(im + om - 1) * _SCORE)
        scores = np.stack([np.exp(-im * om * _SCORE), om + im * beyond, im + om * beyond])
        weights = np.exp(-scores / _TEMPERATURE)
        shares = weights / weights.sum(axis=0)
    ha, om_share, im_share = np.nanmean(shares, axis=1)
    return {
        "synthesis": float(np.abs(flat - sr).mean()),
        "ha_metric": float(ha),
        "om_metric": float(om_share),
        "im_metric": float(im_share),
    }


def _crop(image: Image, rim: int) -> Image:
    return image[:, rim : image.shape[1] - rim, rim : image.shape[2] - rim]


def _apart(a: Image, b: Image) -> NDArray[np.float64]:
    """Normalised difference of each pixel, mean over bands."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    apart: NDArray[np.float64] = np.mean(np.abs(x - y) / np.abs(x + y + _EPSILON), axis=0)
    return apart


def _shrink(image: Image) -> Image:
    """A quarter of the pixels by a triangle as wide as two coarse pixels."""
    return _along(_along(image, 1, _triangle(image.shape[1])), 2, _triangle(image.shape[2]))


def _along(image: Image, axis: int, matrix: NDArray[np.float32]) -> Image:
    result: Image = np.moveaxis(np.tensordot(matrix, image, (1, axis)), 0, axis)
    return result


def _triangle(count: int) -> NDArray[np.float32]:
    centre = FACTOR * (np.arange(count // FACTOR) + 0.5) - 0.5
    weights = np.maximum(0, 1 - np.abs(centre[:, None] - np.arange(count)) / FACTOR)
    normal: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normal


def _match(image: Image, target: Image) -> Image:
    """Histogram matching, band by band."""
    return np.stack([_match_band(a, b) for a, b in zip(image, target, strict=True)])


def _match_band(image: Image, target: Image) -> Image:
    _, places, counts = np.unique(image.ravel(), return_inverse=True, return_counts=True)
    values, wanted = np.unique(target.ravel(), return_counts=True)
    matched = np.interp(np.cumsum(counts) / image.size, np.cumsum(wanted) / target.size, values)
    result: Image = matched[places].reshape(image.shape).astype(np.float32)
    return result


def _aligned(image: Image, target: Image) -> Image:
    """The image moved onto the target by their phase correlation, up to five pixels."""
    shift = find_shift(image.mean(axis=0), target.mean(axis=0))
    if shift == (0.0, 0.0) or np.hypot(*shift) > _MOST_SHIFT:
        return image
    moved: Image = ndimage.shift(image, (0.0, *shift), order=1, mode="nearest")
    return moved


def find_shift(image: Image, target: Image) -> tuple[float, float]:
    """Rows and columns by which an image must be moved to lie on the target, to 1/50 pixel."""
    cross = np.fft.fft2(target.astype(np.float64)) * np.fft.fft2(image.astype(np.float64)).conj()
    cross /= np.maximum(np.abs(cross), 100 * np.finfo(np.float64).eps)
    return subpixel_peak(cross, _UPSAMPLING)
