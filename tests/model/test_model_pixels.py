from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_landscape import (
    BANDS,
    METRES,
    MONTHS,
    SOUTH,
    WEST,
    make_legend,
    make_samples,
    make_series,
    make_truth,
)

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.model import Pixels, concatenate, read_pixels
from bocage.model._scales import means, ten_metres
from bocage.rasters import geobox_of, inside


def places(pixels: Pixels, series: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of pixels in the series."""
    x0, y0 = series["x"].values[0], series["y"].values[0]
    return (
        np.rint((y0 - pixels.y) / 2.5).astype(int),
        np.rint((pixels.x - x0) / 2.5).astype(int),
    )


def test_truth_has_all_that_the_tests_need() -> None:
    assert set(np.unique(make_truth(160, 1))) == {1, 2, 3}


def test_every_sample_is_the_pixel_under_it(
    truth: np.ndarray, series: xr.Dataset, pixels: Pixels, legend: Legend
) -> None:
    samples = make_samples(truth, series)
    assert (pixels.bands, pixels.resolutions, pixels.months) == (BANDS, METRES, MONTHS)
    own = pixels.pick(pixels.labelled)
    assert own.sample_id.tolist() == samples["sample_id"].tolist()
    assert own.x.tolist() == samples.geometry.x.tolist()
    assert own.y.tolist() == samples.geometry.y.tolist()
    assert own.fold.tolist() == samples["fold"].tolist()
    assert own.weight.tolist() == samples["weight"].tolist()
    named = np.array(legend.codes())[own.allowed.argmax(axis=1)]
    assert named.tolist() == samples["code"].tolist()
    assert (own.allowed.sum(axis=1) == 1).all()


def test_pixels_are_read_at_all_scales(series: xr.Dataset, pixels: Pixels) -> None:
    row, column = places(pixels, series)
    values = series["reflectance"].values
    assert pixels.near == pytest.approx(values[:, :, row, column].transpose(2, 0, 1), abs=1e-3)
    seen = series["gap"].values[:, ::4, ::4] == 0
    around = means(ten_metres(values), seen)[..., row // 4, column // 4]
    assert pixels.wide == pytest.approx(around.transpose(3, 0, 1, 2), abs=1e-3)
    assert np.array_equal(pixels.observed, seen[:, row // 4, column // 4].T)


@given(st.integers(1, 150), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
@example(150, 2, 0)
def test_strips_do_not_show(height: int, width: int, seed: int) -> None:
    """Tall rasters are read in strips; the surroundings reach beyond them."""
    truth = np.ones((4 * height, 4 * width), int)
    small = make_series(truth, seed)
    none = make_samples(truth, small, 1).iloc[:0]
    found = read_pixels(small, none, make_legend(), unlabelled=10**6)
    assert len(found) == truth.size
    row, column = places(found, small)
    seen = small["gap"].values[:, ::4, ::4] == 0
    around = means(ten_metres(small["reflectance"].values), seen)[..., row // 4, column // 4]
    assert np.array_equal(found.wide, around.transpose(3, 0, 1, 2).astype(np.float16))
    assert np.array_equal(found.observed, seen[:, row // 4, column // 4].T)


def test_gaps_and_nan_are_not_observed(series: xr.Dataset, truth: np.ndarray) -> None:
    holed = series.copy(deep=True)
    holed["reflectance"][2, 3, :8, :8] = np.nan
    samples = make_samples(truth, series, 5)
    samples["geometry"] = gpd.points_from_xy(
        WEST + np.array([1, 30, 50, 70, 90.0]), np.full(5, SOUTH + 399.0)
    )
    pixels = read_pixels(holed, samples, make_legend())
    assert (
        pixels.observed.tolist() == [[True, False, False, True]] + [[True, False, True, True]] * 4
    )
    assert np.isfinite(pixels.wide).all()


def test_pixels_without_labels_lie_in_the_area(series: xr.Dataset, truth: np.ndarray) -> None:
    area = shapely.Point(WEST + 200, SOUTH + 200).buffer(90)
    samples = make_samples(truth, series, 50)
    found = read_pixels(series, samples, make_legend(), area=area, unlabelled=700)
    more = found.pick(~found.labelled)
    assert len(more) == 700
    assert shapely.contains_xy(area, more.x, more.y).all()
    assert len(np.unique(np.stack([more.x, more.y]), axis=1).T) == 700
    # They come from everywhere in the area, not from one end of it.
    assert np.ptp(more.x) > 160
    assert np.ptp(more.y) > 160
    assert not more.allowed.any()
    assert (more.weight == 0).all()
    assert (more.fold == -1).all()
    assert (more.sample_id == "").all()
    assert found.labelled.sum() == 50


def test_the_draw_depends_on_the_seed_alone(series: xr.Dataset, truth: np.ndarray) -> None:
    samples, legend = make_samples(truth, series, 20), make_legend()
    one, two, other = (
        read_pixels(series, samples, legend, unlabelled=300, seed=seed) for seed in (4, 4, 5)
    )
    for name in ("x", "y", "near", "wide", "observed"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.x, other.x)
    assert np.array_equal(one.x[:20], other.x[:20])


@pytest.mark.parametrize("radius", [0, 1, 12, 40])
def test_no_more_pixels_than_there_are(
    series: xr.Dataset, truth: np.ndarray, radius: float
) -> None:
    holed = series.copy(deep=True)
    holed["gap"].values[:, 80:] = 1
    area = shapely.Point(WEST + 201, SOUTH + 200).buffer(radius)
    there = inside(area, geobox_of(series))
    there[80:] = False  # was never seen
    samples = make_samples(truth, series, 5).iloc[:0]
    found = read_pixels(holed, samples, make_legend(), area=area, unlabelled=10**6)
    assert len(found) == there.sum()
    row, column = places(found, series)
    assert there[row, column].all()
    assert not found.labelled.any()
    assert found.allowed.shape == (len(found), 4)


def test_sets_of_classes(series: xr.Dataset, truth: np.ndarray) -> None:
    samples = make_samples(truth, series, 3)
    samples["code"] = [11, 0, 0]
    samples["allowed"] = ["", "12;21", "21;12"]
    pixels = read_pixels(series, samples, make_legend(), unlabelled=1)
    assert pixels.allowed.tolist() == [
        [True, False, False, False],
        [False, True, True, False],
        [False, True, True, False],
        [False, False, False, False],
    ]


def test_band_order_does_not_matter(series: xr.Dataset, truth: np.ndarray) -> None:
    samples = make_samples(truth, series, 20)
    mixed = series.isel(band=[4, 2, 0, 3, 1], month=[3, 0, 2, 1])
    one, two = (read_pixels(s, samples, make_legend(), unlabelled=9) for s in (series, mixed))
    assert one.bands == two.bands
    assert one.months == two.months
    for name in ("near", "wide", "observed"):
        assert np.array_equal(getattr(one, name), getattr(two, name))


def test_pick_keeps_pixels_whole(pixels: Pixels) -> None:
    some = pixels.pick(np.array([5, 450, 3]))
    assert len(some) == 3
    for name in ("near", "wide", "observed", "x", "y", "weight", "fold", "sample_id", "allowed"):
        assert np.array_equal(getattr(some, name), getattr(pixels, name)[[5, 450, 3]])


def test_concatenate_blocks_and_years(
    pixels: Pixels, truth: np.ndarray, series: xr.Dataset
) -> None:
    samples = make_samples(truth, series, 10, seed=4)
    samples["code"], samples["allowed"] = 0, "21;22"
    other = read_pixels(series.isel(month=[0, 2]), samples, make_legend(), unlabelled=7)
    both = concatenate([pixels, other])
    assert len(both) == len(pixels) + 17
    assert both.months == MONTHS
    late = both.pick(np.arange(len(both)) >= len(pixels))
    assert late.allowed.tolist() == [[False, False, True, True]] * 10 + [[False] * 4] * 7
    assert not late.observed[:, [1, 3]].any()
    assert np.array_equal(late.observed[:, [0, 2]], other.observed)
    assert np.array_equal(late.near[:, [0, 2]], other.near)
    assert np.array_equal(late.wide[:, :, [0, 2]], other.wide)
    first = both.pick(np.arange(len(both)) < len(pixels))
    assert np.array_equal(first.allowed, pixels.allowed)
    assert first.sample_id.tolist() == pixels.sample_id.tolist()
    # Equal sets of classes are one.
    assert len(both.sets) == len(np.unique(both.allowed[both.labelled], axis=0))


def test_months_of_no_part_alone(pixels: Pixels, series: xr.Dataset, truth: np.ndarray) -> None:
    samples = make_samples(truth, series, 6)
    one, two = (
        read_pixels(series.isel(month=months), samples, make_legend()) for months in ([3], [0, 2])
    )
    both = concatenate([one, two])
    assert both.months == (3, 7, 9)
    assert both.observed[:6].tolist() == [[False, False, True]] * 6
    assert np.array_equal(both.near[6:, :2], two.near)


def test_a_block_without_samples(series: xr.Dataset, truth: np.ndarray, pixels: Pixels) -> None:
    none = make_samples(truth, series, 5).iloc[:0]
    bare = read_pixels(series, none, make_legend(), unlabelled=30)
    empty = read_pixels(series, none, make_legend())
    assert len(empty) == 0
    assert len(concatenate([empty, bare])) == 30
    both = concatenate([empty, bare, pixels])
    assert not both.allowed[:30].any()
    assert np.array_equal(both.allowed[30:], pixels.allowed)
    assert both.sample_id[30:].tolist() == pixels.sample_id.tolist()


def test_wrong_input_is_named(
    series: xr.Dataset, truth: np.ndarray, pixels: Pixels, legend: Legend
) -> None:
    samples = make_samples(truth, series, 5)
    moved = samples.copy()
    moved.loc[2, "geometry"] = gpd.points_from_xy([0], [0])[0]
    with pytest.raises(InputError, match="1 samples lie outside the series, the first is s0002"):
        read_pixels(series, moved, legend)
    with pytest.raises(InputError, match="the samples have the CRS EPSG:3857"):
        read_pixels(series, samples.set_crs(3857, allow_override=True), legend)
    with pytest.raises(InputError, match="no column fold"):
        read_pixels(series, samples.drop(columns="fold"), legend)
    with pytest.raises(InputError, match="class 99 is not in the legend"):
        read_pixels(series, samples.assign(allowed="99"), legend)
    with pytest.raises(InputError, match="no variable 'gap'"):
        read_pixels(series.drop_vars("gap"), samples, legend)
    with pytest.raises(InputError, match="band B02 twice"):
        read_pixels(series.isel(band=[0, 0]), samples, legend)
    with pytest.raises(InputError, match="158 × 160 pixels"):
        read_pixels(series.isel(y=slice(0, 158)), samples, legend)
    with pytest.raises(InputError, match="month 13"):
        read_pixels(series.assign_coords(month=[3, 5, 7, 13]), samples, legend)
    with pytest.raises(InputError, match="does not name its months"):
        read_pixels(series.drop_vars("month"), samples, legend)
    with pytest.raises(InputError, match="no pixels"):
        concatenate([])
    with pytest.raises(InputError, match="differ in bands"):
        concatenate([pixels, read_pixels(series.isel(band=[0]), samples, legend)])
    with pytest.raises(InputError, match="differ in legend_id: tiny and other"):
        concatenate([pixels, replace(pixels, legend_id="other")])
    with pytest.raises(InputError, match="not with 'other'"):
        pixels.require(make_legend("other"))


def test_a_wide_series_is_one_of_ones(truth: np.ndarray) -> None:
    """Means of a constant are the constant, whatever was hidden."""
    flat = make_series(np.ones_like(truth), noise=0.0)
    found = read_pixels(flat, make_samples(truth, flat, 5), make_legend(), unlabelled=200)
    want = np.broadcast_to(found.near[:, None], found.wide.shape)
    shown = np.broadcast_to(found.observed[:, None, :, None], found.wide.shape)
    assert found.wide[shown] == pytest.approx(want[shown], abs=1e-3)
