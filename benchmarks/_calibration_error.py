"""How far confidence lies from accuracy, and how far it would by chance alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BINS = 10
DRAWS = 400


def calibration_error(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_] | NDArray[np.floating],
    weight: NDArray[np.floating],
) -> float:
    """Expected calibration error over bins of equal width (Guo et al. 2017, ICML), 0 … 1."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.bincount(number, weight * (confidence - right), minlength=BINS)
    return float(np.abs(gap).sum() / weight.sum())


def error_by_chance(
    confidence: NDArray[np.floating],
    weight: NDArray[np.floating],
    together: Mapping[str, NDArray[np.intp]],
    seed: int = 0,
) -> dict[str, float]:
    """Calibration error that a map with these confidences stays below 19 times in 20 if they hold.

    A mean of distances is never zero at a sample (Kumar et al. 2019, NeurIPS); errors of whole
    parcels make it larger, since points that fail together count as one.

    Parameters
    ----------
    confidence, weight
        Of each point (n,).
    together
        Names of ways to group the points: group number (n,). Points of a group share their luck.
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for name, group in together.items():
        luck = (rng.random(int(group.max()) + 1)[group] for _ in range(DRAWS))
        errors = [calibration_error(confidence, each < confidence, weight) for each in luck]
        found[name] = float(np.percentile(errors, 95))
    return found
