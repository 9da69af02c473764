"""The pieces of chips that a training step looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.grid import GRID_RATIO
from bocage.model._chips import Chips


@dataclass(frozen=True, eq=False)
class Spot:
    """A square of a chip, from pixel (`y`, `x`) of 10 m, and the labels that it serves."""

    chip: int
    y: int
    x: int
    labels: NDArray[np.intp]


def find_spots(chips: Chips, use: NDArray[np.bool_], side: int) -> list[Spot]:
    """Cover labels with squares of `side` pixels of 10 m, each label by one.

    A label lies at least a quarter of the side inside its square, where the chip allows it.
    """
    found = []
    for chip in np.unique(chips.chip[use]):
        labels = np.flatnonzero((chips.chip == chip) & use)
        if side >= chips.chip_px:
            found.append(Spot(int(chip), 0, 0, labels))
            continue
        while len(labels):
            y, x = (
                _start(int(v[labels[0]]), side, chips.chip_px) for v in (chips.row, chips.column)
            )
            inside = _within(chips.row[labels], y, side, chips.chip_px)
            inside &= _within(chips.column[labels], x, side, chips.chip_px)
            found.append(Spot(int(chip), y, x, labels[inside]))
            labels = labels[~inside]
    return found


def _start(pixel: int, side: int, limit: int) -> int:
    """First 10 m pixel of a square that holds a 2.5 m pixel in its middle."""
    return min(max((pixel - 2 * (side - 1)) // GRID_RATIO, 0), limit - side)


def _within(pixels: NDArray[np.int32], start: int, side: int, limit: int) -> NDArray[np.bool_]:
    """Which 2.5 m pixels lie in the inner part of a square, or at a rim that it shares."""
    margin = side // 4
    low = 0 if start == 0 else start + margin
    high = limit if start + side == limit else start + side - margin
    inside: NDArray[np.bool_] = (pixels >= low * GRID_RATIO) & (pixels < high * GRID_RATIO)
    return inside
