"""Light on the relief: slopes that face the sun are brighter than those that turn away.

The C-correction (Teillet, Guindon and Goodenough 1982, Canadian Journal of Remote Sensing 8,
84–106) and SCS+C (Soenen, Peddle and Coburn 2005, IEEE Transactions on Geoscience and Remote
Sensing 43, 2148–2159), in which trees stay upright when their slope is turned level. How much of
the light comes from the sun and not from the sky is found in the images themselves, by regression
of reflectance on the cosine of the incidence: what a processor has corrected already is then not
corrected again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from bocage.files import existing, write_text
from bocage.imagery._angles import Direction
from bocage.imagery._ground import Ground

LEAST_COSINE = 0.1
"""Cosine of the incidence up to which ground is in its own shade: nodata, not brightened."""

LARGEST = 3.0
"""Factor from which ground is too dark to be turned level: nodata."""

LEAST_SLOPE = 3.0
"""Degrees from which a cell tells of the light."""

LEAST_CELLS = 50
"""Cells below which nothing is said of a day."""


@dataclass(frozen=True)
class Response:
    """Reflectance of a band on slopes of a day by the cosine of the incidence.

    Attributes
    ----------
    shade, lit
        Where the sun grazes the ground (cosine 0), and where it stands over it (cosine 1).
    """

    shade: float
    lit: float


Lighting = Mapping[str, Mapping[str, Response]]
"""Responses by day (as in 2021-06-30) and band; a day without slopes to tell from has none."""


@dataclass(frozen=True)
class Relief:
    """Heights of an area, and how the light falls on its slopes.

    Attributes
    ----------
    heights
        Raster of heights in metres.
    lighting
        As `survey_lighting` finds it for the whole area: blocks share it, so they fit together.
    """

    heights: Path | str
    lighting: Lighting


@dataclass(frozen=True, eq=False)
class Light:
    """A relief on one pixel grid.

    Attributes
    ----------
    ground
        How the ground lies.
    lighting
        As in `Relief`.
    """

    ground: Ground
    lighting: Lighting


def save_lighting(lighting: Lighting, path: Path | str) -> Path:
    """Write what `survey_lighting` found as JSON; the file appears whole or not at all."""
    plain = {day: {b: asdict(r) for b, r in bands.items()} for day, bands in lighting.items()}
    return write_text(path, json.dumps(plain, indent=1) + "\n")


def load_lighting(path: Path | str) -> Lighting:
    """Read what `save_lighting` wrote."""
    plain = json.loads(existing(path, "lighting").read_text(encoding="utf-8"))
    return {day: {b: Response(**r) for b, r in bands.items()} for day, bands in plain.items()}


def fit_response(values: NDArray[np.float32], cosine: NDArray[np.float32]) -> Response:
    """The response of least squares with ends that are not negative.

    Parameters
    ----------
    values
        Reflectance of one band, 1-d.
    cosine
        Cosine of the incidence at the same places.
    """
    ends = np.column_stack([1 - cosine, cosine]).astype(np.float64)
    shade, lit = nnls(ends, values.astype(np.float64))[0]
    return Response(float(shade), float(lit))


def level(response: Response, ground: Ground, sun: Direction, upright: bool) -> NDArray[np.float32]:
    """What to multiply reflectance with so that slopes look level, float32 (y, x).

    The C-correction is (cos zenith + C) / (cos incidence + C), SCS+C the same with the cosine of
    the zenith times that of the slope; C is the response at cosine 0 over its rise. NaN in the
    ground's own shade and where it would be more than `LARGEST`; 1 where nothing responds.

    Parameters
    ----------
    upright
        Whether what grows on a slope stands upright (SCS+C) and does not lean with it.
    """
    cosine = ground.cosine(sun)
    flat = np.cos(np.radians(sun.zenith)) * (ground.up if upright else 1)
    rise = response.lit - response.shade
    if rise == 0:
        return np.where(cosine > LEAST_COSINE, np.float32(1), np.float32(np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (rise * flat + response.shade) / (rise * cosine + response.shade)
        lit = (cosine > LEAST_COSINE) & (factor <= LARGEST)
    return np.where(lit, factor, np.float32(np.nan)).astype(np.float32)
