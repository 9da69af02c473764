"""What is learned from which label: classes that occur, weights, and what is held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.model._chips import Chips
from bocage.model._settings import ModelSettings

_CAP = 5.0  # largest class weight
_SHARE = 0.2  # held out when there is a single fold


@dataclass(frozen=True, eq=False)
class Split:
    """Which labels train, stop and calibrate, bool (label,) each; `notes` say what was odd."""

    train: NDArray[np.bool_]
    validate: NDArray[np.bool_]
    calibrate: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Held:
    """What a trained model says of labels that it has not learned from.

    Attributes
    ----------
    labels
        Positions of the labels among those that can be learned from, shape (n,).
    probability
        Calibrated, (n, class).
    allowed
        Leaves that each label allows, bool (n, class).
    weight
        Of each label, shape (n,).
    """

    labels: NDArray[np.intp]
    probability: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    weight: NDArray[np.float32]

    @classmethod
    def nothing(cls, classes: int) -> Held:
        """No label."""
        none = np.zeros((0, classes), np.float32)
        return cls(np.zeros(0, np.intp), none, none.astype(bool), np.zeros(0, np.float32))


def usable(chips: Chips) -> Chips:
    """Chips without the labels whose pixel was never seen or that weigh nothing.

    Raises
    ------
    InputError
        If no label is left.
    """
    kept = chips.pick(chips.seen & (chips.weight > 0) & chips.allowed.any(axis=1))
    if not kept.labels:
        raise InputError(
            f"none of the {chips.labels} labels can be learned from",
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


def split_labels(chips: Chips, settings: ModelSettings) -> Split:
    """Choose what is held out, by spatial fold.

    With the two folds of the settings both present these are held out. With fewer than
    three folds: of two folds one is held out for both purposes; of a single fold a
    fifth of the chips; of a single chip nothing. Each such case is noted.
    """
    folds = [int(f) for f in np.unique(chips.fold)]
    if len(folds) >= 3:
        return _three_way(chips, settings, folds)
    if len(folds) == 2:
        at = settings.validation_fold if settings.validation_fold in folds else folds[0]
        held = chips.fold == at
        note = f"two folds only: fold {at} both stops the training and calibrates"
        return Split(~held, held, held, (note,))
    numbers = np.unique(chips.chip)
    if len(numbers) < 2:
        none = np.zeros(chips.labels, bool)
        return Split(~none, none, none, ("one chip only: nothing held out, not calibrated",))
    order = np.random.default_rng(settings.seed).permutation(numbers)
    chosen = order[: max(1, round(_SHARE * len(order)))]
    held = np.isin(chips.chip, chosen)
    note = f"one fold only: {len(chosen)} of {len(order)} chips stop the training and calibrate"
    return Split(~held, held, held, (note,))


def _three_way(chips: Chips, settings: ModelSettings, folds: list[int]) -> Split:
    wanted = (settings.validation_fold, settings.calibration_fold)
    spare = [f for f in folds if f not in wanted]
    chosen, notes = [], []
    for fold, purpose in zip(wanted, ("validation", "calibration"), strict=True):
        if fold in folds:
            chosen.append(fold)
        else:
            chosen.append(spare.pop(0))
            notes.append(f"fold {fold} is empty: fold {chosen[-1]} does the {purpose}")
    validate, calibrate = (chips.fold == f for f in chosen)
    return Split(~(validate | calibrate), validate, calibrate, tuple(notes))
