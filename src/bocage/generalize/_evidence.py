"""What the classifier believes, on the pixels of a frame: it decides where classes alone cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.generalize._graph import Codes, Labels
from bocage.generalize._widths import Keys
from bocage.legend import UNCLASSIFIED, Legend
from bocage.posterior import Posterior
from bocage.rasters import geobox_of

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Evidence:
    """The likeliest classes of every pixel of a frame.

    Attributes
    ----------
    index
        Class index by falling probability, 0 for none, uint8 (years, k, y, x).
    weight
        Their probabilities in units of 1/255, uint8 (years, k, y, x).
    """

    index: Bytes
    weight: Bytes


def check_posteriors(
    posteriors: Sequence[Posterior], box: GeoBox, legend: Legend, years: int
) -> None:
    """Raise an `InputError` unless there is one per year, on a grid, of a legend."""
    if len(posteriors) != years:
        raise InputError(
            f"{len(posteriors)} posteriors for {years} years of classes",
            remedy="give one posterior per year, in the order of the years",
        )
    for posterior in posteriors:
        posterior.require(legend)
        if geobox_of(posterior.data) != box:
            raise InputError(
                "a posterior is not on the grid of the classes",
                remedy="crop or assemble it to the same pixels",
            )


def evidence_of(posteriors: Sequence[xr.Dataset]) -> Evidence:
    """The classes and probabilities of the data of posteriors, one per year, on one grid."""
    most = max(data.sizes["k"] for data in posteriors)
    shape = (len(posteriors), most, posteriors[0].sizes["y"], posteriors[0].sizes["x"])
    index, weight = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for year, data in enumerate(posteriors):
        index[year, : data.sizes["k"]] = data["index"].values
        weight[year, : data.sizes["k"]] = data["probability"].values
    weight[index == UNCLASSIFIED] = 0
    return Evidence(index, weight)


def candidates(classes: Codes, evidence: Evidence) -> tuple[Keys, Bytes]:
    """Keys that each pixel may have and their weights, both (k + 1, y, x); its own comes first.

    A pixel whose class changes between the years stands for its pair only: what it might be
    instead is no vote for another change. Other pixels also stand for the other classes that
    the first year lists, unchanged, with the mean probability of both years.
    """
    return _candidates(classes, evidence.index, evidence.weight)


@numba.njit(cache=True)
def _weight_of(index: Bytes, weight: Bytes, year: int, y: int, x: int, code: int) -> int:
    for k in range(index.shape[1]):
        if index[year, k, y, x] == code:
            return int(weight[year, k, y, x])
    return 0


@numba.njit(cache=True)
def _candidates(classes: Codes, index: Bytes, weight: Bytes) -> tuple[Keys, Bytes]:
    years, most, height, width = index.shape
    keys = np.zeros((most + 1, height, width), np.uint16)
    weights = np.zeros((most + 1, height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            first, last = np.uint16(classes[0, y, x]), np.uint16(classes[years - 1, y, x])
            keys[0, y, x] = first if years == 1 else (first << 8) | last
            least = 255
            for year in range(years):
                own = _weight_of(index, weight, year, y, x, classes[year, y, x])
                least = min(least, own)
            weights[0, y, x] = max(least, 1)
            for k in range(most):
                code = np.uint16(index[0, k, y, x])
                if code == 0 or code == first or first != last:
                    continue
                total = 0
                for year in range(years):
                    total += _weight_of(index, weight, year, y, x, int(code))
                keys[k + 1, y, x] = code if years == 1 else (code << 8) | code
                weights[k + 1, y, x] = total // years
    return keys, weights


@numba.njit(cache=True)
def region_mass(
    labels: Labels, index: Bytes, weight: Bytes, regions: int, classes: int
) -> NDArray[np.float32]:
    """Probability of each class index in each region, summed over its pixels.

    Parameters
    ----------
    labels
        Region of each pixel, -1 outside, shape (y, x).
    index, weight
        As `Evidence` has them.
    regions, classes
        How many there are.

    Returns
    -------
    numpy.ndarray
        float32 (regions, years, classes + 1).
    """
    years, most, height, width = index.shape
    mass = np.zeros((regions, years, classes + 1), np.float32)
    for year in range(years):
        for k in range(most):
            for y in range(height):
                for x in range(width):
                    if labels[y, x] >= 0:
                        mass[labels[y, x], year, index[year, k, y, x]] += (
                            weight[year, k, y, x] / 255.0
                        )
    return mass
