"""Figures of a super-resolved image against the true one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.errors import InputError
from bocage.superres._bicubic import FACTOR

_WINDOW = 7
_K1, _K2 = 0.01, 0.03
_TINY = 1e-12

Image = NDArray[np.float32]


def _same(made: Image, truth: Image) -> None:
    if made.shape != truth.shape or made.ndim != 3:
        raise InputError(
            f"images of shapes {made.shape} and {truth.shape} cannot be compared",
            remedy="give both as (band, y, x) on the same grid",
        )


def rmse(made: Image, truth: Image) -> float:
    """Root mean square error over all bands and pixels, in their unit."""
    _same(made, truth)
    away = made.astype(np.float64) - truth
    return float(np.sqrt(np.mean(away**2)))


def psnr(made: Image, truth: Image) -> float:
    """Peak signal to noise ratio in dB for a peak of reflectance 1, all bands together."""
    return float(-20 * np.log10(max(rmse(made, truth), _TINY)))


def sre(made: Image, truth: Image) -> float:
    """Signal to reconstruction error ratio in dB, mean over bands (Lanaras et al., 2018)."""
    _same(made, truth)
    error = np.mean((made.astype(np.float64) - truth) ** 2, axis=(1, 2))
    signal = np.mean(truth.astype(np.float64), axis=(1, 2)) ** 2
    return float(np.mean(10 * np.log10(np.maximum(signal, _TINY) / np.maximum(error, _TINY))))


def ssim(made: Image, truth: Image) -> float:
    """Structural similarity, windows of 7 × 7, mean over bands.

    The dynamic range is that of each true band between its percentiles 1 and 99.
    Wang, Bovik, Sheikh and Simoncelli (2004), IEEE Trans. Image Processing 13(4), 600–612.
    """
    _same(made, truth)
    return float(np.mean([_ssim(a, b) for a, b in zip(made, truth, strict=True)]))


def _ssim(made: Image, truth: Image) -> float:
    x, y = made.astype(np.float64), truth.astype(np.float64)
    low, high = np.percentile(y, (1, 99))
    c1, c2 = ((k * max(high - low, _TINY)) ** 2 for k in (_K1, _K2))

    def local(image: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth: NDArray[np.float64] = ndimage.uniform_filter(image, _WINDOW)
        return smooth

    mx, my = local(x), local(y)
    unbias = _WINDOW**2 / (_WINDOW**2 - 1)
    vx, vy = (unbias * (local(i * i) - m * m) for i, m in ((x, mx), (y, my)))
    cov = unbias * (local(x * y) - mx * my)
    value = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    rim = _WINDOW // 2
    inner = value[rim:-rim, rim:-rim]
    return float(np.mean(inner if inner.size else value))


def sam(made: Image, truth: Image) -> float:
    """Mean spectral angle in degrees (Kruse et al., 1993)."""
    _same(made, truth)
    return float(np.mean(spectral_angle(made, truth)))


def spectral_angle(a: Image, b: Image) -> NDArray[np.float64]:
    """Angle between the spectra of each pixel, degrees."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    cosine = (x * y).sum(axis=0) / np.maximum(lengths, _TINY)
    angle: NDArray[np.float64] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angle


def ergas(made: Image, truth: Image, factor: int = FACTOR) -> float:
    """Relative dimensionless global error (Wald, 2000): 100 / factor · RMS of RMSE / mean."""
    _same(made, truth)
    error = np.mean((made.astype(np.float64) - truth) ** 2, axis=(1, 2))
    level = np.mean(truth.astype(np.float64), axis=(1, 2)) ** 2
    return float(100 / factor * np.sqrt(np.mean(error / np.maximum(level, _TINY))))


METRICS: dict[str, Callable[[Image, Image], float]] = {
    "psnr": psnr,
    "ssim": ssim,
    "sam": sam,
    "ergas": ergas,
    "sre": sre,
    "rmse": rmse,
}
"""Figures that need the truth: name → function of the made and the true image."""
