"""Layers of a large raster in files, of which only windows are in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bocage.generalize._window import Window, cut
from bocage.legend import OUTSIDE

_LAYERS: dict[str, tuple[type[np.generic], int]] = {
    "classes": (np.uint8, OUTSIDE),
    "drawn": (np.bool_, 0),
    "locked": (np.bool_, 0),
    "inside": (np.bool_, 0),
    "labels": (np.int32, -1),
}
_ROWS = 1024  # rows that are filled at once


@dataclass(frozen=True)
class Store:
    """Files that hold a raster while it is generalised.

    The layers are ``classes``, uint8 (years, y, x), and, with dims (y, x): ``drawn``, ``locked``
    and ``inside``, bool, as `Frame` and `Regions` have them, and ``labels``, int32, of regions.

    Attributes
    ----------
    folder
        Where the files are.
    """

    folder: Path

    @classmethod
    def create(cls, folder: Path, shape: tuple[int, int, int]) -> Store:
        """Files for a raster of a shape (years, y, x), all outside."""
        for layer, (dtype, fill) in _LAYERS.items():
            size = shape if layer == "classes" else shape[1:]
            file = np.lib.format.open_memmap(
                folder / f"{layer}.npy", mode="w+", dtype=dtype, shape=size
            )
            if fill:
                for row in range(0, shape[1], _ROWS):
                    file[..., row : row + _ROWS, :] = fill
            file.flush()
        return cls(folder)

    def read(self, layer: str, window: Window) -> NDArray[Any]:
        """A layer in a window, which may reach beyond the raster: outside is what lies there."""
        file = np.load(self.folder / f"{layer}.npy", mmap_mode="r")
        return cut(np.asarray(file), window, _LAYERS[layer][1])

    def write(self, layer: str, window: Window, values: NDArray[Any]) -> None:
        """Put values into a window inside the raster."""
        file = np.load(self.folder / f"{layer}.npy", mmap_mode="r+")
        file[..., window.rows, window.columns] = values
        file.flush()
