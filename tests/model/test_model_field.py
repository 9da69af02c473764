from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib import util

import numpy as np
import onnxruntime
import pytest
import xarray as xr
from model_landscape import SETTINGS, make_legend, make_samples, make_series, make_truth
from odc.geo.xr import xr_coords

from bocage.errors import ConfigError, InputError
from bocage.grid import geobox
from bocage.legend import Legend
from bocage.model import Chips, FieldModel, ModelSettings, cut_chips, load_model, predict, train
from bocage.model._torch import require_torch


def accuracy(model: FieldModel, seed: int = 5) -> tuple[float, float]:
    """Overall accuracy and recall of the thin line on a landscape of its own."""
    truth = make_truth(160, seed)
    best = predict(model, make_series(truth, seed)).best.values
    return float((best == truth).mean()), float((best == truth)[truth == 3].mean())


def test_learns_two_covers_and_a_thin_line(model: FieldModel) -> None:
    overall, line = accuracy(model)
    assert overall > 0.9
    assert line > 0.6


def test_reports_what_it_did(model: FieldModel) -> None:
    facts = model.facts
    assert facts.absent == (22,)
    assert facts.metrics["calibrated"]
    assert facts.metrics["calibration"]["oa"] > 0.6
    assert facts.metrics["labels"]["train"] > 0
    assert "1 of 4 classes" in facts.metrics["notes"][0]
    assert len(facts.curve) == facts.metrics["epochs"]
    assert facts.curve[-1]["loss"] < facts.curve[0]["loss"]
    assert facts.temperature != 1


def test_absent_classes_are_never_mapped(model: FieldModel, series: xr.Dataset) -> None:
    posterior = predict(model, series)
    assert not (posterior.data["index"].values == 4).any()


def test_training_is_repeatable(chips: Chips, legend: Legend, model: FieldModel) -> None:
    again = train(chips, legend, SETTINGS)
    assert isinstance(again, FieldModel)
    assert again.weights == model.weights
    assert again.graph == model.graph
    assert again.facts == model.facts


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the export, which takes longer than such a small training."""
    monkeypatch.setattr("bocage.model._train.export_graph", lambda net: b"")


@pytest.mark.usefixtures("no_export")
def test_progress_is_told_and_the_seed_matters(chips: Chips, legend: Legend) -> None:
    told: list[tuple[int, int]] = []
    settings = replace(SETTINGS, epochs=2, refit=False)  # one over pixels, one over chips
    model = train(chips, legend, settings, lambda epoch, of, _: told.append((epoch, of)))
    assert told == [(1, 2), (2, 2)]
    assert "refit_epochs" not in model.facts.metrics
    other = train(chips, legend, replace(settings, seed=1))
    assert model.facts.curve != other.facts.curve


@pytest.mark.usefixtures("no_export")
def test_training_stops_early_and_goes_back_to_the_best(chips: Chips, legend: Legend) -> None:
    settings = replace(SETTINGS, epochs=60, patience=1, learning_rate=0.05)
    facts = train(chips, legend, settings).facts
    assert facts.metrics["epochs"] < 60
    losses = [record["validation_loss"] for record in facts.curve]
    assert facts.metrics["best_epoch"] == 1 + int(np.argmin(losses))
    assert facts.metrics["surroundings"] == bool(
        facts.curve[facts.metrics["best_epoch"] - 1]["surroundings"]
    )


def test_graph_equals_torch(model: FieldModel) -> None:
    import torch
    from safetensors.torch import load

    from bocage.model._network import FieldNet, Sizes

    net = FieldNet(Sizes(5, 4, 4, 16, 16), [True, True, True, False]).eval()
    net.load_state_dict(load(model.weights))
    session = onnxruntime.InferenceSession(model.graph, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for batch, months, height, width in ((1, 4, 16, 24), (3, 2, 8, 8), (2, 12, 40, 12)):
        series = rng.normal(size=(batch, months, 80, height, width)).astype(np.float32)
        observed = (rng.random((batch, months, height, width)) > 0.4).astype(np.float32)
        season = rng.normal(size=(months, 6)).astype(np.float32)
        inputs = {"series": series, "observed": observed, "season": season}
        (got,) = session.run(None, inputs)
        with torch.no_grad():
            want = net(*(torch.from_numpy(v) for v in inputs.values())).numpy()
        assert np.abs(got - want).max() < 1e-4 * max(1, np.abs(want[:, :3]).max())


def test_points_and_whole_windows_agree(model: FieldModel) -> None:
    import torch
    from safetensors.torch import load

    from bocage.model._network import FieldNet, Sizes

    net = FieldNet(Sizes(5, 4, 4, 16, 16), [True, True, True, False]).eval()
    net.load_state_dict(load(model.weights))
    net.temperature.fill_(1.0)
    rng = torch.Generator().manual_seed(0)
    series = torch.randn(2, 3, 80, 8, 8, generator=rng)
    observed = (torch.rand(2, 3, 8, 8, generator=rng) > 0.3).float()
    season = torch.randn(3, 6, generator=rng)
    chip, row, column = (torch.tensor(v) for v in ([0, 1, 1, 0], [0, 31, 5, 16], [0, 31, 30, 7]))
    with torch.no_grad():
        whole = net(series, observed, season)[chip, :, row, column]
        points = net.at_points(series, observed, season, (chip, row, column))
    assert torch.allclose(whole, points, atol=1e-4)


def test_order_of_bands_and_months_does_not_matter(model: FieldModel, series: xr.Dataset) -> None:
    mixed = series.isel(band=[3, 1, 4, 0, 2], month=[2, 3, 1, 0])
    stray = mixed["reflectance"].isel(band=[0]).assign_coords(band=["B99"])
    extra = mixed.drop_vars("reflectance").drop_vars("band").drop_vars("resolution")
    extra["reflectance"] = xr.concat([mixed["reflectance"], stray], "band")
    want = predict(model, series).data
    assert predict(model, mixed).data.equals(want)
    assert predict(model, extra).data.equals(want)


def test_wrong_input_is_named(model: FieldModel, series: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"band B08 is missing; the series has B02, B03"):
        predict(model, series.sel(band=["B02", "B03", "B04", "B11"]))
    with pytest.raises(InputError, match="month 4 is unknown to the model"):
        predict(model, series.assign_coords(month=[3, 4, 7, 9]))
    with pytest.raises(InputError, match="has no month"):
        predict(model, series.isel(month=[]))
    with pytest.raises(InputError, match="not with 'other'"):
        predict(model, series, legend=make_legend("other"))
    with pytest.raises(ConfigError, match="do not fit together"):
        predict(model, series, window=32, overlap=16)
    bare = xr.Dataset(
        {name: series[name].drop_vars(["x", "y", "spatial_ref"]) for name in series.data_vars}
    )
    with pytest.raises(InputError, match="no georeference"):
        predict(model, bare)


def test_what_was_not_seen_does_not_matter(model: FieldModel, series: xr.Dataset) -> None:
    hidden = series.copy(deep=True)
    gap = hidden["gap"].values
    gap[2, :80] = 2
    gap[0, :, 80:] = 1
    want = predict(model, hidden).data
    for rubbish in (np.nan, 1e6, -3.0):
        spoilt = hidden.copy(deep=True)
        values = spoilt["reflectance"].values
        values[np.broadcast_to(gap[:, None] > 0, values.shape)] = rubbish
        assert predict(model, spoilt).data.equals(want)


def test_a_month_left_out_equals_a_month_not_seen(model: FieldModel, series: xr.Dataset) -> None:
    blind = series.copy(deep=True)
    blind["gap"].values[1] = 2
    left_out = predict(model, series.isel(month=[0, 2, 3]))
    assert (left_out.best.values == predict(model, blind).best.values).mean() > 0.999


def test_never_seen_is_unclassified(model: FieldModel, series: xr.Dataset) -> None:
    holed = series.copy(deep=True)
    holed["gap"].values[:, 40:60, 20:80] = 2
    posterior = predict(model, holed)
    hole = np.zeros((160, 160), bool)
    hole[40:60, 20:80] = True
    assert (posterior.best.values[hole] == 0).all()
    assert (posterior.confidence.values[hole] == 255).all()
    assert (posterior.best.values[~hole] > 0).all()
    nothing = series.copy(deep=True)
    nothing["gap"].values[:] = 2
    assert (predict(model, nothing).best.values == 0).all()


def test_a_nan_that_is_not_flagged_is_not_seen(model: FieldModel, series: xr.Dataset) -> None:
    holed = series.copy(deep=True)
    holed["reflectance"].values[:, :, 40:44, 20:24] = np.nan
    assert (predict(model, holed).best.values[40:44, 20:24] == 0).all()


def constant(side: int) -> xr.Dataset:
    series = make_series(np.ones((side, side), int), noise=0.0)
    series["gap"].values[:] = 0
    return series


def test_blending_leaves_no_seam_on_a_constant_input(model: FieldModel) -> None:
    # 62 × 62 px: windows of 32 meet inside; 62 is no multiple of 4.
    values = predict(model, constant(248), window=32, overlap=8).dense().values
    inner = values[:, 96:-96, 96:-96]
    assert np.ptp(inner, axis=(1, 2)).max() <= 2 / 255


def test_windows_agree_with_the_whole(model: FieldModel) -> None:
    truth = make_truth(320, 3)
    big = make_series(truth, 3)
    whole = predict(model, big, window=128, overlap=16)
    tiled = predict(model, big, window=56, overlap=24)
    same = whole.best.values == tiled.best.values
    assert same.mean() > 0.985


def test_rims_that_are_no_multiple_of_four(model: FieldModel) -> None:
    truth = make_truth(160, 2)
    part = make_series(truth, 2).isel(y=slice(0, 4 * 37), x=slice(0, 4 * 13))
    posterior = predict(model, part)
    assert posterior.best.shape == (148, 52)
    assert (posterior.best.values > 0).all()


def test_saved_and_loaded(model: FieldModel, series: xr.Dataset, tmp_path, legend: Legend) -> None:
    folder = model.save(tmp_path / "m")
    assert sorted(p.name for p in folder.iterdir()) == [
        "model.json", "model.onnx", "model.safetensors",
    ]  # fmt: skip
    back = load_model(folder, legend)
    assert back.facts == model.facts
    assert predict(back, series).data.equals(predict(model, series).data)
    again = back.save(tmp_path / "n")
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()
    record = json.loads((folder / "model.json").read_text())
    assert record["bands"] == ["B02", "B03", "B04", "B08", "B11"]
    text = (folder / "model.onnx").read_bytes()
    assert b"site-packages" not in text
    assert b"/bocage/" not in text


def test_altered_models_are_named(model: FieldModel, tmp_path, legend: Legend) -> None:
    folder = model.save(tmp_path / "m")
    with pytest.raises(InputError, match="not with 'other'"):
        load_model(folder, make_legend("other"))
    (folder / "model.onnx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"model\.onnx is not the file that"):
        load_model(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(InputError, match="no such file"):
        load_model(folder)
    (folder / "model.json").write_text('{"engine": "field", "format": 0}')
    with pytest.raises(InputError, match="another format"):
        load_model(folder)
    (folder / "model.json").write_text('{"engine": "field", "format": 1, "files": {}}')
    with pytest.raises(InputError, match="describes no model"):
        load_model(folder)
    (folder / "model.json").write_text('{"engine": "pickle"}')
    with pytest.raises(InputError, match="describes no model"):
        load_model(folder)
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "nowhere")
    broken = FieldModel(model.facts, b"no graph", b"")
    with pytest.raises(InputError, match="cannot be run"):
        broken.runner()


def test_prediction_needs_no_torch(model: FieldModel, tmp_path) -> None:
    import subprocess

    folder = model.save(tmp_path / "m")
    code = (
        "import sys; from bocage.model import load_model;"
        f"load_model({str(folder)!r}).runner(1); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_torch_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, chips: Chips, legend: Legend
) -> None:
    found = util.find_spec
    monkeypatch.setattr(
        "bocage.model._torch.find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(ConfigError, match=r"bocage\[train\]"):
        train(chips, legend)
    with pytest.raises(ConfigError, match="needs torch\n"):
        require_torch()


@pytest.mark.usefixtures("no_export")
def test_a_single_chip_is_not_calibrated_and_says_so(chips: Chips, legend: Legend) -> None:
    alone = chips.pick(chips.chip == np.bincount(chips.chip).argmax())
    alone = replace(alone, fold=np.zeros_like(alone.fold))
    model = train(alone, legend, replace(SETTINGS, epochs=1))
    assert model.facts.metrics["calibrated"] is False
    assert model.facts.temperature == 1
    assert "not calibrated" in model.facts.metrics["notes"][0]


def test_wrong_legend_is_named(chips: Chips) -> None:
    with pytest.raises(InputError, match="not with 'other'"):
        train(chips, make_legend("other"), SETTINGS)


@pytest.mark.usefixtures("no_export")
def test_labels_of_several_classes_teach(series: xr.Dataset, truth: np.ndarray) -> None:
    """Half of the labels say only "one of the first two"; they are still told apart."""
    samples = make_samples(truth, series, 300, seed=8)
    wide = (samples.index % 2 == 0) & samples["code"].isin([11, 12])
    samples.loc[wide, ["code", "allowed"]] = [0, "11;12"]
    chips = cut_chips(series, samples, make_legend(), 16)
    metrics = train(chips, make_legend(), SETTINGS).facts.metrics
    # The mean F1 is over labels that name one class alone.
    assert metrics["validation"]["macro_f1"] > 0.8
    assert metrics["calibration"]["oa"] > 0.9


@pytest.mark.slow
def test_a_block_of_the_default_size_fits(legend: Legend, tmp_path) -> None:
    """A 2 km block with its halo, 10 bands and 12 months: memory and time."""
    import resource

    n, bands = 59, ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12")
    import torch

    from bocage.model._export import export_graph, export_weights
    from bocage.model._facts import Facts
    from bocage.model._network import FieldNet, Sizes

    torch.manual_seed(0)
    net = FieldNet(Sizes(10, 4, n), [True] * n).eval()
    facts = Facts(
        "field", "big", tuple(range(1, n + 1)), bands, (10,) * 4 + (20,) * 6, tuple(range(1, 13)),
        (0.2,) * 10, (0.1,) * 10, 1.0, (), ModelSettings(),
    )  # fmt: skip
    model = FieldModel(facts, export_graph(net), export_weights(net))
    side = 928
    box = geobox((0, 0, 2.5 * side, 2.5 * side), 2.5)
    series = xr.Dataset(
        {
            "reflectance": (
                ("month", "band", "y", "x"),
                np.full((12, 10, side, side), 0.2, np.float32),
            ),
            "gap": (("month", "y", "x"), np.zeros((12, side, side), np.uint8)),
        },
        coords={**xr_coords(box), "month": np.arange(1, 13), "band": list(bands)},
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    posterior = predict(model, series)
    seconds = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    assert posterior.best.shape == (side, side)
    assert grown + series["reflectance"].nbytes / 2**30 < 2  # GiB
    assert seconds < 15
