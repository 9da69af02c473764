"""How sharp the sensor sees: point spread of each band, degrading and projecting back."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError
from bocage.superres._bicubic import FACTOR, fill_nearest, mask_back, upsample

_OTHER = "other"
_MOST, _LEAST = 0.95, 0.01
_REACH = 3.5  # standard deviations of the Gaussian that are kept


@dataclass(frozen=True)
class Psf:
    """Point spread of one band (``data/psf.csv``).

    Attributes
    ----------
    native_m
        Pixel size of the sensor, metres.
    mtf
        Modulation transfer at the Nyquist frequency of that pixel size, 0 … 1.
    centre_nm
        Central wavelength, nanometres.
    """

    native_m: int
    mtf: float
    centre_nm: float


@cache
def psf_table() -> dict[str, Psf]:
    """Point spread by band name; ``other`` stands for every band that is not named."""
    text = (resources.files("bocage.superres") / "data" / "psf.csv").read_text("utf-8")
    return {
        row["band"]: Psf(int(row["native_m"]), float(row["mtf"]), float(row["centre_nm"]))
        for row in csv.DictReader(text.splitlines())
    }


def psf_mtf(bands: Sequence[str], given: Mapping[str, float] | None = None) -> tuple[float, ...]:
    """MTF at Nyquist of each band: what is given, else the table, else its row ``other``.

    Raises
    ------
    ConfigError
        If a given value is outside 0.01 … 0.95.
    """
    given = given or {}
    for band, value in given.items():
        if not _LEAST <= value <= _MOST:
            raise ConfigError(
                f"superres.psf_mtf: {value} of {band} is no modulation transfer",
                remedy=f"give a value between {_LEAST} and {_MOST}",
            )
    table = psf_table()
    return tuple(given.get(b, table.get(b, table[_OTHER]).mtf) for b in bands)


def check_bands(given: Mapping[str, float] | None, bands: Sequence[str]) -> None:
    """Raise a `ConfigError` if a transfer is given of a band that is not there."""
    if stray := sorted(set(given or {}) - set(bands)):
        raise ConfigError(
            f"superres.psf_mtf: there is no band {', '.join(stray)}",
            remedy=f"give bands of {', '.join(bands)}",
        )


def spread(mtf: float, factor: int) -> float:
    """Standard deviation, in fine pixels, of the Gaussian that `degrade` uses.

    A Gaussian of s coarse pixels has the transfer exp(-π² s² / 2) at their Nyquist frequency.
    The fine image is already blurred by as many fine pixels, and variances add: what is left
    to blur is s √(factor² − 1) fine pixels. The degraded image is then as sharp, in its own
    pixels, as the fine one is in its own.
    """
    return math.sqrt(factor**2 - 1) * math.sqrt(-2 * math.log(mtf)) / math.pi


@cache
def kernel(mtf: float, factor: int) -> NDArray[np.float32]:
    """Weights of the fine pixels around the centre of a coarse pixel, summing to one.

    Their number has the parity of `factor`, so that they are symmetric about that centre.
    """
    sigma = spread(mtf, factor)
    half = max(math.ceil(_REACH * sigma), math.ceil(factor / 2))
    count = 2 * half + factor % 2
    at = np.arange(count) - (count - 1) / 2
    weights = np.exp(-0.5 * (at / sigma) ** 2)
    result: NDArray[np.float32] = (weights / weights.sum()).astype(np.float32)
    return result


def degrade(
    image: NDArray[np.float32], mtf: Sequence[float], factor: int = FACTOR
) -> NDArray[np.float32]:
    """See a fine image through the point spread of coarser pixels.

    Parameters
    ----------
    image
        float32 (band, factor · y, factor · x) without NaN; edge pixels are repeated outwards.
    mtf
        Of each band, at the Nyquist frequency of the coarse pixels.

    Returns
    -------
    numpy.ndarray
        float32 (band, y, x), values at the centres of the coarse pixels.

    Notes
    -----
    Blur and decimation at the centre, the reduced-scale protocol of Wald, Ranchin and
    Mangolini (1997, PE&RS 63(6), 691–699).
    """
    bands, rows, columns = image.shape
    out = np.empty((bands, rows // factor, columns // factor), dtype=np.float32)
    for band in range(bands):
        weights = kernel(mtf[band], factor)
        out[band] = _decimate(_decimate(image[band], weights, factor).T, weights, factor).T
    return out


def _decimate(
    image: NDArray[np.float32], weights: NDArray[np.float32], factor: int
) -> NDArray[np.float32]:
    """Blur along the first axis and keep the centres."""
    rows = len(image) // factor
    before = (len(weights) - factor) // 2
    padded = np.pad(image, ((before, before), (0, 0)), mode="edge")
    out = np.zeros((rows, image.shape[1]), dtype=np.float32)
    half = len(weights) // 2
    last = factor * (rows - 1) + 1
    # Symmetric weights: two rows are added before they are multiplied.
    for tap in range(half):
        near = padded[tap : tap + last : factor]
        far = padded[len(weights) - 1 - tap :][:last:factor]
        out += weights[tap] * (near + far)
    if len(weights) % 2:
        out += weights[half] * padded[half : half + last : factor]
    return out


def back_project(
    fine: NDArray[np.float32],
    source: NDArray[np.float32],
    mtf: Sequence[float],
    steps: int,
    factor: int = FACTOR,
) -> NDArray[np.float32]:
    """Correct a fine image until the sensor would see its source.

    Parameters
    ----------
    fine
        float32 (band, factor · y, factor · x) with a value wherever the source has one.
    source
        float32 (band, y, x), NaN where there is nothing: nothing is corrected there, and the
        result is NaN there.
    mtf
        Of each band.
    steps
        Number of corrections; 0 only masks.

    Notes
    -----
    Iterative back-projection (Irani and Peleg, 1991, CVGIP 53(3), 231–239): what the degraded
    image lacks of its source is brought to the fine grid by cubic convolution and added.
    """
    known = np.isfinite(source)
    everywhere = bool(known.all())
    result = fine.copy() if everywhere else fill_nearest(fine).copy()
    # Band by band the work fits the cache of a core, and memory for one band more is enough.
    for band in range(len(result)):
        own = slice(band, band + 1)
        for _ in range(steps):
            rest = source[own] - degrade(result[own], mtf[band : band + 1], factor)
            rest[~known[own]] = 0.0
            result[own] += upsample(rest, factor)
    return mask_back(result, source, factor)


def clamp(
    fine: NDArray[np.float32], source: NDArray[np.float32], factor: int = FACTOR
) -> NDArray[np.float32]:
    """No overshoot below zero where the source is not below zero, in place.

    A source that is itself negative (dark water after atmospheric correction) is left as it is.
    """
    if fine.size and np.nanmin(fine) < 0:
        floor = np.where(source < 0, np.float32(-np.inf), np.float32(0))
        bands, rows, columns = source.shape
        cells = fine.reshape(bands, rows, factor, columns, factor)
        np.maximum(cells, floor[:, :, None, :, None], out=cells)
    return fine
