import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import ConfigError
from bocage.superres import back_project, clamp, degrade, psf_mtf, psf_table, upsample
from bocage.superres._psf import kernel, spread


def test_the_table_has_every_band_of_the_sensor():
    table = psf_table()
    coarse = {b for b, p in table.items() if p.native_m == 20}
    assert coarse == {"B05", "B06", "B07", "B8A", "B11", "B12"}
    assert all(0.1 < p.mtf < 0.5 for p in table.values())


def test_a_given_value_comes_first_and_an_unknown_band_gets_the_mean():
    table = psf_table()
    assert psf_mtf(["B02", "B03", "x"], {"B03": 0.5}) == (table["B02"].mtf, 0.5, table["other"].mtf)


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5])
def test_what_is_no_transfer_is_refused(value):
    with pytest.raises(ConfigError, match="of B02 is no modulation transfer"):
        psf_mtf(["B02"], {"B02": value})


@given(st.floats(0.05, 0.9), st.sampled_from([2, 3, 4]))
def test_weights_are_symmetric_and_sum_to_one(mtf, factor):
    weights = kernel(mtf, factor)
    assert np.isclose(weights.sum(), 1, atol=1e-6)
    assert np.allclose(weights, weights[::-1])
    assert len(weights) % 2 == factor % 2
    assert len(weights) >= factor


@pytest.mark.parametrize("mtf", [0.15, 0.25, 0.35])
def test_a_wave_at_nyquist_is_damped_to_the_transfer(mtf):
    """The blur and that which the fine image has already (as sharp for its pixels) together."""
    factor = 4
    cycle = np.cos(np.pi * (np.arange(800) - 1.5) / factor)  # crests at centres of coarse pixels
    own = np.exp(-(np.pi**2) * (spread(mtf, factor) ** 2 / (factor**2 - 1)) / 2 / factor**2)
    image = np.broadcast_to(cycle.astype(np.float32), (1, 800, 800))
    seen = degrade(np.ascontiguousarray(image), [mtf], factor)[0, 100, 80:120]
    assert np.allclose(np.abs(seen) * own, mtf, rtol=0.02)


def test_the_centre_of_a_pixel_stays_where_it_is():
    ramp = np.broadcast_to(np.arange(80, dtype=np.float32), (1, 80, 80)).copy()
    seen = degrade(ramp, [0.3])[0, 10]
    assert np.allclose(seen[4:-4], 4 * np.arange(20)[4:-4] + 1.5, atol=1e-4)
    both = degrade(ramp, [0.3], 2)[0, 10]
    assert np.allclose(both[4:-4], 2 * np.arange(40)[4:-4] + 0.5, atol=1e-4)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.floats(0.15, 0.5))
def test_projecting_back_makes_the_image_agree(seed, side, mtf):
    rng = np.random.default_rng(seed)
    source = rng.random((2, side, side), dtype=np.float32)
    fine = upsample(source)

    def away(image):
        return np.abs(degrade(image, (mtf, mtf)) - source).mean()

    none, one, three = (away(back_project(fine, source, (mtf, mtf), k)) for k in (0, 1, 3))
    assert three <= one <= none


def test_projecting_back_leaves_nodata_and_what_lies_beside_it():
    source = np.full((1, 9, 9), 0.3, np.float32)
    fine = upsample(source)
    source[0, 4, 4] = np.nan
    fine[0, 16:20, 16:20] = np.nan
    made = back_project(fine, source, (0.3,), 2)
    assert np.isnan(made[0, 16:20, 16:20]).all()
    assert np.isnan(made).sum() == 16
    assert np.allclose(made[np.isfinite(made)], 0.3, atol=1e-6)


def test_overshoot_below_zero_goes_but_a_negative_source_stays():
    source = np.array([[[0.1, -0.05]]], np.float32)
    fine = np.full((1, 4, 8), -0.02, np.float32)
    made = clamp(fine, source)
    assert (made[..., :4] == 0).all()
    assert (made[..., 4:] == np.float32(-0.02)).all()
