"""Temperature and measures of calibration, for labels that may allow several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax, softmax

from bocage.model._pixels import Pixels
from bocage.model._split import Split
from bocage.model._targets import Held

_RANGE = (0.25, 8.0)
_TINY = 1e-6


def log_likelihood(
    logits: NDArray[np.floating], allowed: NDArray[np.bool_], temperature: float = 1.0
) -> NDArray[np.float64]:
    """Log-probability of the allowed classes together, shape (label,)."""
    scores = log_softmax(np.asarray(logits, np.float64) / temperature, axis=1)
    found: NDArray[np.float64] = np.log(
        np.maximum((np.exp(scores) * allowed).sum(axis=1), np.finfo(np.float64).tiny)
    )
    return found


def fit_temperature(
    logits: NDArray[np.floating],
    allowed: NDArray[np.bool_],
    weight: NDArray[np.floating],
    places: int | None = None,
) -> float:
    """Temperature that makes held-out labels likeliest (Guo et al. 2017, ICML).

    Parameters
    ----------
    logits
        Shape (label, class); very negative for classes that are masked.
    allowed
        bool (label, class).
    weight
        Shape (label,).
    places
        Number of places that the labels come from, when those of one place are alike. That all
        labels of a few places are right proves little: the mean confidence never exceeds what the
        accuracy would be with one place more, half of it wrong (the mean of Jeffreys' posterior).
    """

    def loss(log_temperature: float) -> float:
        each = log_likelihood(logits, allowed, float(np.exp(log_temperature)))
        return float(-(weight * each).sum() / weight.sum())

    low, high = np.log(_RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded").x
    if places is not None:
        right = np.take_along_axis(allowed, np.argmax(logits, axis=1)[:, None], axis=1)[:, 0]
        most = (places * np.average(right, weights=weight) + 0.5) / (places + 1)

        def excess(log_temperature: float) -> float:
            shares = softmax(np.asarray(logits, np.float64) / np.exp(log_temperature), axis=1)
            return float(np.average(shares.max(axis=1), weights=weight) - most)

        if excess(found) > 0:
            found = brentq(excess, found, high) if excess(high) < 0 else high
    return round(float(np.exp(found)), 6)


def soften(
    probability: NDArray[np.float32], temperature: float | NDArray[np.floating]
) -> NDArray[np.float32]:
    """Divide log-probabilities by a temperature, or by one a label; what is impossible stays so."""
    heat = np.asarray(temperature, np.float32).reshape(-1, 1)
    powers = probability ** (1 / heat)
    total = powers.sum(axis=1, keepdims=True)
    found: NDArray[np.float32] = powers / np.maximum(total, np.finfo(np.float32).tiny)
    return found


def expected_calibration_error(
    probability: NDArray[np.floating], allowed: NDArray[np.bool_], bins: int = 15
) -> float:
    """Mean distance between confidence and accuracy over bins of equal width, 0 … 1."""
    confidence = probability.max(axis=1)
    right = np.take_along_axis(allowed, probability.argmax(axis=1)[:, None], axis=1)[:, 0]
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    size = np.bincount(which, minlength=bins)
    gap = np.bincount(which, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / size.sum())


def scores(probability: NDArray[np.floating], allowed: NDArray[np.bool_]) -> dict[str, float]:
    """Overall accuracy, mean F1 over the classes that labels name alone, calibration error."""
    guess = probability.argmax(axis=1)
    right = np.take_along_axis(allowed, guess[:, None], axis=1)[:, 0]
    single = allowed.sum(axis=1) == 1
    truth = allowed[single].argmax(axis=1)
    said = guess[single]
    f1 = []
    for c in np.unique(truth):
        hits = ((said == c) & (truth == c)).sum()
        f1.append(2 * hits / ((said == c).sum() + (truth == c).sum()))
    return {
        "oa": round(float(right.mean()), 4),
        "macro_f1": round(float(np.mean(f1)), 4) if f1 else 0.0,
        "ece": round(expected_calibration_error(probability, allowed), 4),
        "labels": len(allowed),
    }


def calibrate_alone(
    said: NDArray[np.float32], which: NDArray[np.intp], pixels: Pixels, split: Split
) -> tuple[dict[str, Any], Held]:
    """The temperature of a model from what it says of labels that it has not learned from.

    Parameters
    ----------
    said
        Probabilities, (label, class).
    which
        Positions of the labels among the pixels.
    pixels
        All of them.
    split
        How the labels were held out.

    Returns
    -------
    metrics
        ``calibrated``, ``temperature`` and ``calibration``.
    held
        What it says of them at that temperature.
    """
    allowed, weight = pixels.allowed[which], pixels.weight[which]
    logs = np.log(np.maximum(said, _TINY))
    temperature = fit_temperature(logs, allowed, weight, split.squares)
    calibrated = soften(said, temperature)
    before, after = scores(said, allowed), scores(calibrated, allowed)
    record = {**after, "ece_before": before["ece"], **split.record}
    metrics = {"calibrated": True, "temperature": temperature, "calibration": record}
    return metrics, Held(which, calibrated, allowed, weight, split.squares)
