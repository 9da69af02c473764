from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.model._augment import View, hide_months, jitter
from bocage.model._features import (
    _fill,
    feature_names,
    fill_months,
    pixel_features_of,
    with_indices,
)
from bocage.model._field import _pad, _softmax, _softmax_compiled
from bocage.model._predict import _blend, _blend_compiled, windows
from bocage.model._season import _arrange, arrange, harmonics, statistics


def test_harmonics_wrap_around_the_year() -> None:
    waves = harmonics([1, 7, 12])
    assert waves.shape == (3, 6)
    assert waves[0, :2] == pytest.approx(-waves[1, :2], abs=1e-6)
    assert np.abs(harmonics([1]) - harmonics([13])).max() < 1e-5


def test_arrange_by_hand() -> None:
    values = np.arange(2 * 64, dtype=np.float32).reshape(1, 2, 8, 8)
    values[0, 0, 0, 4] = np.nan
    values[0, 1, 7, 7] = 1e9
    seen = np.array([[[True, True], [False, True]]])
    mean, deviation = np.array([1, 0], np.float32), np.array([2, 64], np.float32)
    out = arrange(values, seen, mean, deviation)
    assert out.shape == (1, 32, 2, 2)
    assert out[0, 0, 0, 0] == pytest.approx(-0.5)
    assert out[0, 6, 0, 0] == pytest.approx((values[0, 0, 1, 2] - 1) / 2)
    assert out[0, 16 + 5, 0, 1] == pytest.approx(values[0, 1, 1, 5] / 64)
    assert (out[0, :, 1, 0] == 0).all()
    assert out[0, 0, 0, 1] == 0
    assert out[0, 31, 1, 1] == 12
    plain = np.empty_like(out)
    _arrange(values, seen, mean, (1 / deviation).astype(np.float32), plain)
    assert np.array_equal(plain, out)


def test_statistics_over_what_was_seen() -> None:
    values = np.full((1, 2, 1, 8, 8), 0.25, np.float16)
    values[0, 1] = np.nan
    values[0, 0, 0, 0, 0] = 0.75
    seen = np.ones((1, 2, 2, 2), bool)
    mean, deviation = statistics(values, seen)
    assert mean == pytest.approx([0.375])
    assert deviation == pytest.approx([np.std([0.75, 0.25, 0.25, 0.25])], rel=1e-3)
    assert statistics(values, ~seen)[1] == 1


@given(st.integers(0, 3), st.booleans(), st.integers(0, 6), st.integers(0, 6))
def test_points_move_with_the_pixels(turns: int, mirror: bool, row: int, column: int) -> None:
    square = np.zeros((2, 7, 7), int)
    square[:, row, column] = 1
    view = View(turns, mirror)
    y, x = view.points(np.array([row]), np.array([column]), 7)
    assert view.pixels(square)[:, y[0], x[0]].tolist() == [1, 1]
    assert View.draw(np.random.default_rng(0)).turns in range(4)


def test_hidden_months_never_blind_a_pixel() -> None:
    seen = np.zeros((6, 4, 4), bool)
    seen[2] = True
    seen[:, 0, 0] = True
    rng = np.random.default_rng(0)
    hidden = [hide_months(seen, 0.95, rng) for _ in range(50)]
    assert all(h.any(axis=0).all() for h in hidden)
    assert any(h[:, 0, 0].sum() < 6 for h in hidden)
    assert all((h <= seen).all() for h in hidden)
    assert np.array_equal(hide_months(seen, 0, rng), seen)


def test_jitter_is_one_shift_per_band_and_date() -> None:
    series = np.zeros((3, 32, 2, 2), np.float32)
    shifted = jitter(series, 2, np.random.default_rng(0))
    assert np.ptp(shifted[1, :16]) == 0
    assert shifted[1, 0, 0, 0] != shifted[1, 16, 0, 0]
    assert np.abs(shifted).max() < 0.3


def test_months_are_filled_in_time() -> None:
    values = np.array([9, 1, 9, 3, 9], np.float32).reshape(5, 1, 1).repeat(2, 2)
    seen = np.array([0, 1, 0, 1, 0], bool)[:, None].repeat(2, 1)
    seen[:, 1] = False
    filled = fill_months(values, seen)
    assert filled[:, 0, 0].tolist() == [1, 1, 2, 3, 3]
    assert np.isnan(filled[:, 0, 1]).all()
    plain = values.copy()
    _fill(plain, seen)
    assert np.array_equal(plain, filled, equal_nan=True)


def test_features_have_names() -> None:
    bands = ("B04", "B08")
    values = np.array([[[0.1]], [[0.3]]], np.float32).reshape(1, 2, 1)
    assert with_indices(values, bands).ravel() == pytest.approx([0.1, 0.3, 0.5])
    assert feature_names(bands, (6, 7)) == (
        "B04_06", "B08_06", "NDVI_06", "B04_07", "B08_07", "NDVI_07",
    )  # fmt: skip
    assert with_indices(values, ("B01", "B09")) is values
    window = np.full((1, 2, 4, 4), 0.2, np.float32)
    table = pixel_features_of(window, np.ones((1, 1, 1), bool), bands, [1], 3)
    assert table.shape == (16, 9)
    assert table[:, 0] == pytest.approx(0.2)


@given(st.integers(1, 400), st.sampled_from([32, 64, 128]), st.integers(0, 15))
@settings(max_examples=60, deadline=None)
def test_windows_cover_and_blend_to_a_positive_weight(length: int, side: int, overlap: int) -> None:
    total = np.zeros(4 * length)
    for start, weight in windows(length, side, overlap):
        assert start >= 0
        assert 4 * start + len(weight) <= 4 * length
        total[4 * start : 4 * start + len(weight)] += weight
    assert (total > 0.9).all()


def test_kernels_equal_python() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 5, (4, 3, 5)).astype(np.float32)
    plain, compiled = scores.copy(), scores.copy()
    _softmax(plain)
    _softmax_compiled(compiled)
    assert plain == pytest.approx(compiled, abs=1e-6)
    assert plain.sum(axis=0) == pytest.approx(1, abs=1e-5)
    weight = rng.random((3, 5)).astype(np.float32)
    weight[0, 0] = 0
    totals = [np.zeros_like(scores) for _ in "ab"]
    _blend(totals[0], plain, weight)
    _blend_compiled(totals[1], plain, weight)
    assert totals[0] == pytest.approx(totals[1], abs=1e-6)
    assert totals[0] == pytest.approx(plain * weight, abs=1e-6)
    assert _pad(np.ones((2, 4, 8), np.float32)).shape == (2, 4, 8)
    padded = _pad(np.ones((2, 5, 8), np.float32))
    assert padded.shape == (2, 8, 8)
    assert (padded[:, 5:] == 0).all()
