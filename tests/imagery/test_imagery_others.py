import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bocage.imagery._others import Others

VALUES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9, np.nan])


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=3, max_side=7), elements=VALUES))
def test_it_is_the_median_without_the_day(stack):
    others = Others.of(stack)
    for day, image in enumerate(stack):
        rest = np.delete(stack, day, axis=0)
        known = np.isfinite(rest).any(axis=0)
        wanted = np.full(image.shape, np.nan)
        wanted[known] = np.nanmedian(rest[:, known], axis=0)
        np.testing.assert_allclose(others.than(image), wanted, atol=1e-6)
