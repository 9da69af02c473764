"""The linear filter of least expected error: what can be done without a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bocage.superres._bicubic import FACTOR, fill_nearest, mask_back

SIDE = 7
"""Side of the window of coarse pixels that a fine pixel is estimated from."""

_REACH = SIDE // 2
_TAPS = SIDE * SIDE
_CENTRE = _TAPS // 2
_OTHER = "other"
_ROWS = 64  # coarse rows at a time: windows fit the cache


@dataclass(frozen=True, eq=False)
class Filters:
    """Filters by band.

    Attributes
    ----------
    bands
        Names; the last, ``other``, serves every band that has no filter of its own.
    weights
        float32 (band, 49, 16): from a window of 7 × 7 coarse pixels to 4 × 4 fine ones.
        The weights of each fine pixel sum to one.
    """

    bands: tuple[str, ...]
    weights: NDArray[np.float32]

    def of(self, band: str) -> NDArray[np.float32]:
        """The filter of a band."""
        name = band if band in self.bands else _OTHER
        found: NDArray[np.float32] = self.weights[self.bands.index(name)]
        return found


@cache
def shipped_filters() -> Filters:
    """The filters of the package (``data/lmmse.npz``; see docs/superres.md)."""
    path = resources.files("bocage.superres") / "data" / "lmmse.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return Filters(tuple(str(b) for b in data["bands"]), data["weights"])


class Moments:
    """Sums over pixels from which the filter of one band follows."""

    def __init__(self) -> None:
        self._square = np.zeros((_TAPS, _TAPS))
        self._cross = np.zeros((_TAPS, FACTOR**2))

    def add(self, coarse: NDArray[np.float32], fine: NDArray[np.float32]) -> None:
        """Count pairs: coarse (patch, y, x), fine (patch, 4 y, 4 x)."""
        windows = sliding_window_view(coarse, (SIDE, SIDE), axis=(1, 2))
        x = windows.reshape(-1, _TAPS).astype(np.float64)
        count, rows, columns = coarse.shape
        cells = fine.reshape(count, rows, FACTOR, columns, FACTOR).transpose(0, 1, 3, 2, 4)
        inner = cells[:, _REACH : rows - _REACH, _REACH : columns - _REACH]
        y = inner.reshape(-1, FACTOR**2).astype(np.float64)
        # Differences to the centre: the filter cannot see the level, and so keeps it.
        centre = x[:, _CENTRE : _CENTRE + 1]
        self._square += (x - centre).T @ (x - centre)
        self._cross += (x - centre).T @ (y - centre)

    def merge(self, others: Iterable[Moments]) -> Moments:
        """Sums of these pairs and of others."""
        total = Moments()
        for one in (self, *others):
            total._square += one._square
            total._cross += one._cross
        return total

    def solve(self) -> NDArray[np.float32]:
        """The filter, float32 (49, 16)."""
        weights = np.linalg.lstsq(self._square, self._cross, rcond=1e-12)[0]
        weights[_CENTRE] += 1 - weights.sum(axis=0)
        result: NDArray[np.float32] = weights.astype(np.float32)
        return result


def apply_filter(image: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter one band without NaN: (y, x) to (4 y, 4 x), edge pixels repeated."""
    rows, columns = image.shape
    padded = np.pad(image, _REACH, mode="edge")
    windows = sliding_window_view(padded, (SIDE, SIDE))
    out = np.empty((rows, FACTOR, columns, FACTOR), dtype=np.float32)
    for top in range(0, rows, _ROWS):
        part = windows[top : top + _ROWS]
        fine = part.reshape(-1, _TAPS) @ weights
        out[top : top + len(part)] = fine.reshape(len(part), columns, FACTOR, FACTOR).transpose(
            0, 2, 1, 3
        )
    return out.reshape(FACTOR * rows, FACTOR * columns)


class Lmmse:
    """A fixed linear filter for each band, fitted by least squares on degraded real images.

    The linear minimum mean square error estimate of a fine pixel from the 7 × 7 coarse pixels
    around it (Wiener filtering; Kay, 1993, Fundamentals of Statistical Signal Processing,
    chapter 12).
    """

    name: ClassVar[str] = "lmmse"
    any_unit: ClassVar[bool] = True
    consistency: ClassVar[str] = "psf"

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Four times the pixels along y and x; NaN where the source is NaN."""
        filters = shipped_filters()
        filled = fill_nearest(image)
        fine = np.stack(
            [apply_filter(b, filters.of(n)) for b, n in zip(filled, bands, strict=True)]
        )
        return mask_back(fine, image)
