from __future__ import annotations

import numpy as np
import shapely

from bocage.generalize import GeneralizeSettings, load_rules
from bocage.generalize._engine import unlocked_in
from bocage.generalize._frame import make_frame, source_of
from bocage.generalize._raster import make_regions
from bocage.generalize._return import take_away
from bocage.generalize._tight import Tight

WANTED = GeneralizeSettings(mmu_ha=0.05, rules=load_rules("plain"))


def prepared(toy, raster, *years):
    frame = make_frame(source_of(raster(*years), None, None, legend=toy, reach_m=0))
    return frame, make_regions(frame, toy, WANTED)


def classes_of(regions):
    """Classes without the margin around the raster."""
    found = regions.codes.T[:, regions.labels]
    return found[:, (regions.labels >= 0).any(axis=1)][:, :, (regions.labels >= 0).any(axis=0)]


def tight(*places):
    place, polygon = zip(*places, strict=True)
    return Tight(np.array(place, dtype=object), np.array(polygon, dtype=object))


def test_a_place_goes_to_what_lies_beside_the_polygon(toy, raster, square):
    data = np.full((60, 60), 2)
    data[20:40, 10:50] = 5
    frame, regions = prepared(toy, raster, data)
    lobe, polygon = square(40, 20, 50, 40), square(10, 20, 50, 40)
    found = take_away(regions, tight((lobe, polygon)), frame, toy, WANTED)
    expected = classes_of(regions)[0].copy()
    assert (expected == 5).sum() > 750
    expected[20:40, 40:50] = 2
    assert (classes_of(found)[0] == expected).all()
    assert len(found.codes) == 2


def test_both_years_change(toy, raster, square):
    first, second = np.full((60, 60), 2), np.full((60, 60), 2)
    second[20:40, 10:50] = 5
    frame, regions = prepared(toy, raster, first, second)
    whole = square(10, 20, 50, 40)
    found = take_away(regions, tight((whole, whole)), frame, toy, WANTED)
    assert (classes_of(found) == 2).all()


def test_what_is_left_of_a_polygon_is_repaired(toy, raster, square):
    # The place leaves out a strip of two pixels, which is too narrow then.
    data = np.full((60, 60), 2)
    data[20:40, 10:50] = 5
    frame, regions = prepared(toy, raster, data)
    whole = square(10, 20, 50, 40)
    found = take_away(regions, tight((square(12, 20, 50, 40), whole)), frame, toy, WANTED)
    assert (classes_of(found) == 2).all()
    one = take_away(
        regions,
        tight((shapely.difference(whole, square(20, 20, 21, 21)), whole)),
        frame,
        toy,
        WANTED,
    )
    assert (classes_of(one) == 2).all()


def test_a_place_with_nothing_beside_stays(toy, raster, square):
    data = np.full((30, 30), 2)
    frame, regions = prepared(toy, raster, data)
    whole = square(0, 0, 30, 30)
    found = take_away(regions, tight((whole, whole)), frame, toy, WANTED)
    assert (classes_of(found)[0] == data).all()


def test_locked_lines_may_be_narrow(toy, raster, square):
    data = np.full((60, 60), 2)
    data[28:32] = 4
    locked = raster(np.where(data == 4, 4, 0)).isel(year=0, drop=True)
    frame = make_frame(source_of(raster(data), None, locked, legend=toy, reach_m=0))
    line, land = square(0, 28, 60, 32), square(0, 0, 60, 28)
    found = unlocked_in(frame, tight((line, line), (land, land)))
    assert found.polygon.tolist() == [land]


def test_pixels_at_the_border_of_a_polygon_do_not_give_it_back(toy, raster, square):
    data = np.full((60, 60), 2)
    data[20:40, 10:50] = 5
    frame, regions = prepared(toy, raster, data)
    # Smoothing has left a ring of pixels outside.
    polygon = shapely.buffer(square(10, 20, 50, 40), -3.0)
    found = take_away(regions, tight((polygon, polygon)), frame, toy, WANTED)
    assert (classes_of(found) == 2).all()
