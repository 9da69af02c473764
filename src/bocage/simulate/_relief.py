"""Light on the relief: slopes that face the sun, and the shadows that mountains throw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.simulate._film import Film
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import FloatArray
from bocage.simulate._streams import STEP

RESIDUAL = 0.35
"""Share of the effect of the relief that is left after its correction (Level-2A)."""

RESIDUAL_SHADOW = 0.8
"""The same in shadows that mountains throw, which the correction mostly leaves."""

REACH_M = 3000.0
"""How far away mountains are looked for that hide the sun."""


@dataclass(frozen=True)
class Relief:
    """The relief on the pixels of 20 m of a film.

    Attributes
    ----------
    height
        Metres above the sea, float32 (y, x).
    east, north, up
        Parts of the unit vector that stands on the ground, float32 (y, x).
    """

    height: FloatArray
    east: FloatArray
    north: FloatArray
    up: FloatArray

    @property
    def slope(self) -> FloatArray:
        """Inclination of the ground in degrees."""
        result: FloatArray = np.degrees(np.arccos(np.clip(self.up, -1, 1))).astype(np.float32)
        return result


@dataclass(frozen=True)
class Light:
    """Light on the ground of a date against that on level ground, float32 (y, x), 20 m.

    Attributes
    ----------
    direct
        Light of the sun: cosine of the incidence over that on level ground, 0 in shadow.
    sky
        Light of the sky: the part of the sky that is seen.
    shadow
        Whether a mountain hides the sun.
    """

    direct: FloatArray
    sky: FloatArray
    shadow: NDArray[np.bool_]

    def factor(self, diffuse: float) -> FloatArray:
        """What the correction leaves of the effect on reflectance, for a share of diffuse light."""
        light = np.float32(1 - diffuse) * self.direct + np.float32(diffuse) * self.sky
        left = np.where(self.shadow, np.float32(RESIDUAL_SHADOW), np.float32(RESIDUAL))
        factor: FloatArray = np.clip(1 + left * (light - 1), np.float32(0.15), np.float32(1.8))
        return factor


def load_relief(film: Film, landscape: Landscape) -> Relief:
    """The relief of a landscape on a film."""
    return relief_of(sample(film, landscape.height))


def sample(film: Film, field: NDArray[np.floating]) -> FloatArray:
    """A field on the landscape's grid of 20 m at the pixels of 20 m of a film, linear."""
    ratio = FINE / STEP
    places = np.stack([film.rows[20] * ratio - 0.5, film.columns[20] * ratio - 0.5])
    out: FloatArray = ndimage.map_coordinates(
        field.astype(np.float32), places, order=1, mode="nearest", output=np.float32
    )
    return out


def relief_of(height: FloatArray) -> Relief:
    """Normals of a surface of heights in metres on pixels of 20 m, rows to the south."""
    height = ndimage.gaussian_filter(height, 0.7, mode="nearest")
    down, right = np.gradient(height, float(STEP))
    length = np.sqrt(1 + down**2 + right**2)
    return Relief(
        height.astype(np.float32),
        (-right / length).astype(np.float32),
        (down / length).astype(np.float32),
        (1 / length).astype(np.float32),
    )


def light_on(relief: Relief, elevation: float, azimuth: float) -> Light:
    """Light of a date.

    Parameters
    ----------
    elevation, azimuth
        Of the sun in degrees, azimuth from north over east.
    """
    e, a = math.radians(max(elevation, 3.0)), math.radians(azimuth)
    cosine = relief.up * math.sin(e) + math.cos(e) * (
        relief.east * math.sin(a) + relief.north * math.cos(a)
    )
    shadow = np.zeros(relief.height.shape, np.bool_)
    steepest = float(relief.height.max() - relief.height.min())
    # On gentle land nothing is high enough to hide the sun.
    if steepest > STEP * math.tan(e):
        reach = min(REACH_M, steepest / math.tan(e))
        _cast(relief.height, math.sin(a), math.cos(a), math.tan(e), reach, shadow)
    direct = np.where(shadow, 0, np.clip(cosine / math.sin(e), 0, 3)).astype(np.float32)
    return Light(direct, ((1 + relief.up) / 2).astype(np.float32), shadow)


@njit(cache=True, nogil=True)
def _cast(
    height: NDArray[np.float32],
    east: float,
    north: float,
    rise: float,
    reach: float,
    out: NDArray[np.bool_],
) -> None:
    """Walk towards the sun from every pixel; what stands above the ray hides it."""
    rows, columns = height.shape
    steps = int(reach / 20)
    top = height.max()
    for r in range(rows):
        for c in range(columns):
            for k in range(1, steps + 1):
                ray = height[r, c] + k * 20 * rise
                if ray > top:
                    break
                rr = round(r - k * north)
                cc = round(c + k * east)
                if rr < 0 or cc < 0 or rr >= rows or cc >= columns:
                    break
                if height[rr, cc] > ray + 1.0:
                    out[r, c] = True
                    break
