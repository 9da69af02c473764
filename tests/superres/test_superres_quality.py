import numpy as np
import pytest
from scipy import ndimage

from bocage.errors import InputError
from bocage.superres import METRICS, consistency, correctness, degrade, upsample
from bocage.superres._opensr import find_shift
from bocage.superres._quality import ergas, psnr, rmse, sam, sre, ssim


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    truth = rng.random((3, 40, 40), dtype=np.float32) + 0.1
    return truth, truth + rng.normal(0, 0.01, truth.shape).astype(np.float32)


def test_equal_images_are_perfect(images):
    truth, _ = images
    assert rmse(truth, truth) == ergas(truth, truth) == 0
    assert np.isclose(ssim(truth, truth), 1)
    assert sam(truth, truth) < 1e-5


def test_figures_worked_out_by_hand():
    truth = np.full((2, 8, 8), 0.5, np.float32)
    made = truth + np.float32(0.1)
    assert np.isclose(rmse(made, truth), 0.1)
    assert np.isclose(psnr(made, truth), 20)
    assert np.isclose(sre(made, truth), 20 * np.log10(5))
    assert np.isclose(ergas(made, truth), 25 * 0.2)
    turned = np.stack([truth[0], np.zeros_like(truth[0])])
    assert np.isclose(sam(turned, truth), 45)


def test_noise_is_seen_by_every_figure(images):
    truth, noisy = images
    worse = truth + 3 * (noisy - truth)
    for name in ("psnr", "ssim", "sre"):
        assert METRICS[name](worse, truth) < METRICS[name](noisy, truth), name
    for name in ("sam", "ergas", "rmse"):
        assert METRICS[name](worse, truth) > METRICS[name](noisy, truth), name


def test_images_of_other_shapes_are_not_compared(images):
    truth, _ = images
    with pytest.raises(InputError, match="cannot be compared"):
        psnr(truth[:, :20], truth)


def test_the_metrics_of_opensr_test_are_those_of_the_package():
    """Expected figures come from opensr-test 1.3.3 with its default settings."""
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(rng.standard_normal((4, 160, 160)), (0, 1.5, 1.5))
    truth = (0.2 + 0.1 * smooth * 5).astype(np.float32).clip(0.01)
    coarse = degrade(truth, (0.27,) * 4)
    fine = upsample(coarse)
    fine += 0.4 * (truth - fine)
    expected = {
        "reflectance": 0.0050991,
        "spectral": 1.42212,
        "spatial": 0.0,
        "synthesis": 0.0422752,
        "ha_metric": 0.1300004,
        "om_metric": 0.1420000,
        "im_metric": 0.7279996,
    }
    found = consistency(coarse, fine) | correctness(coarse, fine, truth)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert np.isclose(found[name], value, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.0, -3.0), (0.5, 0.24)])
def test_a_shift_is_found(shift):
    rng = np.random.default_rng(0)
    still = ndimage.gaussian_filter(rng.standard_normal((96, 96)), 2, mode="wrap")
    moved = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(still), shift)).real
    assert np.allclose(find_shift(moved, still), (-shift[0], -shift[1]), atol=0.021)
