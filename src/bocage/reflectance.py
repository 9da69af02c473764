"""What numbers can be reflectance, unit 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNSCALED = 3.0
"""Median of an image above which its numbers were not scaled."""

_NEGATIVE = -0.02
_BRIGHT = 1.2
_SHARE = 0.1


def doubtful(values: NDArray[np.floating]) -> tuple[str, ...]:
    """What is doubtful about the values of a band, NaN left out beforehand.

    Parameters
    ----------
    values
        Reflectance of some pixels, at least one, shape (pixel,).

    Returns
    -------
    tuple of str
        Any of ``constant`` (all alike), ``negative`` (a tenth below −0.02: an offset taken off
        twice?), ``bright`` (a tenth above 1.2: cloud, snow, or saturated).
    """
    found = (
        ("constant", len(values) > 1 and bool(values.max() == values.min())),
        ("negative", bool((values < _NEGATIVE).mean() > _SHARE)),
        ("bright", bool((values > _BRIGHT).mean() > _SHARE)),
    )
    return tuple(name for name, is_so in found if is_so)
