from __future__ import annotations

import numpy as np
import pytest

from bocage.legend import load_legend
from bocage.model._conformal import (
    conformal_thresholds,
    expected_coverage,
    level_sums,
    map_thresholds,
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


def test_what_sets_are_expected_to_hold(pa):
    probability = np.zeros((2, len(pa)), np.float32)
    probability[0, 0] = 1.0
    probability[1, [0, len(pa) - 1]] = 0.6, 0.4
    assert expected_coverage(probability, pa, {"1": 0.5, "4": 0.7}) == {"1": 0.8, "4": 0.5}
    assert map_thresholds(probability, pa, {"1": 0.8, "4": 0.5}) == {"1": 0.6, "4": 1.0}
    # The other class of the second pixel is needed, too.
    assert map_thresholds(probability, pa, {"1": 0.81}) == {"1": 0.4}
    assert map_thresholds(probability[:0], pa, {"1": 0.8}) == {}


def test_sets_of_a_flatter_map_hold_the_truth_as_often(pa):
    """The threshold of peaked labels does not suit a map of doubtful pixels; the expected does."""
    labels = drawn(pa, 4000, 6, 1.0)
    thresholds = conformal_thresholds(*labels, pa)
    expected = expected_coverage(labels[0], pa, thresholds)
    rng = np.random.default_rng(7)
    flat = rng.dirichlet(np.full(len(pa), 0.5), 20_000)
    truth = (flat.cumsum(axis=1) > rng.random((len(flat), 1))).argmax(axis=1)

    def held(level, least):
        sums = level_sums(flat, pa, level)
        own = level_sums(np.eye(len(pa))[truth], pa, level) > 0
        return ((sums >= least) & own).any(axis=1).mean()

    assert held(4, thresholds["4"]) < 0.8
    for level, least in map_thresholds(flat, pa, expected).items():
        assert held(int(level), least) == pytest.approx(0.9, abs=0.02)


def test_a_threshold_is_reached_by_what_it_was_taken_from(pa):
    """Probabilities of maps are multiples of 1/255: many pixels lie on the threshold itself."""
    probability = np.zeros((4, len(pa)), np.float32)
    probability[:, 0], probability[:, -1] = 203 / 255, 52 / 255
    wrong = np.zeros((200, len(pa)), bool)
    wrong[:, -1] = True
    of_map = map_thresholds(probability, pa, {"4": 0.9})
    of_labels = conformal_thresholds(np.tile(probability, (50, 1)), wrong, pa)
    for found in (of_map, of_labels):
        assert found["4"] == pytest.approx(52 / 255, abs=1e-6)
        assert (probability[:, -1] >= found["4"]).all()
