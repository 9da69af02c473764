"""The unit of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.reflectance import UNSCALED

_DN = 10_000


def reflectance_scale(image: NDArray[np.float32]) -> float:
    """What numbers, NaN or infinite where there are none, are multiplied with: 1, or 1e-4."""
    known = image[np.isfinite(image)]
    return 1 / _DN if known.size and abs(float(np.median(known))) > UNSCALED else 1.0
