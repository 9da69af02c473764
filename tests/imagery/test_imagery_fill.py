import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bocage.imagery._fill import FILLED, MISSING, OBSERVED, fill_months, gaps, smooth_months


def series(*values):
    return np.array(values, dtype=np.float32)[:, None, None, None]


MONTHS = np.arange(1, 13, dtype=np.int64)


def test_a_gap_is_interpolated_between_its_neighbours():
    filled, gap, _ = fill_months(series(1, np.nan, np.nan, 4), np.array([1, 2, 3, 4]))
    assert filled.ravel().tolist() == [1, 2, 3, 4]
    assert gap.ravel().tolist() == [OBSERVED, FILLED, FILLED, OBSERVED]


def test_the_year_is_a_circle():
    values = [np.nan, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, np.nan]
    filled, gap, _ = fill_months(series(*values), MONTHS)
    # Between November (5) and February (2): December 4, January 3.
    assert np.allclose(filled.ravel()[[11, 0]], [4, 3])
    assert gap.ravel()[[11, 0]].tolist() == [FILLED, FILLED]


def test_distance_counts_months_not_steps():
    filled, _, _ = fill_months(series(1, np.nan, 9), np.array([3, 4, 11]))
    assert np.isclose(filled.ravel()[1], 2.0)


def test_a_window_over_the_turn_of_the_year_is_in_order():
    filled, _, _ = fill_months(series(1, np.nan, 3), np.array([11, 12, 1]))
    assert np.isclose(filled.ravel()[1], 2.0)


def test_one_observed_month_is_kept_all_year():
    filled, gap, _ = fill_months(series(np.nan, 7, np.nan), np.array([1, 2, 3]))
    assert filled.ravel().tolist() == [7, 7, 7]
    assert gap.ravel().tolist() == [FILLED, OBSERVED, FILLED]


def test_a_pixel_never_observed_stays_missing():
    filled, gap, _ = fill_months(series(np.nan, np.nan), np.array([1, 2]))
    assert np.isnan(filled).all()
    assert (gap == MISSING).all()


@given(st.integers(0, 2**32 - 1))
def test_filling_keeps_what_was_observed_and_stays_within_it(seed):
    rng = np.random.default_rng(seed)
    full = rng.random((12, 2, 3, 3), dtype=np.float32)
    lost = rng.random((12, 3, 3)) < 0.6
    holes = np.where(lost[:, None], np.float32(np.nan), full)
    filled, gap, _ = fill_months(holes, MONTHS)
    assert (gap == OBSERVED).tolist() == (~lost).tolist()
    assert (filled[(gap == OBSERVED)[:, None].repeat(2, 1)] == holes[np.isfinite(holes)]).all()
    assert (np.isnan(filled).any(axis=1) == (gap == MISSING)).all()
    for y, x in np.ndindex(3, 3):
        seen = holes[~lost[:, y, x], :, y, x]
        if len(seen):
            assert (filled[:, :, y, x] >= seen.min(axis=0) - 1e-6).all()
            assert (filled[:, :, y, x] <= seen.max(axis=0) + 1e-6).all()


def test_the_gap_mask_alone_marks_missing():
    assert gaps(series(1, np.nan)).ravel().tolist() == [OBSERVED, MISSING]


def test_what_was_observed_has_no_fill_error_and_what_is_unknown_no_number():
    _, _, error = fill_months(series(1, np.nan, 1, 4), np.array([1, 2, 3, 4]))
    assert error.ravel()[[0, 2, 3]].tolist() == [0, 0, 0]
    _, _, nothing = fill_months(series(np.nan, np.nan), np.array([1, 2]))
    assert np.isnan(nothing).all()


def test_the_fill_error_is_that_of_a_bridge():
    # Every observed month lies 1 beside the line between its neighbours. They are one month
    # away, or for January and October one and three: ab / (a + b) is 1/2, or 3/4.
    values = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, np.nan, np.nan]
    _, _, error = fill_months(series(*values), MONTHS)
    variance = 10 / (8 * 0.5 + 2 * 0.75)
    # November and December lie one and two months from what was observed.
    assert np.allclose(error.ravel()[[10, 11]], np.sqrt(variance * 2 / 3))


@given(st.integers(0, 2**32 - 1))
def test_fill_errors_are_right_for_a_walk(seed):
    """Random walks: the errors of hidden months are those that were expected, in the mean."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1, (12, 1, 40, 40)), axis=0).astype(np.float32)
    hidden = np.zeros((12, 40, 40), bool)
    hidden[5:7] = True
    filled, _, error = fill_months(np.where(hidden[:, None], np.float32(np.nan), walk), MONTHS)
    actual = np.sqrt(np.square(filled - walk)[:, 0][hidden].mean())
    expected = np.sqrt(np.square(error[hidden]).mean())
    assert 0.4 < actual / expected < 1.6


def test_smoothing_keeps_a_level_and_fills_what_has_no_weight():
    level = series(*[0.3] * 12)
    weights = np.ones((12, 1, 1), np.float32)
    assert np.allclose(smooth_months(level, MONTHS, weights, 5.0), 0.3)
    weights[4] = 0
    holed = level.copy()
    holed[4] = np.nan
    assert np.allclose(smooth_months(holed, MONTHS, weights, 5.0), 0.3)


def test_smoothing_flattens_more_the_stronger_it_is():
    rng = np.random.default_rng(3)
    noisy = rng.random((12, 2, 1, 3), dtype=np.float32)
    weights = np.ones((12, 1, 3), np.float32)
    spread = [smooth_months(noisy, MONTHS, weights, s).std(axis=0).mean() for s in (0.01, 1, 100)]
    assert spread[0] > spread[1] > spread[2]
    assert np.allclose(smooth_months(noisy, MONTHS, weights, 1e-6), noisy, atol=1e-4)


def test_two_months_cannot_be_smoothed():
    two = series(1, 2)
    weights = np.ones((2, 1, 1), np.float32)
    assert (smooth_months(two, np.array([1, 2]), weights, 1.0) == two).all()
