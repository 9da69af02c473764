"""Probabilities averaged over the pixels around that have had a like year.

A single pixel of 2.5 m is noisy, and its neighbours in the same parcel say the same of the same
ground. A plain mean over a window large enough to help would blur lines and borders; weights by
likeness of the seasons do not cross them (bilateral weights, Tomasi and Manduchi 1998, ICCV), and
repeated with growing gaps the window gets wide at little cost (à trous, Dammertz et al. 2010,
HPG).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.grid import GRID_RATIO
from bocage.model._pixels import Pixels

STEPS = (1, 2, 4)
"""Gaps between the 5 × 5 pixels that are averaged, one pass each."""

BESIDE = math.ceil(2 * sum(STEPS) / GRID_RATIO)
"""Pixels of 10 m that all passes together reach."""

SHARPER = 1.05
"""Power of what was averaged: a mean of calibrated opinions is less sure than it is right
(Ranjan and Gneiting 2010, J. R. Stat. Soc. B)."""

Guide = tuple[tuple[float, ...], ...]
"""Axes of likeness (axis, month · band): weights are exp(−squared distance along them)."""

_AXES = 8
_ASKED = 8000  # pixels
_LIKE = 0.05  # of the usual squared distance between two pixels of the map


def guide_of(pixels: Pixels, seed: int) -> Guide:
    """Along which axes, and how far apart, seasons are unlike.

    Principal axes of standardised seasons, scaled by how far two pixels usually are apart.
    A single pixel says nothing of that: no axes.
    """
    if len(pixels) < 2:
        return ()
    rng = np.random.default_rng(seed)
    some = pixels.pick(rng.permutation(len(pixels))[:_ASKED])
    filled = some.seasons()
    deviation = filled.std(axis=0) + 1e-3
    values = (filled - filled.mean(axis=0)) / deviation
    axes = np.linalg.svd(values, full_matrices=False)[2][:_AXES]
    along = values @ axes.T
    half = len(along) // 2
    usual = float(np.median(((along[:half] - along[half : 2 * half]) ** 2).sum(axis=1)))
    scaled = axes / deviation / math.sqrt(2 * _LIKE * max(usual, 1e-6))
    return tuple(tuple(round(float(v), 5) for v in axis) for axis in scaled)


def average_alike(
    scores: NDArray[np.float32],
    near: NDArray[np.float32],
    seen: NDArray[np.bool_],
    guide: Guide,
) -> NDArray[np.float32]:
    """Scores averaged over like pixels; 0 where nothing was seen.

    Parameters
    ----------
    scores
        (score, 4y, 4x).
    near
        Seasons without gaps, (month, band, 4y, 4x).
    seen
        Where any month was seen, (y, x).
    guide
        See `guide_of`; without axes nothing is averaged.
    """
    visible = np.repeat(np.repeat(seen, GRID_RATIO, 0), GRID_RATIO, 1)
    found = np.ascontiguousarray(np.where(visible, scores, np.float32(0)).transpose(1, 2, 0))
    if guide:
        axes = np.array(guide, np.float32)
        bands = near.reshape(axes.shape[1], *near.shape[2:])
        along = np.zeros((*near.shape[2:], len(axes)), np.float32)
        _project_compiled(bands, np.ascontiguousarray(axes.T), visible, along)
        for step in STEPS:
            given, found = found, np.zeros_like(found)
            _average_compiled(given, along, visible, step, found)
    return found.transpose(2, 0, 1)


def sharpen(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averaged probabilities (class, y, x) as sure as they are right."""
    powers = probability ** np.float32(SHARPER)
    total = np.maximum(powers.sum(axis=0), np.finfo(np.float32).tiny)
    found: NDArray[np.float32] = powers / total
    return found


def _project(
    bands: NDArray[np.float32],
    axes: NDArray[np.float32],
    visible: NDArray[np.bool_],
    along: NDArray[np.float32],
) -> None:
    # In one order whatever the window, so that windows fit to the bit.
    height, width = visible.shape
    for y in range(height):
        for b in range(len(bands)):
            for x in range(width):
                if visible[y, x]:
                    for a in range(axes.shape[1]):
                        along[y, x, a] += axes[b, a] * bands[b, y, x]


def _average(
    given: NDArray[np.float32],
    along: NDArray[np.float32],
    visible: NDArray[np.bool_],
    step: int,
    out: NDArray[np.float32],
) -> None:
    height, width, count = given.shape
    for y in range(height):
        for x in range(width):
            if not visible[y, x]:
                continue
            total = np.float32(0)
            for v in range(y - 2 * step, y + 2 * step + 1, step):
                for u in range(x - 2 * step, x + 2 * step + 1, step):
                    if v < 0 or u < 0 or v >= height or u >= width or not visible[v, u]:
                        continue
                    apart = np.float32(0)
                    for a in range(along.shape[2]):
                        apart += (along[y, x, a] - along[v, u, a]) ** 2
                    weight = np.exp(-apart)
                    total += weight
                    for c in range(count):
                        out[y, x, c] += weight * given[v, u, c]
            for c in range(count):
                out[y, x, c] /= total


_project_compiled = njit(cache=True, nogil=True)(_project)
_average_compiled = njit(cache=True, nogil=True)(_average)
