"""Directional reflectance: what an image would show from straight above.

The c-factor of Roy et al. (2016), Remote Sensing of Environment 176, 255–271: the reflectance of
a model of the ground from above over that from where the satellite stood. The model is the
Ross-thick Li-sparse-reciprocal one of MODIS (Lucht, Schaaf and Strahler 2000, IEEE Transactions
on Geoscience and Remote Sensing 38, 977–998) with one set of weights a band for all ground; those
of the red edge are of Roy, Li and Zhang (2017), Remote Sensing 9, 1325. The sun stays where it
stood, as in Harmonized Landsat and Sentinel-2 (HLS) 2.0.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError
from bocage.imagery._angles import Direction
from bocage.imagery._bands import canonical

_HIGH = 2.0  # height of the crowns' middle over their half height
"""Shape of the crowns of the Li-sparse kernel of MODIS, which are spheres."""


@dataclass(frozen=True)
class Weights:
    """Weights of the model of one band (``data/brdf.csv``): isotropic, volume, geometry."""

    iso: float
    vol: float
    geo: float


@cache
def weights() -> dict[str, Weights]:
    """Weights by band name."""
    text = (resources.files("bocage.imagery") / "data" / "brdf.csv").read_text("utf-8")
    return {
        row["band"]: Weights(float(row["iso"]), float(row["vol"]), float(row["geo"]))
        for row in csv.DictReader(text.splitlines())
    }


def require_weights(bands: Sequence[str]) -> list[Weights]:
    """Weights of bands.

    Raises
    ------
    ConfigError
        Naming the bands that have none.
    """
    table = weights()
    if lost := [b for b in bands if canonical(b) not in table]:
        raise ConfigError(
            f"imagery.brdf: c_factor has no weights for {', '.join(lost)}",
            remedy="leave them out of imagery.bands, or set imagery.brdf: none",
        )
    return [table[canonical(b)] for b in bands]


def c_factors(bands: Sequence[str], sun: Direction, view: Direction) -> NDArray[np.float32]:
    """What to multiply the reflectance of each band with to see it from straight above.

    Parameters
    ----------
    bands
        Names of bands.
    sun, view
        Where the sun and the satellite stood.

    Returns
    -------
    numpy.ndarray
        float32 (band,).

    Raises
    ------
    ConfigError
        If a band has no weights.
    """
    above, seen = kernels(sun, Direction(0, 0)), kernels(sun, view)
    factors = [
        (w.iso + w.vol * above[0] + w.geo * above[1]) / (w.iso + w.vol * seen[0] + w.geo * seen[1])
        for w in require_weights(bands)
    ]
    return np.array(factors, dtype=np.float32)


def kernels(sun: Direction, view: Direction) -> tuple[float, float]:
    """Kernels of volume (Ross-thick) and geometry (Li-sparse-reciprocal); both 0 at the zenith."""
    s, v = np.radians(sun.zenith), np.radians(view.zenith)
    turn = np.radians(view.azimuth - sun.azimuth)
    cosine = np.cos(s) * np.cos(v) + np.sin(s) * np.sin(v) * np.cos(turn)
    phase = np.arccos(np.clip(cosine, -1, 1))
    volume = ((np.pi / 2 - phase) * cosine + np.sin(phase)) / (np.cos(s) + np.cos(v)) - np.pi / 4
    steep = 1 / np.cos(s) + 1 / np.cos(v)
    across = np.tan(s) * np.tan(v)
    apart = np.tan(s) ** 2 + np.tan(v) ** 2 - 2 * across * np.cos(turn)
    reach = np.sqrt(max(apart, 0) + (across * np.sin(turn)) ** 2)
    overlap = np.arccos(np.clip(_HIGH * reach / steep, -1, 1))
    shared = (overlap - np.sin(overlap) * np.cos(overlap)) * steep / np.pi
    geometry = shared - steep + (1 + cosine) / (2 * np.cos(s) * np.cos(v))
    return float(volume), float(geometry)
