"""Pairs of a degraded and a true image, for fitting by the reduced-scale protocol of Wald."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bocage.superres._bicubic import FACTOR
from bocage.superres._lmmse import Moments
from bocage.superres._psf import kernel

MARGIN = 8
"""Fine pixels around a patch that the point spread reaches into."""

_MTF = (0.12, 0.35)
_MTF_STEPS = 24
_MTF_BAND = 0.03  # standard deviation between the bands of a patch
_NOISE = (0.3, 2.0)  # times the noise of the bands
_GAIN = (0.6, 1.6)


@dataclass(frozen=True)
class Augmentation:
    """What varies between patches.

    Attributes
    ----------
    noise
        Standard deviation of the noise of each band at 10 m, reflectance.
    substitutes
        For sets of bands that are missing: for each band the band that stands in for it
        (itself where it is there).
    missing_share
        Share of the patches in which bands are missing.
    """

    noise: tuple[float, ...]
    substitutes: tuple[tuple[int, ...], ...] = ()
    missing_share: float = 0.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """A batch.

    Attributes
    ----------
    coarse
        float32 (patch, band, y, x).
    fine
        float32 (patch, band, 4 y, 4 x).
    there
        bool (patch, band): whether the band was there, and counts.
    """

    coarse: NDArray[np.float32]
    fine: NDArray[np.float32]
    there: NDArray[np.bool_]


@cache
def _matrices(side: int) -> NDArray[np.float32]:
    """Blur and decimation along one axis as matrices (mtf, side, 4 · side + 2 · margin)."""
    levels = np.linspace(*_MTF, _MTF_STEPS)
    out = np.zeros((_MTF_STEPS, side, FACTOR * side + 2 * MARGIN), dtype=np.float32)
    for level, mtf in enumerate(levels):
        weights = kernel(round(float(mtf), 6), FACTOR)
        # The centre of a coarse pixel lies between its second and third fine pixel.
        trim = max(0, len(weights) // 2 - MARGIN - FACTOR // 2)
        weights = weights[trim : len(weights) - trim] / weights[trim : len(weights) - trim].sum()
        first = MARGIN + FACTOR // 2 - len(weights) // 2
        for pixel in range(side):
            at = first + FACTOR * pixel
            out[level, pixel, at : at + len(weights)] = weights
    return out


def draw_pairs(
    scene: NDArray[np.float32],
    count: int,
    side: int,
    options: Augmentation,
    rng: np.random.Generator,
) -> Pairs:
    """Draw patches of a scene, turned, brightened, blurred and noisy.

    Parameters
    ----------
    scene
        float32 (band, y, x), the truth, at least 4 · `side` pixels large; one without room for
        the margin is continued by reflection.
    count, side
        Number of patches, and their side in coarse pixels.
    options
        What varies.
    rng
        Source of chance.
    """
    bands = len(scene)
    fine_side = FACTOR * side
    wide = fine_side + 2 * MARGIN
    patches = np.empty((count, bands, wide, wide), dtype=np.float32)
    rim = MARGIN if min(scene.shape[1:]) < wide else 0
    source = np.pad(scene, ((0, 0), (rim, rim), (rim, rim)), mode="reflect") if rim else scene
    for patch in patches:
        row, column = (int(rng.integers(n - wide + 1)) for n in source.shape[1:])
        part = source[:, row : row + wide, column : column + wide]
        patch[:] = _turned(part, int(rng.integers(8)))
    patches *= rng.uniform(*_GAIN, (count, bands, 1, 1)).astype(np.float32)
    shared = rng.uniform(*_MTF, (count, 1))
    mtf = np.clip(shared + rng.normal(0, _MTF_BAND, (count, bands)), *_MTF)
    level = np.rint((mtf - _MTF[0]) / (_MTF[1] - _MTF[0]) * (_MTF_STEPS - 1)).astype(int)
    blur = _matrices(side)[level]
    coarse = blur @ patches @ blur.swapaxes(2, 3)
    amount = rng.uniform(*_NOISE, (count, 1)) * np.asarray(options.noise)
    noise = rng.standard_normal(coarse.shape, dtype=np.float32)
    coarse += noise * amount[:, :, None, None].astype(np.float32)
    there = np.ones((count, bands), dtype=bool)
    _drop(coarse, there, options, rng)
    inner = slice(MARGIN, MARGIN + fine_side)
    return Pairs(coarse, np.ascontiguousarray(patches[:, :, inner, inner]), there)


def _drop(
    coarse: NDArray[np.float32],
    there: NDArray[np.bool_],
    options: Augmentation,
    rng: np.random.Generator,
) -> None:
    """Let others stand in for bands of some patches, in place."""
    if not options.substitutes:
        return
    own = np.arange(coarse.shape[1])
    for patch, flags in zip(coarse, there, strict=True):
        if rng.random() < options.missing_share:
            stand_in = np.asarray(options.substitutes[rng.integers(len(options.substitutes))])
            patch[:] = patch[stand_in]
            flags[:] = stand_in == own


def _turned(part: NDArray[np.float32], way: int) -> NDArray[np.float32]:
    """One of the eight symmetries of a square."""
    if way & 1:
        part = part[:, ::-1]
    if way & 2:
        part = part[:, :, ::-1]
    return part.swapaxes(1, 2) if way & 4 else part


def stand_ins(missing: Sequence[int], wavelengths: Sequence[float]) -> tuple[int, ...]:
    """For each band itself, or, when it is missing, the nearest band in wavelength."""
    left = [i for i in range(len(wavelengths)) if i not in set(missing)]
    return tuple(
        i if i in left else min(left, key=lambda j: (abs(wavelengths[j] - wavelengths[i]), j))
        for i in range(len(wavelengths))
    )


def fit_filters(
    scenes: Sequence[tuple[NDArray[np.float32], float]],
    options: Augmentation,
    *,
    batches: int = 200,
    batch: int = 8,
    side: int = 24,
    seed: int = 7,
) -> NDArray[np.float32]:
    """Fit the linear filters by least squares over drawn patches.

    Parameters
    ----------
    scenes
        float32 (band, y, x) at 10 m, each with the share of batches drawn from it.
    options
        What varies between patches.
    batches, batch, side
        Number of batches, patches in each, and their side in coarse pixels.
    seed
        Of the patches.

    Returns
    -------
    numpy.ndarray
        float32 (band + 1, 49, 16); the last filter is fitted on all bands together.
    """
    rng = np.random.default_rng(seed)
    moments = [Moments() for _ in range(len(scenes[0][0]))]
    share = np.array([s for _, s in scenes])
    for _ in range(batches):
        scene = scenes[int(rng.choice(len(scenes), p=share / share.sum()))][0]
        fits = min(side, min(scene.shape[1:]) // FACTOR)
        pairs = draw_pairs(scene, batch, fits, options, rng)
        for band, sums in enumerate(moments):
            sums.add(pairs.coarse[:, band], pairs.fine[:, band])
    whole = moments[0].merge(moments[1:])
    return np.stack([m.solve() for m in (*moments, whole)])
