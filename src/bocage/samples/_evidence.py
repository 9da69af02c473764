"""What several models say about each label.

Two kinds of members see two kinds of errors. Members of *spatial* folds have not seen the
polygon of a sample, and find errors that the whole polygon shares; they know little of
places unlike all others. Members of *random* folds have seen the rest of the polygon, and find
single wrong samples among right ones: agreement in feature space, as a self-organising map
tests it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.samples._confident import check_labels, confident_errors, label_probability


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence for and against labels, arrays (sample,).

    Attributes
    ----------
    confident
        bool: off the diagonal of the confident joint of the spatial members, by region.
    near
        float64: how much likelier than the label the likeliest class outside it is to the mean
        of the random members, −1 … 1.
    overall
        float64: the same, to the mean of all members.
    against
        float64: share of all members whose likeliest class lies outside the label.
    likely
        intp: the likeliest class, to the mean of all members.
    """

    confident: NDArray[np.bool_]
    near: NDArray[np.float64]
    overall: NDArray[np.float64]
    against: NDArray[np.float64]
    likely: NDArray[np.intp]


def gather_evidence(
    spatial: NDArray[np.floating],
    random: NDArray[np.floating],
    allowed: NDArray[np.bool_],
    region: NDArray[np.generic],
) -> Evidence:
    """Ask every member about every label.

    Parameters
    ----------
    spatial, random
        (member, sample, class): probabilities from `out_of_fold` with spatial folds and with
        random ones (`random_folds`): seeds, families of models, or states of a network early
        in its training, before it memorises wrong labels.
    allowed
        (sample, class): classes that each label allows. A set is contradicted only if all of it
        is improbable.
    region
        (sample,): confident learning has thresholds of its own in each region.

    Raises
    ------
    InputError
        If a stack has no member or another shape than the labels.

    References
    ----------
    Liu, S., Niles-Weed, J., Razavian, N. and Fernandez-Granda, C. (2020): Early-learning
    regularization prevents memorization of noisy labels. NeurIPS 33, 20331–20342.
    """
    for stack, name in ((spatial, "spatial"), (random, "random")):
        if stack.ndim != 3 or not len(stack):
            raise InputError(
                f"the {name} probabilities have the shape {stack.shape}",
                remedy="give (member, sample, class) with a member at least",
            )
        check_labels(stack[0], allowed)
    far, close = spatial.mean(axis=0), random.mean(axis=0)
    confident = np.zeros(len(allowed), bool)
    for name in np.unique(region):
        here = region == name
        confident[here] = confident_errors(far[here], allowed[here], by="joint")
    members = np.concatenate([spatial, random])
    mean = members.mean(axis=0)
    rows = np.arange(len(allowed))
    against = np.mean([~allowed[rows, m.argmax(axis=1)] for m in members], axis=0)
    return Evidence(
        confident=confident,
        near=margin_of(close, allowed),
        overall=margin_of(mean, allowed),
        against=against,
        likely=mean.argmax(axis=1),
    )


def random_folds(group: NDArray[np.generic], count: int = 5, *, seed: int = 0) -> NDArray[np.int8]:
    """Random folds that keep groups whole, such as the points of a cube, which share a label.

    Parameters
    ----------
    group
        (sample,): name or number of each sample's group.
    count
        Number of folds.
    seed
        Decides which group falls into which fold.
    """
    names, inverse = np.unique(group, return_inverse=True)
    places = np.random.default_rng(seed).permutation(len(names)) % count
    fold: NDArray[np.int8] = places[inverse.reshape(-1)].astype(np.int8)
    return fold


def margin_of(probability: NDArray[np.floating], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How much likelier than the label the likeliest class outside it is, float64 (sample,)."""
    rival = np.where(allowed, 0, probability).max(axis=1).astype(np.float64)
    return np.asarray(rival - label_probability(probability, allowed))
