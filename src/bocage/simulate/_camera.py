"""What a satellite sees of a scene on a date: the ground, the light on it and the sky."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._expose import Scene, expose, hidden_water, textures
from bocage.simulate._film import Film, resize
from bocage.simulate._flood import flood_water
from bocage.simulate._instrument import SIZES, bands
from bocage.simulate._noise import FloatArray
from bocage.simulate._relief import Relief, light_on, sample
from bocage.simulate._scl import Scl, classify
from bocage.simulate._sky import sky_over, through
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS
from bocage.simulate._weather import Weather

SHIFT_M = 3.0
"""Standard deviation in metres of the misregistration between dates, along each axis."""

BAND_SHIFT_M = 0.8
"""The same between the pixel sizes of one date."""

GAIN = 0.012
"""Standard deviation of the relative error of calibration and correction of a band."""

OFFSET = 0.0015
"""Standard deviation of what that error adds, reflectance."""

EDGE_TILT = math.tan(math.radians(12.0))
"""Slope of the edges of the swath from the north: they lean to the east there."""

__all__ = ["Image", "Scene", "take", "textures"]


@dataclass(frozen=True)
class Image:
    """One date on one film.

    Attributes
    ----------
    bands
        Reflectance of each band, float32, NaN where there is none.
    scl
        Scene classification at 20 m, uint8.
    cloud_cover, nodata, snow_cover, flood_cover
        Per cent of the pixels of 20 m under clouds (of those seen), without data, under snow
        by the classification, and under flood water.
    """

    bands: dict[str, FloatArray]
    scl: NDArray[np.uint8]
    cloud_cover: float
    nodata: float
    snow_cover: float
    flood_cover: float


def take(
    scene: Scene, looks: Spectra, film: Film, weather: Weather, relief: Relief, seed: Seed
) -> Image:
    """Take one image.

    Parameters
    ----------
    looks
        Spectra of the units on the date.
    relief
        Relief on the film.
    seed
        Seed of the date: the sky is the same on every film, noise and misregistration are not.
    """
    rng = seed.rng("take", film.zone)
    sky = sky_over(film, scene.domain, weather, seed)
    light = light_on(relief, weather.sun, weather.azimuth)
    water = _flooded(scene, film, weather)
    unseen = _unseen(scene.domain, film, weather)
    turbid = flood_water()
    shift = rng.normal(0, SHIFT_M, 2)
    taken: dict[str, FloatArray] = {}
    for size in SIZES:
        own = shift + rng.normal(0, BAND_SHIFT_M, 2)
        for name, value in expose(scene, looks, film, size, (own[0], own[1])).items():
            band = bands()[BANDS.index(name)]
            if water is not None:
                flood = resize(water, size)
                value = value + flood * (turbid[BANDS.index(name)] - value)
            value = value * resize(light.factor(band.diffuse(weather.sun)), size)
            error = (float(rng.normal(1, GAIN)), float(rng.normal(0, OFFSET)) * band.haze)
            value = through(value, sky, band, weather, error, rng)
            if unseen is not None:
                value[resize(unseen.astype(np.float32), size) > 0] = np.nan
            taken[name] = value
    scl = classify(taken, sky, relief, light, rng)
    seen = scl != Scl.NO_DATA
    count = max(int(seen.sum()), 1)
    return Image(
        taken,
        scl,
        cloud_cover=100 * float((sky.cloud[20][seen] > 0.35).sum()) / count,
        nodata=100 * float(1 - seen.mean()),
        snow_cover=100 * float((scl == Scl.SNOW).sum()) / count,
        flood_cover=0.0 if water is None else 100 * float((water[seen] > 0.25).sum()) / count,
    )


def _flooded(scene: Scene, film: Film, weather: Weather) -> FloatArray | None:
    """Share of each pixel of 20 m that shows flood water; None where there is no flood."""
    stage = scene.plain.stage(weather.flood)
    if stage <= 0:
        return None
    shown: FloatArray = sample(film, scene.plain.depth(stage)) * (1 - hidden_water(scene, film))
    return shown


def _unseen(domain: Domain, film: Film, weather: Weather) -> NDArray[np.bool_] | None:
    """Pixels of 20 m beyond the edge of the swath; None where the whole area is seen."""
    if weather.edge is None:
        return None
    x = film.columns[20] * FINE
    north = domain.side / 2 - film.rows[20] * FINE
    line = weather.edge.x + EDGE_TILT * north
    return np.asarray(x < line if weather.edge.east else x > line)
