from __future__ import annotations

import numpy as np
import pytest

from bocage.legend import load_legend
from bocage.model._conformal import (
    conformal_thresholds,
    level_sums,
    safe_levels,
    set_sizes,
)


@pytest.fixture(scope="module")
def pa():
    return load_legend("pa")


def drawn(legend, count, seed, sharpness=2.0):
    """Probabilities, and labels drawn from them: calibrated by construction."""
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.full(len(legend), 0.05), count) ** sharpness
    probability /= probability.sum(axis=1, keepdims=True)
    truth = (probability.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return probability.astype(np.float32), np.eye(len(legend), dtype=bool)[truth]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_hold_the_truth_as_often_as_asked(pa, coverage):
    thresholds = conformal_thresholds(*drawn(pa, 3000, 1, 1.0), pa, coverage)
    assert list(thresholds) == ["1", "2", "3", "4"]
    probability, allowed = drawn(pa, 20_000, 2, 1.0)
    for level, least in thresholds.items():
        named = level_sums(allowed.astype(float), pa, int(level)) > 0
        inside = (level_sums(probability, pa, int(level)) >= least)[named]
        # At a level where one class nearly always has it all, sets cannot be smaller.
        assert inside.mean() == pytest.approx(coverage, abs=0.025)


def test_sums_are_those_of_the_leaves(pa):
    probability, _ = drawn(pa, 50, 3)
    for level in range(1, 5):
        sums = level_sums(probability, pa, level)
        assert sums.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert level_sums(probability, pa, 4).shape == (50, len(pa))


def test_safe_levels_are_single_classes(pa):
    probability = np.zeros((3, len(pa)), np.float32)
    first, second = pa.index(pa.codes()[0]) - 1, pa.index(pa.codes()[1]) - 1
    far = len(pa) - 1
    probability[0, first] = 1.0
    probability[1, [first, second]] = 0.5
    probability[2, [first, far]] = 0.5
    thresholds = {"1": 0.3, "2": 0.3, "3": 0.3, "4": 0.3}
    sizes = set_sizes(probability, pa, thresholds)
    assert sizes["4"].tolist() == [1, 2, 2]
    found = safe_levels(probability, pa, thresholds)
    assert found[0] == 4
    assert 0 < found[1] < 4
    assert found[2] == 0


def test_few_labels_promise_nothing(pa):
    assert conformal_thresholds(*drawn(pa, 20, 4), pa) == {}


def test_labels_of_several_classes_count_where_they_name_one(pa):
    probability, allowed = drawn(pa, 400, 5)
    codes = pa.code_table(1)[1 : len(pa) + 1]
    truth = allowed.argmax(axis=1)
    wide = codes[None, :] == codes[truth][:, None]
    found = conformal_thresholds(probability, wide, pa)
    assert "1" in found
    assert "4" not in found
