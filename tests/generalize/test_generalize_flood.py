from __future__ import annotations

import numpy as np
import pytest

from bocage.generalize._audit import suspects
from bocage.generalize._flood import CORE, SEEN, Ground, code_in, flood, key_in
from bocage.generalize._rules import View, view_table
from bocage.generalize._widths import OUT, disc

VIEWS = view_table((View((0,), 1.0, ()), View((1,), 1.0, ()), View((0, 1), 1.0, ())))
ONE = view_table((View((0,), 1.0, ()),))


def ground_of(pairs, *, two=False, inside=None, line=None, locked=None, width=4.0):
    pairs = np.array(pairs, np.uint16)
    no = np.zeros(pairs.shape, bool)
    return Ground(
        pairs=pairs,
        inside=~no if inside is None else inside,
        line=no if line is None else line,
        locked=no if locked is None else locked,
        two=two,
        pixel=2.0,
        spans=disc(width),
        seen=np.zeros(pairs.shape, np.int32),
        state=np.zeros(pairs.shape, np.uint8),
        pixels=np.empty(pairs.size, np.int32),
        queue=np.empty(pairs.size, np.int32),
        origin=np.empty(pairs.size, np.int32),
        last=np.zeros(2, np.int64),
        cluster=np.zeros(pairs.shape, np.int32),
    )


def look(ground, views, view, start):
    around, border = np.zeros(256, bool), np.zeros(256)
    found = flood(ground, views, view, start, around, border)
    beside = {int(c): border[c] for c in np.flatnonzero(border)}
    return found, np.flatnonzero(around).tolist(), beside


def dumbbell(neck):
    pairs = np.full((11, 31), 1)
    pairs[1:10, 1:11] = pairs[1:10, 20:30] = 2
    pairs[5 - neck // 2 : 5 - neck // 2 + neck, 11:20] = 2
    return pairs


def test_size_rim_and_borders_of_a_polygon():
    pairs = [[1, 1, 2], [1, 3, 2], [OUT, 3, 2]]
    found, around, beside = look(ground_of(pairs), ONE, 0, 0)
    assert (found.size, found.area, found.code) == (3, 12.0, 1)
    assert found.rim == 5  # four at the edge of the raster, one to what takes no part
    assert around == [2, 3]
    assert beside == {2: 1.0, 3: 2.0}


def test_only_pixels_inside_count():
    inside = np.array([[True, False, False]])
    found, _, _ = look(ground_of([[1, 1, 1]], inside=inside), ONE, 0, 0)
    assert (found.size, found.area) == (3, 4.0)


def test_a_line_is_drawn_or_exempt_by_its_majority():
    line = np.array([[True, True, False]])
    found, _, _ = look(ground_of([[1, 1, 1]], line=line), ONE, 0, 0)
    assert (found.drawn, found.exempt) == (True, False)
    found, _, _ = look(ground_of([[1, 1, 1]], line=line, locked=line), ONE, 0, 0)
    assert (found.drawn, found.exempt) == (True, True)
    line[0, 0] = False
    found, _, _ = look(ground_of([[1, 1, 1]], line=line), ONE, 0, 0)
    assert not found.drawn


@pytest.mark.parametrize(("neck", "whole"), [(3, False), (5, True)])
def test_cores_hang_together_through_a_wide_neck_only(neck, whole):
    ground = ground_of(dumbbell(neck))
    found, _, _ = look(ground, ONE, 0, 2 * 31 + 2)
    assert found.cores >= 2 * 30
    assert (found.reached == found.cores) == whole
    assert ((ground.state == SEEN).sum(), (ground.state == CORE).sum()) == (
        found.reached,
        found.cores - found.reached,
    )


def test_cores_lie_in_the_area():
    inside = np.ones((11, 31), bool)
    inside[:, :20] = False
    found, _, _ = look(ground_of(dumbbell(3), inside=inside), ONE, 0, 2 * 31 + 2)
    assert found.cores == found.reached == 5 * 6


def test_polygons_of_three_views():
    same, gone, new = 2 << 8 | 2, 2 << 8 | 3, 5 << 8 | 3
    ground = ground_of([[same, gone, new]], two=True)
    sizes = [[look(ground, VIEWS, view, start)[0].size for start in (0, 1, 2)] for view in (0, 1)]
    assert sizes == [[2, 2, 1], [1, 2, 2]]
    found, around, beside = look(ground, VIEWS, 2, 1)
    assert (found.size, found.code) == (1, 3)
    # What did not change is no neighbour in the view of changes, but it has a border.
    assert around == [3]
    assert beside == {2: 1.0, 3: 1.0}


def test_keys_of_pairs():
    pair = 200 << 8 | 7
    assert (code_in(pair, True, 0), code_in(pair, True, 1), code_in(pair, False, 1)) == (
        200,
        7,
        pair,
    )
    assert [key_in(np.uint16(pair), True, VIEWS, view) for view in range(3)] == [200, 7, pair]
    assert key_in(np.uint16(7 << 8 | 7), True, VIEWS, 2) == -1
    assert [key_in(OUT, True, VIEWS, view) for view in range(3)] == [-1, -1, -1]


def test_single_pixels_do_not_hang_together_at_corners():
    inside = np.array([[True, False], [False, True]])
    ground = ground_of([[1, 1], [1, 1]], inside=inside, width=0.5)
    found, _, _ = look(ground, ONE, 0, 0)
    assert (found.cores, found.reached) == (2, 1)
    keys = ground.pairs
    assert suspects(keys, inside, 0.0, disc(0.5)).tolist() == [0]
    assert suspects(keys, ~inside | inside, 0.0, disc(0.5)).tolist() == []
