"""Families of classifiers as learners of `bocage.samples`, for the benchmarks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from bocage.samples import Learner
from bocage.samples._learner import reduce_features

# Few labels of many classes are what active learning is about.
warnings.filterwarnings("ignore", message="The number of unique classes")


def trees(seed: int = 0, count: int = 150, leaf: int = 2) -> Learner:
    """Extremely randomised trees; a label of several classes counts as a part of each."""

    def learn(
        features: NDArray[np.float32], allowed: NDArray[np.bool_], unseen: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        row, target = np.nonzero(allowed)
        weight = 1 / allowed.sum(axis=1)[row]
        model = ExtraTreesClassifier(count, min_samples_leaf=leaf, random_state=seed, n_jobs=1)
        model.fit(features[row], target, sample_weight=weight)
        return _spread(model, unseen, allowed.shape[1])

    return learn


def regression(components: int = 40, strength: float = 0.3) -> Learner:
    """Multinomial logistic regression on principal components, weak and thus slow to memorise."""

    def learn(
        features: NDArray[np.float32], allowed: NDArray[np.bool_], unseen: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        known, other = reduce_features(features, unseen, components)
        scale = np.maximum(known.std(axis=0), 1e-6)
        row, target = np.nonzero(allowed)
        weight = 1 / allowed.sum(axis=1)[row]
        model = LogisticRegression(C=strength, max_iter=60, tol=1e-3)
        model.fit(known[row] / scale, target, sample_weight=weight)
        return _spread(model, other / scale, allowed.shape[1])

    return learn


def _spread(model: Any, features: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    found = np.zeros((len(features), classes), np.float32)
    found[:, model.classes_] = model.predict_proba(features)
    return found
