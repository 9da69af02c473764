"""Whether stated confidence is met."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bocage.errors import InputError

NO_CONFIDENCE = 255


def reliability(
    confidence_percent: ArrayLike,
    correct: ArrayLike,
    bins: int = 10,
    *,
    weights: ArrayLike | None = None,
) -> tuple[float, pd.DataFrame]:
    """Compare stated confidence with the share that is right.

    Parameters
    ----------
    confidence_percent
        Stated probability of the class, percent 0 … 100, any shape; 255 and NaN are left out.
    correct
        Whether the class is right, same shape.
    bins
        Number of bins of equal width.
    weights
        Area that each place stands for, same shape, where the places are a sample with
        unequal weights; all the same by default.

    Returns
    -------
    ece : float
        Expected calibration error, 0 … 1: mean over the area of the absolute difference
        between accuracy and mean confidence of their bin; NaN without a place.
    table : pandas.DataFrame
        A row a bin that is not empty: ``low``, ``high``, ``n``, mean ``confidence`` and
        ``accuracy``, all but n in percent.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks. ICML.
    """
    confidence = np.asarray(confidence_percent, dtype=float).ravel()
    right = np.asarray(correct, dtype=float).ravel()
    if confidence.shape != right.shape:
        raise InputError(
            f"{confidence.size} confidences for {right.size} judgements",
            remedy="give one of each per place",
        )
    weight = np.ones(right.shape) if weights is None else np.asarray(weights, dtype=float).ravel()
    if weight.shape != right.shape or not (weight > 0).all():
        raise InputError("weights do not fit the places", remedy="give one above 0 per place")
    if bins < 1:
        raise InputError(f"{bins} bins", remedy="use at least one")
    known = np.isfinite(confidence) & (confidence != NO_CONFIDENCE)
    confidence, right, weight = confidence[known], right[known], weight[known]
    if ((confidence < 0) | (confidence > 100)).any():
        raise InputError("a confidence is not within 0 … 100", remedy="give percent")
    number = np.minimum((confidence / 100 * bins).astype(np.intp), bins - 1)
    n = np.bincount(number, minlength=bins)
    size = np.bincount(number, weight, minlength=bins)
    filled = n > 0
    edges = np.linspace(0, 100, bins + 1)
    mean = np.bincount(number, weight * confidence, minlength=bins)[filled] / size[filled]
    hit = 100 * np.bincount(number, weight * right, minlength=bins)[filled] / size[filled]
    table = pd.DataFrame(
        {
            "low": edges[:-1][filled],
            "high": edges[1:][filled],
            "n": n[filled],
            "confidence": mean,
            "accuracy": hit,
        }
    )
    if not filled.any():
        return float("nan"), table
    return float((np.abs(mean - hit) * size[filled]).sum() / size.sum() / 100), table
