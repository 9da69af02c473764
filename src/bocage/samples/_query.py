"""Which samples are worth a label: scores of doubt, and batches that do not repeat themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_POOL = 10  # of so many times the wanted points the most doubtful are looked at


def margin_score(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """One less the lead of the likeliest class over the second, 0 … 1, float64 (sample,).

    Parameters
    ----------
    probability
        (sample, class), two classes at least.

    References
    ----------
    Scheffer, T., Decomain, C. and Wrobel, S. (2001): Active hidden Markov models for information
    extraction. IDA.
    """
    top = np.partition(probability, -2, axis=1)[:, -2:].astype(np.float64)
    score: NDArray[np.float64] = 1 - (top[:, 1] - top[:, 0])
    return score


def bald_score(stack: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much the members disagree: information about the model in a label, nats, (sample,).

    Parameters
    ----------
    stack
        (member, sample, class): probabilities.

    References
    ----------
    Houlsby, N., Huszár, F., Ghahramani, Z. and Lengyel, M. (2011): Bayesian active learning for
    classification and preference learning. arXiv 1112.5745.
    """
    values = np.asarray(stack, np.float64)
    gain: NDArray[np.float64] = _entropy(values.mean(axis=0)) - _entropy(values).mean(axis=0)
    return np.maximum(gain, 0)


def rarity(probability: NDArray[np.floating], labelled: NDArray[np.integer]) -> NDArray[np.float64]:
    """Expected rarity of a sample's class among the labels, mean 1, float64 (sample,).

    Parameters
    ----------
    probability
        (sample, class).
    labelled
        (class,): labels that there are of each class.
    """
    value = probability @ (1 / np.sqrt(np.asarray(labelled, np.float64) + 1))
    scaled: NDArray[np.float64] = value / value.mean()
    return scaled


def pick_batch(
    score: NDArray[np.floating],
    features: NDArray[np.floating],
    xy: NDArray[np.floating],
    count: int,
    *,
    taken: NDArray[np.integer],
    distance_m: float = 0.0,
    diverse: bool = True,
) -> NDArray[np.intp]:
    """The samples that score highest, apart in space and unlike each other.

    Greedy: each pick is the highest of score × d / (d + s), where d is the distance in feature
    space to the picks of this batch and s the median distance among the candidates.

    Parameters
    ----------
    score
        (sample,), at least 0.
    features
        (sample, feature), on one scale.
    xy
        (sample, 2), metres.
    count
        Samples wanted; fewer come back where the distance leaves no more.
    taken
        Samples that are labelled, which are not picked again.
    distance_m
        Least distance to taken ones and to each other, metres.
    diverse
        Whether feature space counts.
    """
    open_ = np.flatnonzero(open_places(xy, taken, distance_m))
    candidates = open_[np.argsort(-score[open_], kind="stable")]
    if diverse:
        candidates = candidates[: _POOL * count]
    if not len(candidates):
        return np.zeros(0, np.intp)
    scale = _median_distance(features[candidates])
    nearest = np.full(len(candidates), np.inf)
    alive = np.ones(len(candidates), bool)
    chosen: list[int] = []
    while len(chosen) < count and alive.any():
        # d / (d + s), written so that an infinite distance gives 1.
        novelty = 1 / (1 + scale / np.maximum(nearest, 1e-12)) if diverse else 1.0
        value = np.where(alive, (score[candidates] + 1e-9) * novelty, -1)
        pick = int(value.argmax())
        chosen.append(int(candidates[pick]))
        away = np.linalg.norm(features[candidates] - features[candidates[pick]], axis=1)
        nearest = np.minimum(nearest, away)
        alive &= _apart(xy[candidates], pick, distance_m)
        alive[pick] = False
    return np.array(chosen, np.intp)


def open_places(
    xy: NDArray[np.floating], taken: NDArray[np.integer], distance_m: float
) -> NDArray[np.bool_]:
    """Samples that are not taken nor nearer than a distance to a taken one, bool (sample,).

    Parameters
    ----------
    xy
        (sample, 2), metres.
    taken
        Positions of samples.
    distance_m
        Metres.
    """
    free = np.ones(len(xy), bool)
    for place in np.asarray(taken, np.intp):
        free &= _apart(xy, int(place), distance_m)
    free[taken] = False
    return free


def keep_apart(
    places: NDArray[np.intp], xy: NDArray[np.floating], distance_m: float
) -> NDArray[np.intp]:
    """Places without those nearer than a distance to an earlier one.

    Parameters
    ----------
    places
        Positions of samples, the most wanted first.
    xy
        (sample, 2), metres.
    distance_m
        Metres.
    """
    kept: list[int] = []
    for place in places.tolist():
        if not kept or _apart(xy[[*kept, place]], len(kept), distance_m)[:-1].all():
            kept.append(place)
    return np.array(kept, np.intp)


def _apart(xy: NDArray[np.floating], place: int, distance_m: float) -> NDArray[np.bool_]:
    if distance_m <= 0:
        return np.ones(len(xy), bool)
    far: NDArray[np.bool_] = np.hypot(*(xy - xy[place]).T) >= distance_m
    return far


def _median_distance(features: NDArray[np.floating]) -> float:
    centre = features - np.median(features, axis=0)
    return max(float(np.median(np.linalg.norm(centre, axis=1))), 1e-9)


def _entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probability, 1e-12, 1)
    result: NDArray[np.float64] = -(p * np.log(p)).sum(axis=-1)
    return result
