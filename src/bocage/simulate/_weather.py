"""The sky and the ground of one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MELT_M = 70.0
"""Width in metres of height over which the snow thins out at its lower limit."""


@dataclass(frozen=True)
class Edge:
    """Edge of the swath: a line across the area, and the side that is seen.

    Attributes
    ----------
    x
        Where it crosses the middle row of the area, local metres.
    east
        Whether the east of it is seen.
    """

    x: float
    east: bool


@dataclass(frozen=True)
class Weather:
    """What the satellite meets on a pass.

    Attributes
    ----------
    day
        Day of the year.
    sun, azimuth
        Elevation and azimuth of the sun in degrees.
    cloud
        Share of the area under clouds.
    cirrus
        Share of the area under thin cirrus.
    haze
        Residual haze: reflectance that the correction of the air left in the blue band;
        below 0 where it took too much.
    snow, line_m
        Share of open ground under snow well above the snow line, and height of that line
        in metres above the sea.
    flood
        Share of the area that the main river floods.
    edge
        Edge of the swath, if it crosses the area.
    """

    day: float
    sun: float
    azimuth: float = 160.0
    cloud: float = 0.0
    cirrus: float = 0.0
    haze: float = 0.0
    snow: float = 0.0
    line_m: float = 0.0
    flood: float = 0.0
    edge: Edge | None = None

    def snow_at(self, height: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of open ground under snow at heights in metres above the sea."""
        if self.snow <= 0:
            return np.zeros(height.shape)
        above = np.clip((np.asarray(height, float) - self.line_m) / MELT_M, -30, 30)
        return self.snow / (1 + np.exp(-above))
