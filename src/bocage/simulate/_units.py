"""Objects under one cover: what has one spectrum on a date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.simulate._noise import IntArray


@dataclass(frozen=True)
class Units:
    """Objects under one cover.

    Attributes
    ----------
    label
        Number of the unit of each pixel, int32, shape (y, x).
    cover, obj
        Cover and object of each unit, shape (n,).
    """

    label: IntArray
    cover: NDArray[np.int64]
    obj: NDArray[np.int64]


def make_units(obj: IntArray, cover: NDArray[np.uint8]) -> Units:
    """Number the pairs of object and cover in the order in which they appear."""
    key = obj.astype(np.int64) * 256 + cover
    label, keys = pd.factorize(key.ravel())
    keys = np.asarray(keys)
    return Units(label.astype(np.int32).reshape(obj.shape), keys & 255, keys >> 8)
