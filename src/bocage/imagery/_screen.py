"""Clouds, haze and shadows that a mask has missed: what stands out against the dates around.

A cloud or haze brightens the blue band and lifts it off the line of soils and plants (HOT, blue
less half the red); a shadow darkens near and short-wave infrared together. Both last for a day. A
pixel of a date is compared with the clear dates before and after it, and it is an outlier only
where it stands out against both sides: what stays (harvest, ploughing, growth, a felled wood)
agrees with one of them. Reviewed by eye in docs/mosaics.md.

Sources: Zhang, Guindon and Cihlar (2002), Remote Sensing of Environment 82, 173–187 (HOT);
Hagolle et al. (2010), Remote Sensing of Environment 114, 1747–1755 (rise of the blue band against
earlier dates, and that a rise of the red band means soil); Xu (2006), International Journal of
Remote Sensing 27, 3025–3033 (MNDWI); Hall and Riggs (2007), Hydrological Processes 21, 1534–1547
(NDSI).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from bocage.imagery._masks import dilate

CLOUD_BANDS = ("B02", "B04")
SHADOW_BANDS = ("B03", "B8A", "B11")
SCREEN_BANDS = (*CLOUD_BANDS, *SHADOW_BANDS)
"""Bands that the screening looks at; B08 stands in for B8A."""

CLOUD = (0.040, 0.022)
"""Rise of the blue band, and twice that of HOT, above both sides that is a cloud for certain, and
one that belongs to a cloud beside it; reflectance."""

SHADOW = (0.22, 0.13)
"""The same for the share that near and short-wave infrared both lack of both sides."""

ONE_SIDED = 0.15
"""Added to both where there are dates on one side only: leaves fall, fields are harvested."""

NEAR = 3
"""Clear dates on each side that a date is compared with."""

SPAN_DAYS = 60
"""How far they may lie away."""

WINDOW = 5
"""Pixels that are averaged before comparing."""

REACH = 7
"""Pixels that a cloud is followed into the weaker range."""

GROWTH = 2
"""Pixels that what was found is grown by."""

RADIUS = 3 * (WINDOW // 2) + 1 + REACH + GROWTH
"""Pixels around a pixel that what is found there depends on: the halo of a block of 160 m."""

HAZE_UNIT = 0.001
"""Reflectance of one count of `Screened.haze`."""

SNOW_NDSI = 0.4
_SNOW_NIR = 0.15
_WATER_NIR = 0.15
_LEAST, _MIDDLE, _MOST = 0, 1, 2

Stack = NDArray[np.float32]
Mask = NDArray[np.bool_]
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Screened:
    """What the screening of a series found.

    Attributes
    ----------
    cloud, shadow
        bool (date, y, x), within what was taken for clear.
    haze
        uint8 (date, y, x): how far blue and HOT stand above both sides, in `HAZE_UNIT`,
        averaged over `WINDOW`; 0 where they do not.
    """

    cloud: Mask
    shadow: Mask
    haze: NDArray[np.uint8]


def screen(bands: Mapping[str, Stack], clear: Mask, days: NDArray[np.int64]) -> Screened:
    """Find clouds, haze and shadows that stand out against the dates before and after.

    Parameters
    ----------
    bands
        Reflectance (date, y, x) of `CLOUD_BANDS`, and of `SHADOW_BANDS` where shadows are to be
        found too.
    clear
        What the mask takes for clear, bool (date, y, x).
    days
        Day of each date, rising.

    Notes
    -----
    Snow is kept where a neighbouring date shows snow too; snow of a single date cannot be told
    from an ice cloud and is left out. Water is never taken for a shadow: floods are kept.
    """
    clear = clear & np.all([np.isfinite(b) for b in bands.values()], axis=0)
    kept = ~_lasting_snow(bands, clear, days)
    sought = clear & kept
    blue = bands["B02"]
    hot = blue - np.float32(0.5) * bands["B04"]
    usable, rise = clear, np.zeros_like(blue)
    for _ in range(2):
        # What the first turn finds no longer counts as a neighbour in the second.
        rise = np.minimum(
            blue - _around(blue, usable, days, _LEAST)[0],
            2 * (hot - _around(hot, usable, days, _LEAST)[0]),
        )
        rise = _smooth(rise, sought)
        usable = clear & ~(rise > CLOUD[1])
    cloud = _follow(rise, *CLOUD) & sought
    shadow = np.zeros_like(cloud)
    if all(b in bands for b in SHADOW_BANDS):
        shadow = _follow(_darkening(bands, usable, sought, days), *SHADOW) & sought
    with np.errstate(invalid="ignore"):
        counts = np.clip(rise / HAZE_UNIT, 0, 255)
    return Screened(cloud, shadow, np.nan_to_num(counts).astype(np.uint8))


def snow(bands: Mapping[str, Stack]) -> Mask:
    """Whether pixels look like snow: NDSI, and bright in near infrared, which water is not."""
    green, nir, swir = (bands[b] for b in SHADOW_BANDS)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Mask = ((green - swir) / (green + swir) > SNOW_NDSI) & (nir > _SNOW_NIR)
    return found


def _lasting_snow(bands: Mapping[str, Stack], clear: Mask, days: NDArray[np.int64]) -> Mask:
    """Snow that a neighbouring date shows too."""
    if not all(b in bands for b in SHADOW_BANDS):
        return np.zeros_like(clear)
    white = snow(bands) & clear
    if not white.any():
        return white
    beside, _ = _around(white.astype(np.float32), clear, days, _MOST)
    lasting: Mask = white & (beside > 0)
    return lasting


def _darkening(
    bands: Mapping[str, Stack], usable: Mask, sought: Mask, days: NDArray[np.int64]
) -> Stack:
    """Share of near and short-wave infrared that is lacking, the lesser of both; averaged."""
    green, nir, swir = (bands[b] for b in SHADOW_BANDS)
    parts = []
    lonely = np.zeros_like(usable)
    for band in (nir, swir):
        level, sides = _around(band, usable, days, _MIDDLE)
        lonely |= sides < 2
        parts.append(1 - band / np.maximum(level, np.float32(1e-3)))
    lack = np.minimum(*parts) - np.float32(ONE_SIDED) * lonely
    water = (green > swir) & (nir < _WATER_NIR)
    return _smooth(np.where(water, np.float32(0), lack), sought)


def _smooth(values: Stack, clear: Mask) -> Stack:
    """Mean over a window, of clear pixels only; NaN where the middle is not clear."""
    out = np.full(values.shape, np.nan, dtype=np.float32)
    for number, (image, inside) in enumerate(zip(values, clear, strict=True)):
        known = inside & np.isfinite(image)
        if known.any():
            weight = ndimage.uniform_filter(known.astype(np.float32), WINDOW)
            total = ndimage.uniform_filter(np.where(known, image, 0), WINDOW)
            out[number][known] = total[known] / weight[known]
    return out


def _follow(score: Stack, strong: float, weak: float) -> Mask:
    """Certain pixels in threes, what hangs together with them, and a margin."""
    found = np.zeros(score.shape, dtype=bool)
    for number, image in enumerate(score):
        with np.errstate(invalid="ignore"):
            seed = ndimage.binary_opening(image > strong, _EIGHT)
            if seed.any():
                grown = ndimage.binary_dilation(seed, _EIGHT, REACH, mask=image > weak)
                found[number] = dilate(grown, GROWTH)
    return found


def _around(
    values: Stack, clear: Mask, days: NDArray[np.int64], which: int
) -> tuple[Stack, NDArray[np.uint8]]:
    """What the clear dates on both sides of each pixel say; NaN where there are none.

    Returns
    -------
    tuple of numpy.ndarray
        The higher of the least values of both sides (``_LEAST``), the lower of the medians
        (``_MIDDLE``) or the most of all (``_MOST``); and on how many sides there is a date.
    """
    count = len(days)
    # The dates of a pixel side by side: each pixel is looked at on its own.
    flat = np.ascontiguousarray(values.reshape(count, -1).T)
    inside = np.ascontiguousarray(clear.reshape(count, -1).T)
    out = np.full(flat.shape, np.nan, dtype=np.float32)
    sides = np.zeros(flat.shape, dtype=np.uint8)
    _around_compiled(flat, inside, days, which, NEAR, SPAN_DAYS, out, sides)
    return out.T.reshape(values.shape), sides.T.reshape(values.shape)


@njit(cache=True, nogil=True)
def _around_compiled(
    values: Stack,
    clear: Mask,
    days: NDArray[np.int64],
    which: int,
    near: int,
    span: int,
    out: Stack,
    sides: NDArray[np.uint8],
) -> None:
    pixels, count = values.shape
    some = np.empty(near, np.float32)  # values of one side, rising
    for pixel in range(pixels):
        for now in range(count):
            best = np.float32(np.nan)
            for step in (-1, 1):
                number, at = 0, now + step
                while 0 <= at < count and number < near and abs(days[at] - days[now]) <= span:
                    if clear[pixel, at]:
                        value, place = values[pixel, at], number
                        while place > 0 and some[place - 1] > value:
                            some[place] = some[place - 1]
                            place -= 1
                        some[place] = value
                        number += 1
                    at += step
                if number == 0:
                    continue
                sides[pixel, now] += 1
                if which == 0:
                    one = some[0]
                elif which == 1:
                    one = (some[(number - 1) // 2] + some[number // 2]) / np.float32(2)
                else:
                    one = some[number - 1]
                if np.isnan(best) or (one < best) == (which == 1):
                    best = one
            out[pixel, now] = best
