import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from bocage.superres import Bicubic
from bocage.superres._bicubic import cubic_taps, fill_nearest, repeat, upsample

unit = st.floats(0, 1, width=32)


def images(bands=2, most=6):
    shape = st.tuples(st.just(bands), st.integers(1, most), st.integers(1, most))
    return shape.flatmap(lambda s: hnp.arrays(np.float32, s, elements=unit))


def test_the_weights_of_a_phase_sum_to_one_and_mirror():
    taps = cubic_taps()
    assert np.allclose(taps.sum(axis=1), 1, atol=1e-7)
    assert np.allclose(taps, taps[::-1, ::-1])
    # Keys' kernel at 0.375, 0.625, 1.375 and 1.625 pixels, worked out by hand.
    assert np.allclose(taps[0], [-0.0439453125, 0.3896484375, 0.7275390625, -0.0732421875, 0])


def test_a_constant_stays():
    assert np.allclose(upsample(np.full((1, 3, 4), 0.3, np.float32)), 0.3)


def test_a_plane_is_continued_exactly_inside():
    y, x = np.mgrid[0:8, 0:9].astype(np.float32)
    fine = upsample((2 * x + 3 * y)[None])[0]
    position = (np.arange(36) + 0.5) / 4 - 0.5
    expected = 2 * position[None, :] + 3 * position[:32, None]
    assert np.allclose(fine[8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-4)


def test_it_is_the_cubic_convolution_of_the_formula():
    rng = np.random.default_rng(0)
    row = rng.random(9).astype(np.float32)
    fine = upsample(np.broadcast_to(row, (1, 9, 9)))[0, 18]

    def keys(d):
        d = abs(d)
        if d <= 1:
            return 1.5 * d**3 - 2.5 * d**2 + 1
        return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0

    for pixel in range(12, 24):
        at = (pixel + 0.5) / 4 - 0.5
        expected = sum(row[i] * keys(at - i) for i in range(9))
        assert np.isclose(fine[pixel], expected, atol=1e-6)


@given(images())
def test_both_directions_are_treated_alike(image):
    turned = upsample(np.ascontiguousarray(image.transpose(0, 2, 1))).transpose(0, 2, 1)
    assert np.allclose(upsample(image), turned, atol=1e-6)


def test_the_nearest_value_fills():
    image = np.array([[[1, np.nan, np.nan, np.nan, 5]], [[np.nan] * 5]], np.float32)
    filled = fill_nearest(image)
    assert filled[0, 0, [0, 1, 3, 4]].tolist() == [1, 1, 5, 5]
    assert (filled[1] == 0).all()


@given(images(), st.integers(0, 2**32 - 1))
def test_nodata_stays_in_its_place(image, seed):
    gone = np.random.default_rng(seed).random(image.shape) < 0.3
    image[gone] = np.nan
    fine = Bicubic().upscale(image, ("B02", "B03"))
    assert (np.isnan(fine) == repeat(gone)).all()


def test_what_lies_under_nodata_does_not_matter():
    image = np.full((1, 5, 5), 0.2, np.float32)
    image[0, 2, 2] = np.nan
    fine = Bicubic().upscale(image, ("B02",))
    assert np.allclose(fine[~np.isnan(fine)], 0.2)


def test_it_is_close_to_a_spline_of_scipy_on_smooth_ground():
    y, x = np.mgrid[0:24, 0:24]
    smooth = (0.3 + 0.1 * np.sin(x / 6) * np.cos(y / 7)).astype(np.float32)
    fine = upsample(smooth[None])[0]
    at = (np.arange(96) + 0.5) / 4 - 0.5
    spline = ndimage.map_coordinates(smooth, np.meshgrid(at, at, indexing="ij"), order=3)
    assert np.abs(fine - spline)[12:-12, 12:-12].max() < 1e-3
