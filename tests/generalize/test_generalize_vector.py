from __future__ import annotations

import logging

import numpy as np
import pytest
import shapely

from bocage.generalize import GeneralizeSettings, load_rules
from bocage.generalize._engine import unlocked_in
from bocage.generalize._faces import faces
from bocage.generalize._frame import make_frame, source_of
from bocage.generalize._raster import make_regions
from bocage.generalize._rules import View, views_of
from bocage.generalize._tight import join_tight, tight_places, too_narrow, view_keys
from bocage.generalize._vector import draw_borders, trace

PLAIN = load_rules("plain")


def dumbbell(neck, small=30.0):
    """Two squares of 30 m and `small` m that a neck joins."""
    return shapely.union_all(
        [
            shapely.box(0, 0, 30, 30),
            shapely.box(30, 15 - neck / 2, 50, 15 + neck / 2),
            shapely.box(50, 0, 50 + small, small),
        ]
    )


WIDE = shapely.box(0, 0, 30, 30)
THIN = shapely.box(0, 0, 100, 9)


def test_the_erosion_of_a_wide_polygon_is_one_part():
    polygons = np.array([WIDE, dumbbell(11), dumbbell(9), THIN] * 200)
    assert too_narrow(polygons, 10.0).tolist() == [False, False, True, True] * 200
    assert not too_narrow(np.empty(0, object), 10.0).any()


def test_a_small_part_behind_a_neck_is_lost_and_a_large_one_cut_off():
    found = tight_places(np.array([dumbbell(9, 14)]), 10.0, 500.0)
    assert len(found) == 1
    assert shapely.box(52, 2, 62, 12).within(found.place[0])
    assert not shapely.intersects(found.place[0], shapely.box(0, 0, 30, 30))
    neck = tight_places(np.array([dumbbell(9)]), 10.0, 100.0)
    assert len(neck) == 1
    assert neck.place[0].area < 500  # the neck, and a little of what it joins
    assert shapely.intersects(neck.place[0], shapely.box(35, 14, 45, 16))
    assert neck.place[0].within(neck.polygon[0].buffer(1e-6))


def test_what_is_nowhere_wide_is_lost_as_a_whole():
    found = tight_places(np.array([WIDE, THIN]), 10.0, 5000.0)
    assert found.place.tolist() == found.polygon.tolist() == [THIN]


def test_places_of_views_are_joined():
    some = tight_places(np.array([THIN]), 10.0, 1.0)
    none = tight_places(np.array([WIDE]), 10.0, 1.0)
    assert len(none) == 0
    assert len(join_tight([some, none, some])) == 2


def test_keys_of_views():
    codes = np.array([[2, 2], [2, 5], [5, 200]], np.uint8)
    assert view_keys(codes, View((0,), 1.0, ())).tolist() == [2, 2, 5]
    assert view_keys(codes, View((1,), 1.0, ())).tolist() == [2, 5, 200]
    assert view_keys(codes, View((0, 1), 1.0, ())).tolist() == [-1, 2 * 256 + 5, 5 * 256 + 200]


def drawn(toy, raster, data, *, locked=None, **more):
    """Regions, polygons of regions and what is too narrow."""
    wanted = GeneralizeSettings(**{"rules": PLAIN, "mmu_ha": 0.05, **more})
    values = raster(data)
    lines = None if locked is None else raster(locked).isel(year=0, drop=True)
    frame = make_frame(source_of(values, None, lines, legend=toy, reach_m=wanted.reach_m))
    regions = make_regions(frame, toy, wanted)
    views = views_of(1, toy, wanted, margin=0.0)
    borders = draw_borders(
        trace(regions, regions.labels),
        frame.transform,
        views,
        wanted,
        np.zeros(256, bool),
        lambda tight: unlocked_in(frame, tight),
    )
    polygons, number = faces(borders.arcs)
    return regions, polygons[np.argsort(number)], borders.tight


def road(width=3):
    data = np.full((60, 120), 2)
    data[29 : 29 + width] = 4
    return data


def test_drawn_bands_are_narrowed_to_the_least_width(toy, raster):
    regions, polygons, tight = drawn(toy, raster, road())
    assert len(tight) == 0
    band = polygons[np.flatnonzero(regions.line)[0]]
    middle = shapely.intersection(band, shapely.box(*_middle(band)))
    width = middle.area / (middle.bounds[2] - middle.bounds[0])
    assert regions.drawn[:, 60].sum() == 5
    assert width == pytest.approx(12.5 - 2 * 0.42 * 2.5, abs=0.05)
    assert not too_narrow(polygons, 10.0).any()


def _middle(band):
    west, south, east, north = band.bounds
    return west + 50, south, east - 50, north


def test_locked_lines_keep_their_width(toy, raster):
    data = road(4)
    regions, polygons, _ = drawn(toy, raster, data, locked=np.where(data == 4, 4, 0))
    assert not regions.drawn.any()
    band = polygons[np.flatnonzero(regions.line)[0]]
    assert band.area == pytest.approx(4 * 120 * 6.25)


@pytest.mark.parametrize("rows", [3, 4])
def test_locked_lines_may_be_narrow(toy, raster, rows):
    data = road(rows)
    _, polygons, tight = drawn(toy, raster, data, locked=np.where(data == 4, 4, 0), mmu_ha=0.02)
    assert too_narrow(polygons, 10.0).sum() == 1
    assert len(tight) == 0


def test_borders_that_would_make_a_polygon_narrow_are_simplified_less(toy, raster, caplog):
    # The arms of a spiral, of which chords cut off more than they can spare.
    y, x = np.indices((60, 60)) - 29.5
    turn = np.hypot(y, x) / 11 + np.arctan2(y, x) / (2 * np.pi)
    data = np.where(turn % 1 < 0.5, 2, 5)
    with caplog.at_level(logging.INFO, "bocage.generalize"):
        _, polygons, tight = drawn(toy, raster, data, tolerance_m=5.0)
    assert "became too narrow" in caplog.text
    assert len(tight) == 0
    assert len(polygons) > 3
    assert not too_narrow(polygons, 10.0).any()


def test_without_a_width_nothing_is_looked_at(toy, raster):
    data = road()
    data[29:32] = 5
    _, polygons, tight = drawn(toy, raster, data, mmw_m=0.0)
    assert len(tight) == 0
    assert too_narrow(polygons, 10.0).sum() == 1
