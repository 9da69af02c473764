from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.model._features import fill_months
from bocage.model._scales import REACH, WIDE_M, look, means, spread, ten_metres


def scene(height: int, width: int, seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance (3 months, 2 bands, 4y, 4x) and what was seen of it."""
    rng = np.random.default_rng(seed)
    values = rng.random((3, 2, 4 * height, 4 * width)).astype(np.float32)
    return values, rng.random((3, height, width)) < share


def mean_around(
    ten: np.ndarray, seen: np.ndarray, y: int, x: int, metres: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the pixels seen in a square around one, and how many, (month, band) each."""
    reach = metres // 10 // 2
    rows, columns = (slice(max(v - reach, 0), v + reach + 1) for v in (y, x))
    near, shown = ten[:, :, rows, columns].astype(np.float64), seen[:, None, rows, columns]
    count = shown.sum(axis=(2, 3))
    return np.where(shown, near, 0).sum(axis=(2, 3)) / np.maximum(count, 1), count


@given(st.integers(1, 13), st.integers(1, 13), st.integers(0, 99), st.sampled_from([0.02, 0.5, 1]))
@settings(max_examples=30, deadline=None)
def test_means_are_those_of_what_was_seen(height: int, width: int, seed: int, share: float) -> None:
    values, seen = scene(height, width, seed, share)
    ten = ten_metres(values)
    ten[~np.broadcast_to(seen[:, None], ten.shape)] = np.nan
    found = means(ten, seen)
    assert found.shape == (len(WIDE_M), 3, 2, height, width)
    for scale, metres in enumerate(WIDE_M):
        for y in range(height):
            for x in range(width):
                want, _ = mean_around(ten, seen, y, x, metres)
                assert found[scale, :, :, y, x] == pytest.approx(want, abs=1e-5)


def test_windows_have_their_sides() -> None:
    ten = np.zeros((1, 1, 21, 21), np.float32)
    ten[0, 0, 10, 10] = 1
    found = means(ten, np.ones((1, 21, 21), bool))
    for scale, metres in enumerate(WIDE_M):
        side = metres // 10
        hit = found[scale, 0, 0] > 0
        assert hit.sum() == side**2
        assert hit[10, 10 - side // 2]
        assert not hit[10, 10 - side // 2 - 1]
        assert found[scale, 0, 0][hit] == pytest.approx(1 / side**2)
    assert max(WIDE_M) // 10 == 2 * REACH + 1


def test_rims_are_means_of_what_lies_inside() -> None:
    ten = np.full((1, 1, 15, 4), 0.3, np.float32)
    found = means(ten, np.ones((1, 15, 4), bool))
    assert found == pytest.approx(0.3, abs=1e-6)


def test_where_nothing_was_seen_means_are_zero() -> None:
    ten = np.full((2, 1, 30, 30), 0.3, np.float32)
    seen = np.zeros((2, 30, 30), bool)
    seen[1, :10] = True
    found = means(ten, seen)
    assert (found[:, 0] == 0).all()
    assert (found[:, 1, 0, 10 + REACH :] == 0).all()
    assert found[:, 1, 0, :10] == pytest.approx(0.3, abs=1e-6)
    assert found[1, 1, 0, 10 + REACH - 1] == pytest.approx(0.3, abs=1e-6)


def test_ten_metres_by_hand() -> None:
    values = np.arange(2 * 32, dtype=np.float32).reshape(1, 2, 4, 8)
    found = ten_metres(values)
    assert found.shape == (1, 2, 1, 2)
    assert found[0, 1, 0, 1] == values[0, 1, :, 4:].mean()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99), st.sampled_from([0.1, 0.6, 1]))
@settings(max_examples=30, deadline=None)
def test_all_scales_are_filled_in_time(height: int, width: int, seed: int, share: float) -> None:
    values, seen = scene(height, width, seed, share)
    found = look(values, seen)
    assert np.array_equal(found.seen, seen)
    fine = seen.repeat(4, 1).repeat(4, 2)
    near = fill_months(values.reshape(3, 2, -1), fine.reshape(3, -1)).reshape(values.shape)
    assert np.array_equal(found.near, near, equal_nan=True)
    around = means(ten_metres(values), seen)
    for scale in range(len(WIDE_M)):
        flat = fill_months(around[scale].reshape(3, 2, -1), seen.reshape(3, -1))
        assert np.array_equal(found.wide[scale], flat.reshape(around.shape[1:]), equal_nan=True)
    never = ~seen.any(axis=0)
    assert (np.isnan(found.wide) == never).all()
    assert (np.isnan(found.near) == never.repeat(4, 0).repeat(4, 1)).all()


def test_a_pixel_with_a_value_that_is_no_number_was_not_seen() -> None:
    values, seen = scene(12, 12, 0, 1)
    for bad in (np.nan, np.inf):
        holed = values.copy()
        holed[1, 0, 17, 22] = bad
        hidden = seen.copy()
        hidden[1, 4, 5] = False
        got, want = look(holed, seen), look(values, hidden)
        assert np.array_equal(got.seen, hidden)
        assert np.array_equal(got.near, want.near)
        assert np.array_equal(got.wide, want.wide)


def test_a_part_sees_what_the_whole_sees() -> None:
    values, seen = scene(20, 17, 3, 0.6)
    whole, part = look(values, seen), look(values, seen, (slice(6, 9), slice(2, 17)))
    assert np.array_equal(part.seen, whole.seen[:, 6:9, 2:])
    assert np.array_equal(part.near, whole.near[:, :, 24:36, 8:], equal_nan=True)
    assert np.array_equal(part.wide, whole.wide[..., 6:9, 2:], equal_nan=True)
    # What lies beyond the reach need not be read at all.
    first, last = 6 - REACH, 9 + REACH
    cut = look(values[:, :, 4 * first : 4 * last], seen[:, first:last], (slice(4, 7), slice(2, 17)))
    assert np.array_equal(cut.wide, part.wide, equal_nan=True)
    assert first > 0
    assert last < 20


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_months_go_to_their_places(axis: int) -> None:
    values = np.moveaxis(np.arange(1, 13, dtype=np.float16).reshape(2, 3, 2), 0, axis)
    found = np.moveaxis(spread(values, [3, 1], 5, axis), axis, 0)
    assert found.dtype == np.float16
    assert found[[0, 2, 4]].max() == 0
    assert np.array_equal(found[[3, 1]], np.moveaxis(values, axis, 0))
