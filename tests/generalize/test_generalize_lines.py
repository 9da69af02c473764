from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bocage.generalize._lines import _drop_short, draw_linear
from bocage.generalize._widths import disc, narrow_pixels

LAND, ROAD, RAIL = 2, 4, 6
SPANS = disc(4)


def land(*years, shape=(60, 140)):
    return np.full((max(len(years), 1), *shape), LAND, np.uint8)


def draw(classes, locked=None, least=100):
    locked = np.zeros(classes.shape[1:], bool) if locked is None else locked
    return draw_linear(classes, locked, (ROAD, RAIL), SPANS, least)


def pieces(mask):
    return ndimage.label(mask)[1]


def test_a_broken_road_is_joined_and_as_wide_as_it_must_be():
    classes = land()
    classes[0, 29:32, 10:130] = ROAD
    classes[0, 29:32, 40:47] = classes[0, 29:31, 90:96] = LAND
    assert pieces(classes[0] == ROAD) > 1
    found, drawn = draw(classes)
    assert pieces(found[0] == ROAD) == 1
    assert ((found[0] == ROAD) == drawn).all()
    assert (drawn[:, 20:120].sum(axis=0) == 5).all()
    assert not (narrow_pixels(found[0].astype(np.uint16), SPANS) & drawn).any()


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_a_frayed_road_in_any_direction_stays_one_piece(slope):
    y, x = np.indices((100, 100))
    rng = np.random.default_rng(1)
    band = abs(y - 5 - slope * x) < 2 * np.hypot(1, slope)
    classes = np.where(band & (rng.random(band.shape) < 0.8), ROAD, LAND)[None].astype(np.uint8)
    found, drawn = draw(classes)
    assert pieces(drawn) == 1
    assert (found[0] == ROAD)[band].mean() > 0.9
    assert drawn.sum() < 2 * band.sum()


def test_noise_beside_a_road_makes_no_bulge():
    classes = land()
    classes[0, 29:32, :] = ROAD
    clean, _ = draw(classes)
    rng = np.random.default_rng(4)
    for x in range(6, 134, 8):
        y = 30 + rng.choice([-9, -7, 7, 9])
        classes[0, y - 1 : y + 2, x : x + 3] = ROAD
    noisy, drawn = draw(classes)
    assert drawn[:, 10:130].sum(axis=0).max() <= 6
    assert (noisy[0, :, 10:130] == ROAD)[27:34].sum(axis=0).mean() == pytest.approx(5, abs=0.1)
    assert (drawn & (clean[0] == ROAD)).sum() > 0.95 * drawn.sum()


def test_roads_that_meet_at_a_small_angle_are_not_filled_up():
    y, x = np.indices((80, 160))
    first, second = abs(y - 40) <= 1, abs(y - 40 - 0.35 * (x - 60)) <= 1.5
    fork = first | (second & (x >= 60))
    _, drawn = draw(np.where(fork, ROAD, LAND)[None].astype(np.uint8))
    assert pieces(drawn) == 1
    away = ndimage.distance_transform_edt(~fork)
    assert away[drawn].max() < 4
    # Where the two are a band apart there is land between them.
    assert not drawn[43:45, 90:].all(axis=0).any()


def test_a_thin_road_of_which_a_third_is_lost_is_found():
    rng = np.random.default_rng(2)
    classes = land(shape=(60, 240))
    classes[0, 30:32, :] = np.where(rng.random((2, 240)) < 0.65, ROAD, LAND)
    _, drawn = draw(classes)
    assert pieces(drawn) == 1
    assert drawn[30:32, 10:230].all()


def test_short_pieces_of_an_axis_go_and_gaps_do_not_part_one():
    axis = np.zeros((12, 30), bool)
    axis[5, [2, 3, 5, 7, 9]] = True  # five pixels with gaps of one
    axis[5, [12, 13, 14]] = True  # three more, beyond a gap of two
    axis[9, 5:8] = axis[0, 28:] = True
    found = axis.copy()
    _drop_short(found, 4, 2)
    wanted = np.zeros_like(axis)
    wanted[5, [2, 3, 5, 7, 9]] = True
    assert (found == wanted).all()
    _drop_short(axis, 4, 3)
    assert axis[5].sum() == 8


def test_an_area_is_no_line_and_the_line_that_leaves_it_is_drawn():
    classes = land(shape=(120, 160))
    classes[0, 40:80, 20:60] = ROAD  # a yard 40 pixels wide
    classes[0, 58:61, 60:150] = ROAD
    found, drawn = draw(classes)
    assert not drawn[42:78, 22:54].any()
    assert (found[0, 40:80, 20:60] == ROAD).all()
    assert (found[0, :, 80:140] == ROAD).sum(axis=0).tolist() == [5] * 60
    # The area does not grow: what is drawn beyond it is the line.
    beyond = drawn.copy()
    beyond[54:66, 50:] = False
    assert not beyond.any()


def test_specks_are_no_line():
    classes = land()
    for y, x in ((10, 10), (30, 60), (45, 120)):
        classes[0, y : y + 3, x : x + 3] = ROAD
    found, drawn = draw(classes)
    assert not drawn.any()
    assert found is classes


def test_a_short_piece_is_left_out_unless_it_meets_a_line():
    classes = land()
    classes[0, 8:11, 20:40] = ROAD
    alone, drawn = draw(classes, least=400)
    assert not drawn.any()
    assert (alone == classes).all()
    classes[0, :, 39:42] = RAIL
    found, drawn = draw(classes, least=400)
    assert pieces(drawn) == 1
    assert (found[0] == ROAD).sum() > 60


def test_rails_lie_over_roads():
    classes = land()
    classes[0, 29:32, :] = ROAD
    classes[0, :, 69:72] = RAIL
    classes[0, 29:32, 69:72] = ROAD
    found, drawn = draw(classes)
    assert (found[0, :, 70] == RAIL).all()
    assert pieces(found[0] == RAIL) == 1
    assert pieces(found[0] == ROAD) == 2
    assert pieces(drawn) == 1


def test_a_line_of_two_years_is_one_line():
    classes = land(1, 2)
    classes[0, 29:32, :] = ROAD
    classes[1, 30:33, :] = ROAD  # a pixel beside
    found, drawn = draw(classes)
    assert drawn.any()
    assert (found[0] == found[1])[drawn].all()
    assert (found[0][drawn] == ROAD).all()


def test_a_new_line_is_of_the_second_year_only():
    classes = land(1, 2)
    classes[1, 29:32, :] = ROAD
    found, drawn = draw(classes)
    assert (found[1][drawn] == ROAD).all()
    assert (found[0] == LAND).all()


def test_locked_pixels_stay():
    classes = land()
    classes[0, 29:32, :] = ROAD
    locked = np.zeros(classes.shape[1:], bool)
    locked[20:40, 60:64] = True
    classes[0, locked] = RAIL
    found, drawn = draw(classes, locked)
    assert (found[0][locked] == RAIL).all()
    assert not (drawn & locked).any()
    assert drawn.any()


def test_nothing_linear_is_nothing_to_draw():
    classes = land()
    found, drawn = draw(classes)
    assert found is classes
    assert not drawn.any()
