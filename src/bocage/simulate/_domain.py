"""The square that is simulated, and where its pixels lie."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from bocage.grid import FINE, geobox

MARGIN = 480
"""Least width in metres of the land that is simulated around the area."""

COARSE = 40
"""Pixel size in metres of the grid on which roads are planned; the side is a multiple of it."""


@dataclass(frozen=True)
class Domain:
    """A square of land around a centre.

    Inside the room places are given in local metres: x to the east and y to the
    south of the north-western corner, so that a row is ``y / step``.

    Attributes
    ----------
    center
        Easting and northing of the centre in metres, EPSG:3035.
    half
        Half the side of the mapped area in metres.
    margin
        Width in metres of the land around it.
    """

    center: tuple[int, int]
    half: int
    margin: int

    @classmethod
    def around(cls, center: tuple[int, int], size_km: float) -> Domain:
        """Domain of a mapped area of about `size_km` (rounded to 20 m)."""
        half = round(size_km * 1000 / 20) * 10
        margin = MARGIN
        while (2 * (half + margin)) % COARSE:
            margin += 10
        return cls(center, half, margin)

    @property
    def side(self) -> int:
        """Side of the simulated square in metres."""
        return 2 * (self.half + self.margin)

    @property
    def west(self) -> int:
        """Easting of the western edge."""
        return self.center[0] - self.half - self.margin

    @property
    def north(self) -> int:
        """Northing of the northern edge."""
        return self.center[1] + self.half + self.margin

    @property
    def area_km2(self) -> float:
        """Simulated area in square kilometres."""
        return self.side**2 / 1e6

    def count(self, step: float) -> int:
        """Pixels along a side."""
        return round(self.side / step)

    def axis(self, step: float) -> NDArray[np.float64]:
        """Local coordinates of the pixel centres along a side."""
        centers: NDArray[np.float64] = (np.arange(self.count(step)) + 0.5) * np.float64(step)
        return centers

    def geobox(self, step: float = FINE) -> GeoBox:
        """Pixel grid of the square in EPSG:3035."""
        return geobox((self.west, self.north - self.side, self.west + self.side, self.north), step)

    def local_affine(self, step: float = FINE) -> Affine:
        """Transform of pixel positions to local metres."""
        return Affine(step, 0, 0, 0, step, 0)

    def to_map(self, geometry: BaseGeometry) -> BaseGeometry:
        """A geometry in local metres as one in EPSG:3035."""
        moved: BaseGeometry = shapely.transform(
            geometry, lambda xy: np.column_stack([self.west + xy[:, 0], self.north - xy[:, 1]])
        )
        return moved


@dataclass(frozen=True)
class Seed:
    """A seed from which every random step gets its own, by name.

    A step's draw does not depend on how many others were drawn before it.
    """

    value: int
    scope: str = ""

    def at(self, *names: object) -> int:
        """Seed (31 bit) of a named step."""
        text = "/".join([str(self.value), self.scope, *map(str, names)])
        return zlib.crc32(text.encode()) & 0x7FFFFFFF

    def rng(self, *names: object) -> np.random.Generator:
        """Random generator of a named step."""
        return np.random.Generator(np.random.PCG64(self.at(*names)))
