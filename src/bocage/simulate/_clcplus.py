"""A land cover raster of 10 m like CLC+ Backbone."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bocage.grid import FINE, NATIVE
from bocage.legend import Legend
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import chance, code_of, faults, mode, patches, shifted
from bocage.simulate._tables import rows

NO_CLASS = 255
"""Value outside, and of land that the nomenclature has no code for."""


def clcplus(
    classes: NDArray[np.uint8], legend: Legend, domain: Domain, seed: Seed
) -> NDArray[np.uint8]:
    """Land cover of the year in the codes of CLC+ Backbone.

    The real product is a raster of 10 m with 11 classes, made every two to three years from a
    year of Sentinel-2 by a neural network; its producers found 93.7 % of it right (89.8 to
    98.3 % by country), shrubs and mosses least so. Modelled: the pixel takes its most frequent
    cover, borders lie off by about half a pixel, and each class is taken for similar ones in
    patches as often as ``clcplus_confusions.csv`` says.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m, shape (y, x).

    Returns
    -------
    numpy.ndarray
        uint8, shape (y / 4, x / 4): codes of CLC+ Backbone, `NO_CLASS` where it has none.
    """
    rates = faults("clcplus")
    table = np.full(256, NO_CLASS, np.uint8)
    for index, code in code_of("clcplus", legend).items():
        table[index] = code or NO_CLASS
    coarse = mode(table[classes], round(NATIVE / FINE))
    named = Seed(seed.value, f"{seed.scope}/clcplus")
    coarse = shifted(coarse, rates["shift"], 24.0, named.at("shift"))
    patch = patches(domain, NATIVE, rates["patch"], named)
    wrong = chance(patch, "wrong", seed=named)
    choice = chance(patch, "choice", seed=named)
    result = coarse.copy()
    for code, (omitted, others, bounds) in _confusions().items():
        where = (coarse == code) & (wrong < omitted)
        result[where] = others[np.searchsorted(bounds, choice[where], side="right")]
    return result


@cache
def _confusions() -> dict[int, tuple[float, NDArray[np.uint8], NDArray[np.float64]]]:
    """For each code: how often it is missed, what it is taken for, and the bounds of a draw."""
    found = {}
    for row in rows("clcplus_confusions.csv"):
        weights = np.array([float(w) for w in row["weights"].split(";")])
        others = np.array([int(c) for c in row["taken_for"].split(";")], np.uint8)
        bounds = np.cumsum(weights / weights.sum())[:-1]
        found[int(row["code"])] = (float(row["omitted"]), others, bounds)
    return found
