"""Which samples are worth a label: scores of doubt, and batches that do not repeat themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

_LIKE = 150  # a label tells of its own and of one in so many of all samples
_TOLD = 0.3  # what their doubt counts for once it has


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
    free: NDArray[np.bool_] | None = None,
    spread: bool = False,
) -> NDArray[np.intp]:
    """The samples whose labels settle most.

    Spread: a label tells of its sample and of those like it. Each pick is the sample that has, with
    its nearest neighbours in feature space (one in 150 of all), most doubt; what is in doubt around
    it counts for three tenths from then on, as around samples that are labelled already. So neither
    outliers are picked, as single doubtful samples often are, nor the same thing twice.

    Parameters
    ----------
    score
        Doubt (sample,), at least 0.
    features
        (sample, feature), on one scale (`reduce_features`).
    xy
        (sample, 2), metres.
    count
        Samples wanted; fewer come back where the distance leaves no more.
    taken
        Samples that are labelled, which are not picked again.
    distance_m
        Least distance to taken ones and to each other, metres.
    free
        (sample,): samples that may be picked; all by default.
    spread
        Whether like samples count. Otherwise the picks are those with the highest scores.

    References
    ----------
    Settles, B. and Craven, M. (2008): An analysis of active learning strategies for sequence
    labeling tasks. EMNLP (information density). Wei, K., Iyer, R. and Bilmes, J. (2015):
    Submodularity in data subset selection and active learning. ICML (greedy coverage).
    """
    taken = np.asarray(taken, np.intp)
    alive = open_places(xy, taken, distance_m)
    if free is not None:
        alive &= free
    left = np.asarray(score, np.float64).copy()
    like = _like(features) if spread else np.arange(len(left))[:, None]
    if spread:
        for place in taken:
            left[like[place]] *= _TOLD
    chosen: list[int] = []
    while len(chosen) < count and alive.any():
        pick = int(np.where(alive, left[like].sum(axis=1), -1).argmax())
        chosen.append(pick)
        if spread:
            left[like[pick]] *= _TOLD
        alive &= _apart(xy, pick, distance_m)
        alive[pick] = False
    return np.array(chosen, np.intp)


def _like(features: NDArray[np.floating]) -> NDArray[np.intp]:
    """Each sample and its nearest neighbours in feature space, (sample, neighbour)."""
    own = np.arange(len(features))[:, None]
    count = min(-(-len(features) // _LIKE), len(features) - 1)
    if count < 1:
        return own
    near = NearestNeighbors(n_neighbors=count).fit(features).kneighbors(return_distance=False)
    return np.concatenate([own, near], axis=1).astype(np.intp)


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


def _apart(xy: NDArray[np.floating], place: int, distance_m: float) -> NDArray[np.bool_]:
    if distance_m <= 0:
        return np.ones(len(xy), bool)
    far: NDArray[np.bool_] = np.hypot(*(xy - xy[place]).T) >= distance_m
    return far


def _entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probability, 1e-12, 1)
    result: NDArray[np.float64] = -(p * np.log(p)).sum(axis=-1)
    return result
