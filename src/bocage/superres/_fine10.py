"""The network that the package ships: ten bands at once."""

from __future__ import annotations

from functools import cache, partial
from importlib import resources
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bocage.superres._bicubic import fill_nearest, mask_back
from bocage.superres._graph import Graph
from bocage.superres._lmmse import apply_filter, shipped_filters
from bocage.superres._psf import psf_table

_REACH = 20  # of the network, coarse pixels: 4 local mean, 14 convolutions, 2 to be even
_FINE_M = 10

TRAINED_MTF = (0.12, 0.35)
"""Modulation transfer at Nyquist of the images that the network was trained on."""


@cache
def _shipped(threads: int) -> tuple[Graph, tuple[str, ...]]:
    """The network and the bands it takes, in their order."""
    data = (resources.files("bocage.superres") / "data" / "fine10.onnx").read_bytes()
    graph = Graph(data, "the network of bocage.superres", margin=_REACH, threads=threads)
    return graph, tuple(graph.metadata()["bands"].split())


class Fine10:
    """Residual network on ten bands, trained by our own script (docs/superres.md).

    A band that the image lacks is stood in for by the nearest one in wavelength, as in
    training. Bands that the network does not know go through the linear filter of `lmmse`, and
    so do all bands when one of the four of 10 m is missing; `note` says which.
    """

    name: ClassVar[str] = "fine10"
    any_unit: ClassVar[bool] = True
    consistency: ClassVar[str] = "psf"
    trained_mtf: ClassVar[tuple[float, float]] = TRAINED_MTF

    def __init__(self, threads: int = 1) -> None:
        self._graph, self._known = _shipped(threads)

    def _through(self, bands: tuple[str, ...]) -> tuple[str, ...]:
        """The bands that go through the network."""
        table = psf_table()
        needed = [b for b in self._known if table[b].native_m == _FINE_M]
        if not set(needed) <= set(bands):
            return ()
        return tuple(b for b in self._known if b in bands)

    def note(self, bands: tuple[str, ...]) -> str:
        """What an image of these bands is made with besides the network; empty if nothing."""
        through = self._through(bands)
        linear = [b for b in bands if b not in through]
        said = []
        if linear:
            said.append(f"linear filter for {', '.join(linear)}")
        if through and len(through) < len(self._known):
            lack = [b for b in self._known if b not in through]
            said.append(f"network without {', '.join(lack)}")
        return "; ".join(said)

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Four times the pixels along y and x; NaN where the source is NaN."""
        filled = fill_nearest(image)
        through = self._through(bands)
        made: dict[str, NDArray[np.float32]] = {}
        if through:
            chosen = [min(through, key=partial(_apart, b)) for b in self._known]
            fine = self._graph.run(filled[[bands.index(b) for b in chosen]])
            made = {b: fine[self._known.index(b)] for b in through}
        filters = shipped_filters()
        for band, values in zip(bands, filled, strict=True):
            if band not in made:
                made[band] = apply_filter(values, filters.of(band))
        return mask_back(np.stack([made[b] for b in bands]), image)


def _apart(band: str, other: str) -> tuple[float, str]:
    """How far two bands are apart in wavelength; the name decides between equals."""
    table = psf_table()
    return abs(table[band].centre_nm - table[other].centre_nm), other
