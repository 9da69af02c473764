"""What a trial committee shows that has not learned from all labels. Imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bocage.model._bench import Bench
from bocage.model._calibrate import fit_temperature, log_likelihood, scores, soften
from bocage.model._committee import Committee, Opinions, poll
from bocage.model._place import REGION
from bocage.model._split import Split
from bocage.model._targets import Held

_SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7)  # of the forest
USUAL_SHARE = 0.35
"""Of the forest, where too few places tell."""

_TELLING = 5  # squares
_SQUARES_OF_ALL = 10


def calibrate(bench: Bench, committee: Committee, split: Split) -> tuple[dict[str, Any], Held]:
    """What suits labels that the committee has not seen, and what it says of them."""
    which = np.flatnonzero(split.calibrate)
    allowed, weight = bench.pixels.allowed[which], bench.pixels.weight[which]
    opinions = poll(bench, committee, which)
    share = _forest_share(opinions, allowed, weight, split)
    said = opinions.together(share)
    temperature = fit_temperature(_logs(said), allowed, weight, split.squares)
    warmth = _warmth(bench, said, split, temperature)
    calibrated = soften(said, temperature * np.exp(bench.pixels.place[which] @ warmth))
    before, after = scores(said, allowed), scores(calibrated, allowed)
    metrics = {
        "calibrated": True,
        "temperature": temperature,
        "warmth": dict(zip(bench.pixels.layers, warmth.tolist(), strict=True)),
        "forest_share": share,
        "calibration": {**after, "ece_before": before["ece"], **split.record},
    }
    return metrics, Held(which, calibrated, allowed, weight, split.squares)


def _forest_share(
    opinions: Opinions, allowed: NDArray[np.bool_], weight: NDArray[np.float32], split: Split
) -> float:
    """The share that makes held-out labels likeliest at its best temperature.

    Of shares that are worse by less than a standard error over squares, the most usual one
    (Breiman et al. 1984, the rule of one standard error); a few places tell nothing.
    """
    if split.squares < _TELLING:
        return USUAL_SHARE
    each = []
    for share in _SHARES:
        logs = _logs(opinions.together(share))
        temperature = fit_temperature(logs, allowed, weight, split.squares)
        loss = -weight * log_likelihood(logs, allowed, temperature)
        each.append(np.bincount(split.square, weights=loss, minlength=split.squares))
    losses = np.array(each)  # (share, square)
    worse = losses - losses[losses.sum(axis=1).argmin()]
    error = worse.std(axis=1) * np.sqrt(split.squares)
    alike = [s for s, w, e in zip(_SHARES, worse.sum(axis=1), error, strict=True) if w <= e]
    return min(alike, key=lambda share: abs(share - USUAL_SHARE))


def _warmth(
    bench: Bench, said: NDArray[np.float32], split: Split, temperature: float
) -> NDArray[np.float64]:
    """How much the temperature of each region differs from that of all, logarithm, (layer,).

    A region's own temperature counts as much as it has squares, that of all as `_SQUARES_OF_ALL`.
    """
    pixels, which = bench.pixels, np.flatnonzero(split.calibrate)
    found = np.zeros(len(pixels.layers))
    for number, name in enumerate(pixels.layers):
        here = pixels.place[which, number] > 0.5
        squares = len(np.unique(split.square[here]))
        if not name.startswith(REGION) or squares < _TELLING or here.all():
            continue
        own = fit_temperature(
            _logs(said[here]), pixels.allowed[which][here], pixels.weight[which][here], squares
        )
        found[number] = squares / (squares + _SQUARES_OF_ALL) * np.log(own / temperature)
    return found.round(6)


def _logs(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.log(np.maximum(probability, np.finfo(np.float32).tiny))
    return found
