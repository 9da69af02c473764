import numpy as np
import pytest
from scipy import ndimage

from bocage.superres import edge_places, edge_sharpness

PIXEL = 2.5


def fields(sigma_m, noise=0.0, side=400):
    """Large fields with slanted borders, blurred by a Gaussian."""
    y, x = np.mgrid[:side, :side]
    level = np.where((x + 0.2 * y) % 160 < 80, 0.2, 0.4)
    blurred = ndimage.gaussian_filter(level, sigma_m / PIXEL)
    rng = np.random.default_rng(0)
    return (blurred + rng.normal(0, noise, level.shape)).astype(np.float32)


@pytest.mark.parametrize("sigma_m", [5.0, 7.5, 10.0])
@pytest.mark.parametrize("noise", [0.0, 0.004])
def test_the_width_and_transfer_of_a_known_blur(sigma_m, noise):
    plane = fields(sigma_m, noise)
    found = edge_sharpness(plane, edge_places(plane, PIXEL), PIXEL)
    # A Gaussian edge rises from 20 % to 80 % within 1.683 standard deviations.
    assert found.width_m == pytest.approx(1.683 * sigma_m, rel=0.1)
    expected = np.exp(-2 * np.pi**2 * sigma_m**2 / 20**2)
    assert found.mtf == pytest.approx(expected, abs=0.06)


def test_the_sharper_image_on_the_same_edges():
    smooth, sharp = fields(9.0), fields(4.0)
    places = edge_places(smooth, PIXEL)
    a, b = (edge_sharpness(p, places, PIXEL) for p in (smooth, sharp))
    assert a.width_m > b.width_m
    assert a.mtf < b.mtf


def test_nothing_is_said_without_edges():
    flat = np.full((200, 200), 0.3, np.float32)
    assert edge_sharpness(flat, edge_places(flat, PIXEL), PIXEL) is None
    small = np.zeros((8, 8), np.float32)
    assert edge_sharpness(small, edge_places(small, PIXEL), PIXEL) is None
    noise = np.random.default_rng(1).random((200, 200), dtype=np.float32)
    assert edge_sharpness(noise, edge_places(noise, PIXEL), PIXEL) is None
