"""Learners as plain functions, and probabilities of samples that a learner has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from bocage.errors import InputError


class Learner(Protocol):
    """Learns from some samples and gives the class probabilities of others."""

    def __call__(
        self,
        features: NDArray[np.float32],
        allowed: NDArray[np.bool_],
        unseen: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Probabilities (other sample, class) after learning from `allowed` (sample, class).

        `features` is (sample, feature), `unseen` (other sample, feature).
        """
        ...


def out_of_fold(
    learners: Sequence[Learner],
    features: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    fold: NDArray[np.integer],
    *,
    use: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Class probabilities of every sample from learners that have not seen its fold.

    Folds are to be spatial (`fold_of`): neighbours share the polygon and with it the error, and
    a learner that has seen them repeats it.

    Parameters
    ----------
    learners
        One a member of the ensemble.
    features
        (sample, feature).
    allowed
        (sample, class): classes that each label allows.
    fold
        (sample,).
    use
        (sample,): samples that may be learned from; all by default.

    Returns
    -------
    numpy.ndarray
        float32 (member, sample, class).

    Raises
    ------
    InputError
        If there is nothing to learn from outside some fold.
    """
    use = np.ones(len(allowed), bool) if use is None else use
    found = np.zeros((len(learners), *allowed.shape), np.float32)
    for value in np.unique(fold):
        held = fold == value
        taught = use & ~held
        if not taught.any():
            raise InputError(
                f"there is no sample outside fold {value}",
                remedy="draw samples in more places, or make the folds smaller",
            )
        for member, learner in enumerate(learners):
            found[member, held] = learner(features[taught], allowed[taught], features[held])
    return found


def nearest_neighbours(count: int = 15, components: int = 20) -> Learner:
    """Votes of the nearest labels in feature space, the rare classes' heavier.

    Features are standardised and reduced to principal components, so that many months of one
    band do not outvote the rest. A label of several classes shares its vote among them. A vote
    counts by the inverse square root of its label's frequency.

    Parameters
    ----------
    count
        Neighbours that vote.
    components
        Principal components in which they are the nearest.
    """

    def learn(
        features: NDArray[np.float32],
        allowed: NDArray[np.bool_],
        unseen: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        known, other = reduce_features(features, unseen, components)
        share = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
        frequency = np.maximum(share @ share.sum(axis=0), 1e-9)
        votes = share / np.sqrt(frequency)[:, None]
        index = NearestNeighbors(n_neighbors=min(count, len(known)), algorithm="brute").fit(known)
        near = index.kneighbors(other, return_distance=False)
        total = votes[near].sum(axis=1)
        total /= np.maximum(total.sum(axis=1, keepdims=True), 1e-12)
        return np.asarray(total, np.float32)

    return learn


def reduce_features(
    features: NDArray[np.floating], others: NDArray[np.floating], components: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Leading principal components of standardised features, and the same of others.

    Parameters
    ----------
    features, others
        (sample, feature) and (other sample, feature); only `features` decide on the components.
    components
        At most this many.
    """
    mean, deviation = features.mean(axis=0, dtype=float), features.std(axis=0, dtype=float)
    deviation = np.where(deviation > 1e-9, deviation, 1)
    centred = (features - mean) / deviation
    _, vectors = np.linalg.eigh(centred.T @ centred / max(len(centred), 1))
    basis = vectors[:, ::-1][:, :components]
    return (
        np.asarray(centred @ basis, np.float32),
        np.asarray((others - mean) / deviation @ basis, np.float32),
    )
