"""The relabel test of the official production: a first model looks at its own samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.samples._cleaning import Verdicts, judge
from bocage.samples._cleaning_rules import CleaningRules
from bocage.samples._confident import check_labels
from bocage.samples._evidence import Evidence, margin_of


def relabel_test(
    probability: NDArray[np.floating],
    allowed: NDArray[np.bool_],
    label: NDArray[np.integer],
    region: NDArray[np.generic],
    mixed: NDArray[np.bool_],
    rules: CleaningRules,
) -> Verdicts:
    """Remove the samples that the model trained on them labels otherwise.

    Weak contradictions, where the model's class leads the label by less than `rules.margin`,
    stay; mixed classes lose plain ones only. No label is replaced by what the model says.

    Parameters
    ----------
    probability
        (sample, class): of a model that has learned from these very samples.
    allowed
        (sample, class): classes that each label allows.
    label, region, mixed, rules
        See `judge`.

    References
    ----------
    Protected Areas 2021/2024, Algorithm Theoretical Basis Document, version 1 (EEA, 2026).
    """
    check_labels(probability, allowed)
    likely = probability.argmax(axis=1)
    other = ~allowed[np.arange(len(allowed)), likely]
    margin = margin_of(probability, allowed)
    evidence = Evidence(other, margin, margin, other.astype(np.float64), likely)
    return judge(evidence, label, region, mixed, rules)
