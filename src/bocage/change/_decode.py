"""From the posteriors of one or two years to classes, confidences and change probability."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.change._joint import decode_pixels
from bocage.change._prior import TransitionPrior
from bocage.errors import InputError
from bocage.legend import Legend
from bocage.posterior import NO_CONFIDENCE, Posterior
from bocage.rasters import geobox_of


def decode(
    posteriors: Mapping[int, Posterior], prior: TransitionPrior, legend: Legend
) -> xr.Dataset:
    """Decode one or two years together.

    With two years the pair (i, j) is chosen that maximises p₁(i) p₂(j) T(i, j), where T is the
    transition prior and the class priors of both years are taken as uniform. The sums behind
    the confidences run over all pairs of the legend. Comparing two maps made apart finds
    mostly their errors (Bruzzone and Serpico 1997, joint maximum a posteriori
    classification of two dates).

    Parameters
    ----------
    posteriors
        One or two years, on the same pixel grid.
    prior
        Transition prior; not used with one year.
    legend
        Legend of the posteriors.

    Returns
    -------
    xarray.Dataset
        ``class`` uint8 (year, y, x), class index, 0 where the year is not known;
        ``confidence`` uint8 (year, y, x), probability of that class in percent, 255 where
        not known; with two years ``change_probability`` uint8 (y, x), percent, 255 where
        either year is not known. Coordinate ``year`` in rising order. A year that is known
        where the other is not keeps its own likeliest class: nothing is invented.

    Raises
    ------
    InputError
        If there are not one or two years, the grids differ or the legend is another one.
    """
    if not 1 <= len(posteriors) <= 2:
        raise InputError(
            f"{len(posteriors)} years to decode", remedy="give the posteriors of one or two years"
        )
    years = sorted(posteriors)
    given = [posteriors[year] for year in years]
    for posterior in given:
        posterior.require(legend)
    _same_grid(years, given)
    classes = np.stack([p.best.values for p in given])
    confidence = np.stack([p.confidence.values for p in given])
    values = {"class": classes, "confidence": confidence}
    data = {name: (("year", "y", "x"), array) for name, array in values.items()}
    coords = {**given[0].best.coords, "year": np.asarray(years, np.int64)}
    decoded = xr.Dataset(data, coords=coords, attrs={"legend": legend.id})
    if len(years) == 1:
        return decoded
    change = _join(given, prior.matrix(legend), classes, confidence)
    return decoded.assign(change_probability=(("y", "x"), change))


def _join(
    given: list[Posterior],
    matrix: NDArray[np.float64],
    classes: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Overwrite classes and confidences where both years are known; the change probability."""
    k = max(p.k for p in given)
    shape = classes.shape[1:]
    index = np.stack([_slots(p, "index", k) for p in given])
    packed = np.stack([_slots(p, "probability", k) for p in given])
    joint = decode_pixels(index, packed, matrix).reshape(5, *shape)
    known = joint[4] != NO_CONFIDENCE
    np.copyto(classes, joint[:2], where=known)
    np.copyto(confidence, joint[2:4], where=known)
    change: NDArray[np.uint8] = joint[4]
    return change


def _slots(posterior: Posterior, name: str, k: int) -> NDArray[np.uint8]:
    flat: NDArray[np.uint8] = posterior.data[name].values.reshape(posterior.k, -1)
    missing = np.zeros((k - posterior.k, flat.shape[1]), np.uint8)
    return np.concatenate([flat, missing])


def _same_grid(years: list[int], given: list[Posterior]) -> None:
    boxes = [geobox_of(p.best, f"the posterior of {y}") for y, p in zip(years, given, strict=True)]
    if len(boxes) == 2 and boxes[0] != boxes[1]:
        raise InputError(
            f"the posteriors of {years[0]} and {years[1]} lie on different pixel grids",
            remedy="predict both years on the same block",
        )
