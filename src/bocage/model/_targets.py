"""What is learned from which label: classes that occur, and weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.model._pixels import Pixels

_CAP = 5.0  # largest class weight


@dataclass(frozen=True, eq=False)
class Held:
    """What a trained model says of labels that it has not learned from.

    Attributes
    ----------
    labels
        Positions of the labels among the pixels that can be learned from, shape (n,).
    probability
        Calibrated, (n, class).
    allowed
        Leaves that each label allows, bool (n, class).
    weight
        Of each label, shape (n,).
    squares
        Number of places that the labels come from; those of one place are alike.
    """

    labels: NDArray[np.intp]
    probability: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    weight: NDArray[np.float32]
    squares: int = 0

    @classmethod
    def nothing(cls, classes: int) -> Held:
        """No label."""
        none = np.zeros((0, classes), np.float32)
        return cls(np.zeros(0, np.intp), none, none.astype(bool), np.zeros(0, np.float32))


def usable(pixels: Pixels) -> Pixels:
    """Pixels that were ever seen, without the labels that weigh nothing.

    Raises
    ------
    InputError
        If no label is left.
    """
    teaches = (pixels.weight > 0) & pixels.allowed.any(axis=1)
    kept = pixels.pick(pixels.observed.any(axis=1) & (teaches | ~pixels.labelled))
    if not kept.labelled.any():
        raise InputError(
            f"none of the {int(pixels.labelled.sum())} labels can be learned from",
            remedy="draw samples where the images have clear observations, with weights above 0",
        )
    return kept


def present_classes(allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Classes that the labels can teach, bool (class,).

    A class occurs when a label names it alone. A set of classes none of which is named
    alone brings in all of its members; else a class that only ever hides in sets would gather
    probability that nothing ever took from it.
    """
    single = allowed.sum(axis=1) == 1
    present: NDArray[np.bool_] = allowed[single].any(axis=0)
    orphans = ~(allowed & present).any(axis=1)
    return present | allowed[orphans].any(axis=0)


def labels_by_class(pixels: Pixels) -> dict[str, int]:
    """Labels that name a class alone, by code, for classes that have any."""
    single = pixels.allowed[pixels.allowed.sum(axis=1) == 1].sum(axis=0)
    return {str(c): int(n) for c, n in zip(pixels.codes, single, strict=True) if n}


def label_weights(
    allowed: NDArray[np.bool_], weight: NDArray[np.float32], present: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Weight of each label with rare classes raised, mean 1.

    The square root of the inverse frequency, at most 5 times and at least a fifth of the
    average; a label that allows several classes gets the mean of theirs.
    """
    members = (allowed & present).astype(np.float64)
    members /= np.maximum(members.sum(axis=1, keepdims=True), 1)
    count = (members * weight[:, None]).sum(axis=0)
    mean = count[count > 0].mean()
    ratio = np.sqrt(mean / np.maximum(count, 1e-9))
    total = weight * (members @ np.clip(ratio, 1 / _CAP, _CAP))
    scaled: NDArray[np.float32] = (total / total.mean()).astype(np.float32)
    return scaled
