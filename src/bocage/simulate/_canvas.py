"""What landscapes are painted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.simulate._noise import IntArray
from bocage.simulate._tables import land_index

BARE = 255
"""No cover of its own: the pixel looks like its kind of land."""


@dataclass
class Canvas:
    """What is painted on: layers of the same shape that later painters change in place.

    Attributes
    ----------
    land
        Kind of land (position in ``_tables.lands``), uint8.
    obj
        Number of the object, int32; objects look a little different from each other.
    cover
        Cover that thin things have although they are no land of their own, or `BARE`, uint8.
    angle
        Direction of the rows of each object in radians.
    """

    land: NDArray[np.uint8]
    obj: IntArray
    cover: NDArray[np.uint8]
    angle: list[float]

    def new_objects(self, angles: list[float]) -> int:
        """Make room for objects; the number of the first."""
        first = len(self.angle)
        self.angle.extend(angles)
        return first

    def paint(self, key: str, drawn: IntArray, turn: float = 0.0) -> None:
        """Give pixels a kind of land.

        Parameters
        ----------
        key
            Kind of land.
        drawn
            Number of the object of each pixel, from 1; 0 where nothing is painted.
        turn
            Direction of the rows of the objects in radians.
        """
        first = self.new_objects([turn] * int(drawn.max(initial=0))) - 1
        where = drawn > 0
        self.land[where] = land_index()[key]
        self.obj[where] = first + drawn[where]
        self.cover[where] = BARE

    def fill(self, key: str, mask: NDArray[np.bool_], turn: float = 0.0) -> None:
        """Give pixels a kind of land; each connected part of a mask is an object."""
        label, _ = ndimage.label(mask)
        self.paint(key, label, turn)
