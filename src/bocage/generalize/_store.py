"""Classes of a large raster in files, of which only windows are in memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Codes
from bocage.legend import OUTSIDE

_CLASSES, _DRAWN = "classes.npy", "drawn.npy"


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
        """Tiles of at most `size` pixels a side."""
        rows, columns = ((*range(0, length, size), length) for length in shape)
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


@dataclass(frozen=True)
class Store:
    """Files that hold a raster while it is generalised.

    Attributes
    ----------
    folder
        Where the files are.
    """

    folder: Path

    @classmethod
    def create(cls, folder: Path, shape: tuple[int, ...]) -> Store:
        """Files for a raster of a shape (years, y, x), all outside."""
        for name, size, fill in ((_CLASSES, shape, OUTSIDE), (_DRAWN, shape[1:], 0)):
            file = np.lib.format.open_memmap(
                folder / name, mode="w+", dtype=np.uint8, shape=tuple(size)
            )
            for row in range(0, shape[1], 1024):
                file[..., row : row + 1024, :] = fill
            file.flush()
        return cls(folder)

    def read(self, window: Window) -> tuple[Codes, Bools]:
        """Classes (years, y, x) and drawn lines (y, x) of a window; OUTSIDE beyond the raster."""
        return self._cut(_CLASSES, window, OUTSIDE), self._cut(_DRAWN, window, 0) != 0

    def write(self, window: Window, classes: Codes, drawn: Bools | None = None) -> None:
        """Put classes, and drawn lines if they are given, into a window inside the raster."""
        rows, columns = slice(window.top, window.bottom), slice(window.left, window.right)
        file = np.load(self.folder / _CLASSES, mmap_mode="r+")
        file[:, rows, columns] = classes
        file.flush()
        if drawn is not None:
            file = np.load(self.folder / _DRAWN, mmap_mode="r+")
            file[rows, columns] = drawn
            file.flush()

    def _cut(self, name: str, window: Window, fill: int) -> NDArray[np.uint8]:
        file = np.load(self.folder / name, mmap_mode="r")
        there = window.within((file.shape[-2], file.shape[-1]))
        found = np.full((*file.shape[:-2], *window.shape), fill, np.uint8)
        if there.top < there.bottom and there.left < there.right:
            rows = slice(there.top - window.top, there.bottom - window.top)
            columns = slice(there.left - window.left, there.right - window.left)
            found[..., rows, columns] = file[
                ..., there.top : there.bottom, there.left : there.right
            ]
        return found
