from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bocage.errors import ConfigError, InputError
from bocage.model import Chips, ModelSettings
from bocage.model._calibrate import (
    expected_calibration_error,
    fit_temperature,
    log_likelihood,
    scores,
)
from bocage.model._targets import label_weights, present_classes, split_labels, usable


def rows(*texts: str) -> np.ndarray:
    return np.array([[c == "1" for c in t] for t in texts])


def test_a_class_that_hides_in_sets_does_not_occur() -> None:
    # The second class is only ever named beside the first, the last two never alone.
    allowed = rows("10000", "11000", "00110")
    assert present_classes(allowed).tolist() == [True, False, True, True, False]


def test_rare_classes_weigh_more_but_not_without_limit() -> None:
    allowed = np.repeat(np.eye(3, dtype=bool), [900, 90, 1], axis=0)
    weight = label_weights(allowed, np.ones(991, np.float32), np.ones(3, bool))
    assert weight.mean() == pytest.approx(1, abs=1e-5)
    assert weight[950] / weight[0] == pytest.approx(np.sqrt(10), rel=1e-4)
    assert weight[-1] / weight[0] == pytest.approx(5 / np.sqrt(991 / 3 / 900), rel=1e-4)
    double = np.ones(991, np.float32)
    double[0] = 2
    assert label_weights(allowed, double, np.ones(3, bool))[0] > 1.9 * weight[0] * 0.99


def with_folds(chips: Chips, folds: list[int]) -> Chips:
    return replace(chips, fold=np.resize(np.array(folds, np.int16), chips.labels))


def test_the_two_folds_are_held_out(chips: Chips) -> None:
    split = split_labels(chips, ModelSettings())
    assert (split.validate == (chips.fold == 0)).all()
    assert (split.calibrate == (chips.fold == 1)).all()
    assert (split.train == (chips.fold > 1)).all()
    assert split.notes == ()


def test_an_empty_fold_is_replaced_and_noted(chips: Chips) -> None:
    split = split_labels(with_folds(chips, [2, 3, 4]), ModelSettings())
    assert len(split.notes) == 2
    assert split.validate.any()
    assert split.calibrate.any()
    assert not (split.validate & split.calibrate).any()
    assert not (split.train & (split.validate | split.calibrate)).any()


def test_two_folds_one_fold_one_chip(chips: Chips) -> None:
    two = split_labels(with_folds(chips, [3, 4]), ModelSettings())
    assert "two folds only" in two.notes[0]
    assert (two.validate == two.calibrate).all()
    assert not (two.train & two.validate).any()
    one = split_labels(with_folds(chips, [2]), ModelSettings())
    assert "one fold only" in one.notes[0]
    assert one.validate.any()
    assert not set(chips.chip[one.train]) & set(chips.chip[one.validate])
    single = with_folds(chips, [2]).pick(chips.chip == chips.chip[0])
    none = split_labels(single, ModelSettings())
    assert none.train.all()
    assert not none.calibrate.any()
    assert "not calibrated" in none.notes[0]


def test_labels_that_teach_nothing_are_left_out(chips: Chips) -> None:
    blind = replace(chips, observed=np.zeros_like(chips.observed))
    with pytest.raises(InputError, match=f"none of the {chips.labels} labels"):
        usable(blind)
    half = replace(chips, weight=np.where(chips.fold > 2, 1, 0).astype(np.float32))
    assert usable(half).labels == (chips.fold > 2).sum()


def test_temperature_is_found_and_mends_the_error() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 6))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (p.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    allowed = np.eye(6, dtype=bool)[truth]
    sharp = 3 * logits
    temperature = fit_temperature(sharp, allowed, np.ones(20_000))
    assert temperature == pytest.approx(3, rel=0.05)
    over = np.exp(sharp) / np.exp(sharp).sum(axis=1, keepdims=True)
    assert expected_calibration_error(over, allowed) > 0.1
    assert expected_calibration_error(p, allowed) < 0.015


def test_scores_by_hand() -> None:
    p = np.array([[0.9, 0.1, 0], [0.4, 0.6, 0], [0.2, 0.3, 0.5]])
    allowed = rows("100", "100", "011")
    found = scores(p, allowed)
    assert found["oa"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["macro_f1"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["labels"] == 3
    assert log_likelihood(np.log(p + 1e-9), allowed)[2] == pytest.approx(np.log(0.8), abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"engine": "magic"}, "no engine 'magic'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"chip_px": 18}, "chip_px is 18"),
        ({"width": 20}, "width is 20"),
        ({"validation_fold": 1}, "fold 1 is to validate and to calibrate"),
        ({"batch": 0}, "batch is 0"),
        ({"month_dropout": 1.0}, "month_dropout is 1.0"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelSettings(**wrong)  # type: ignore[arg-type]
