"""A model of heights like the Copernicus DEM GLO-30."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import faults
from bocage.simulate._noise import FloatArray, fractal
from bocage.simulate._streams import STEP

SPACING = 30
"""Pixel size in metres."""


def heights(relief: NDArray[np.floating], domain: Domain, seed: Seed) -> FloatArray:
    """Heights as a model from satellites has them.

    Modelled: pixels of 30 m, and errors that neighbours share. The real model is one of surfaces:
    crowns and roofs stand on its ground, which is not modelled.

    Parameters
    ----------
    relief
        Metres above the sea on the grid of `STEP` metres, shape (y, x).

    Returns
    -------
    numpy.ndarray
        float32 on the grid of `SPACING` metres over the domain.
    """
    rates = faults("heights")
    box = domain.geobox(SPACING)
    rows, columns = box.shape.y, box.shape.x
    down = domain.north - box.affine.f + (np.arange(rows) + 0.5) * SPACING
    along = box.affine.c - domain.west + (np.arange(columns) + 0.5) * SPACING
    places = np.meshgrid(down / STEP - 0.5, along / STEP - 0.5, indexing="ij")
    true = ndimage.map_coordinates(relief.astype(np.float32), places, order=1, mode="nearest")
    ys, xs = ((np.arange(n) + 0.5) * SPACING for n in (rows, columns))
    error = fractal(ys, xs, rates["width"], seed.at("heights"), octaves=2)
    result: FloatArray = (true + np.float32(rates["noise"]) * error).astype(np.float32)
    return result
