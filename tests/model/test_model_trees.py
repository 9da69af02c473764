from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from model_landscape import MONTHS, make_legend, make_samples, make_series, make_truth

from bocage.errors import ConfigError, InputError
from bocage.legend import Legend
from bocage.model import ModelSettings, Pixels, TreesModel, load_model, predict, read_pixels, train
from bocage.model._split import split_labels
from bocage.model._trees import _vote
from bocage.model.baselines import fit_predict, pixel_features

SETTINGS = ModelSettings(engine="trees", trees=20)


@pytest.fixture(scope="module")
def forest(pixels: Pixels, legend: Legend) -> TreesModel:
    model = train(pixels, legend, SETTINGS)
    assert isinstance(model, TreesModel)
    return model


def test_learns(forest: TreesModel) -> None:
    truth = make_truth(80, 5)
    posterior = predict(forest, make_series(truth, 5))
    assert (posterior.best.values == truth).mean() > 0.95
    assert not (posterior.best.values == 4).any()
    assert forest.facts.metrics["calibrated"]
    assert forest.facts.absent == (22,)
    assert forest.facts.metrics["calibration"]["oa"] > 0.9
    assert set(forest.facts.metrics["conformal"]["thresholds"]) == {"1", "2"}


def test_growing_is_repeatable_and_the_seed_matters(
    pixels: Pixels, legend: Legend, forest: TreesModel
) -> None:
    again = train(pixels, legend, SETTINGS)
    other = train(pixels, legend, replace(SETTINGS, seed=1))
    assert isinstance(again, TreesModel)
    assert isinstance(other, TreesModel)
    assert again.facts == forest.facts
    for name, values in forest.arrays.items():
        assert np.array_equal(again.arrays[name], values)
    assert not np.array_equal(other.arrays["threshold"], forest.arrays["threshold"])


def test_pixels_without_labels_teach_no_tree(
    pixels: Pixels, legend: Legend, forest: TreesModel
) -> None:
    alone = train(pixels.pick(pixels.labelled), legend, SETTINGS)
    assert isinstance(alone, TreesModel)
    for name, values in forest.arrays.items():
        assert np.array_equal(alone.arrays[name], values)


def test_held_out_labels_teach_no_trial(
    pixels: Pixels, legend: Legend, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bocage.model import _trees

    taught: list[np.ndarray] = []
    grow = _trees.grow

    def listen(pixels, features, use, *rest):
        taught.append(use)
        return grow(pixels, features, use, *rest)

    monkeypatch.setattr(_trees, "grow", listen)
    train(pixels, legend, SETTINGS)
    held = split_labels(pixels, SETTINGS).calibrate[pixels.labelled]
    assert [list(use) for use in taught] == [list(~held), [True] * len(held)]


def test_few_squares_are_not_calibrated_and_say_so(pixels: Pixels, legend: Legend) -> None:
    facts = train(pixels, legend, replace(SETTINGS, calibration_m=1000.0)).facts
    assert facts.metrics["calibrated"] is False
    assert facts.temperature == 1
    assert "not calibrated" in facts.metrics["notes"][0]
    assert facts.metrics["conformal"]["thresholds"] == {}


def test_a_pixel_in_training_is_the_pixel_in_a_window(
    pixels: Pixels, series: xr.Dataset, forest: TreesModel
) -> None:
    from bocage.model._scales import look
    from bocage.model._trees import _label_features, features_of

    window = look(series["reflectance"].values, series["gap"].values[:, ::4, ::4] == 0)
    table = features_of(window, forest.facts.bands)
    row = np.rint((series["y"].values[0] - pixels.y) / 2.5).astype(int)
    column = np.rint((pixels.x - series["x"].values[0]) / 2.5).astype(int)
    bands = len(forest.facts.bands)
    want, got = table[row * series.sizes["x"] + column], _label_features(pixels)
    # Bands are read in half precision; indices of dark pixels magnify what that costs.
    each = np.arange(want.shape[1]) % (want.shape[1] // len(MONTHS))
    assert got[:, each < bands] == pytest.approx(want[:, each < bands], abs=1e-3)
    assert np.median(np.abs(got - want)) < 1e-3


def test_arrays_equal_sklearn(pixels: Pixels, legend: Legend, forest: TreesModel) -> None:
    from sklearn.ensemble import ExtraTreesClassifier

    from bocage.model._trees import _flatten, _label_features

    own = pixels.pick(pixels.labelled)
    features = _label_features(own)
    target = own.allowed.argmax(axis=1)
    plain = ExtraTreesClassifier(n_estimators=5, random_state=0).fit(features, target)
    arrays = _flatten(plain)
    mine = TreesModel(forest.facts, arrays).shares(features)
    want = np.zeros_like(mine)
    want[:, plain.classes_] = plain.predict_proba(features)
    assert mine == pytest.approx(want, abs=1e-5)
    out = np.zeros_like(mine[:3])
    names = ("root", "feature", "threshold", "left", "right", "start", "classes", "shares")
    _vote(features[:3], *(arrays[name] for name in names), out)
    assert out / 5 == pytest.approx(want[:3], abs=1e-5)


def test_months_in_any_order_and_missing(forest: TreesModel, series: xr.Dataset) -> None:
    want = predict(forest, series).data
    assert predict(forest, series.isel(month=[3, 1, 0, 2])).data.equals(want)
    fewer = predict(forest, series.isel(month=[0, 2, 3])).data
    hidden = series.copy(deep=True)
    hidden["gap"].values[1] = 2
    hidden["reflectance"].values[1] = np.nan
    assert predict(forest, hidden).data.equals(fewer)


def test_saved_and_loaded(forest: TreesModel, series: xr.Dataset, tmp_path) -> None:
    folder = forest.save(tmp_path / "m")
    back = load_model(folder)
    assert isinstance(back, TreesModel)
    assert back.facts == forest.facts
    assert predict(back, series).data.equals(predict(forest, series).data)
    assert (back.save(tmp_path / "n") / "model.npz").read_bytes() == (
        folder / "model.npz"
    ).read_bytes()


def test_wide_labels_only_are_named(series: xr.Dataset, truth: np.ndarray) -> None:
    from bocage.legend import Legend, LegendClass

    wide = Legend("wide", tuple(LegendClass((i,), (str(i),), "#000000") for i in range(1, 13)))
    samples = make_samples(truth, series, 20)
    samples["allowed"] = ";".join(str(i) for i in range(1, 13))
    with pytest.raises(InputError, match="narrow enough"):
        train(read_pixels(series, samples, wide), wide, SETTINGS)


def test_features_at_points(series: xr.Dataset, truth: np.ndarray) -> None:
    samples = make_samples(truth, series, 12)
    table = pixel_features(series, samples)
    assert list(table.columns[:6]) == ["B02_03", "B03_03", "B04_03", "B08_03", "B11_03", "B02_05"]
    assert len(table.columns) == 5 * len(MONTHS)
    at = samples.index[3]
    x, y = samples.geometry[at].x, samples.geometry[at].y
    pixel = series.sel(x=x, y=y, method="nearest")
    assert table.loc[at, "B08_07"] == pytest.approx(
        float(pixel["reflectance"].sel(band="B08", month=7))
    )
    if int(pixel["gap"].sel(month=5)) == 0:
        assert table.loc[at, "B08_05"] == pytest.approx(
            float(pixel["reflectance"].sel(band="B08", month=5))
        )
    with pytest.raises(InputError, match="12 points lie outside"):
        pixel_features(series, samples.set_geometry(samples.translate(1e6)))
    with pytest.raises(InputError, match="EPSG:4326"):
        pixel_features(series, samples.to_crs(4326))


@pytest.mark.parametrize("name", ["random_forest", "lightgbm"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_baselines(name: str, series: xr.Dataset, truth: np.ndarray) -> None:
    if name == "lightgbm":
        pytest.importorskip("lightgbm", reason="needs the extra 'compare'")
    train_on, test_on = (make_samples(truth, series, n, n) for n in (200, 80))
    x, x_test = (pixel_features(series, s).to_numpy() for s in (train_on, test_on))
    codes = train_on["code"].to_numpy()
    predicted, probability, classes = fit_predict(name, x, codes, None, x_test, seed=1)
    assert (predicted == test_on["code"]).mean() > 0.85
    assert probability.shape == (80, len(classes))
    assert (classes[probability.argmax(axis=1)] == predicted).all()
    again = fit_predict(name, x, codes, np.ones(len(x)), x_test, seed=1)
    assert np.array_equal(again[0], predicted)


def test_unknown_baselines_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.zeros((2, 1), np.float32)
    with pytest.raises(ConfigError, match="no baseline 'svm'"):
        fit_predict("svm", x, np.array([1, 2]), None, x)
    monkeypatch.setattr("bocage.model.baselines.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="lightgbm is not installed"):
        fit_predict("lightgbm", x, np.array([1, 2]), None, x)


def test_legend_fits(forest: TreesModel) -> None:
    forest.facts.require(make_legend())
