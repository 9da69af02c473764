"""How far confidence would lie from accuracy by chance alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bocage.accuracy import reliability

DRAWS = 400


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
        Of each point (n,), per cent and area.
    together
        Names of ways to group the points: group number (n,). Points of a group share their luck.
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for name, group in together.items():
        luck = (100 * rng.random(int(group.max()) + 1)[group] for _ in range(DRAWS))
        errors = [reliability(confidence, each < confidence, weights=weight)[0] for each in luck]
        found[name] = float(np.percentile(errors, 95))
    return found
