import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bocage.imagery._masks import clear_from_mask, clear_from_scl, dilate


def test_a_pixel_grows_to_a_disc():
    bad = np.zeros((7, 7), dtype=bool)
    bad[3, 3] = True
    assert dilate(bad, 2).astype(int).tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]


@given(hnp.arrays(bool, (6, 7)), st.integers(0, 4))
def test_growth_is_the_distance_to_the_nearest_bad_pixel(bad, radius):
    rows, columns = np.indices(bad.shape)
    expected = np.zeros_like(bad)
    for r, c in zip(*np.nonzero(bad), strict=True):
        expected |= (rows - r) ** 2 + (columns - c) ** 2 <= radius**2
    assert (dilate(bad, radius) == expected).all()


def test_clouds_and_shadows_grow_and_nodata_does_not():
    clear = (4, 5, 6, 7, 11)
    codes = np.full((3, 9), 4, dtype=np.float32)
    codes[1, 1], codes[1, 4], codes[1, 7] = 9, 0, np.nan
    usable = clear_from_scl(codes, clear, 1)
    assert usable[1].tolist() == [False, False, False, True, False, True, True, False, True]
    assert usable[0].tolist() == [True, False, True, True, True, True, True, True, True]


def test_each_value_of_the_scene_classification():
    codes = np.arange(12, dtype=np.float32)[None]
    usable = clear_from_scl(codes, (4, 5, 6, 7, 11), 0)[0]
    assert np.flatnonzero(usable).tolist() == [4, 5, 6, 7, 11]


def test_a_cloud_class_that_counts_as_clear_does_not_grow():
    codes = np.array([[10, 4, 4]], dtype=np.float32)
    assert clear_from_scl(codes, (4, 10), 2).all()


def test_other_than_zero_is_bad_in_a_mask_and_so_is_outside():
    values = np.array([[0, 0, 3, 0, 0, np.nan]], dtype=np.float32)
    assert clear_from_mask(values, 1).tolist() == [[True, False, False, False, True, False]]
