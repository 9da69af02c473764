from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from model_landscape import MONTHS, make_legend, make_samples, make_series, make_truth

from bocage.errors import ConfigError, InputError
from bocage.legend import Legend
from bocage.model import Chips, ModelSettings, TreesModel, cut_chips, load_model, predict, train
from bocage.model._trees import _vote
from bocage.model.baselines import fit_predict, pixel_features

SETTINGS = ModelSettings(engine="trees", trees=20)


@pytest.fixture(scope="module")
def forest(chips: Chips, legend: Legend) -> TreesModel:
    model = train(chips, legend, SETTINGS)
    assert isinstance(model, TreesModel)
    return model


def test_learns(forest: TreesModel) -> None:
    truth = make_truth(80, 5)
    posterior = predict(forest, make_series(truth, 5), overlap=0)
    assert (posterior.best.values == truth).mean() > 0.95
    assert not (posterior.best.values == 4).any()
    assert forest.facts.metrics["calibrated"]
    assert forest.facts.absent == (22,)


def test_arrays_equal_sklearn(chips: Chips, legend: Legend, forest: TreesModel) -> None:
    from sklearn.ensemble import ExtraTreesClassifier

    from bocage.model._trees import _flatten, _label_features

    features = _label_features(chips)
    target = chips.allowed.argmax(axis=1)
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
    want = predict(forest, series, overlap=0).data
    assert predict(forest, series.isel(month=[3, 1, 0, 2]), overlap=0).data.equals(want)
    fewer = predict(forest, series.isel(month=[0, 2, 3]), overlap=0).data
    hidden = series.copy(deep=True)
    hidden["gap"].values[1] = 2
    hidden["reflectance"].values[1] = np.nan
    assert predict(forest, hidden, overlap=0).data.equals(fewer)


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
        train(cut_chips(series, samples, wide, 16), wide, SETTINGS)


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
