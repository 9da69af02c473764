from dataclasses import replace

import numpy as np
import pytest

from bocage.simulate._domain import Seed
from bocage.simulate._growth import Climate, grow
from bocage.simulate._phenology import leaves_on, logistic, undergrowth
from bocage.simulate._tables import cover_index, covers, region
from bocage.simulate._units import make_units


def field(key, name="continental", drought=0.0, copies=80):
    cover = np.full((1, copies), cover_index()[key], np.uint8)
    units = make_units(np.arange(copies, dtype=np.int32)[None], cover)
    place = region(name)
    altitude = np.full(copies, place.level_m, np.float32)
    return units, grow(units, altitude, place, Climate(0.0, drought), 2021, Seed(1)), place


def mean(state):
    return float(np.mean(state))


@pytest.mark.parametrize("name", ["continental", "mediterranean", "boreal", "macaronesian"])
@pytest.mark.parametrize("day", [1, 95, 190, 300, 366])
def test_leaves_are_physical(name, day):
    for cover in covers():
        leaves = leaves_on(*field(cover.key, name, copies=6), day)
        assert (leaves.area >= 0).all()
        assert ((leaves.stage >= 0) & (leaves.stage <= 1)).all()
        if cover.lai_high == 0:
            assert (leaves.area == 0).all()


def test_beech_has_leaves_in_summer_only():
    winter, summer = (leaves_on(*field("beech"), day) for day in (20, 180))
    assert mean(summer.area) > 4 * mean(winter.area)
    assert mean(summer.stage) < 0.2 < 0.8 < mean(winter.stage)


def test_leaves_fade_before_they_fall():
    grown = field("beech")
    day = covers()[cover_index()["beech"]].eos + 1
    leaves, summer = leaves_on(*grown, day), leaves_on(*grown, 180)
    assert mean(leaves.stage) > 0.45
    assert mean(leaves.area) > 0.5 * mean(summer.area)


def test_wheat_ripens_and_is_reaped_at_once():
    units, growth, place = field("wheat")
    growth = replace(growth, caught=np.zeros(units.cover.size, bool))
    ripe = leaves_on(units, growth, place, 192)
    reaped = leaves_on(units, growth, place, 240)
    assert mean(ripe.stage) > 0.6
    assert mean(ripe.area) > 2
    assert mean(reaped.area) < 0.8


def test_catch_crops_cover_fields_in_winter():
    units, growth, place = field("maize")
    bare, sown = (
        leaves_on(units, replace(growth, caught=np.full(units.cover.size, c)), place, 45)
        for c in (False, True)
    )
    assert mean(bare.area) < 0.1
    assert mean(sown.area) > 1.2
    may = leaves_on(units, replace(growth, caught=np.full(units.cover.size, True)), place, 145)
    assert mean(may.area) < 0.6


def test_meadows_are_cut_and_grow_again():
    units, growth, place = field("grass_mown")
    day = float(growth.cuts[0, 0])
    before, after, later = (leaves_on(units, growth, place, day + d).area[0] for d in (-1, 1, 35))
    assert after < 0.5 * before
    assert later > 1.4 * after


def test_herbs_of_dry_regions_are_green_in_winter_and_dead_in_summer():
    grown = field("grass_dry", "mediterranean")
    march, july = (leaves_on(*grown, day) for day in (75, 200))
    assert mean(march.stage) < 0.4 < 0.8 < mean(july.stage)
    assert mean(leaves_on(*grown, 352).stage) < 0.5


def test_drought_turns_herbs_brown_and_trees_hardly():
    for key, least, most in (("grass_extensive", 0.3, 0.7), ("oak", 0.0, 0.12)):
        wet, dry = (leaves_on(*field(key, drought=d), 205) for d in (0.0, 1.0))
        assert least <= mean(dry.stage) - mean(wet.stage) <= most
        assert mean(dry.area) <= mean(wet.area)


def test_undergrowth_is_up_before_the_trees():
    place = region("continental")
    april = undergrowth(place, 0.0, 105)
    assert april[1] < 0.35
    assert mean(leaves_on(*field("oak"), 105).stage) > 0.8
    assert undergrowth(place, 0.0, 15)[1] > 0.6
    assert undergrowth(region("mediterranean"), 0.0, 210)[1] > april[1] + 0.2


def test_logistic_does_not_overflow():
    assert logistic(0, np.array([1e5, -1e5]), 1.0) == pytest.approx([0, 1], abs=1e-12)
