import numpy as np
import pytest

from bocage.simulate._domain import Seed
from bocage.simulate._spectra import _hashed, green_share, grow, make_units, spectra
from bocage.simulate._tables import BANDS, cover_index, covers, region

RED, NIR, SWIR = (BANDS.index(b) for b in ("B04", "B08", "B11"))


def units_of(*keys, copies=60):
    cover = np.repeat([cover_index()[k] for k in keys], copies).astype(np.uint8)[None]
    return make_units(np.arange(cover.size, dtype=np.int32)[None], cover)


def ndvi(units, growth, name, day, snow=0.0):
    mean = spectra(units, growth, region(name), day, snow).mean
    return (mean[:, NIR] - mean[:, RED]) / (mean[:, NIR] + mean[:, RED])


def test_units_are_pairs_of_object_and_cover():
    units = make_units(np.array([[5, 5, 2]], np.int32), np.array([[1, 2, 1]], np.uint8))
    assert units.label.tolist() == [[0, 1, 2]]
    assert units.obj.tolist() == [5, 5, 2]
    assert units.cover.tolist() == [1, 2, 1]


def test_draws_are_standard_and_belong_to_the_key():
    keys = np.arange(5000)
    draws = _hashed(keys, 3, 4)
    assert np.allclose(draws.mean(axis=0), 0, atol=0.05)
    assert np.allclose(draws.std(axis=0), 1, atol=0.05)
    assert np.array_equal(draws[17:18], _hashed(keys[17:18], 3, 4))


@pytest.mark.parametrize("day", [10, 100, 190, 300])
def test_reflectance_is_physical(day):
    units = units_of(*[c.key for c in covers()], copies=20)
    growth = grow(units, units.obj.max() + 1, 2021, Seed(1))
    for name in ("continental", "mediterranean", "boreal"):
        looks = spectra(units, growth, region(name), day)
        assert looks.mean.min() >= 0
        assert np.percentile(looks.mean, 99) < 1.2
        assert (green_share(units, growth, region(name), day) >= 0).all()


def test_seasons_are_those_of_the_plants():
    units = units_of("beech", "spruce", "wheat", "maize", "lake_water", "asphalt")
    growth = grow(units, units.obj.max() + 1, 2021, Seed(1))
    winter, june, august = (
        ndvi(units, growth, "continental", d).reshape(6, -1).mean(1) for d in (20, 150, 225)
    )
    beech, spruce, wheat, maize, water, asphalt = range(6)
    assert june[beech] - winter[beech] > 0.3
    assert abs(june[spruce] - winter[spruce]) < 0.15
    assert june[wheat] > 0.7 > 0.4 > august[wheat]
    assert august[maize] > 0.7 > 0.5 > june[maize]
    assert max(june[water], june[asphalt]) < 0.25


def test_dry_regions_turn_yellow_early():
    units = units_of("grass_dry")
    growth = grow(units, units.obj.max() + 1, 2021, Seed(1))
    assert ndvi(units, growth, "mediterranean", 200).mean() < 0.4
    assert (
        ndvi(units, growth, "mediterranean", 90).mean()
        > ndvi(units, growth, "mediterranean", 200).mean() + 0.15
    )


def test_snow_hides_grass_more_than_forest():
    units = units_of("grass_mown", "spruce")
    growth = grow(units, units.obj.max() + 1, 2021, Seed(1))
    mean = spectra(units, growth, region("alpine"), 15, snow=1.0).mean.reshape(2, -1, len(BANDS))
    assert mean[0, :, 0].mean() > 0.7
    assert mean[1, :, 0].mean() < 0.4
    assert mean[0, :, SWIR].mean() < 0.2


def test_objects_differ_and_years_too():
    units = units_of("beech")
    first = grow(units, units.obj.max() + 1, 2021, Seed(1))
    again = grow(units, units.obj.max() + 1, 2021, Seed(1))
    other = grow(units, units.obj.max() + 1, 2024, Seed(1))
    assert np.array_equal(first.timing, again.timing)
    assert not np.allclose(first.timing, other.timing)
    assert 4 < first.timing.std() < 14
    # What lasts outweighs what is of the year.
    assert np.corrcoef(first.density, other.density)[0, 1] > 0.5


def test_meadows_are_cut():
    units = units_of("grass_mown")
    growth = grow(units, units.obj.max() + 1, 2021, Seed(1))
    before = green_share(units, growth, region("continental"), float(growth.cuts[0, 0]) - 1)[0]
    after = green_share(units, growth, region("continental"), float(growth.cuts[0, 0]) + 1)[0]
    assert after < 0.6 * before
