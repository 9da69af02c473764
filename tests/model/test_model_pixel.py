from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS, make_samples, make_series, make_truth

from bocage.legend import Legend
from bocage.model import PixelModel, Pixels, load_model, predict, predict_pixels, read_pixels, train

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

PIXEL = replace(SETTINGS, engine="pixel", epochs=40)


@pytest.fixture(scope="module")
def tempcnn(pixels: Pixels, legend: Legend) -> PixelModel:
    model = train(pixels, legend, PIXEL)
    assert isinstance(model, PixelModel)
    return model


def test_learns(tempcnn: PixelModel) -> None:
    truth = make_truth(80, 5)
    posterior = predict(tempcnn, make_series(truth, 5))
    assert (posterior.best.values == truth).mean() > 0.95
    assert not (posterior.best.values == 4).any()
    facts = tempcnn.facts
    assert facts.engine == "pixel"
    assert facts.absent == (22,)
    assert facts.metrics["calibration"]["oa"] > 0.9
    assert facts.metrics["calibration"]["ece"] <= facts.metrics["calibration"]["ece_before"]
    assert set(facts.metrics["conformal"]["thresholds"]) == {"1", "2"}
    assert [r["who"] for r in facts.curve] == ["trial network"] * 40 + ["network"] * 40
    assert facts.curve[-1]["loss"] < facts.curve[40]["loss"]


def test_is_saved_and_loaded_whole(
    tempcnn: PixelModel, legend: Legend, series: xr.Dataset, tmp_path: Path
) -> None:
    again = load_model(tempcnn.save(tmp_path / "model"), legend)
    assert isinstance(again, PixelModel)
    assert again.facts == tempcnn.facts
    assert "TempCNN" in (tmp_path / "model" / "card.md").read_text(encoding="utf-8")
    one, two = (predict(m, series).data for m in (again, tempcnn))
    xr.testing.assert_identical(one, two)


def test_the_graph_says_what_the_network_said(tempcnn: PixelModel, pixels: Pixels) -> None:
    """Standardisation and temperature are folded in rightly; months and bands keep their places."""
    from safetensors.torch import load

    from bocage.model._bench import View, set_up
    from bocage.model._tempcnn import RowNet

    bench = set_up(pixels)
    net = RowNet(len(pixels.months), len(pixels.bands), torch.from_numpy(bench.present), 0.3)
    net.load_state_dict(load(tempcnn.weights))
    with torch.no_grad():
        logits = net.eval()(bench.inputs(np.arange(300), View((0,))))
    want = torch.softmax(logits / tempcnn.facts.temperature, dim=1).numpy()
    got = predict_pixels(tempcnn, pixels.pick(np.arange(300)))
    np.testing.assert_allclose(got, want, atol=2e-4)


def test_windows_of_many_parts_are_the_same(
    tempcnn: PixelModel, series: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict(tempcnn, series).data
    monkeypatch.setattr("bocage.model._pixel._CHUNK", 333)
    parts = predict(tempcnn, series, window=7).data
    assert (whole["index"][0] == parts["index"][0]).mean() > 0.999
    np.testing.assert_allclose(whole["probability"][0], parts["probability"][0], atol=1)


def test_surroundings_and_place_do_not_matter(
    tempcnn: PixelModel, pixels: Pixels, legend: Legend
) -> None:
    blind = replace(pixels, wide=np.zeros_like(pixels.wide))
    again = train(blind, legend, PIXEL)
    assert isinstance(again, PixelModel)
    assert again.weights == tempcnn.weights


@pytest.mark.usefixtures("no_export")
def test_half_precision_learns_as_well(pixels: Pixels, legend: Legend) -> None:
    for engine in ("field", "pixel"):
        settings = replace(SETTINGS, engine=engine, epochs=10)
        found = [
            train(pixels, legend, replace(settings, precision=precision))
            for precision in ("single", "bfloat16")
        ]
        oa = [model.facts.metrics["calibration"]["oa"] for model in found]
        assert oa[1] > oa[0] - 0.02
        assert found[0].facts.curve != found[1].facts.curve


@pytest.mark.usefixtures("no_export")
def test_few_squares_are_not_calibrated(pixels: Pixels, legend: Legend) -> None:
    facts = train(pixels, legend, replace(PIXEL, epochs=1, calibration_m=1000.0)).facts
    assert facts.metrics["calibrated"] is False
    assert facts.temperature == 1
    assert [record["who"] for record in facts.curve] == ["network"]


def test_a_series_with_fewer_months_is_mapped(
    tempcnn: PixelModel, series: xr.Dataset, truth: np.ndarray, legend: Legend
) -> None:
    some = series.isel(month=[0, 2, 3])
    assert (predict(tempcnn, some).best.values == truth).mean() > 0.8
    read = read_pixels(series, make_samples(truth, series, 5), legend)
    assert predict_pixels(tempcnn, read).shape == (len(read), 4)
