import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.superres import Bicubic, consistent
from bocage.superres._bicubic import repeat
from bocage.superres._consistent import block_mean


def test_the_mean_of_a_block():
    fine = np.arange(32, dtype=np.float32).reshape(1, 4, 8)
    assert block_mean(fine).tolist() == [[[13.5, 17.5]]]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 7), st.floats(0, 0.6))
def test_averaged_back_it_is_the_source(seed, rows, columns, share):
    """Whatever the backend made: here bicubic plus strong noise."""
    rng = np.random.default_rng(seed)
    source = rng.random((2, rows, columns), dtype=np.float32)
    source[:, rng.random((rows, columns)) < share] = np.nan
    fine = Bicubic().upscale(source, ("a", "b"))
    fine += rng.normal(0, 0.3, fine.shape).astype(np.float32)
    result = consistent(fine, source)
    assert result.dtype == np.float32
    assert np.allclose(block_mean(result), source, atol=1e-5, equal_nan=True)
    assert (np.isnan(result) == repeat(np.isnan(source))).all()


def test_an_image_that_is_consistent_is_left_alone():
    rng = np.random.default_rng(0)
    fine = rng.random((1, 16, 16), dtype=np.float32)
    assert np.allclose(consistent(fine, block_mean(fine)), fine, atol=1e-6)


def test_the_input_is_not_changed():
    fine = np.zeros((1, 8, 8), np.float32)
    consistent(fine, np.ones((1, 2, 2), np.float32))
    assert (fine == 0).all()


def test_iterations_make_the_result_smoother():
    rng = np.random.default_rng(0)
    source = rng.random((1, 20, 20), dtype=np.float32)
    fine = Bicubic().upscale(source, ("a",))

    def steps(image):
        """Jumps across the borders of source pixels."""
        return np.abs(np.diff(image, axis=-1))[..., 3::4].mean()

    assert steps(consistent(fine, source, 2)) < steps(consistent(fine, source, 0))


def test_wrong_shapes_and_lost_pixels_are_refused():
    with pytest.raises(InputError, match=r"shape \(1, 8, 8\) does not belong.*\(1, 2, 3\)"):
        consistent(np.zeros((1, 8, 8), np.float32), np.zeros((1, 2, 3), np.float32))
    lost = np.zeros((1, 8, 8), np.float32)
    lost[0, 0, 0] = np.nan
    source = np.zeros((1, 2, 2), np.float32)
    with pytest.raises(InputError, match="no value where its source has one"):
        consistent(lost, source)
    source[0, 1, 1] = np.nan
    with pytest.raises(InputError, match="no value where its source has one"):
        consistent(lost, source)
