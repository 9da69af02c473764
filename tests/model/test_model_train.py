from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import util
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS, make_legend, make_samples, make_series, make_truth

from bocage.errors import ConfigError, InputError
from bocage.legend import Legend
from bocage.model import FieldModel, Pixels, predict, read_pixels, train
from bocage.model._split import split_labels
from bocage.model._torch import require_torch

torch = pytest.importorskip("torch", reason="needs the extra 'train'")


def accuracy(model: FieldModel, months: tuple[int, ...] = (0, 1, 2, 3)) -> tuple[float, float]:
    """Overall accuracy and recall of the thin line on a landscape of its own."""
    truth = make_truth(160, 5)
    best = predict(model, make_series(truth, 5).isel(month=list(months))).best.values
    return float((best == truth).mean()), float((best == truth)[truth == 3].mean())


def test_learns_two_covers_and_a_thin_line(model: FieldModel) -> None:
    overall, line = accuracy(model)
    assert overall > 0.97
    assert line > 0.8


def test_reports_what_it_did(model: FieldModel, pixels: Pixels) -> None:
    facts = model.facts
    assert facts.absent == (22,)
    assert facts.metrics["calibrated"]
    assert facts.metrics["calibration"]["oa"] > 0.9
    assert facts.metrics["calibration"]["ece"] <= facts.metrics["calibration"]["ece_before"]
    labels = facts.metrics["labels"]
    assert labels["train"] + labels["calibrate"] == labels["all"] == pixels.labelled.sum()
    assert labels["calibrate"] == facts.metrics["calibration"]["labels"] > 0
    assert facts.metrics["unlabelled"] == 2000
    assert facts.metrics["notes"] == ["1 of 4 classes have no label and are never mapped"]
    assert set(facts.metrics["conformal"]["thresholds"]) == {"1", "2"}
    assert facts.temperature != 1
    assert facts.settings == SETTINGS


def test_the_curve_holds_every_network(model: FieldModel) -> None:
    curve = model.facts.curve
    members = [f"member {n}" for n in range(1, 9)]
    want = [*(f"trial {name}" for name in members), *members, "network"]
    assert [record["who"] for record in curve] == list(np.repeat(want, 12))
    for who in want:
        losses = [record["loss"] for record in curve if record["who"] == who]
        assert losses[-1] < losses[0]


def test_absent_classes_are_never_mapped(model: FieldModel, series: xr.Dataset) -> None:
    posterior = predict(model, series)
    named = posterior.data["index"].values[posterior.data["probability"].values > 0]
    assert set(np.unique(named)) == {1, 2, 3}


def test_training_is_repeatable(pixels: Pixels, legend: Legend, model: FieldModel) -> None:
    torch.rand(3)  # what was drawn before does not matter
    again = train(pixels, legend, SETTINGS)
    assert isinstance(again, FieldModel)
    assert again.weights == model.weights
    assert again.graph == model.graph
    assert again.facts == model.facts


@pytest.mark.usefixtures("no_export")
def test_progress_is_told_and_the_seed_matters(pixels: Pixels, legend: Legend) -> None:
    told: list[tuple[int, int, Mapping[str, Any]]] = []
    settings = replace(SETTINGS, epochs=1)
    model = train(pixels, legend, settings, lambda *news: told.append(news))
    assert isinstance(model, FieldModel)
    assert [epoch for epoch, _, _ in told] == list(range(1, 18))
    assert {planned for _, planned, _ in told} == {17}
    # Networks that learn side by side tell in any order; the curve has one.
    assert sorted((r for _, _, r in told), key=str) == sorted(model.facts.curve, key=str)
    assert [r["who"] for r in model.facts.curve[:2]] == ["trial member 1", "trial member 2"]
    other = train(pixels, legend, replace(settings, seed=1))
    assert isinstance(other, FieldModel)
    assert model.facts.curve != other.facts.curve
    assert model.weights != other.weights


@pytest.mark.usefixtures("no_export")
def test_held_out_labels_teach_no_trial(
    pixels: Pixels, legend: Legend, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bocage.model import _train, _trial

    taught: list[np.ndarray] = []
    asked: list[tuple[int, int]] = []
    elect, poll = _train.elect, _train.poll

    def listen(bench, lesson, *rest):
        taught.append(lesson.which)
        return elect(bench, lesson, *rest)

    def ask(bench, committee, which):
        asked.append((len(committee.members), len(which)))
        return poll(bench, committee, which)

    monkeypatch.setattr(_train, "elect", listen)
    monkeypatch.setattr(_train, "poll", ask)
    monkeypatch.setattr(_trial, "poll", ask)
    settings = replace(SETTINGS, epochs=1)
    train(pixels, legend, settings)
    split = split_labels(pixels, settings)
    assert [list(which) for which in taught] == [
        list(np.flatnonzero(split.train)), list(np.flatnonzero(pixels.labelled)),
    ]  # fmt: skip
    assert asked == [(8, split.calibrate.sum()), (8, len(pixels))]


@pytest.mark.usefixtures("no_export")
def test_few_squares_are_not_calibrated_and_say_so(pixels: Pixels, legend: Legend) -> None:
    told: list[int] = []
    settings = replace(SETTINGS, epochs=1, calibration_m=1000.0)
    facts = train(pixels, legend, settings, lambda _, planned, __: told.append(planned)).facts
    assert told == [9] * 9
    assert facts.metrics["calibrated"] is False
    assert facts.temperature == 1
    assert "not calibrated" in facts.metrics["notes"][0]
    assert "never mapped" in facts.metrics["notes"][1]
    assert facts.metrics["conformal"]["thresholds"] == {}


def test_learns_from_labels_alone(pixels: Pixels, legend: Legend) -> None:
    """Without unlabelled pixels; so few steps find the two covers at least."""
    model = train(pixels.pick(pixels.labelled), legend, SETTINGS)
    assert isinstance(model, FieldModel)
    assert accuracy(model)[0] > 0.9
    assert model.facts.metrics["unlabelled"] == 0


def test_the_network_that_misses_months_learned_to(
    model: FieldModel, pixels: Pixels, legend: Legend
) -> None:
    """Two of four months: months hidden in training make that less harmful."""
    spoilt = train(pixels, legend, replace(SETTINGS, month_dropout=0.0))
    assert isinstance(spoilt, FieldModel)
    assert accuracy(spoilt)[0] > 0.97
    with_two = [
        np.mean([accuracy(m, months)[0] for months in combinations(range(4), 2)])
        for m in (model, spoilt)
    ]
    assert with_two[0] > 0.85
    assert with_two[0] > with_two[1] + 0.05


@pytest.mark.usefixtures("no_export")
def test_bands_that_make_no_index_teach_too(series: xr.Dataset, truth: np.ndarray) -> None:
    told: list[int] = []
    bare = read_pixels(series.sel(band=["B02", "B11"]), make_samples(truth, series), make_legend())
    settings = replace(SETTINGS, epochs=5)
    facts = train(bare, make_legend(), settings, lambda _, of, __: told.append(of)).facts
    assert told == [45] * 45
    assert facts.metrics["calibration"]["oa"] > 0.8


@pytest.mark.usefixtures("no_export")
def test_labels_of_several_classes_teach(series: xr.Dataset, truth: np.ndarray) -> None:
    """Half of the labels say only "one of the first two"; they are still told apart."""
    samples = make_samples(truth, series, 400, seed=8)
    wide = (samples.index % 2 == 0) & samples["code"].isin([11, 12])
    samples.loc[wide, ["code", "allowed"]] = [0, "11;12"]
    pixels = read_pixels(series, samples, make_legend(), unlabelled=500)
    metrics = train(pixels, make_legend(), SETTINGS).facts.metrics
    # The mean F1 is over labels that name one class alone.
    assert metrics["calibration"]["macro_f1"] > 0.8
    assert metrics["calibration"]["oa"] > 0.9


@pytest.mark.usefixtures("no_export")
def test_few_labels_and_small_batches(pixels: Pixels, legend: Legend) -> None:
    few = pixels.pick(np.flatnonzero(pixels.labelled)[:13])
    for batch in (1, 2, 13, 999):
        model = train(few, legend, replace(SETTINGS, epochs=2, batch=batch))
        assert np.isfinite([record["loss"] for record in model.facts.curve]).all()
    with pytest.raises(InputError, match="one label"):
        train(pixels.pick(np.array([0, 1000, 1001])), legend, SETTINGS)


def test_wrong_legend_is_named(pixels: Pixels) -> None:
    with pytest.raises(InputError, match="not with 'other'"):
        train(pixels, make_legend("other"), SETTINGS)


def test_torch_is_left_as_it_was() -> None:
    from bocage.model._training import repeatable

    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with repeatable(SETTINGS):
        torch.rand(5)
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_missing_torch_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, pixels: Pixels, legend: Legend
) -> None:
    found = util.find_spec
    monkeypatch.setattr(
        "bocage.model._torch.find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(ConfigError, match=r"bocage\[train\]"):
        train(pixels, legend)
    with pytest.raises(ConfigError, match="needs torch\n"):
        require_torch()
