"""One year of images: which dates, which weather, and the pictures taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pystac
from numpy.typing import NDArray
from pyproj import Transformer

from bocage.grid import CRS
from bocage.simulate._camera import Film, Scene, Weather, take
from bocage.simulate._catalog import image_time, write_image
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import Landscape
from bocage.simulate._paint import paint_covers
from bocage.simulate._spectra import grow, make_units, spectra
from bocage.simulate._tables import Region

CLEAR = 0.12
"""Largest cloud cover of the clear date of a month where half of all sky is clouded."""


def calendar(region: Region, year: int, domain: Domain, seed: Seed) -> list[Weather]:
    """Dates of a year: two or three a month, of which one is mostly clear."""
    rng = seed.rng("calendar", year)
    _, latitude = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(*domain.center)
    dates: list[Weather] = []
    for month in range(1, 13):
        days = [int(rng.integers(2, 12)), int(rng.integers(17, 28))]
        if rng.random() < 0.2:
            days.insert(1, int(rng.integers(13, 16)))
        clear = int(rng.integers(len(days)))
        for number, day in enumerate(days):
            cloud = rng.normal(region.cloud, 0.25)
            if number == clear:
                cloud = rng.uniform(0, 2 * CLEAR * region.cloud)
            cirrus = rng.uniform(0.03, 0.25) if rng.random() < 0.25 else 0.0
            lies = rng.random() < region.snow[month - 1]
            snow = rng.uniform(0.55, 1.0) if lies else 0.0
            when = date(year, month, day).timetuple().tm_yday
            dates.append(
                Weather(
                    cloud=float(np.clip(cloud, 0.0 if number == clear else 0.05, 0.9)),
                    cirrus=float(cirrus),
                    snow=float(snow),
                    day=float(when),
                    sun=_sun(float(latitude), when),
                )
            )
    return dates


def _sun(latitude: float, day: int) -> float:
    """Height of the sun about an hour before noon, degrees."""
    declination = -23.44 * math.cos(2 * math.pi * (day + 10) / 365)
    return max(3.0, 90 - latitude + declination - 4)


def write_year(
    folder: Path,
    landscape: Landscape,
    layers: tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.int8]],
    film: Film,
    year: int,
    seed: Seed,
    tell: Callable[[str], None],
) -> list[pystac.Item]:
    """Take and write the images of a year.

    Parameters
    ----------
    folder
        Folder of the catalogue.
    layers
        Mixing fields, brightness and greenness within objects.
    tell
        Told of every month.
    """
    region = landscape.region
    fields, texture, greenness = layers
    cover = paint_covers(landscape, fields, year, seed)
    units = make_units(landscape.obj, cover)
    del cover
    growth = grow(units, len(landscape.angle), year, seed)
    scene = Scene(units.label, texture, greenness)
    items: list[pystac.Item] = []
    for number, weather in enumerate(calendar(region, year, landscape.domain, seed)):
        looks = spectra(units, growth, region, weather.day, weather.snow)
        image = take(scene, looks, film, weather, Seed(seed.at("image", year, number), region.name))
        when = image_time(year, int(weather.day))
        name = f"S2{'AB'[number % 2]}_{when:%Y%m%d}"
        items.append(write_image(folder, name, image, film, when))
        tell(f"image {name}: {image.cloud_cover:.0f} % cloud")
    return items
