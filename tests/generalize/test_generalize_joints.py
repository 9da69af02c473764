from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.generalize._arcs import trace_arcs
from bocage.generalize._graph import label_regions
from bocage.generalize._joints import join_pieces, trace_tile
from bocage.generalize._window import Tiles


def tiled(labels, size):
    """The arcs of labels, traced tile by tile."""
    tiles = Tiles.of(labels.shape, size)
    padded = np.pad(labels, 1, constant_values=-1)
    pieces = [
        trace_tile(
            np.ascontiguousarray(padded[t.top : t.bottom + 2, t.left : t.right + 2]),
            (t.top, t.left),
            (t.bottom == labels.shape[0], t.right == labels.shape[1]),
        )
        for t in tiles.windows()
    ]
    return join_pieces(pieces, labels.shape[1])


def assert_equal(labels, size):
    expected, (found, take) = trace_arcs(labels), tiled(labels, size)
    for name in ("points", "starts", "left", "right", "closed"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    assert len(take) == len(found.points)


@settings(max_examples=300, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 2**31),
    count=st.integers(1, 4),
    block=st.integers(1, 6),
    size=st.integers(1, 45),
)
def test_arcs_of_tiles_are_those_of_the_whole(shape, seed, count, block, size):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, count + 1, shape, dtype=np.uint8).repeat(block, 0).repeat(block, 1)
    classes = np.ascontiguousarray(classes[: shape[0], : shape[1]])
    assert_equal(label_regions(classes[None], classes > 0), size)


def test_rings_over_many_tiles():
    classes = np.zeros((31, 33), np.uint8)
    for ring in range(1, 15, 2):
        classes[ring:-ring, ring:-ring] = ring
        classes[ring + 1 : -ring - 1, ring + 1 : -ring - 1] = ring + 1
    labels = label_regions(classes[None], classes < 99)
    for size in (1, 2, 3, 5, 7, 16, 40):
        assert_equal(labels, size)


def test_a_spiral_over_many_tiles():
    spiral = np.zeros((25, 25), np.uint8)
    top, left, bottom, right = 0, 0, 24, 24
    while top <= bottom and left <= right:
        spiral[top, left : right + 1] = 1
        spiral[top : bottom + 1, right] = 1
        spiral[bottom, left + 2 : right + 1] = 1
        spiral[top + 2 : bottom + 1, left + 2] = 1
        top, left, bottom, right = top + 2, left + 2, bottom - 2, right - 2
    labels = label_regions(spiral[None], spiral < 2)
    for size in (1, 3, 4, 8):
        arcs, _ = tiled(labels, size)
        assert_equal(labels, size)
        assert all(
            (np.abs(np.diff(arcs.points[a:b], axis=0)).sum(1) == 1).all()
            for a, b in pairwise(arcs.starts)
        )
