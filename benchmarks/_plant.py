"""Wrong labels on purpose, in the way that reference layers are wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks._virtual import legend

WRONG_CLASSES = 3
"""Classes that one class is mistaken for."""
PATCH_M = 100
"""Side of the cells that err as one in `plant_patches`, metres."""


def plant(truth: NDArray[np.uint8], rate: float, seed: int) -> NDArray[np.uint8]:
    """Class-dependent errors, sample by sample.

    Each class has an error rate of its own, 0.5 to 1.5 times `rate`, and is mistaken for three
    other classes of the sample, chosen by similarity in the legend and frequency.

    Parameters
    ----------
    truth
        Class index (sample,).
    rate
        Mean share of wrong labels.
    seed
        Decides on rates, classes and samples.
    """
    return _plant(truth, np.arange(len(truth)), rate, seed)


def plant_patches(
    truth: NDArray[np.uint8], xy: NDArray[np.float64], rate: float, seed: int
) -> NDArray[np.uint8]:
    """The same, but all samples of a class in a cell of 100 m share the error."""
    column, row = np.floor(xy / PATCH_M).astype(np.int64).T
    return _plant(truth, column * 10**6 + row, rate, seed)


def _plant(
    truth: NDArray[np.uint8], place: NDArray[np.int64], rate: float, seed: int
) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    given = truth.copy()
    present, count = np.unique(truth, return_counts=True)
    for value in present:
        others, often = present[present != value], count[present != value]
        likely = (legend().similarity[value - 1, others - 1] + 0.1) * often
        size = min(WRONG_CLASSES, len(others))
        targets = rng.choice(others, size, replace=False, p=likely / likely.sum())
        own = np.flatnonzero(truth == value)
        names, patch = np.unique(place[own], return_inverse=True)
        wrong = rng.random(len(names)) < rate * rng.uniform(0.5, 1.5)
        chosen = rng.choice(targets, len(names))
        given[own] = np.where(wrong[patch], chosen[patch], value)
    return given
