"""The scene classification that comes with the images, with the errors that it makes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.simulate._film import shrink
from bocage.simulate._noise import FloatArray
from bocage.simulate._relief import Light, Relief
from bocage.simulate._sky import Sky

STEEP = 14.0
"""Slope in degrees from which dark ground in shade is taken for water."""


class Scl(IntEnum):
    """Codes of the scene classification of the product (Sen2Cor)."""

    NO_DATA = 0
    DARK = 2
    SHADOW = 3
    VEGETATION = 4
    BARE = 5
    WATER = 6
    UNCLASSIFIED = 7
    CLOUD_LIKELY = 8
    CLOUD = 9
    CIRRUS = 10
    SNOW = 11


CLEAR = (Scl.VEGETATION, Scl.BARE, Scl.WATER)
"""Classes in which the ground is seen as it is."""


def classify(
    bands: dict[str, FloatArray],
    sky: Sky,
    relief: Relief,
    light: Light,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Scene classification at 20 m.

    Its errors are those that users of the product know: thin clouds and edges are missed or
    widened, bright roofs and sand are taken for clouds, shadows are looked for in a slightly
    wrong place, dark slopes are taken for water, water for shadow, and snow and cloud for
    each other.
    """
    red, near, green, blue = (shrink(bands[b], 2) for b in ("B04", "B08", "B03", "B02"))
    swir, far = bands["B11"], bands["B12"]
    valid = np.isfinite(red) & np.isfinite(swir)
    red, near, green, blue, swir, far = (
        np.nan_to_num(v, nan=0.1) for v in (red, near, green, blue, swir, far)
    )
    ndvi = _index(near, red)
    ndsi = _index(green, swir)
    wobble = _patches(rng, valid.shape, 3)
    broad = _patches(rng, valid.shape, 8)
    dice = rng.random(valid.shape, dtype=np.float32)

    scl = np.where(ndvi > 0.32, Scl.VEGETATION, Scl.BARE).astype(np.uint8)
    scl[(ndvi > 0.18) & (ndvi < 0.32) & (dice < 0.15)] = Scl.UNCLASSIFIED
    water = (near < 0.12) & (swir < 0.075) & (ndvi < 0.32) & (_index(green, near) > 0.12)
    dark = (near < 0.13) & (swir < 0.10) & (blue < 0.05)
    scl[dark & ~water & (ndvi < 0.45)] = Scl.DARK
    scl[water] = Scl.WATER
    _confuse_relief(scl, water, dark & (ndvi < 0.6), relief, light, wobble, dice)
    snow = (ndsi > 0.4) & (green > 0.2) & (near > 0.12)
    scl[snow] = Scl.SNOW
    # Fresh snow looks like cloud to a test of brightness, more so where it is patchy.
    scl[snow & (broad > 1.25)] = Scl.CLOUD_LIKELY

    cloud, cirrus = sky.cloud[20], sky.cirrus[20]
    scl[cirrus + 0.10 * wobble > 0.45] = Scl.CIRRUS
    seen = (sky.sought + 0.15 * wobble > 0.40) & (near < 0.24)
    scl[seen & (scl != Scl.SNOW)] = Scl.SHADOW
    # The detector is not sure where clouds are thin: its threshold varies from place to place.
    likely = cloud + np.minimum(0.14, 0.035 + cloud) * wobble
    found = likely > 0.34
    scl[found] = Scl.CLOUD_LIKELY
    scl[likely > 0.75] = Scl.CLOUD
    scl[(likely > 0.22) & ~found & (dice < 0.4)] = Scl.UNCLASSIFIED
    # Cold high clouds have dark shortwave infrared: some are taken for snow.
    scl[found & (ndsi > 0.25) & (broad > 1.5)] = Scl.SNOW
    # Bright roofs, greenhouses and sand look like clouds, whole objects at a time.
    bright = (blue > 0.16) & (red > 0.20) & (ndvi < 0.22) & (ndsi < 0.2) & ~found
    scl[bright & (red + 0.05 * wobble > 0.27)] = Scl.CLOUD_LIKELY
    scl[~valid] = Scl.NO_DATA
    return scl


def _confuse_relief(
    scl: NDArray[np.uint8],
    water: NDArray[np.bool_],
    dark: NDArray[np.bool_],
    relief: Relief,
    light: Light,
    wobble: FloatArray,
    dice: FloatArray,
) -> None:
    """Shaded slopes are taken for water or shadow, and some water for shadow."""
    shaded = (light.direct < 0.45) & (relief.slope > STEEP) | light.shadow
    scl[dark & shaded & (wobble > 1.0)] = Scl.WATER
    scl[dark & shaded & (wobble < -0.9)] = Scl.SHADOW
    scl[water & ~shaded & (wobble > 1.9) & (dice < 0.7)] = Scl.SHADOW


def _index(one: FloatArray, other: FloatArray) -> FloatArray:
    result: FloatArray = (one - other) / np.maximum(one + other, np.float32(1e-3))
    return result


def _patches(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> FloatArray:
    """Smooth noise with standard deviation 1 of patches of some pixels."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), size)
    result: FloatArray = field * np.float32(2 * size * np.sqrt(np.pi))
    return result
