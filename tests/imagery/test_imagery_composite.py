import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bocage.imagery._composite import FILLED, MISSING, OBSERVED, fill_months, gaps, median, medoid


def spectra(*rows):
    """Dates of one pixel as (date, band, 1, 1)."""
    return np.array(rows, dtype=np.float32)[:, :, None, None]


NAN = (np.nan, np.nan)


def test_the_median_leaves_out_what_is_not_clear():
    stack = spectra((0.1, 0.5), NAN, (0.3, 0.1), (0.2, 0.9))
    assert np.allclose(median(stack).ravel(), [0.2, 0.5])


def test_the_median_of_two_is_their_mean():
    assert np.allclose(median(spectra((0.1, 0.5), (0.3, 0.1))).ravel(), [0.2, 0.3])


def test_nothing_clear_gives_nothing():
    assert np.isnan(median(spectra(NAN, NAN))).all()
    assert np.isnan(medoid(spectra(NAN, NAN))).all()


def test_the_medoid_is_a_real_spectrum():
    # The median (0.2, 0.5) belongs to no date; the third is nearest to it.
    stack = spectra((0.1, 0.5), NAN, (0.22, 0.52), (0.3, 0.1), (0.2, 0.9))
    assert np.allclose(medoid(stack).ravel(), [0.22, 0.52])


def test_the_earlier_of_two_equally_near_dates_is_taken():
    stack = spectra((0.25, 0.5), (0.75, 0.5))
    assert np.allclose(medoid(stack).ravel(), [0.25, 0.5])


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_every_medoid_spectrum_was_observed(seed, dates):
    rng = np.random.default_rng(seed)
    stack = rng.random((dates, 3, 2, 2), dtype=np.float32)
    cloudy = rng.random((dates, 2, 2)) < 0.4
    stack = np.where(cloudy[:, None], np.float32(np.nan), stack)
    result = medoid(stack)
    same = (stack == result[None]).all(axis=1).any(axis=0)
    nothing = cloudy.all(axis=0)
    assert same[~nothing].all()
    assert np.isnan(result[:, nothing]).all()


def series(*values):
    return np.array(values, dtype=np.float32)[:, None, None, None]


MONTHS = np.arange(1, 13, dtype=np.int64)


def test_a_gap_is_interpolated_between_its_neighbours():
    filled, gap = fill_months(series(1, np.nan, np.nan, 4), np.array([1, 2, 3, 4]))
    assert filled.ravel().tolist() == [1, 2, 3, 4]
    assert gap.ravel().tolist() == [OBSERVED, FILLED, FILLED, OBSERVED]


def test_the_year_is_a_circle():
    values = [np.nan, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, np.nan]
    filled, gap = fill_months(series(*values), MONTHS)
    # Between November (5) and February (2): December 4, January 3.
    assert np.allclose(filled.ravel()[[11, 0]], [4, 3])
    assert gap.ravel()[[11, 0]].tolist() == [FILLED, FILLED]


def test_distance_counts_months_not_steps():
    filled, _ = fill_months(series(1, np.nan, 9), np.array([3, 4, 11]))
    assert np.isclose(filled.ravel()[1], 2.0)


def test_a_window_over_the_turn_of_the_year_is_in_order():
    filled, _ = fill_months(series(1, np.nan, 3), np.array([11, 12, 1]))
    assert np.isclose(filled.ravel()[1], 2.0)


def test_one_observed_month_is_kept_all_year():
    filled, gap = fill_months(series(np.nan, 7, np.nan), np.array([1, 2, 3]))
    assert filled.ravel().tolist() == [7, 7, 7]
    assert gap.ravel().tolist() == [FILLED, OBSERVED, FILLED]


def test_a_pixel_never_observed_stays_missing():
    filled, gap = fill_months(series(np.nan, np.nan), np.array([1, 2]))
    assert np.isnan(filled).all()
    assert (gap == MISSING).all()


@given(st.integers(0, 2**32 - 1))
def test_filling_keeps_what_was_observed_and_stays_within_it(seed):
    rng = np.random.default_rng(seed)
    full = rng.random((12, 2, 3, 3), dtype=np.float32)
    lost = rng.random((12, 3, 3)) < 0.6
    holes = np.where(lost[:, None], np.float32(np.nan), full)
    filled, gap = fill_months(holes, MONTHS)
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
