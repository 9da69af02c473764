from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS

from bocage.errors import ConfigError, InputError
from bocage.legend import Legend
from bocage.model import (
    Chips,
    EnsembleModel,
    ModelSettings,
    load_model,
    model_files,
    predict,
    train,
)
from bocage.model._ensemble import combine
from bocage.model._targets import Held


@pytest.fixture(scope="module")
def both(chips: Chips, legend: Legend) -> EnsembleModel:
    from dataclasses import replace

    trained = train(chips, legend, replace(SETTINGS, engine="ensemble", trees=20))
    assert isinstance(trained, EnsembleModel)
    return trained


def held(labels: list[int], right: float, classes: int = 4) -> Held:
    """What a model says that gives the true class, the first, a probability."""
    allowed = np.zeros((len(labels), classes), bool)
    allowed[:, 0] = True
    probability = np.full((len(labels), classes), (1 - right) / (classes - 1), np.float32)
    probability[:, 0] = right
    return Held(np.array(labels), probability, allowed, np.ones(len(labels), np.float32))


def test_probabilities_are_those_of_both(both: EnsembleModel, series: xr.Dataset) -> None:
    part = series.isel(y=slice(0, 64), x=slice(0, 64))
    posterior = predict(both, part)
    total = posterior.data["probability"].astype(int).sum("k")
    assert int(total.max()) <= 256
    absent = [i + 1 for i, c in enumerate(both.facts.codes) if c in both.facts.absent]
    named = posterior.data["index"].where(posterior.data["probability"] > 0)
    assert not np.isin(named.values, absent).any()


def test_the_better_member_counts_more(both: EnsembleModel) -> None:
    many = list(range(200))
    for first, second, low, high in ((0.9, 0.3, 0.75, 1.0), (0.3, 0.9, 0.0, 0.25)):
        found, _ = combine((both.field, held(many, first)), (both.trees, held(many, second)))
        assert low <= found.share <= high
    mixed, said = combine((both.field, held([1, 5, 9], 0.9)), (both.trees, held([5, 9, 12], 0.9)))
    assert said.labels.tolist() == [5, 9]
    assert mixed.facts.metrics["members"]["trees"]["labels"] == 2
    alone, said = combine((both.field, held([1], 0.9)), (both.trees, held([2], 0.9)))
    assert alone.share == 0.5
    assert len(said.labels) == 0


def test_saved_and_loaded(
    both: EnsembleModel, series: xr.Dataset, legend: Legend, tmp_path
) -> None:
    folder = both.save(tmp_path / "model")
    assert {str(p.relative_to(folder)) for p in folder.rglob("*.*")} == set(model_files("ensemble"))
    again = load_model(folder, legend)
    part = series.isel(y=slice(0, 32), x=slice(0, 32))
    xr.testing.assert_equal(predict(again, part).data, predict(both, part).data)
    other = (folder / "trees" / "model.json").read_text().replace("trees", "tress", 1)
    (folder / "trees" / "model.json").write_text(other)
    with pytest.raises(InputError, match="not the file"):
        load_model(folder)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ConfigError, match="engine"):
        ModelSettings(engine="both")  # type: ignore[arg-type]
