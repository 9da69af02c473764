"""How far a mean of a few values may be off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats


def half_width(values: Sequence[float] | NDArray[np.floating]) -> float:
    """Half of the interval of 95 % of a mean, by Student's t; endless for a single value."""
    array = np.asarray(values, float)
    if len(array) < 2:
        return float("inf")
    error = array.std(ddof=1) / np.sqrt(len(array))
    return float(stats.t.ppf(0.975, len(array) - 1) * error)
