"""A network in the ONNX format, run over an image of any size in tiles that leave no seams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.graphs import ORT_ERRORS, open_graph
from bocage.superres._bicubic import FACTOR

TILE = 512
"""Side of a tile in coarse pixels, without its margin."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A network from (1, band, y, x) to (1, band, 4 y, 4 x).

    Attributes
    ----------
    data
        The ONNX file.
    source
        Where it came from, for messages.
    margin
        Coarse pixels around a tile that are computed and thrown away. When it is at least the
        reach of the network, tiles fit together as if there were none.
    tile
        Side of a tile in coarse pixels.
    threads
        Threads of the runtime.
    """

    data: bytes = field(repr=False)
    source: str
    margin: int
    tile: int = TILE
    threads: int = 1

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_graph(self.data, self.threads, self.source, "give an ONNX file of a network")

    def metadata(self) -> dict[str, str]:
        """What the file says about itself."""
        found: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply the network.

        Parameters
        ----------
        image
            float32 (band, y, x) without NaN.

        Returns
        -------
        numpy.ndarray
            float32 (band, 4 y, 4 x).
        """
        bands, rows, columns = image.shape
        out = np.empty((bands, FACTOR * rows, FACTOR * columns), dtype=np.float32)
        name = self._session.get_inputs()[0].name
        for tile in tiles(rows, columns, self.tile, self.margin):
            part = np.ascontiguousarray(image[:, *tile.read])[None]
            try:
                fine = self._session.run(None, {name: part})[0]
            except ORT_ERRORS as error:
                raise InputError(
                    f"{self.source} cannot be run on {bands} bands: {error}",
                    remedy="give the bands that it was trained with",
                ) from error
            expected = (1, bands, *(FACTOR * n for n in part.shape[2:]))
            if fine.shape != expected:
                raise InputError(
                    f"{self.source} makes {fine.shape} of {part.shape}, not {expected}",
                    remedy=f"it must keep the bands and make {FACTOR} times the pixels a side",
                )
            out[:, *tile.write] = fine[0][:, *tile.keep]
        return out


@dataclass(frozen=True)
class Tile:
    """Slices (y, x) of one tile.

    Attributes
    ----------
    read
        With its margin, in the coarse image.
    keep
        The tile, in the fine image made of what was read.
    write
        The tile, in the whole fine image.
    """

    read: tuple[slice, slice]
    keep: tuple[slice, slice]
    write: tuple[slice, slice]


def tiles(rows: int, columns: int, side: int, margin: int) -> Iterator[Tile]:
    """Cut an image of `rows` × `columns` coarse pixels into tiles."""
    for down in _spans(rows, side, margin):
        for across in _spans(columns, side, margin):
            read, keep, write = zip(down, across, strict=True)
            yield Tile(read, keep, write)


def _spans(count: int, side: int, margin: int) -> list[tuple[slice, slice, slice]]:
    # Parts of equal length, so that none is a sliver.
    parts = max(1, round(count / side))
    edges = [round(i * count / parts) for i in range(parts + 1)]
    found = []
    for start, stop in pairwise(edges):
        first, last = max(0, start - margin), min(count, stop + margin)
        inner = slice(FACTOR * (start - first), FACTOR * (stop - first))
        found.append((slice(first, last), inner, slice(FACTOR * start, FACTOR * stop)))
    return found
