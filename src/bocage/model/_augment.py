"""Random views of a training chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GAIN, _OFFSET = 0.03, 0.05  # of the standardised reflectance, per band and per date


@dataclass(frozen=True)
class View:
    """A turn by `turns` quarters and, after it, a mirror."""

    turns: int
    mirror: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> View:
        """One of the eight views of a square."""
        return cls(int(rng.integers(4)), bool(rng.integers(2)))

    def pixels(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn the last two axes, which are of equal length."""
        turned = np.rot90(values, self.turns, axes=(-2, -1))
        return turned[..., ::-1] if self.mirror else turned

    def points(
        self, row: NDArray[np.int32], column: NDArray[np.int32], side: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where pixels of a square with `side` pixels go."""
        for _ in range(self.turns % 4):
            row, column = side - 1 - column, row
        return row, side - 1 - column if self.mirror else column


def hide_months(
    seen: NDArray[np.bool_], most: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Hide a random share (0 … `most`) of the months of a chip, (month, y, x).

    Pixels that would lose their last month keep what they have.
    """
    hidden = rng.random(len(seen)) < rng.uniform(0, most)
    left: NDArray[np.bool_] = seen & ~hidden[:, None, None]
    return np.where(left.any(axis=0), left, seen)


def jitter(
    series: NDArray[np.float32], bands: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Shift a standardised series (month, band × 16, y, x) a little per band and per date."""
    months, channels = series.shape[:2]
    gain = 1 + _GAIN * rng.standard_normal(bands)
    offset = _OFFSET * rng.standard_normal((months, bands))
    each = channels // bands
    gains = np.repeat(gain, each).astype(np.float32)[:, None, None]
    offsets = np.repeat(offset, each, axis=1).astype(np.float32)[:, :, None, None]
    return series * gains + offsets
