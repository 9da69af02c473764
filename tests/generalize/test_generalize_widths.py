from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.generalize._widths import OUT, by_corners, core_pixels, disc, grow_into, narrow_pixels

grids = arrays(
    np.uint16,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([1, 2, int(OUT)]),
)


def offsets(spans):
    return [(row, column) for row, a, b in spans.tolist() for column in range(a, b + 1)]


def squares(spans, row=0, column=0):
    at = [(column + x, row + y) for y, x in offsets(spans)]
    return shapely.union_all([shapely.box(x, y, x + 1, y + 1) for x, y in at])


def test_the_disc_of_ten_metres_is_five_pixels_without_corners():
    assert disc(4.0).tolist() == [[-2, -1, 1], [-1, -2, 2], [0, -2, 2], [1, -2, 2], [2, -1, 1]]
    assert disc(0).tolist() == [[0, 0, 0]]


QUARTERS = [n / 4 for n in range(2, 81)]
BESIDE, ACROSS = [(0, 0), (0, 1), (1, 0)], [(1, 1), (1, -1)]


@pytest.mark.parametrize("width", [*QUARTERS, 1.42, 2.83, 2.99, 7.1, 9.9])
def test_the_erosion_of_discs_whose_centres_hang_together_is_one_part(width):
    spans = disc(width)
    for step in BESIDE + (ACROSS if by_corners(spans) else []):
        both = shapely.union(squares(spans), squares(spans, *step))
        left = shapely.buffer(both, -width / 2, quad_segs=16)
        assert left.area > 0, step
        assert shapely.get_num_geometries(left) == 1, step


@pytest.mark.parametrize("width", QUARTERS)
def test_discs_whose_centres_hang_together_leave_a_free_way(width):
    """Exact, without a buffer: what is not of the discs keeps half the width from the way."""
    spans = disc(width)
    own = set(offsets(spans))
    low, high = min(min(own)), max(max(own))
    centre = (low + high + 1) / 2  # in corners of pixels
    for dy, dx in BESIDE + (ACROSS if by_corners(spans) else []):
        both = own | {(y + dy, x + dx) for y, x in own}
        around = range(low - 2, high + 3)
        rest = [(y, x) for y in around for x in around if (y, x) not in both]
        boxes = [shapely.box(x, y, x + 1, y + 1) for y, x in rest]
        way = shapely.LineString([(centre, centre), (centre + dx, centre + dy)])
        assert shapely.distance(way, boxes).min() > width / 2


@pytest.mark.parametrize("width", QUARTERS)
def test_a_disc_is_no_larger_than_it_must_be(width):
    size = len(disc(width))
    assert width < size <= int(width) + 1 + (width in (1.5, 1.75))
    assert by_corners(disc(width)) == (width >= 1)


@settings(max_examples=150, deadline=None)
@given(grids, st.sampled_from([0, 0.5, 1, 1.5, 2, 3, 4, 5.5]))
def test_cores_and_narrow_pixels_equal_a_plain_search(keys, width):
    spans = disc(width)
    around = offsets(spans)
    core, wide = np.zeros(keys.shape, bool), np.zeros(keys.shape, bool)
    height, columns = keys.shape
    for y, x in np.argwhere(keys != OUT).tolist():
        places = [(y + r, x + c) for r, c in around]
        if all(
            0 <= r < height and 0 <= c < columns and keys[r, c] == keys[y, x] for r, c in places
        ):
            core[y, x] = True
            wide[tuple(zip(*places, strict=True))] = True
    assert (core_pixels(keys, spans) == core).all()
    assert (narrow_pixels(keys, spans) == (~wide & (keys != OUT))).all()


def test_runs_longer_than_a_byte_are_counted():
    keys = np.full((9, 700), 3, np.uint16)
    assert core_pixels(keys, disc(4)).sum() == 5 * 696
    assert not narrow_pixels(keys, disc(2)).any()


def grown(keys, taken, rings, source=None):
    keys, left = np.array(keys, np.uint16), np.array(taken, bool)
    grow_into(keys, left, ~left if source is None else source, rings)
    return keys, left


def test_pixels_go_to_the_nearer_side():
    row = [[2, 2, 5, 5, 5, 5, 3, 3]] * 3
    keys, left = grown(row, np.array(row) == 5, 9)
    assert keys.tolist() == [[2, 2, 2, 2, 3, 3, 3, 3]] * 3
    assert not left.any()


def test_growing_ends_after_some_rings():
    row = [[2, 5, 5, 5, 5]] * 3
    keys, left = grown(row, np.array(row) == 5, 2)
    assert keys[1].tolist() == [2, 2, 2, 5, 5]
    assert left[1].tolist() == [False, False, False, True, True]


def test_what_has_no_source_stays():
    keys, left = grown([[5, 5], [5, 5]], np.ones((2, 2), bool), 9)
    assert (keys == 5).all()
    assert left.all()


@settings(max_examples=100, deadline=None)
@given(grids, st.integers(0, 99))
def test_growing_takes_only_what_is_given_from_what_is_a_source(keys, seed):
    rng = np.random.default_rng(seed)
    taken = (rng.random(keys.shape) < 0.5) & (keys != OUT)
    source = (rng.random(keys.shape) < 0.8) & (keys != OUT) & ~taken
    before, kinds = keys.copy(), set(keys[source].tolist())
    found, left = grown(keys, taken, 50, source.copy())
    assert (found == before)[~taken].all()
    assert (found == before)[left].all()
    assert set(found[taken & ~left].tolist()) <= kinds
    if source.any() and (keys != OUT).all():
        stuck = left & ~source
        assert not stuck.any() or not _reachable(source, taken, stuck)


def _reachable(source, taken, stuck):
    """Whether a pixel that was not given lies beside one that could have given."""
    from scipy import ndimage

    every = np.ones((3, 3), bool)
    near = ndimage.binary_propagation(source, every, mask=source | taken)
    return bool((near & stuck).any())
