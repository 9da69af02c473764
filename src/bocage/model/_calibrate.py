"""Temperature and measures of calibration, for labels that may allow several classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_RANGE = (0.25, 8.0)


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
    doubt: float = 0.0,
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
    doubt
        Share of the loss in which the likeliest class is wrong whatever the labels say. Labels of
        one place are alike: that all of a few places are right proves little.
    """
    other = np.ones(allowed.shape, bool)
    np.put_along_axis(other, np.argmax(logits, axis=1)[:, None], False, axis=1)

    def loss(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        each = (1 - doubt) * log_likelihood(logits, allowed, temperature)
        if doubt:
            each += doubt * log_likelihood(logits, other, temperature)
        return float(-(weight * each).sum() / weight.sum())

    found = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded")
    return round(float(np.exp(found.x)), 6)


def soften(probability: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Divide log-probabilities by a temperature; what is impossible stays so."""
    powers = probability ** np.float32(1 / temperature)
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
