"""Radiometric consistency: averaged back, the fine image is its source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.superres._bicubic import FACTOR, mask_back, repeat, upsample


def block_mean(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of each 4 × 4 block: (band, 4 y, 4 x) to (band, y, x)."""
    bands, rows, columns = fine.shape
    lines = fine.reshape(bands, rows // FACTOR, FACTOR, columns)
    tall = lines[:, :, 0] + lines[:, :, 1] + lines[:, :, 2] + lines[:, :, 3]
    mean: NDArray[np.float32] = tall[..., 0::4] + tall[..., 1::4]
    mean += tall[..., 2::4]
    mean += tall[..., 3::4]
    mean *= np.float32(1 / FACTOR**2)
    return mean


def consistent(
    sr: NDArray[np.float32], source: NDArray[np.float32], iterations: int = 2
) -> NDArray[np.float32]:
    """Correct a super-resolved image until it averages back to its source.

    Parameters
    ----------
    sr
        float32 (band, 4 y, 4 x).
    source
        float32 (band, y, x), NaN where there is nothing; the result is NaN there.
    iterations
        Smooth corrections before the exact one.

    Returns
    -------
    numpy.ndarray
        float32 (band, 4 y, 4 x) whose mean over each 4 × 4 block is the source pixel to
        rounding (for reflectance better than 1e-6).

    Raises
    ------
    InputError
        If the shapes do not belong together, or `sr` has no value where the source has one.

    Notes
    -----
    Iterative back-projection (Irani and Peleg, 1991, CVGIP 53(3), 231–239): what the mean of a
    block lacks is brought to the fine grid by cubic convolution and added. The last step adds
    the small rest evenly to the 16 pixels, which makes the mean exact.
    """
    bands, rows, columns = source.shape
    if sr.shape != (bands, FACTOR * rows, FACTOR * columns):
        raise InputError(
            f"a super-resolved image of shape {sr.shape} does not belong to a source of shape "
            f"{source.shape}",
            remedy="the backend must give (band, 4 y, 4 x)",
        )
    known = np.isfinite(source)
    fine = np.array(sr, dtype=np.float32)
    rest = _rest(fine, source, known)
    for _ in range(iterations):
        fine += upsample(rest)
        rest = _rest(fine, source, known)
    fine += repeat(rest)
    return mask_back(fine, source)


def _rest(
    fine: NDArray[np.float32], source: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    rest = source - block_mean(fine)
    if not known.all():
        if np.isnan(rest[known]).any():
            raise InputError(
                "a super-resolved image has no value where its source has one",
                remedy="the backend must give a value wherever the source has one",
            )
        rest[~known] = 0.0
    elif not np.isfinite(rest).all():
        raise InputError(
            "a super-resolved image has no value where its source has one",
            remedy="the backend must give a value wherever the source has one",
        )
    return rest
