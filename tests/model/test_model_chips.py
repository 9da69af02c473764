from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from model_landscape import BANDS, MONTHS, make_legend, make_samples, make_series, make_truth

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.model import Chips, concatenate, cut_chips, load_chips


def test_every_sample_lies_in_one_chip_at_its_pixel(
    truth: np.ndarray, series: xr.Dataset, chips: Chips, legend: Legend
) -> None:
    samples = make_samples(truth, series)
    assert chips.labels == len(samples)
    assert sorted(chips.sample_id) == sorted(samples["sample_id"])
    assert chips.bands == BANDS
    assert chips.months == MONTHS
    x0, y0 = series["x"].values[0], series["y"].values[0]
    column = np.rint((samples.geometry.x.to_numpy() - x0) / 2.5).astype(int)
    row = np.rint((y0 - samples.geometry.y.to_numpy()) / 2.5).astype(int)
    want = series["reflectance"].values[:, :, row, column].transpose(2, 0, 1)
    got = chips.reflectance[chips.chip, :, :, chips.row, chips.column]
    assert got == pytest.approx(want, abs=1e-3)
    named = np.array(legend.codes())[chips.allowed.argmax(axis=1)]
    assert (named == samples["code"].to_numpy()).all()
    assert (chips.fold == samples["fold"].to_numpy()).all()


@given(st.integers(2, 20), st.integers(2, 20), st.sampled_from([8, 12, 16]), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_layout_covers_any_size(height: int, width: int, side: int, seed: int) -> None:
    truth = np.ones((4 * height, 4 * width), int)
    small = make_series(truth)
    samples = make_samples(truth, small, 30, seed)
    chips = cut_chips(small, samples, make_legend(), side)
    edge = min(side, height, width)
    assert chips.observed.shape[-2:] == (edge, edge)
    assert chips.labels == 30
    for place in (chips.row, chips.column):
        assert ((place >= 0) & (place < 4 * edge)).all()
    assert len(np.unique(chips.chip)) == len(chips)
    # Away from the rim each sample has a quarter of a chip around it.
    if min(height, width) >= 2 * side:
        inner = (chips.row >= side) & (chips.row < 3 * side)
        assert inner.any()


def test_gaps_and_nan_are_not_observed(series: xr.Dataset, truth: np.ndarray) -> None:
    holed = series.copy(deep=True)
    holed["reflectance"][2, :, :8, :8] = np.nan
    samples = make_samples(truth, series, 60)
    chips = cut_chips(holed, samples, make_legend(), 40)
    assert len(chips) >= 1
    assert chips.observed.shape[2:] == (40, 40)
    assert not chips.observed[:, 1, :10].any()  # gap 1
    assert not chips.observed[:, 2, :2, :2].any()  # NaN
    assert chips.observed[:, 0].all()
    assert chips.seen.all()


def test_sets_of_classes(series: xr.Dataset, truth: np.ndarray) -> None:
    samples = make_samples(truth, series, 3)
    samples["code"] = [11, 0, 0]
    samples["allowed"] = ["", "12;21", "21;12"]
    chips = cut_chips(series, samples, make_legend(), 16)
    assert chips.allowed.tolist() == [
        [True, False, False, False],
        [False, True, True, False],
        [False, True, True, False],
    ]


def test_band_order_does_not_matter(series: xr.Dataset, truth: np.ndarray) -> None:
    samples = make_samples(truth, series, 20)
    mixed = series.isel(band=[4, 2, 0, 3, 1], month=[3, 0, 2, 1])
    one, two = (cut_chips(s, samples, make_legend(), 16) for s in (series, mixed))
    assert one.bands == two.bands
    assert one.months == two.months
    assert np.array_equal(one.reflectance, two.reflectance)
    assert np.array_equal(one.observed, two.observed)


def test_concatenate_blocks_and_years(chips: Chips, truth: np.ndarray, series: xr.Dataset) -> None:
    samples = make_samples(truth, series, 10, seed=4)
    samples["code"], samples["allowed"] = 0, "21;22"
    other = cut_chips(series.isel(month=[0, 2]), samples, make_legend(), 16)
    both = concatenate([chips, other])
    assert len(both) == len(chips) + len(other)
    assert both.months == MONTHS
    late = both.pick(np.arange(both.labels) >= chips.labels)
    assert (late.allowed == [False, False, True, True]).all()
    assert not late.observed[late.chip][:, [1, 3]].any()
    assert np.array_equal(
        late.reflectance[late.chip, 2, :, late.row, late.column],
        other.reflectance[other.chip, 1, :, other.row, other.column],
    )
    first = both.pick(np.arange(both.labels) < chips.labels)
    assert np.array_equal(first.allowed, chips.allowed)


def test_file_round_trip_is_byte_identical(chips: Chips, tmp_path) -> None:
    one, two = chips.save(tmp_path / "a.npz"), chips.save(tmp_path / "b.npz")
    assert one.read_bytes() == two.read_bytes()
    back = load_chips(one)
    for name in ("reflectance", "observed", "row", "label", "sets", "sample_id", "fold"):
        assert np.array_equal(getattr(back, name), getattr(chips, name), equal_nan=name[0] == "r")
    assert (back.bands, back.months, back.codes) == (chips.bands, chips.months, chips.codes)


def test_wrong_input_is_named(
    series: xr.Dataset, truth: np.ndarray, chips: Chips, legend: Legend, tmp_path
) -> None:
    samples = make_samples(truth, series, 5)
    moved = samples.copy()
    moved.loc[2, "geometry"] = gpd.points_from_xy([0], [0])[0]
    with pytest.raises(InputError, match="1 samples lie outside the series, the first is s0002"):
        cut_chips(series, moved, legend)
    with pytest.raises(InputError, match="the samples have the CRS EPSG:3857"):
        cut_chips(series, samples.set_crs(3857, allow_override=True), legend)
    with pytest.raises(InputError, match="no column fold"):
        cut_chips(series, samples.drop(columns="fold"), legend)
    with pytest.raises(InputError, match="class 99 is not in the legend"):
        cut_chips(series, samples.assign(allowed="99"), legend)
    with pytest.raises(InputError, match="no variable 'gap'"):
        cut_chips(series.drop_vars("gap"), samples, legend)
    with pytest.raises(InputError, match="band B02 twice"):
        cut_chips(series.isel(band=[0, 0]), samples, legend)
    with pytest.raises(InputError, match="158 × 160 pixels"):
        cut_chips(series.isel(y=slice(0, 158)), samples, legend)
    with pytest.raises(InputError, match="month 13"):
        cut_chips(series.assign_coords(month=[3, 5, 7, 13]), samples, legend)
    with pytest.raises(InputError, match="does not name its months"):
        cut_chips(series.drop_vars("month"), samples, legend)
    with pytest.raises(InputError, match="no chips"):
        concatenate([])
    with pytest.raises(InputError, match="differ in bands"):
        concatenate([chips, cut_chips(series.isel(band=[0]), samples, legend, 16)])
    with pytest.raises(InputError, match="not with 'other'"):
        chips.require(make_legend("other"))
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read as chips"):
        load_chips(bad)


def test_a_cut_file_is_named(chips: Chips, tmp_path) -> None:
    path = chips.save(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"a\.npz cannot be read as chips"):
        load_chips(path)


def test_truth_has_all_that_the_tests_need() -> None:
    assert set(np.unique(make_truth(160, 1))) == {1, 2, 3}


def test_a_block_without_samples_gives_no_chip(
    series: xr.Dataset, truth: np.ndarray, chips: Chips, tmp_path
) -> None:
    none = cut_chips(series, make_samples(truth, series, 5).iloc[:0], make_legend(), 16)
    assert len(none) == 0
    assert none.labels == 0
    both = concatenate([load_chips(none.save(tmp_path / "none.npz")), chips])
    assert both.labels == chips.labels
    assert np.array_equal(both.allowed, chips.allowed)
    assert both.sample_id.tolist() == chips.sample_id.tolist()
