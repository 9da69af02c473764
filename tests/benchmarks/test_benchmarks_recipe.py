import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from benchmarks._official_recipe import (  # noqa: E402
    PREDICTORS,
    SIEVE_PX,
    RecipeSettings,
    clean,
    load_caps,
    predictors,
    sieved,
)
from benchmarks._recipe_filters import (  # noqa: E402
    Caps,
    label_issues,
    map_support,
    out_of_fold,
    remove,
)
from benchmarks._tempcnn import TempCnnSettings, fit_tempcnn  # noqa: E402
from bocage.legend import load_legend  # noqa: E402


def seasons(count, rng, noise=0.05):
    """Two predictors over eight months; the class is the month of the peak."""
    codes = rng.integers(3, size=count)
    month = np.arange(8)
    peak = np.exp(-((month - 2 * codes[:, None] - 1) ** 2) / 2.0)
    series = np.stack([peak, 1 - peak], axis=1) + rng.normal(0, noise, (count, 2, 8))
    return series.astype(np.float32), 10 * (codes + 1)


def test_a_tempcnn_learns_when_the_peak_is():
    rng = np.random.default_rng(0)
    series, codes = seasons(600, rng)
    settings = TempCnnSettings(epochs=8, batch=32)
    model = fit_tempcnn(series[:400], codes[:400], np.ones(400), settings)
    probability = model.probabilities(series[400:])
    assert np.allclose(probability.sum(axis=1), 1, atol=1e-5)
    said = model.classes[probability.argmax(axis=1)]
    assert (said == codes[400:]).mean() > 0.97
    again = fit_tempcnn(series[:400], codes[:400], np.ones(400), settings)
    assert np.array_equal(again.probabilities(series[400:]), probability)


def test_series_of_no_weight_teach_nothing():
    rng = np.random.default_rng(1)
    series, codes = seasons(400, rng)
    wrong = np.arange(400) % 2 == 0
    labels = np.where(wrong, 10 + codes % 30, codes)  # every other label is another class
    settings = TempCnnSettings(epochs=8, batch=32)
    model = fit_tempcnn(series, labels, np.where(wrong, 0.0, 1.0), settings)
    said = model.classes[model.probabilities(series).argmax(axis=1)]
    assert (said == codes).mean() > 0.95


def test_the_six_predictors():
    blue, green, red, infrared = 0.02, 0.06, 0.04, 0.36
    filled = np.full((3, 5, 2), 9.0)
    for i, value in enumerate((blue, green, red, infrared)):
        filled[:, i] = value
    found = predictors(filled, ("B02", "B03", "B04", "B08", "B11"))
    assert found.shape == (2, len(PREDICTORS), 3)
    expected = [red, green, blue, infrared, 0.32 / 0.40, -0.30 / 0.42]
    assert np.allclose(found[0, :, 1], expected)


def test_the_sieve_takes_patches_below_fifteen_pixels_and_keeps_diagonal_ones():
    classes = np.ones((24, 24), np.uint8)
    classes[2:4, 2:9] = 2  # 14 pixels: goes
    classes[8:11, 2:7] = 3  # 15 pixels: stays
    line = np.arange(15)
    classes[line + 8, 23 - line] = 4  # 15 pixels that touch at corners only: stay
    found = sieved(classes, np.ones_like(classes, bool))
    assert SIEVE_PX == 15
    assert not (found == 2).any()
    assert (found == 3).sum() == 15
    assert (found == 4).sum() == 15
    assert (found == 1).sum() == 24 * 24 - 30


def test_the_sieve_leaves_what_is_outside():
    classes = np.ones((10, 10), np.uint8)
    classes[:, 5:] = 2
    classes[0, 9] = 7
    inside = np.ones_like(classes, bool)
    inside[0, 9] = False
    assert sieved(classes, inside)[0, 9] == 7


def test_a_label_in_the_wrong_unit_of_the_map_has_little_support():
    rng = np.random.default_rng(2)
    series, codes = seasons(600, rng)
    wrong = rng.permutation(600)[:30]
    labels = codes.copy()
    labels[wrong] = 10 + codes[wrong] % 30
    support = map_support(series.reshape(600, -1), labels, seed=0)
    clean_rows = np.delete(np.arange(600), wrong)
    assert np.median(support[wrong]) < 0.2 < 0.8 < np.median(support[clean_rows])


def test_confident_learning_finds_planted_errors():
    rng = np.random.default_rng(3)
    series, codes = seasons(600, rng)
    wrong = rng.permutation(600)[:60]
    labels = codes.copy()
    labels[wrong] = 10 + codes[wrong] % 30
    probability = out_of_fold(series.reshape(600, -1), labels, np.arange(600) % 3, seed=0)
    issue = label_issues(probability, labels)
    assert issue[wrong].mean() > 0.8
    assert issue.sum() < 75


def test_a_class_of_one_fold_is_not_judged():
    rng = np.random.default_rng(4)
    series, codes = seasons(90, rng)
    fold = np.arange(90) % 3
    codes = np.where(codes == 30, 20, codes)
    codes[fold == 2] = 30
    probability = out_of_fold(series.reshape(90, -1), codes, fold, seed=0)
    assert np.isnan(probability[codes == 30]).all()
    assert not label_issues(probability, codes)[codes == 30].any()


def test_no_class_loses_more_than_its_cap_and_the_strongest_go_first():
    codes = np.repeat([1, 2], 10)
    strength = np.tile(np.arange(10), 2)
    caps = Caps({1: 0.2}, others=0.5)
    none = np.zeros(20, bool)
    gone = remove(np.ones(20, bool), strength, codes, none, caps)
    assert np.flatnonzero(gone).tolist() == [8, 9, 15, 16, 17, 18, 19]
    more = remove(np.ones(20, bool), -strength, codes, gone, caps)
    assert np.array_equal(more, gone)


def test_the_safeguards_are_those_of_the_legend():
    legend = load_legend("pa")
    caps = load_caps(legend)
    urban = {c for c in legend.codes() if legend.parent(c, 1) == 1}
    assert set(caps.protected) == urban | {4100, 4212, 5100, 5300, 6100}
    assert set(caps.protected.values()) == {0.2}


def test_cleaning_respects_the_safeguards_however_wrong_the_labels():
    rng = np.random.default_rng(5)
    series, codes = seasons(300, rng)
    labels = rng.permutation(codes)  # two of three are wrong
    samples = pd.DataFrame({"code": labels, "weight": 1.0, "fold": np.arange(300) % 3})
    settings = RecipeSettings(net=TempCnnSettings(epochs=3, batch=32))
    kept, counts = clean(series, samples, Caps({10: 0.2}, others=0.4), settings)
    assert (~kept).sum() == counts["filters_took"] + counts["relabel_test_took"] > 0
    for code, share in ((10, 0.2), (20, 0.4), (30, 0.4)):
        assert (~kept)[labels == code].mean() <= share
