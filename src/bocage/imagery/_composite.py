"""From the clear observations of a month to one image."""

from __future__ import annotations

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

COMPOSITES = ("median", "geomedian", "medoid", "weighted_medoid")

_TURNS = 20
_CLOSE = np.float32(1e-4)  # reflectance: nearer to a date than its noise

Stack = NDArray[np.float32]
Chosen = NDArray[np.int64]


def median(stack: Stack) -> Stack:
    """Median over the dates, NaN left out.

    Parameters
    ----------
    stack
        (date, band, y, x); an observation that is not clear is NaN in all bands.

    Returns
    -------
    numpy.ndarray
        (band, y, x), NaN where no date is clear.
    """
    result: Stack = bn.nanmedian(stack, axis=0)
    return result


def geomedian(stack: Stack, weights: Stack | None = None) -> Stack:
    """The spectrum whose distances to all dates have the least sum: a median of all bands at once.

    Parameters
    ----------
    stack
        (date, band, y, x); an observation that is not clear is NaN in all bands.
    weights
        (date, y, x) above 0: how much an observation is trusted.

    Returns
    -------
    numpy.ndarray
        (band, y, x), NaN where no date is clear.

    Notes
    -----
    Weiszfeld's iteration from the median, 20 turns. Between two dates of the same weight every
    spectrum is as good as the next; the middle is taken. Roberts, Mueller and McIntyre (2017),
    IEEE Transactions on Geoscience and Remote Sensing 55, 6254–6264.
    """
    seen = np.isfinite(stack[:, 0])
    middle = median(stack)
    values = np.where(seen[:, None], stack, np.float32(0))
    # Up to two equal dates the median is the answer already, and every turn costs.
    many = seen.sum(axis=0) > (2 if weights is None else 1)
    if not many.any():
        return middle
    values, centre = values[:, :, many], middle[:, many]
    pulls = np.where(seen, np.float32(1) if weights is None else weights, np.float32(0))[:, many]
    for _ in range(_TURNS):
        apart = np.sqrt(np.square(values - centre).sum(axis=1))
        pull = pulls / np.maximum(apart, _CLOSE)
        centre = (values * pull[:, None]).sum(axis=0) / pull.sum(axis=0)
    middle[:, many] = centre
    return middle


def medoid(stack: Stack, weights: Stack | None = None) -> tuple[Stack, Chosen]:
    """The observation nearest to the middle of all in all bands together (Flood, 2013).

    Parameters
    ----------
    stack
        (date, band, y, x); an observation that is not clear is NaN in all bands.
    weights
        (date, y, x) above 0: how much an observation is trusted. Distances are divided by them,
        and the middle is their geometric median; without them it is the median of each band.

    Returns
    -------
    tuple of numpy.ndarray
        (band, y, x), the spectrum of one date, the earliest where two are equally near; and the
        position of the date (y, x), which means nothing where the spectrum is NaN.

    Notes
    -----
    Distance to the middle instead of to all other dates: the same in spirit, but linear in the
    number of dates. Flood, N. (2013), Remote Sensing 5(12), 6481–6500.
    """
    if weights is None:
        distance = np.square(stack - median(stack)).sum(axis=1)
    else:
        apart = np.sqrt(np.square(stack - geomedian(stack, weights)).sum(axis=1))
        distance = np.maximum(apart, _CLOSE) / weights
    best: Chosen = np.where(np.isnan(distance), np.inf, distance).argmin(axis=0)
    result: Stack = np.take_along_axis(stack, best[None, None], axis=0)[0]
    return result, best


def compose(stack: Stack, how: str, weights: Stack | None = None) -> tuple[Stack, Chosen | None]:
    """The composite of a month by its name, and which date each pixel is from, if from one.

    Parameters
    ----------
    stack
        (date, band, y, x); an observation that is not clear is NaN in all bands.
    how
        One of `COMPOSITES`.
    weights
        (date, y, x) above 0, used by ``weighted_medoid``; None: all are trusted alike.
    """
    if how == "median":
        return median(stack), None
    if how == "geomedian":
        return geomedian(stack), None
    return medoid(stack, weights if how == "weighted_medoid" else None)
