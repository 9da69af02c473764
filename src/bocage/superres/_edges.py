"""How sharp the natural edges of an image are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SPAN_M = 40.0
_SMOOTH_M = 7.5
_SHOULDER = 0.3  # share of a profile at each end that is taken for the level of a field
_STRONGEST = 0.95  # quantile of the gradient from which a place is an edge
_STEADY = 0.12  # spread of a shoulder beside the step
_LEAST = 25
_ENOUGH = 50  # for what is judged by itself, without another image beside it

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Sharpness:
    """The mean edge of an image.

    Attributes
    ----------
    width_m
        Metres between 20 % and 80 % of the step.
    mtf
        Modulation transfer at the Nyquist frequency of 10 m pixels, one wave in 20 m; the
        contrast of the ground itself is in it, so compare images, not sensors.
    edges
        How many edges it is the median of.
    """

    width_m: float
    mtf: float
    edges: int


def edge_places(plane: Plane, pixel_m: float) -> NDArray[np.float64]:
    """Places and directions of strong edges: rows of (y, x, down, right), the last of length 1."""
    half = int(np.ceil(_SPAN_M / pixel_m)) + 2
    if min(plane.shape) <= 2 * half:
        return np.empty((0, 4))
    smooth = ndimage.gaussian_filter(plane.astype(np.float64), _SMOOTH_M / pixel_m)
    down, right = np.gradient(smooth)
    strength = np.hypot(down, right)
    inner = np.zeros(plane.shape, dtype=bool)
    inner[half:-half, half:-half] = True
    strong = inner & (strength >= np.quantile(strength[inner], _STRONGEST)) & (strength > 0)
    y, x = np.nonzero(strong)
    unit = np.stack([down[y, x], right[y, x]]) / strength[y, x]
    # Only crests: neighbours along the gradient are weaker.
    crest = np.ones(len(y), dtype=bool)
    for step in (-1.0, 1.0):
        beside = ndimage.map_coordinates(strength, np.stack([y, x]) + step * unit, order=1)
        crest &= strength[y, x] >= beside
    return np.stack([y, x, *unit], axis=1)[crest]


def edge_sharpness(plane: Plane, places: NDArray[np.float64], pixel_m: float) -> Sharpness | None:
    """Sharpness of the edges at some places; None where too few stand between steady fields.

    Parameters
    ----------
    plane
        One band (y, x).
    places
        What `edge_places` gave for the same ground, so that images are compared on one set.
    pixel_m
        Pixel size.
    """
    along = _along(pixel_m)
    chosen = _profiles(plane, places, along / pixel_m)
    if len(chosen) < _LEAST:
        return None
    median = np.median(chosen, axis=0)
    edge = np.maximum.accumulate(median)
    spread = np.diff(median)
    middles = (along[:-1] + along[1:]) / 2
    wave = np.abs((spread * np.exp(2j * np.pi * middles / 20)).sum()) / abs(spread.sum())
    left, right = (float(np.interp(q, edge, along)) for q in (0.2, 0.8))
    return Sharpness(right - left, float(wave), len(chosen))


def overshoot(plane: Plane, pixel_m: float) -> float | None:
    """By how much edges ring on both sides, as a share of their step; None with too few edges.

    The median profile of strong edges between steady fields, beyond the levels of the fields, on
    the side where it goes less far: a hedge or a road along an edge rises on one side only.
    Sensors do not ring; sharpening filters do.
    """
    places = edge_places(plane, pixel_m)
    chosen = _profiles(plane, places, _along(pixel_m) / pixel_m)
    if len(chosen) < _ENOUGH:
        return None
    median = np.median(chosen, axis=0)
    return float(min(median.max() - 1, -median.min()))


def _along(pixel_m: float) -> NDArray[np.float64]:
    """Metres along a profile."""
    return np.linspace(-_SPAN_M, _SPAN_M, round(2 * _SPAN_M / pixel_m) + 1)


def _profiles(
    plane: Plane, places: NDArray[np.float64], along: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Profiles (edge, step) of the edges between steady fields, of 0 and of 1.

    Parameters
    ----------
    plane
        One band (y, x).
    places
        From `edge_places`.
    along
        Steps, pixels.
    """
    at = places[:, :2, None] + places[:, 2:, None] * along
    values = plane.astype(np.float64)
    profiles = ndimage.map_coordinates(values, at.transpose(1, 0, 2), order=1, mode="nearest")
    rim = int(len(along) * _SHOULDER)
    low, high = profiles[:, :rim], profiles[:, -rim:]
    step = high.mean(axis=1) - low.mean(axis=1)
    steady = np.maximum(low.std(axis=1), high.std(axis=1)) < _STEADY * step
    return np.asarray(
        (profiles[steady] - low[steady].mean(axis=1)[:, None]) / step[steady][:, None]
    )
