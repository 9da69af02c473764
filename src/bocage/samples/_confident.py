"""Confident learning: labels that a classifier which has not seen them contradicts.

Labels may allow several classes. A row of the confident joint is then a set of classes, the
probability of a label is the sum over its set, and a sample is off the diagonal where the class
that it confidently belongs to lies outside the set. For labels of one class each this is the
published method.

References
----------
Northcutt, C., Jiang, L. and Chuang, I. (2021): Confident learning: estimating uncertainty in
dataset labels. Journal of Artificial Intelligence Research 70, 1373–1411.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError

_SLACK = 1e-6  # a probability that equals its threshold but for rounding reaches it
_NONE = -1


class ConfidentJoint(NamedTuple):
    """How many samples of each label confidently belong to each class.

    Attributes
    ----------
    sets
        bool (label, class): the classes that each distinct label allows.
    given
        intp (sample,): position of each sample's label in `sets`.
    threshold
        float64 (class,): mean probability of a class among samples that bear it; infinite for a
        class that no label allows.
    confident
        intp (sample,): the likeliest class that reaches its threshold; −1 for none.
    counts
        float64 (label, class): samples, scaled so that each row sums to the samples of the label.
    """

    sets: NDArray[np.bool_]
    given: NDArray[np.intp]
    threshold: NDArray[np.float64]
    confident: NDArray[np.intp]
    counts: NDArray[np.float64]


def label_probability(
    probability: NDArray[np.floating], allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Probability that a label holds: the sum over the classes it allows, float64 (sample,).

    Parameters
    ----------
    probability, allowed
        (sample, class).
    """
    total: NDArray[np.float64] = np.where(allowed, probability, 0).sum(axis=1, dtype=np.float64)
    return total


def confident_joint(
    probability: NDArray[np.floating], allowed: NDArray[np.bool_]
) -> ConfidentJoint:
    """Estimate the joint distribution of given labels and true classes.

    Parameters
    ----------
    probability
        (sample, class), from models that have not seen the sample (`out_of_fold`).
    allowed
        (sample, class): classes that each label allows.

    Raises
    ------
    InputError
        If shapes differ or a sample has no label.
    """
    check_labels(probability, allowed)
    sets, given = np.unique(allowed, axis=0, return_inverse=True)
    given = given.reshape(-1)
    # A label of several classes bears on each of them by its share of the label's probability.
    bearing = np.where(allowed, np.maximum(probability, 1e-12), 0)
    bearing /= bearing.sum(axis=1, keepdims=True)
    mass = bearing.sum(axis=0)
    total = (bearing * probability).sum(axis=0)
    threshold = np.where(mass > 0, total / np.where(mass > 0, mass, 1), np.inf)
    reached = probability >= threshold - _SLACK
    best = np.where(reached, probability, -1).argmax(axis=1)
    confident = np.where(reached.any(axis=1), best, _NONE)
    counts = np.zeros(sets.shape)
    sure = confident != _NONE
    np.add.at(counts, (given[sure], confident[sure]), 1)
    size = np.bincount(given, minlength=len(sets))
    row = counts.sum(axis=1, keepdims=True)
    spread = sets / sets.sum(axis=1, keepdims=True)
    counts = np.where(row > 0, counts / np.where(row > 0, row, 1), spread) * size[:, None]
    return ConfidentJoint(sets, given, threshold, confident, counts)


def confident_errors(
    probability: NDArray[np.floating], allowed: NDArray[np.bool_], *, by: str = "rate"
) -> NDArray[np.bool_]:
    """Labels that are probably wrong, bool (sample,).

    Parameters
    ----------
    probability, allowed
        See `confident_joint`.
    by
        ``rate``: of each label and each class outside it, as many samples as the joint says,
        those first that belong to the class by the widest margin (the paper's prune by noise
        rate). ``joint``: the samples off the diagonal of the confident joint. In both the
        likeliest class lies outside the label.
    """
    if by not in ("rate", "joint"):
        raise InputError(f"there is no pruning by '{by}'", remedy="use rate or joint")
    joint = confident_joint(probability, allowed)
    rows = np.arange(len(allowed))
    doubtful = ~allowed[rows, probability.argmax(axis=1)]
    if by == "joint":
        off = joint.confident != _NONE
        off[off] = ~allowed[rows[off], joint.confident[off]]
        return np.asarray(off & doubtful)
    found = np.zeros(len(allowed), bool)
    own = label_probability(probability, allowed)
    off_diagonal = np.where(joint.sets, 0, joint.counts)
    for label, kind in np.argwhere(off_diagonal >= 0.5).tolist():
        members = np.flatnonzero(joint.given == label)
        margin = probability[members, kind] - own[members]
        count = min(int(np.rint(off_diagonal[label, kind])), len(members))
        found[members[np.argsort(-margin, kind="stable")[:count]]] = True
    return np.asarray(found & doubtful)


def check_labels(probability: NDArray[np.floating], allowed: NDArray[np.bool_]) -> None:
    """Raise when probabilities and labels do not belong together."""
    if probability.shape != allowed.shape or probability.ndim != 2:
        raise InputError(
            f"probabilities {probability.shape} and labels {allowed.shape} differ",
            remedy="give both as (sample, class)",
        )
    if not np.isfinite(probability).all():
        raise InputError("a probability is not finite", remedy="leave unseen samples out")
    if not allowed.any(axis=1).all():
        raise InputError(
            f"{int((~allowed.any(axis=1)).sum())} samples have no label",
            remedy="leave them out",
        )
