import numpy as np
import pytest
from scipy import ndimage

from bocage.imagery._register import find_shift


def fields(seed=0, side=96):
    """Four bands of patches of different brightness, with noise."""
    rng = np.random.default_rng(seed)
    patches = ndimage.zoom(rng.random((side // 8, side // 8)), 8, order=0)
    level = ndimage.gaussian_filter(patches, 1)
    gains = np.array([0.5, 0.8, 1.0, -0.9])[:, None, None]
    return (0.3 + 0.2 * gains * level).astype(np.float32)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.4, -0.3), (-0.86, 0.1), (1.3, 1.2)])
def test_a_shift_made_on_purpose_is_found(shift):
    """The one that moves the image back."""
    still = fields()
    rng = np.random.default_rng(1)
    moved = np.stack([ndimage.shift(b, shift, order=3, mode="nearest") for b in still])
    moved += rng.normal(0, 0.003, moved.shape).astype(np.float32)
    found = find_shift(moved.astype(np.float32), still)
    assert np.allclose(found, [-shift[0], -shift[1]], atol=0.05)


def test_clouds_do_not_move_the_shift():
    still = fields()
    moved = np.stack([ndimage.shift(b, (0.4, -0.3), order=3, mode="nearest") for b in still])
    moved[:, 20:50, 30:60] = np.nan
    assert np.allclose(find_shift(moved, still), [-0.4, 0.3], atol=0.06)


def test_images_may_end_within_a_block():
    still = np.full((4, 300, 280), np.nan, np.float32)
    moved = still.copy()
    still[:, 150:246, 30:126] = fields()
    moved[:, 150:246, 30:126] = [
        ndimage.shift(b, (0.4, -0.3), order=3, mode="nearest") for b in fields()
    ]
    assert np.allclose(find_shift(moved, still), [-0.4, 0.3], atol=0.05)
    assert find_shift(moved, np.full_like(still, np.nan)) is None


def test_other_brightness_does_not_matter():
    still = fields()
    assert np.allclose(find_shift(3 * still + 1, still), [0, 0], atol=0.02)


def test_nothing_is_said_of_small_cloudy_flat_or_strange_images():
    still = fields()
    cloudy = still.copy()
    cloudy[:, :70] = np.nan
    assert find_shift(cloudy, still) is None
    assert find_shift(still[:, :1], still[:, :1]) is None
    assert find_shift(np.full_like(still, 0.2), still) is None
    far = np.roll(still, 8, axis=1)
    assert find_shift(far, still) is None


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ragged_clouds_do_not_pull_to_no_shift(seed):
    """What is not usable lies the same way in both images, but is no ground."""
    still = fields(seed, 160)
    moved = np.stack([ndimage.shift(b, (0.6, -0.5), order=3, mode="nearest") for b in still])
    clouds = ndimage.gaussian_filter(np.random.default_rng(seed).random((160, 160)), 4)
    moved[:, clouds > np.quantile(clouds, 0.6)] = np.nan
    assert np.allclose(find_shift(moved, still), [-0.6, 0.5], atol=0.07)
