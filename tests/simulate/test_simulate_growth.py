from dataclasses import replace

import numpy as np
import pytest

from bocage.simulate._domain import Seed
from bocage.simulate._growth import Climate, grow, hashed, kin_table, load_climate
from bocage.simulate._tables import cover_index, covers, region
from bocage.simulate._units import make_units

PLACE = region("continental")
CALM = Climate(0.0, 0.0)


def units_of(*keys, copies=200):
    cover = np.repeat([cover_index()[k] for k in keys], copies).astype(np.uint8)[None]
    return make_units(np.arange(cover.size, dtype=np.int32)[None], cover)


def level(units, height=0.0):
    return np.full(units.obj.max() + 1, PLACE.level_m + height, np.float32)


def test_draws_are_standard_and_belong_to_the_key():
    keys = np.arange(5000)
    draws = hashed(keys, 3, 4)
    assert np.allclose(draws.mean(axis=0), 0, atol=0.05)
    assert np.allclose(draws.std(axis=0), 1, atol=0.05)
    assert np.array_equal(draws[17:18], hashed(keys[17:18], 3, 4))


def test_one_year_in_four_is_dry():
    drought = np.array([load_climate(PLACE, y, Seed(1)).drought for y in range(1000, 1600)])
    assert 0.18 < (drought > 0.4).mean() < 0.32
    assert drought.min() >= 0
    assert drought.max() <= 1
    assert load_climate(PLACE, 2021, Seed(1)) == load_climate(PLACE, 2021, Seed(1))
    assert load_climate(PLACE, 2021, Seed(1)) != load_climate(PLACE, 2024, Seed(1))


def test_objects_differ_and_years_too():
    units = units_of("beech")
    first, again, other = (
        grow(units, level(units), PLACE, CALM, year, Seed(1)) for year in (2021, 2021, 2024)
    )
    assert np.array_equal(first.spring, again.spring)
    assert not np.allclose(first.spring, other.spring)
    assert 4 < first.spring.std() < 14
    # What lasts outweighs what is of the year.
    assert np.corrcoef(first.leaves, other.leaves)[0, 1] > 0.5


def test_spring_is_late_in_a_late_year_and_on_high_ground():
    units = units_of("beech")
    low = grow(units, level(units), PLACE, CALM, 2021, Seed(1))
    high = grow(units, level(units, 800), PLACE, CALM, 2021, Seed(1))
    late = grow(units, level(units), PLACE, replace(CALM, season_days=7.0), 2021, Seed(1))
    assert np.allclose(high.spring - low.spring, 20)
    assert (high.autumn < low.autumn).all()
    assert np.allclose(late.spring - low.spring, 7)


def test_kin_grow_among_a_cover():
    units = units_of("beech", "wheat", copies=3000)
    growth = grow(units, level(units), PLACE, CALM, 2021, Seed(1))
    beech = units.cover == cover_index()["beech"]
    kin = set(growth.other[beech].tolist())
    assert kin == {cover_index()[k] for k in covers()[cover_index()["beech"]].kin.split()}
    assert (growth.other[~beech] == units.cover[~beech]).all()
    assert growth.share[beech].mean() == pytest.approx(0.17, abs=0.02)
    assert growth.share.max() <= 0.65


def test_kin_are_covers():
    assert kin_table().shape == (len(covers()), 3)
    for cover in covers():
        assert set(cover.kin.split()) <= set(cover_index()) - {cover.key}


def test_cuts_are_in_order_and_as_many_as_usual():
    units = units_of("grass_mown", "grass_grazed", "beech", copies=500)
    cuts = grow(units, level(units), PLACE, CALM, 2021, Seed(1)).cuts.reshape(3, 500, 3)
    assert (cuts[0, :, 0] < cuts[0, :, 1]).all()
    number = (cuts < 400).sum(axis=2).mean(axis=1)
    assert number[0] > 2.3
    assert 0.7 < number[1] < 1.4
    assert number[2] == 0


def test_six_of_ten_fields_carry_a_catch_crop():
    units = units_of("maize", copies=3000)
    caught = grow(units, level(units), PLACE, CALM, 2021, Seed(1)).caught
    assert caught.mean() == pytest.approx(0.6, abs=0.04)
