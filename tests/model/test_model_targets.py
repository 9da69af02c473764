from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bocage.errors import ConfigError, InputError
from bocage.model import ModelSettings, Pixels
from bocage.model._calibrate import (
    expected_calibration_error,
    fit_temperature,
    log_likelihood,
    scores,
    soften,
)
from bocage.model._targets import Held, label_weights, present_classes, usable


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


def test_labels_that_teach_nothing_are_left_out(pixels: Pixels) -> None:
    blind = replace(pixels, observed=np.zeros_like(pixels.observed))
    with pytest.raises(InputError, match=r"none of the 400 labels"):
        usable(blind)
    half = replace(pixels, weight=np.where(pixels.fold > 2, 1, 0).astype(np.float32))
    kept = usable(half)
    assert kept.labelled.sum() == (pixels.fold > 2).sum()
    assert (~kept.labelled).sum() == 2000
    mute = replace(pixels, sets=np.zeros_like(pixels.sets))
    with pytest.raises(InputError, match="can be learned from"):
        usable(mute)


def test_pixels_that_were_never_seen_are_left_out(pixels: Pixels) -> None:
    observed = pixels.observed.copy()
    observed[::3] = False
    kept = usable(replace(pixels, observed=observed))
    assert len(kept) == len(pixels) - len(pixels.x[::3])
    assert kept.observed.any(axis=1).all()


def test_nothing_held_out_has_its_shape() -> None:
    nothing = Held.nothing(4)
    assert nothing.probability.shape == nothing.allowed.shape == (0, 4)
    assert len(nothing.labels) == len(nothing.weight) == 0


@pytest.mark.parametrize("places", [1, 4, 50])
def test_few_places_keep_the_confidence_humble(places: int) -> None:
    # All labels are right: without places the confidence is as high as may be.
    logits = np.random.default_rng(0).uniform(1, 9, (50, 1)) * np.array([1.0, 0.0, 0.0])
    allowed = np.tile([True, False, False], (50, 1))
    weight = np.ones(50)

    def confidence(temperature: float) -> float:
        p = np.exp(logits / temperature)
        return float((p.max(axis=1) / p.sum(axis=1)).mean())

    assert confidence(fit_temperature(logits, allowed, weight)) > 0.99
    humble = confidence(fit_temperature(logits, allowed, weight, places))
    assert humble == pytest.approx((places + 0.5) / (places + 1), abs=1e-3)


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
    mended = soften(over.astype(np.float32), temperature)
    assert mended == pytest.approx(p, abs=0.05)
    assert expected_calibration_error(mended, allowed) < 0.015


def test_softening_leaves_what_is_impossible() -> None:
    p = np.array([[0.9, 0.1, 0.0], [0.0, 0.0, 0.0]], np.float32)
    found = soften(p, 2.0)
    assert found[0] == pytest.approx([0.75, 0.25, 0], abs=1e-6)
    assert (found[1] == 0).all()


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
        ({"engine": "ensemble"}, "no engine 'ensemble'"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"width": 0}, "width is 0"),
        ({"member_width": 0}, "member_width is 0"),
        ({"unlabelled": -1}, "unlabelled is -1"),
        ({"calibration_m": 0}, "calibration_m is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"training_threads": 0}, "training_threads is 0"),
        ({"training_threads": "many"}, "training_threads is many"),
        ({"month_dropout": 1.0}, "month_dropout is 1.0"),
        ({"dropout": -0.1}, "dropout is -0.1"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelSettings(**wrong)  # type: ignore[arg-type]
