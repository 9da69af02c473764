"""From the posteriors of one or two years to classes, confidences and change probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from bocage.change._joint import weigh_pixels
from bocage.change._prior import TransitionPrior
from bocage.errors import InputError
from bocage.legend import Legend
from bocage.posterior import NO_CONFIDENCE, Posterior
from bocage.rasters import geobox_of


def decode(
    posteriors: Mapping[int, Posterior], prior: TransitionPrior, legend: Legend
) -> xr.Dataset:
    """Decode one or two years together.

    With two years each pixel's best stable class is weighed against its best change, the pair
    (i, j) that maximises p₁(i) p₂(j) T(i, j), where T is the transition prior (joint maximum
    a posteriori classification of two dates, Bruzzone and Serpico 1997). Comparing two maps
    made apart finds mostly their errors. The pixels around have a say: the log of the
    evidence for change is averaged over a window and counts as a few independent looks
    (`TransitionPrior.support_m`, `TransitionPrior.independent`).

    The years share many of their errors, so the confidence of a stable class comes from
    something between the geometric mean of its two probabilities and their product
    (`TransitionPrior.sharpness`).

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
    change = _join(given, prior, legend, classes, confidence)
    return decoded.assign(change_probability=(("y", "x"), change))


def _join(
    given: list[Posterior],
    prior: TransitionPrior,
    legend: Legend,
    classes: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Overwrite classes and confidences where both years are known; the change probability."""
    k = max(p.k for p in given)
    shape = classes.shape[1:]
    index = np.stack([_slots(p, "index", k) for p in given])
    packed = np.stack([_slots(p, "probability", k) for p in given])
    found, values = weigh_pixels(index, packed, prior.matrix(legend), prior.sharpness)
    stable, first, second = found.reshape(3, *shape)
    share, of_first, of_second, evidence, odds = values.reshape(5, *shape)
    known = stable > 0
    score = prior.independent * _around(evidence, known, prior.window_px) + odds
    change = (1 / (1 + np.exp(-np.clip(score, -50, 50)))).astype(np.float32)
    changed = known & (first != second) & (score > 0)
    pairs = np.where(changed, np.stack([first, second]), stable)
    certain = np.where(changed, np.stack([of_first, of_second]) * change, share * (1 - change))
    np.copyto(classes, pairs, where=known)
    np.copyto(confidence, _percent(certain), where=known)
    return np.where(known, _percent(change), NO_CONFIDENCE)


def _around(values: NDArray[np.float32], known: NDArray[np.bool_], side: int) -> Any:
    """Mean of the known values in a window around each pixel."""
    counted = uniform_filter(known.astype(np.float32), side, mode="nearest")
    total = uniform_filter(np.where(known, values, 0), side, mode="nearest")
    return np.divide(total, counted, out=np.zeros_like(total), where=known)


def _percent(share: NDArray[np.floating]) -> NDArray[np.uint8]:
    percent: NDArray[np.uint8] = np.clip(np.rint(100 * share), 0, 100).astype(np.uint8)
    return percent


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
