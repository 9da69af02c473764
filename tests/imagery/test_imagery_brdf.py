import csv
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocage.errors import ConfigError
from bocage.imagery import ImagerySettings
from bocage.imagery._angles import Direction
from bocage.imagery._brdf import c_factors, kernels, weights

BANDS = ImagerySettings().bands
ZENITHS, TURNS = st.floats(0, 75), st.floats(0, 360)


def test_straight_above_with_the_sun_behind_both_kernels_are_nothing():
    assert kernels(Direction(0, 0), Direction(0, 0)) == pytest.approx((0, 0), abs=1e-12)


def test_kernels_by_hand():
    # Sun at 45 degrees, seen from above: phase 45 degrees; D = 1, cos t = 2 / (1 + √2).
    volume, geometry = kernels(Direction(45, 0), Direction(0, 0))
    half = np.sqrt(0.5)
    assert volume == pytest.approx((np.pi / 4 * half + half) / (1 + half) - np.pi / 4)
    assert volume == pytest.approx(-0.04586, abs=1e-5)
    t = np.arccos(2 / (1 + 1 / half))
    overlap = (t - np.sin(t) * np.cos(t)) * (1 + 1 / half) / np.pi
    assert geometry == pytest.approx(overlap - (1 + 1 / half) + (1 + half) / (2 * half))
    assert geometry == pytest.approx(-1.1068, abs=1e-4)


@pytest.mark.parametrize("zenith", [10.0, 40.0, 60.0])
def test_the_hot_spot(zenith):
    # No shadow is seen: π/4 (sec − 1) and sec² − sec.
    sec = 1 / np.cos(np.radians(zenith))
    there = Direction(zenith, 200)
    expected = (np.pi / 4 * (sec - 1), sec**2 - sec)
    assert kernels(there, there) == pytest.approx(expected, abs=1e-6)


@given(ZENITHS, ZENITHS, TURNS, TURNS)
def test_kernels_are_reciprocal_and_know_no_north(sun, view, a, b):
    found = kernels(Direction(sun, a), Direction(view, b))
    assert kernels(Direction(view, b), Direction(sun, a)) == pytest.approx(found, abs=1e-6)
    turned = kernels(Direction(sun, a + 77), Direction(view, b + 77))
    assert turned == pytest.approx(found, abs=1e-6)


def test_from_above_nothing_changes():
    assert c_factors(BANDS, Direction(50, 150), Direction(0, 0)).tolist() == [1.0] * 10


def test_ground_is_brighter_with_the_sun_behind_the_satellite():
    sun = Direction(45, 155)
    back = c_factors(BANDS, sun, Direction(8, 155))
    forth = c_factors(BANDS, sun, Direction(8, 335))
    assert (back < 0.99).all()
    assert (forth > 1.01).all()
    assert ((back > 0.9) & (forth < 1.1)).all()
    assert back.dtype == np.float32


def test_red_by_hand():
    # Roy et al. (2016): 0.1690 + 0.0574 · volume + 0.0227 · geometry.
    sun, view = Direction(45, 0), Direction(45, 0)
    (found,) = c_factors(["red"], sun, view)
    above = 0.1690 - 0.0574 * 0.045862 - 0.0227 * 1.106819
    hot = 0.1690 + 0.0574 * 0.325323 + 0.0227 * 0.585786
    assert found == pytest.approx(above / hot, abs=1e-5)


def test_every_band_of_the_default_has_weights_and_a_source():
    assert set(BANDS) <= set(weights())
    text = (resources.files("bocage.imagery") / "data" / "brdf.csv").read_text()
    assert all("Roy" in row["source"] for row in csv.DictReader(text.splitlines()))
    assert weights()["B8A"] == weights()["B08"]


def test_a_band_without_weights_is_named():
    with pytest.raises(ConfigError, match="B01"):
        ImagerySettings(bands=("B01", "B02"), brdf="c_factor")
