"""The sky between the ground and the satellite: clouds, their shadows, cirrus and haze."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._film import Film, resize
from bocage.simulate._instrument import SIZES, Band
from bocage.simulate._noise import FloatArray, fractal, uniform
from bocage.simulate._relief import sample
from bocage.simulate._streams import STEP
from bocage.simulate._weather import Weather

KINDS = ((700.0, 0.14, 5), (2300.0, 0.11, 6), (6500.0, 0.09, 6))
"""Wavelength in metres, softness of the edge and octaves of fair-weather clouds, of fields of
clouds and of sheets."""

BASE_M = (700.0, 2600.0)
"""Least and greatest height of clouds above the ground, metres."""

FAR_M = 20_000.0
"""Shift that keeps the coordinates of shadows positive: they come from far clouds."""

MISSED = 25.0
"""Standard deviation of the error with which the classification looks for shadows, metres."""


@dataclass(frozen=True)
class Sky:
    """The sky of a date on a film, each of shape (y, x) and float32, by pixel size.

    Attributes
    ----------
    cloud, shadow, cirrus
        Opacity of clouds, depth of their shadows and of cirrus, 0 … 1.
    haze
        Residual haze in reflectance of the blue band.
    sought
        Where the scene classification looks for shadows (20 m).
    """

    cloud: dict[int, FloatArray]
    shadow: dict[int, FloatArray]
    cirrus: dict[int, FloatArray]
    haze: dict[int, FloatArray]
    sought: FloatArray


def sky_over(film: Film, domain: Domain, weather: Weather, seed: Seed) -> Sky:
    """The sky of a date; the same over every film, so that zones agree where they overlap."""
    axis = domain.axis(STEP)
    rng = seed.rng("sky")
    wavelength, edge, octaves = KINDS[int(rng.choice(3, p=_kinds(weather)))]
    base = rng.uniform(*BASE_M)
    error = rng.normal(0, MISSED, 2)
    none = np.zeros(film.boxes[20].shape, np.float32)
    cloud, shadow, sought = none, none, none
    if weather.cloud > 0.002:

        def opacity(down: float, right: float, level: float | None) -> tuple[FloatArray, float]:
            field = fractal(
                axis + FAR_M + down,
                axis + FAR_M + right,
                wavelength,
                seed.at("clouds"),
                octaves=octaves,
                gain=0.58,
            )
            field = uniform(field)
            # Fields over small squares are not uniform: set the share by rank.
            if level is None:
                level = float(np.quantile(field, 1 - min(weather.cloud, 0.999)))
                level -= 0.35 * edge
            return np.clip((field - level) / edge, 0, 1).astype(np.float32), level

        over, level = opacity(0.0, 0.0, None)
        cloud = sample(film, over)
        # The shadow of a cloud lies on the far side from the sun: a place is in the shadow of
        # the cloud that stands from it towards the sun.
        reach = min(base / math.tan(math.radians(max(weather.sun, 5.0))), 0.9 * FAR_M)
        a = math.radians(weather.azimuth)
        down, right = -reach * math.cos(a), reach * math.sin(a)
        shadow = sample(film, opacity(down, right, level)[0]) * (1 - cloud)
        away = opacity(down + error[0], right + error[1], level)[0]
        sought = sample(film, away) * (1 - cloud)
    veil = none
    if weather.cirrus > 0:
        field = uniform(fractal(axis, axis, 4200, seed.at("cirrus"), octaves=3))
        veil = sample(film, np.clip((field - 1 + weather.cirrus) / 0.3, 0, 1).astype(np.float32))
    drift = sample(film, fractal(axis, axis, 9000, seed.at("haze"), octaves=2))
    haze = np.float32(weather.haze) * (1 + np.float32(0.35) * drift)
    return Sky(_all(cloud), _all(shadow), _all(veil), _all(haze.astype(np.float32)), sought)


def _all(field: FloatArray) -> dict[int, FloatArray]:
    return {size: resize(field, size) for size in SIZES}


def _kinds(weather: Weather) -> tuple[float, float, float]:
    """Chance of each kind of cloud: fair-weather clouds when the sun is high."""
    small = 0.45 if weather.sun > 45 else 0.12
    return small, 0.35, 0.65 - small


def through(
    value: FloatArray,
    sky: Sky,
    band: Band,
    weather: Weather,
    shift: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """A band as it leaves the correction of the air: not quite clean.

    Parameters
    ----------
    value
        Reflectance of the ground, NaN outside.
    shift
        Relative error of calibration and correction, and what it adds, for the band and date.
    """
    size = band.resolution_m
    cloud, shadow, cirrus = sky.cloud[size], sky.shadow[size], sky.cirrus[size]
    diffuse = band.diffuse(weather.sun)
    # Under a cloud the light of the sky is left, and some of the sun comes through its edges.
    dark = np.float32(0.74 * (1 - diffuse) ** 1.5)
    value = value * (np.float32(shift[0]) * (1 - dark * shadow))
    value = value + (sky.haze[size] * np.float32(band.haze) + np.float32(shift[1]))
    value = value * (1 - np.float32(2.0 * band.cirrus) * cirrus) + np.float32(band.cirrus) * cirrus
    value = value + cloud * (np.float32(band.cloud) - value)
    noise: NDArray[np.float32] = rng.standard_normal(value.shape, dtype=np.float32)
    noise *= band.noise(value, weather.sun)
    result: FloatArray = value + noise
    return result
