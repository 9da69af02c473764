"""Windows of a raster, and tiles."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


class Window(NamedTuple):
    """Rows ``top:bottom`` and columns ``left:right``; may reach beyond the raster."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def rows(self) -> slice:
        """The rows, for indexing."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """The columns, for indexing."""
        return slice(self.left, self.right)

    def grown(self, pixels: int) -> Window:
        """The window and some pixels around it."""
        return Window(
            self.top - pixels, self.bottom + pixels, self.left - pixels, self.right + pixels
        )

    def within(self, shape: tuple[int, int]) -> Window:
        """What of the window lies in a raster of a shape."""
        return Window(
            max(self.top, 0),
            min(self.bottom, shape[0]),
            max(self.left, 0),
            min(self.right, shape[1]),
        )

    def moved(self, rows: int, columns: int) -> Window:
        """The same window some rows further down and some columns further right."""
        return Window(
            self.top + rows, self.bottom + rows, self.left + columns, self.right + columns
        )

    def meets(self, other: Window) -> bool:
        """Whether two windows have pixels in common."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right


class Tiles(NamedTuple):
    """A raster cut into rows and columns of tiles; `rows` and `columns` are the cuts."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, int], size: int) -> Tiles:
        """Tiles of at most `size` pixels a side, as equal as can be."""
        rows, columns = (
            np.linspace(0, length, math.ceil(length / size) + 1).astype(int).tolist()
            for length in shape
        )
        return cls(tuple(rows), tuple(columns))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the raster."""
        return self.rows[-1], self.columns[-1]

    def windows(self) -> list[Window]:
        """The tiles, row by row."""
        return [
            Window(*rows, *columns)
            for rows in pairwise(self.rows)
            for columns in pairwise(self.columns)
        ]


def cut(values: NDArray[T], window: Window, fill: int) -> NDArray[T]:
    """The last two axes of an array within a window that may reach beyond it."""
    result = np.full((*values.shape[:-2], *window.shape), fill, dtype=values.dtype)
    there = window.within((values.shape[-2], values.shape[-1]))
    if there.top < there.bottom and there.left < there.right:
        to = there.moved(-window.top, -window.left)
        result[..., to.rows, to.columns] = values[..., there.rows, there.columns]
    return result
