from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import xarray as xr
from model_landscape import make_legend
from odc.geo.xr import xr_coords

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend
from bocage.model import FieldModel, ModelSettings, load_model, model_files, predict
from bocage.model._facts import FORMAT, Facts
from bocage.model._features import LIMIT
from bocage.model._graph_model import _softmax, softmax_in_place
from bocage.model._scales import look


@pytest.fixture
def trained_net(model: FieldModel) -> Callable:
    """The network as it was trained: standardised pixels (pixel, input) to logits."""
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    from safetensors.torch import load

    from bocage.model._network import PixelNet, Sizes

    facts = model.facts
    inputs = 3 * len(facts.months) * len(facts.bands)
    net = PixelNet(Sizes(inputs, len(facts.codes) + 1, facts.settings.width), [True] * 5).eval()
    net.load_state_dict(load(model.weights))

    def run(pixels: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(torch.from_numpy(pixels)).numpy()

    return run


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 7), (30, 12)])
def test_graph_equals_torch(
    model: FieldModel, trained_net: Callable, height: int, width: int
) -> None:
    """Standardisation and temperature are folded into the graph, surroundings told at 10 m."""
    facts = model.facts
    rng = np.random.default_rng(0)
    inputs = len(facts.months) * len(facts.bands)
    near = rng.uniform(0, 0.6, (inputs, height, 4, width, 4)).astype(np.float32)
    wide = rng.uniform(0, 0.6, (2 * inputs, height, width)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.graph, providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"near": near, "wide": wide})
    around = np.broadcast_to(wide[:, :, None, :, None], (2 * inputs, height, 4, width, 4))
    pixels = np.concatenate([near, around]).reshape(3 * inputs, -1).T
    mean, deviation = (
        np.tile(v, 3 * len(facts.months)).astype(np.float32) for v in (facts.mean, facts.deviation)
    )
    want = trained_net((pixels - mean) / deviation)
    want[:, :4] /= facts.temperature
    assert got.shape == (5, height, 4, width, 4)
    here = [*(code not in facts.absent for code in facts.codes), True]
    got = got.reshape(5, -1).T
    scale = max(1, np.abs(want[:, here]).max())
    assert np.abs(got - want)[:, here].max() < 1e-4 * scale
    assert (got[:, ~np.array(here)] < -1000).all()


def test_the_runner_gives_probabilities(model: FieldModel, series: xr.Dataset) -> None:
    part = series.isel(y=slice(0, 24), x=slice(0, 40))
    window = look(part["reflectance"].values, part["gap"].values[:, ::4, ::4] == 0)
    said = model.runner()(window)
    found, doubt = said.probability, said.epistemic
    assert doubt is not None
    assert doubt.shape == (24, 40)
    assert ((doubt > 0) & (doubt < 1)).all()
    assert found.shape == (4, 24, 40)
    assert found.dtype == np.float32
    assert found.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert (found[3] == 0).all()  # no label taught the last class


def test_defects_count_as_the_farthest_that_was_shown(
    model: FieldModel, series: xr.Dataset
) -> None:
    part = series.isel(y=slice(0, 8), x=slice(0, 8))
    window = look(part["reflectance"].values, part["gap"].values[:, ::4, ::4] == 0)
    run = model.runner()
    farthest = model.facts.mean[0] + LIMIT * model.facts.deviation[0]
    broken = []
    for value in (farthest, 50.0, 6e4):
        near = window.near.copy()
        near[0, 0] = value
        broken.append(run(replace(window, near=near)).probability)
    assert np.array_equal(broken[1], broken[2])
    np.testing.assert_allclose(broken[0], broken[1], atol=1e-4)


def testsoftmax_in_place_equals_python() -> None:
    scores = np.random.default_rng(0).normal(0, 5, (4, 3, 5)).astype(np.float32)
    want = np.exp(scores) / np.exp(scores).sum(axis=0)
    plain, compiled = scores.copy(), scores.copy()
    _softmax(plain)
    softmax_in_place(compiled)
    assert plain == pytest.approx(want, abs=1e-6)
    assert compiled == pytest.approx(want, abs=1e-6)


def test_saved_and_loaded(model: FieldModel, series: xr.Dataset, tmp_path, legend: Legend) -> None:
    folder = model.save(tmp_path / "m")
    assert {p.name for p in folder.iterdir()} == set(model_files("field"))
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
    for old in (0, 1, FORMAT - 1):
        (folder / "model.json").write_text(f'{{"engine": "field", "format": {old}}}')
        with pytest.raises(InputError, match="another format"):
            load_model(folder)
    for bad in (
        f'{{"engine": "field", "format": {FORMAT}, "files": {{}}}}',
        '{"engine": "ensemble"}',
        "[]",
    ):
        (folder / "model.json").write_text(bad)
        with pytest.raises(InputError, match="describes no model"):
            load_model(folder)
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "nowhere")
    broken = FieldModel(model.facts, b"no graph", b"")
    with pytest.raises(InputError, match="cannot be run"):
        broken.runner()


def test_prediction_needs_no_torch(model: FieldModel, tmp_path) -> None:
    folder = model.save(tmp_path / "m")
    code = (
        "import sys; from bocage.model import load_model;"
        f"load_model({str(folder)!r}).runner(1); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_block_of_the_default_size_fits() -> None:
    """A 2 km block with its halo, 10 bands, 12 months and 59 classes in little memory."""
    import resource

    torch = pytest.importorskip("torch", reason="needs the extra 'train'")

    from bocage.model._export import export_graph, export_weights
    from bocage.model._network import FieldNet, PixelNet, Sizes

    n, bands = 59, ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12")
    torch.manual_seed(0)
    net = PixelNet(Sizes(360, n + 1, 128), [True] * (n + 1)).eval()
    folded = FieldNet(net, 120, torch.full((360,), 0.2), torch.full((360,), 0.1), 1.0).eval()
    facts = Facts(
        "field", "big", tuple(range(1, n + 1)), bands, (10,) * 4 + (20,) * 6, tuple(range(1, 13)),
        (0.2,) * 10, (0.1,) * 10, 1.0, (), (), ModelSettings(), guide=((0.1,) * 120,) * 8,
    )  # fmt: skip
    model = FieldModel(facts, export_graph(folded), export_weights(net))
    side = 928
    series = xr.Dataset(
        {
            "reflectance": (
                ("month", "band", "y", "x"),
                np.full((12, 10, side, side), 0.2, np.float32),
            ),
            "gap": (("month", "y", "x"), np.zeros((12, side, side), np.uint8)),
        },
        coords={
            **xr_coords(geobox((0, 0, 2.5 * side, 2.5 * side), 2.5)),
            "month": np.arange(1, 13),
            "band": list(bands),
        },
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    posterior = predict(model, series)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    assert posterior.best.shape == (side, side)
    assert grown + series["reflectance"].nbytes / 2**30 < 2  # GiB
