import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocage.imagery._composite import COMPOSITES, compose, geomedian, median, medoid


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
    assert np.isnan(medoid(spectra(NAN, NAN))[0]).all()
    assert np.isnan(geomedian(spectra(NAN, NAN))).all()


def test_the_medoid_is_a_real_spectrum():
    # The median (0.2, 0.5) belongs to no date; the third is nearest to it.
    stack = spectra((0.1, 0.5), NAN, (0.22, 0.52), (0.3, 0.1), (0.2, 0.9))
    assert np.allclose(medoid(stack)[0].ravel(), [0.22, 0.52])


def test_the_earlier_of_two_equally_near_dates_is_taken():
    stack = spectra((0.25, 0.5), (0.75, 0.5))
    assert np.allclose(medoid(stack)[0].ravel(), [0.25, 0.5])


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_every_medoid_spectrum_was_observed(seed, dates):
    rng = np.random.default_rng(seed)
    stack = rng.random((dates, 3, 2, 2), dtype=np.float32)
    cloudy = rng.random((dates, 2, 2)) < 0.4
    stack = np.where(cloudy[:, None], np.float32(np.nan), stack)
    result, which = medoid(stack)
    assert (which < dates).all()
    same = (stack == result[None]).all(axis=1).any(axis=0)
    nothing = cloudy.all(axis=0)
    assert same[~nothing].all()
    assert np.isnan(result[:, nothing]).all()


def test_the_geometric_median_is_between_the_bands():
    # Three corners of an equilateral triangle: their middle. The median of each band is not.
    stack = spectra((0.0, 0.0), (0.2, 0.0), (0.1, 0.1 * 3**0.5))
    assert np.allclose(geomedian(stack).ravel(), [0.1, 0.1 / 3**0.5], atol=1e-3)


def test_the_geometric_median_does_not_follow_one_cloud():
    stack = spectra((0.05, 0.3), (0.05, 0.31), (0.06, 0.3), (0.9, 0.9))
    assert np.allclose(geomedian(stack).ravel(), [0.053, 0.303], atol=0.01)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_no_date_has_a_lesser_sum_of_distances_than_the_geometric_median(seed, dates):
    stack = np.random.default_rng(seed).random((dates, 3, 2, 2), dtype=np.float32)

    def total(image):
        return np.sqrt(np.square(stack - image).sum(axis=1)).sum(axis=0)

    best = total(geomedian(stack))
    for image in (*stack, median(stack)):
        assert (best <= 1.01 * total(image)).all()


def test_a_weighted_medoid_trusts_the_clear_date():
    stack = spectra((0.10, 0.30), (0.12, 0.32), (0.09, 0.29))
    plain, _ = medoid(stack)
    trust = np.array([0.1, 1, 0.1], dtype=np.float32)[:, None, None]
    weighted, which = medoid(stack, trust)
    assert np.allclose(plain.ravel(), [0.10, 0.30])
    assert np.allclose(weighted.ravel(), [0.12, 0.32])
    assert which.item() == 1


@pytest.mark.parametrize("how", COMPOSITES)
def test_every_composite_of_one_date_is_that_date(how):
    stack = spectra((0.1, 0.4))
    image, _ = compose(stack, how, np.ones((1, 1, 1), np.float32))
    assert np.allclose(image.ravel(), [0.1, 0.4])
