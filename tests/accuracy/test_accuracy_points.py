import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.accuracy import sample_points, values_at
from bocage.accuracy._points import _allocate
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.rasters import wrap


def raster(data):
    data = np.asarray(data, dtype=np.uint8)
    h, w = data.shape
    return wrap(data, geobox((4_000_000, 3_000_000, 4_000_000 + 10 * w, 3_000_000 + 10 * h), 10))


@pytest.fixture
def classes():
    data = np.full((40, 50), 1)
    data[:4] = 2
    data[0, :10] = 3
    data[-1] = 255
    data[-2, :5] = 0
    return raster(data)


def test_every_class_gets_its_minimum(classes):
    points = sample_points(classes, 100, seed=1, minimum=8)
    counts = points["stratum"].value_counts()
    assert len(points) == 100
    assert counts[3] >= 8
    assert counts[2] >= 8
    assert counts[1] > 70
    assert set(counts.index) == {1, 2, 3}


def test_points_lie_at_centres_of_their_class(classes):
    points = sample_points(classes, 60, seed=1)
    assert (values_at(points, classes) == points["stratum"]).all()
    assert (points.geometry.x % 10 == 5).all()
    assert not points.geometry.duplicated().any()


def test_weights_add_up_to_the_area(classes):
    points = sample_points(classes, 60, seed=1)
    by_class = points.groupby("stratum")["weight"].sum()
    pixels = np.bincount(classes.values.ravel(), minlength=256)
    for value in (1, 2, 3):
        assert by_class[value] == pytest.approx(pixels[value] * 0.01)


def test_seed_decides(classes):
    first, again, other = (sample_points(classes, 30, seed=s) for s in (5, 5, 6))
    assert first.equals(again)
    assert not first.geometry.equals(other.geometry)


def test_simple_random_and_fewer_points_than_classes(classes):
    for points in (
        sample_points(classes, 50, seed=2, stratified=False),
        sample_points(classes, 2, seed=2),
    ):
        assert points["weight"].nunique() == 1
        assert points["weight"].sum() == pytest.approx((40 * 50 - 50 - 5) * 0.01)


def test_unclassified_pixels_on_request(classes):
    points = sample_points(classes, 40, seed=2, exclude=(255,))
    assert 0 in set(points["stratum"])


def test_no_more_points_than_pixels():
    points = sample_points(raster([[1, 2, 2]]), 50, seed=0)
    assert len(points) == 3


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="5 points wanted from 0 pixels"):
        sample_points(raster(np.full((2, 2), 255)), 5, seed=0)
    with pytest.raises(InputError, match="0 points wanted"):
        sample_points(raster([[1]]), 0, seed=0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=30),
    st.integers(1, 2_000),
    st.integers(0, 50),
)
def test_allocation(sizes, n, minimum):
    if n < len(sizes):
        n = len(sizes)
    shares = _allocate(np.array(sizes), n, minimum)
    assert sum(shares) == min(n, sum(sizes))
    assert all(1 <= k <= s for k, s in zip(shares, sizes, strict=True))
