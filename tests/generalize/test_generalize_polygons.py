"""Polygons counted by tile are those of the whole raster."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bocage.generalize._audit import suspects
from bocage.generalize._census import count_tile
from bocage.generalize._graph import label_keys
from bocage.generalize._polygons import join_tiles, suspects_of
from bocage.generalize._widths import OUT, disc
from bocage.generalize._window import Tiles, Window

REACH, LOCKED = 2, 77


def polygons_of(keys, size, spans=None):
    tiles = Tiles.of(keys.shape, size)
    padded = np.pad(keys, REACH, constant_values=OUT)
    counts = []
    for t in tiles.windows():
        part = padded[t.top : t.bottom + 2 * REACH, t.left : t.right + 2 * REACH]
        part, locked = np.ascontiguousarray(part), np.pad(keys == LOCKED, REACH)
        locked = locked[t.top : t.bottom + 2 * REACH, t.left : t.right + 2 * REACH]
        counts.append(
            count_tile(part, part != OUT, locked, REACH, (t.top, t.left), keys.shape[1], spans)[0]
        )
    return join_tiles(tiles, counts)


rasters = st.builds(
    lambda shape, seed, block, count: (
        np.random.default_rng(seed)
        .integers(0, count + 1, shape)
        .repeat(block, 0)
        .repeat(block, 1)[: shape[0], : shape[1]]
    ),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 2**31),
    st.integers(1, 9),
    st.integers(1, 4),
)


@settings(max_examples=200, deadline=None)
@given(rasters, st.integers(1, 45))
def test_polygons_are_joined_over_the_seams(classes, size):
    keys = np.where(classes == 0, OUT, classes).astype(np.uint16)
    found = polygons_of(keys, size, disc(4.0))
    labels, count = label_keys(keys, keys != OUT)
    assert found.shapes.size.tolist() == np.bincount(labels[labels >= 0]).tolist()
    boxes = ndimage.find_objects(labels + 1)
    expected = [[r.start, r.stop - 1, c.start, c.stop - 1] for r, c in boxes]
    assert found.shapes.box.tolist() == expected
    first = np.unique(labels.ravel(), return_index=True)[1][-count:] if count else np.empty(0)
    assert found.shapes.first.tolist() == first.tolist()


@settings(max_examples=200, deadline=None)
@given(rasters, st.integers(1, 45), st.integers(1, 200))
def test_suspects_are_those_of_the_whole(classes, size, least):
    keys = np.where(classes == 0, OUT, classes).astype(np.uint16)
    spans, width = disc(4.0), keys.shape[1]
    found = polygons_of(keys, size, spans)
    labels, _ = label_keys(keys, keys != OUT)
    everywhere = [Window(0, keys.shape[0], 0, width)]
    places = suspects_of(found, least, width, everywhere, widths=True)
    polygons = {int(labels[p.row, p.column]) for p in places}
    expected = suspects(keys, keys != OUT, least, spans)
    assert polygons == set(labels.ravel()[expected].tolist())
    assert places == sorted(places, key=lambda p: (p.row, p.column))


def test_only_the_smaller_parts_are_suspects():
    keys = np.ones((20, 60), np.uint16)
    keys[5:15] = 2
    keys[5:13, 40:50] = 1
    for size in (7, 20, 100):
        found = polygons_of(keys, size, disc(4.0))
        (place,) = suspects_of(found, 1, 60, [], widths=True)
        assert place.split
        assert (place.row, place.column) == (7, 52)
        assert place.window == Window(7, 13, 52, 58)


def test_small_polygons_are_suspects_at_seams_and_changes_only():
    keys = np.ones((40, 40), np.uint16)
    keys[2:7, 2:7] = 2
    keys[18:23, 18:23] = 3
    found = polygons_of(keys, 20)
    at_seam = suspects_of(found, 50, 40, None, widths=False)
    assert [(p.row, p.column) for p in at_seam] == [(18, 18)]
    beside = suspects_of(found, 50, 40, [Window(7, 8, 3, 4)], widths=False)
    assert [(p.row, p.column, p.split) for p in beside] == [(2, 2, False)]
    assert suspects_of(found, 50, 40, [Window(10, 11, 3, 4)], widths=False) == []


def test_locked_lines_may_be_narrow_but_not_small():
    keys = np.ones((20, 60), np.uint16)
    keys[9:11] = LOCKED
    for size in (7, 20, 100):
        found = polygons_of(keys, size, disc(4.0))
        assert suspects_of(found, 100, 60, None, widths=True) == []
        everywhere = [Window(0, 20, 0, 60)]
        (place,) = suspects_of(found, 150, 60, everywhere, widths=True)
        assert (place.row, place.column, place.split) == (9, 0, False)
