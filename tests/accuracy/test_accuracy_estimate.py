import math

import numpy as np
import pytest

from bocage.accuracy._estimate import Design, normal, ratio, wilson


def design(weight, stratum=None, cluster=None):
    n = len(weight)
    return Design(
        np.asarray(weight, float),
        np.zeros(n, np.intp) if stratum is None else np.asarray(stratum),
        np.arange(n) if cluster is None else np.asarray(cluster),
    )


def test_share_of_a_simple_sample_has_the_binomial_error():
    y = np.array([1.0, 1, 1, 0, 0])
    share, error = ratio(design([2.0] * 5), y, np.ones(5))
    assert share == pytest.approx(0.6)
    assert error == pytest.approx(math.sqrt(0.6 * 0.4 / 4))


def test_strata_without_variance_have_no_error():
    y = np.array([1.0, 1, 0, 0])
    share, error = ratio(design([1, 1, 3, 3], [0, 0, 1, 1]), y, np.ones(4))
    assert share == pytest.approx(0.25)
    assert error == pytest.approx(0.0, abs=1e-12)


def test_a_lonely_place_that_takes_no_part_adds_nothing():
    # The ratio is about the rows of the first stratum alone.
    x = np.array([1.0, 1, 1, 0])
    _, error = ratio(design([1, 1, 1, 100], [0, 0, 0, 1]), np.array([1.0, 0, 1, 0]), x)
    _, alone = ratio(design([1, 1, 1]), np.array([1.0, 0, 1]), np.ones(3))
    assert error == pytest.approx(alone)


def test_nothing_to_divide_by():
    assert all(math.isnan(v) for v in ratio(design([1, 1]), np.zeros(2), np.zeros(2)))
    assert all(math.isnan(v) for v in normal(math.nan, math.nan))
    assert all(math.isnan(v) for v in wilson(0, 0))


def test_coverage_of_the_interval_of_a_region():
    """The same for a region that lies across both strata, whose size the sample must find."""
    rng = np.random.default_rng(8)
    share, area, inside = np.array([0.9, 0.5]), np.array([0.8, 0.2]), np.array([0.3, 0.6])
    truth = float((share * inside) @ area / (inside @ area))
    stratum = np.repeat([0, 1], [160, 120])
    weight = area[stratum] / np.bincount(stratum)[stratum]
    hits = 0
    for _ in range(400):
        x = (rng.random(280) < inside[stratum]).astype(float)
        y = x * (rng.random(280) < share[stratum])
        low, high = normal(*ratio(design(weight, stratum), y, x))
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_coverage_of_the_stratified_interval():
    """About 95 % of the intervals hold the truth (a seeded simulation of 400 surveys)."""
    rng = np.random.default_rng(7)
    share, area = np.array([0.9, 0.5]), np.array([0.8, 0.2])
    truth = float(share @ area)
    stratum = np.repeat([0, 1], [120, 80])
    weight = area[stratum] / np.bincount(stratum)[stratum]
    hits = 0
    for _ in range(400):
        y = (rng.random(200) < share[stratum]).astype(float)
        low, high = normal(*ratio(design(weight, stratum), y, np.ones(200)))
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_a_lonely_place_that_is_right_has_an_error_too():
    y = np.array([1.0, 0, 0])
    share, error = ratio(design([2, 1, 1], [0, 1, 1]), y, y)
    assert share == 1
    assert error == pytest.approx(0.5)
