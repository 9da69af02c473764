import numpy as np
import pytest

from bocage.errors import InputError
from bocage.imagery._plausible import clean, faults

BANDS = ("B02", "B08")
CLEAR = np.ones((10, 10), bool)


def image(blue=(0.02, 0.10), nir=(0.2, 0.4)):
    rng = np.random.default_rng(0)
    return np.stack([rng.uniform(*limits, (10, 10)) for limits in (blue, nir)]).astype(np.float32)


def test_a_good_image_has_no_fault():
    assert faults(image(), CLEAR, BANDS, "a") == ()


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (image(blue=(-0.08, 0.0)), ("negative B02",)),
        (image(nir=(1.3, 1.9)), ("bright B08",)),
        (image(blue=(0.05, 0.05)), ("constant B02",)),
    ],
)
def test_a_doubtful_image_is_named(bad, expected):
    assert faults(bad, CLEAR, BANDS, "a") == expected


def test_numbers_that_are_no_reflectance_are_refused():
    with pytest.raises(InputError, match="item a: half of its reflectances are above") as caught:
        faults(image() * 10000, CLEAR, BANDS, "a")
    assert "raster:bands" in str(caught.value)
    with pytest.raises(InputError, match=r"item a: its highest reflectance .* once too often"):
        faults(image() / 10000, CLEAR, BANDS, "a")


def test_clouds_and_scraps_are_not_judged():
    assert faults(image() * 10000, ~CLEAR, BANDS, "a") == ()
    few = np.zeros_like(CLEAR)
    few[0] = True
    assert faults(image() * 10000, few, BANDS, "a") == ()


def test_saturated_infinite_and_far_negative_pixels_are_taken_out():
    bad = image()
    bad[0, 0, :4] = (6.5, -0.5, np.inf, np.nan)
    cleaned = clean(bad)
    assert np.isnan(cleaned[0, 0, :4]).all()
    assert (cleaned[:, 1:] == bad[:, 1:]).all()


def test_a_dark_patch_between_clouds_is_no_fault_of_the_scale():
    large = np.full((2, 20, 20), 0.0001, np.float32)
    patch = np.zeros((20, 20), bool)
    patch[:8, :8] = True
    assert faults(large, patch, BANDS, "a")[0] == "dark"
    with pytest.raises(InputError, match="once too often"):
        faults(large, ~patch, BANDS, "a")
