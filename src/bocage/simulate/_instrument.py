"""The camera of the satellites: sharpness, noise and colours of air and cloud of each band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from bocage.grid import FINE
from bocage.simulate._noise import FloatArray
from bocage.simulate._tables import BANDS, RESOLUTION, rows

SIZES = (10, 20, 60)
"""Pixel sizes in metres."""


@dataclass(frozen=True)
class Band:
    """One spectral band (``data/bands.csv``).

    Attributes
    ----------
    band
        Name.
    centre_nm, width_nm
        Central wavelength and width at half of the response, satellite A (published by ESA).
    resolution_m
        Pixel size.
    mtf
        Modulation transfer at the Nyquist frequency of the pixel size, the whole chain,
        as measured in flight (satellite A). The requirement is 0.15 to 0.30 for the 10 m
        and 20 m bands and less than 0.45 for those of 60 m; some bands of 20 m are sharper.
    radiance
        Reference radiance in W m⁻² sr⁻¹ µm⁻¹, at which `snr` is given.
    snr
        Least signal to noise ratio of the requirement; in flight it is better.
    irradiance
        Solar irradiance outside the atmosphere in W m⁻² µm⁻¹.
    depth
        Optical depth of clear air, of which half scatters light down: the diffuse light.
    cloud, cirrus
        Reflectance of a thick cloud, and what a full veil of cirrus adds.
    haze
        What residual haze adds, relative to the blue band B02.
    """

    band: str
    centre_nm: float
    width_nm: float
    resolution_m: int
    mtf: float
    radiance: float
    snr: float
    irradiance: float
    depth: float
    cloud: float
    cirrus: float
    haze: float

    @property
    def spread(self) -> float:
        """Standard deviation of the Gaussian point spread in pixels of 2.5 m."""
        return spread(self.resolution_m, self.mtf)

    def diffuse(self, elevation: float) -> float:
        """Share of the light on level ground that comes from the sky, 0 … 1."""
        return 1 - math.exp(-self.depth / (2 * math.sin(math.radians(max(elevation, 5)))))

    def noise(self, reflectance: FloatArray, elevation: float) -> FloatArray:
        """Standard deviation of the noise in reflectance, for a height of the sun in degrees.

        At the reference radiance it is the required ratio; a part of 0.3 of its variance does
        not depend on the light (dark noise), the rest grows with it (shot noise).
        """
        gain = self.irradiance * math.sin(math.radians(max(elevation, 5))) / math.pi
        level = self.radiance / (self.snr * gain)
        light = np.maximum(reflectance, 0) * np.float32(gain / self.radiance)
        result: FloatArray = np.float32(level) * np.sqrt(np.float32(0.3) + np.float32(0.7) * light)
        return result


def spread(size: float, mtf: float) -> float:
    """Standard deviation in pixels of 2.5 m of the Gaussian with an MTF at Nyquist.

    The transfer of a Gaussian is exp(-2 pi² s² f²); the Nyquist frequency is 1 / (2 size).
    """
    return size / FINE * math.sqrt(-2 * math.log(mtf)) / math.pi


@cache
def bands() -> tuple[Band, ...]:
    """The bands in the order of ``_tables.BANDS``."""
    found = []
    for row in rows("bands.csv"):
        numbers = {k: float(v) for k, v in row.items() if k not in ("band", "resolution_m")}
        found.append(Band(band=row["band"], resolution_m=int(row["resolution_m"]), **numbers))
    return tuple(found)


def of_size(size: int) -> list[int]:
    """Positions of the bands of a pixel size."""
    return [i for i, name in enumerate(BANDS) if RESOLUTION[name] == size]
