from __future__ import annotations

import numpy as np
import pytest

from bocage.model._features import (
    INDICES,
    _fill,
    feature_names,
    fill_months,
    index_names,
    indices_of,
    with_indices,
)


def test_months_are_filled_in_time() -> None:
    values = np.array([9, 1, 9, 3, 9], np.float32).reshape(5, 1, 1).repeat(2, 2)
    seen = np.array([0, 1, 0, 1, 0], bool)[:, None].repeat(2, 1)
    seen[:, 1] = False
    filled = fill_months(values, seen)
    assert filled[:, 0, 0].tolist() == [1, 1, 2, 3, 3]
    assert np.isnan(filled[:, 0, 1]).all()
    assert values[0, 0, 0] == 9
    plain = values.copy()
    _fill(plain, seen)
    assert np.array_equal(plain, filled, equal_nan=True)


def test_indices_take_the_places_of_bands() -> None:
    rng = np.random.default_rng(0)
    bands = ("B08", "B03", "B04")
    filled = rng.random((2, 4, 3, 7)).astype(np.float32)
    found = indices_of(filled, bands)
    names = index_names(bands)
    assert names == ("NDVI", "NDWI", "NDTI")
    assert found.shape == (2, 4, 3, 7)
    assert found.dtype == np.float32
    for at, name in enumerate(names):
        first, second = (filled[:, :, bands.index(band)] for band in INDICES[name])
        assert found[:, :, at] == pytest.approx((first - second) / (first + second), abs=1e-6)


def test_indices_of_nothing_are_zero_and_none_without_their_bands() -> None:
    assert (indices_of(np.zeros((1, 2, 5), np.float32), ("B04", "B08")) == 0).all()
    none = indices_of(np.ones((3, 2, 2, 5), np.float32), ("B01", "B09"))
    assert none.shape == (3, 2, 0, 5)
    assert index_names(("B01", "B09")) == ()


def test_indices_do_not_depend_on_the_light() -> None:
    filled = np.random.default_rng(0).uniform(0.1, 0.5, (2, 3, 9)).astype(np.float32)
    bands = ("B04", "B08", "B11")
    assert indices_of(0.3 * filled, bands) == pytest.approx(indices_of(filled, bands), abs=1e-5)


def test_features_have_names() -> None:
    bands = ("B04", "B08")
    values = np.array([[[0.1]], [[0.3]]], np.float32).reshape(1, 2, 1)
    assert with_indices(values, bands).ravel() == pytest.approx([0.1, 0.3, 0.5])
    assert feature_names(bands, (6, 7)) == (
        "B04_06", "B08_06", "NDVI_06", "B04_07", "B08_07", "NDVI_07",
    )  # fmt: skip
    assert np.array_equal(with_indices(values, ("B01", "B09")), values)
