from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from model_landscape import make_legend, make_series, make_truth

from bocage.errors import ConfigError, InputError
from bocage.model import Facts, FieldModel, Pixels, predict, predict_pixels
from bocage.model._alike import BESIDE
from bocage.model._facts import Answer
from bocage.model._predict import _Pane
from bocage.model._scales import REACH, Look


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
    with pytest.raises(ConfigError, match="windows of 0 pixels"):
        predict(model, series, window=0)
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
    blind["gap"].values[2] = 2
    left_out = predict(model, series.isel(month=[0, 1, 3])).data
    assert predict(model, blind).data.equals(left_out)
    assert not predict(model, series).data.equals(left_out)


def test_averaging_makes_maps_smoother_and_keeps_the_line(
    model: FieldModel, truth: np.ndarray, series: xr.Dataset
) -> None:
    noisy = make_series(truth, seed=3, noise=0.15)
    single, usual = (predict(model, noisy, average=a).best.values for a in (False, True))
    assert (usual == truth).mean() > (single == truth).mean()
    line = truth == 3
    assert (usual == truth)[line].mean() > (single == truth)[line].mean()


def test_windows_fit_to_the_bit(model: FieldModel, series: xr.Dataset) -> None:
    whole = predict(model, series).data
    for window in (7, 16, 33):
        assert predict(model, series, window=window).data.equals(whole)


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


def test_what_was_never_seen_has_no_say_in_its_neighbours(
    model: FieldModel, series: xr.Dataset
) -> None:
    holed = series.copy(deep=True)
    holed["gap"].values[:, 40:60, 20:80] = 2
    spoilt = holed.copy(deep=True)
    spoilt["reflectance"].values[:, :, 40:60, 20:80] = 0.9
    assert predict(model, spoilt).data.equals(predict(model, holed).data)


def test_a_nan_that_is_not_flagged_is_not_seen(model: FieldModel, series: xr.Dataset) -> None:
    holed, hidden = series.copy(deep=True), series.copy(deep=True)
    holed["reflectance"].values[:, :, 40:44, 20:24] = np.nan
    hidden["gap"].values[:, 40:44, 20:24] = 1
    found = predict(model, holed)
    assert (found.best.values[40:44, 20:24] == 0).all()
    assert found.data.equals(predict(model, hidden).data)
    # One value of one month is enough to lose the month, and no more.
    one, month = series.copy(deep=True), series.copy(deep=True)
    one["reflectance"].values[3, 1, 41, 22] = np.nan
    month["gap"].values[3, 40:44, 20:24] = 1
    assert predict(model, one).data.equals(predict(model, month).data)


@pytest.mark.parametrize("window", [1, 7, 16, 33, 64, 200])
def test_windows_agree_with_the_whole(model: FieldModel, window: int) -> None:
    side = 160 if window > 1 else 56
    series = make_series(make_truth(160, 3), 3).isel(y=slice(0, side), x=slice(0, side - 12))
    series["gap"].values[:, 40:60, 20:28] = 1
    series["gap"].values[:, :20, :20] = 1
    series["gap"].values[0, 30:, 5:90] = 1
    whole = predict(model, series, window=1000).data
    assert predict(model, series, window=window).data.equals(whole)
    # Where all pixels are certain anything would agree.
    assert ((whole["probability"].values[0] > 20) & (whole["probability"].values[0] < 230)).any()


def test_a_part_agrees_with_the_whole_away_from_its_rim(
    model: FieldModel, series: xr.Dataset
) -> None:
    rim = 4 * (REACH + BESIDE)
    whole = predict(model, series).data.isel(y=slice(20, 120), x=slice(40, 140))
    part = predict(model, series.isel(y=slice(20, 120), x=slice(40, 140))).data
    inner = {"y": slice(rim, -rim), "x": slice(rim, -rim)}
    assert part.isel(inner).equals(whole.isel(inner))
    assert not part.equals(whole)


def test_a_constant_has_no_seam_and_no_rim(model: FieldModel) -> None:
    flat = make_series(np.ones((248, 100), int), noise=0.0)
    flat["gap"].values[:] = 0
    values = predict(model, flat, window=20).dense().values
    assert np.ptp(values, axis=(1, 2)).max() <= 1 / 255


@pytest.mark.parametrize(("height", "width"), [(37, 13), (1, 1), (1, 30)])
def test_any_size(model: FieldModel, height: int, width: int) -> None:
    part = make_series(make_truth(160, 2), 2).isel(y=slice(0, 4 * height), x=slice(0, 4 * width))
    posterior = predict(model, part)
    assert posterior.best.shape == (4 * height, 4 * width)
    assert (posterior.best.values > 0).all()


def test_threads_change_nothing(model: FieldModel, series: xr.Dataset) -> None:
    part = series.isel(y=slice(0, 64))
    settings = replace(model.facts.settings, threads=3)
    classifier = Remembers(replace(model.facts, settings=settings), [])
    predict(classifier, part)
    predict(classifier, part, threads=2)
    assert classifier.threads == [3, 2]
    assert predict(model, part, threads=2).data.equals(predict(model, part, threads=1).data)


def test_classes_kept(model: FieldModel, series: xr.Dataset) -> None:
    assert predict(model, series, k=2).data.sizes["k"] == 2
    assert predict(model, series, k=9).data.sizes["k"] == 4
    best = predict(model, series, k=1).best.values
    assert np.array_equal(best, predict(model, series).best.values)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 70))
@settings(max_examples=60, deadline=None)
def test_windows_cover_each_pixel_once(height: int, width: int, window: int) -> None:
    times = np.zeros((4 * height, 4 * width), int)
    for top in range(0, height, window):
        for left in range(0, width, window):
            pane = _Pane.around((top, left), window, times.shape)
            times[pane.fine] += 1
            place = np.arange(times.size).reshape(times.shape)
            read = place[pane.read]
            scored = read[tuple(slice(4 * s.start, 4 * s.stop) for s in pane.scored)]
            assert np.array_equal(scored[pane.kept], place[pane.fine])
    assert (times == 1).all()


@dataclass(frozen=True)
class Remembers:
    """A classifier that is sure of the first class and keeps what it was shown."""

    facts: Facts
    shown: list[Look]
    threads: list[int] = field(default_factory=list)

    def runner(self, threads: int):
        self.threads.append(threads)

        def run(look: Look) -> np.ndarray:
            self.shown.append(look)
            scores = np.zeros((len(self.facts.codes), *look.near.shape[-2:]), np.float32)
            scores[0] = 1
            return Answer(scores)

        return run

    def save(self, folder):
        raise NotImplementedError


def test_a_classifier_is_shown_all_months_and_no_gap(model: FieldModel, series: xr.Dataset) -> None:
    """Also months that it knows and the series has not; nothing where nothing was ever seen."""
    facts = replace(model.facts, months=(1, 3, 5, 6, 7, 9), guide=())
    blind = series.copy(deep=True)
    blind["gap"].values[:, :64, :64] = 1
    classifier = Remembers(facts, [])
    posterior = predict(classifier, blind, window=10)
    assert len(classifier.shown) == 16 - 1  # the window where nothing was seen is left out
    for shown in classifier.shown:
        assert shown.near.shape[:2] == (6, 5)
        assert not shown.seen[[0, 3]].any()
        visible = shown.seen.any(axis=0)
        assert np.isfinite(shown.wide[..., visible]).all()
        # A month before the first is held, a month between two lies on the line.
        first, between = shown.wide[:, 0], shown.wide[:, 3]
        always = shown.seen[[1, 2, 4, 5]].all(axis=0)
        assert np.array_equal(first[..., always], shown.wide[:, 1][..., always])
        middle = (shown.wide[:, 2] + shown.wide[:, 4]) / 2
        assert between[..., always] == pytest.approx(middle[..., always], abs=1e-6)
    best = posterior.best.values
    assert (best[:64, :64] == 0).all()
    assert (best == 1).sum() == best.size - 64 * 64


def test_single_pixels_equal_the_window_they_lie_in(
    model: FieldModel, series: xr.Dataset, pixels: Pixels
) -> None:
    posterior = predict(model, series, k=4, average=False)
    said = predict_pixels(model, pixels)
    assert said.shape == (len(pixels), 4)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    row, column = (
        np.abs(series[name].values[:, None] - at).argmin(axis=0)
        for name, at in (("y", pixels.y), ("x", pixels.x))
    )
    dense = posterior.dense().values[:, row, column].T
    # Training pixels are kept in half precision, posteriors in bytes.
    np.testing.assert_allclose(said, dense, atol=0.03)


def test_pixels_that_were_never_seen_are_not_guessed(model: FieldModel, pixels: Pixels) -> None:
    blind = replace(pixels, observed=np.zeros_like(pixels.observed))
    assert np.isnan(predict_pixels(model, blind)).all()


def test_pixels_of_another_legend_are_refused(model: FieldModel, pixels: Pixels) -> None:
    with pytest.raises(InputError, match="another legend or other bands"):
        predict_pixels(model, replace(pixels, legend_id="other"))
    with pytest.raises(InputError, match="month 4 is unknown"):
        predict_pixels(model, replace(pixels, months=(3, 4, 7, 9)))
