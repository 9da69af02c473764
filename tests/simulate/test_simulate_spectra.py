import numpy as np
import pytest
import rasterio

from bocage.simulate._domain import Seed
from bocage.simulate._growth import Climate, grow
from bocage.simulate._spectra import spectra
from bocage.simulate._tables import BANDS, cover_index, covers, region
from bocage.simulate._units import make_units

BLUE, RED, NIR, SWIR = (BANDS.index(b) for b in ("B02", "B04", "B08", "B11"))


def units_of(*keys, copies=60):
    cover = np.repeat([cover_index()[k] for k in keys], copies).astype(np.uint8)[None]
    return make_units(np.arange(cover.size, dtype=np.int32)[None], cover)


def looks(units, name, day, sun=50.0, snow=0.0, drought=0.0, height=0.0):
    place = region(name)
    altitude = np.full(units.obj.max() + 1, place.level_m + height, np.float32)
    growth = grow(units, altitude, place, Climate(0.0, drought), 2021, Seed(1))
    return spectra(units, growth, place, day, sun, snow)


def by_cover(units, *given, **named):
    """Mean spectrum of each cover in the order of the units."""
    mean = looks(units, *given, **named).mean
    _, first = np.unique(units.cover, return_index=True)
    order = units.cover[np.sort(first)]
    return np.stack([mean[units.cover == c].mean(axis=0) for c in order])


def ndvi(*given, **named):
    mean = by_cover(*given, **named)
    return (mean[:, NIR] - mean[:, RED]) / (mean[:, NIR] + mean[:, RED])


@pytest.mark.parametrize("day", [10, 100, 190, 300])
def test_reflectance_is_physical(day):
    units = units_of(*[c.key for c in covers()], copies=20)
    for name in ("continental", "mediterranean", "boreal"):
        for snow in (0.0, 1.0):
            seen = looks(units, name, day, 25, snow)
            assert seen.mean.dtype == seen.green.dtype == seen.texture.dtype == np.float32
            assert seen.mean.shape == seen.green.shape == (units.cover.size, len(BANDS))
            assert seen.mean.min() > 0
            assert np.percentile(seen.mean, 99) < 1.0


def test_seasons_are_those_of_the_plants():
    units = units_of("beech", "spruce", "wheat", "maize", "lake_water", "asphalt")
    winter, june, august = (ndvi(units, "continental", day) for day in (20, 150, 232))
    beech, spruce, wheat, maize, water, asphalt = range(6)
    assert june[beech] - winter[beech] > 0.25
    assert abs(june[spruce] - winter[spruce]) < 0.15
    assert june[wheat] > 0.75 > 0.6 > august[wheat]
    assert august[maize] > 0.7 > 0.65 > june[maize]
    assert max(june[water], june[asphalt]) < 0.25


def test_dry_regions_turn_yellow_early():
    units = units_of("grass_dry")
    spring, summer = (ndvi(units, "mediterranean", day)[0] for day in (70, 200))
    assert summer < 0.5
    assert spring > summer + 0.2


def test_drought_shows_in_grass():
    units = units_of("grass_extensive", "beech")
    wet, dry = (ndvi(units, "continental", 210, drought=d) for d in (0.0, 1.0))
    assert wet[0] - dry[0] > 0.15
    assert wet[1] - dry[1] < 0.08


def test_green_comes_late_high_up():
    units = units_of("beech")
    low, high = (ndvi(units, "alpine", 132, height=h)[0] for h in (0, 700))
    assert low > high + 0.08


def test_snow_hides_grass_more_than_forest():
    units = units_of("grass_mown", "spruce")
    grass, spruce = by_cover(units, "alpine", 15, 22, 1.0)
    assert grass[BLUE] > 0.7
    assert spruce[BLUE] < 0.4
    assert grass[SWIR] < 0.2


def test_snow_may_differ_between_units():
    units = units_of("grass_mown", copies=10)
    snow = np.where(np.arange(10) < 5, 1.0, 0.0).astype(np.float32)
    mean = looks(units, "alpine", 15, 22, snow).mean
    assert mean[:5, BLUE].min() > 0.6
    assert mean[5:, BLUE].max() < 0.2
    assert np.array_equal(mean[5:], looks(units, "alpine", 15, 22, 0.0).mean[5:])


def test_undergrowth_shows_before_the_leaves():
    units = units_of("birch")
    january, april = (ndvi(units, "continental", day)[0] for day in (15, 103))
    assert april > january + 0.05


def test_rapeseed_flowers():
    units = units_of("rapeseed")
    green, bloom = (by_cover(units, "continental", day)[0] for day in (98, 124))
    assert bloom[RED] > 2 * green[RED]


def test_shadows_are_long_under_a_low_sun():
    units = units_of("blocks", "beach_sand")
    high, low = (by_cover(units, "continental", 180, sun) for sun in (60.0, 20.0))
    assert low[0, NIR] < 0.98 * high[0, NIR]
    assert low[1, NIR] == pytest.approx(high[1, NIR], rel=0.01)


def test_waters_differ():
    units = units_of("sea_water", "estuary_water", "brine", "salt_crust")
    sea, estuary, brine, salt = by_cover(units, "atlantic", 180)
    assert sea[NIR] < 0.01 < estuary[NIR] < brine[NIR] < salt[NIR]
    assert estuary[RED] > 3 * sea[RED]


def test_greener_pixels_are_brighter_in_the_infrared_and_darker_in_red():
    units = units_of("grass_extensive", "oak")
    green = looks(units, "continental", 170).green
    assert green[:, NIR].mean() > 0.012
    assert (green[:, NIR] > 0.003).mean() > 0.98
    assert (green[:, RED] < 0).mean() > 0.9


def test_neighbouring_covers_overlap():
    units = units_of("young_tree", "shrub", "spruce", copies=300)
    mean = looks(units, "continental", 180).mean[:, [RED, NIR, SWIR]].reshape(3, 300, 3)

    def apart(a, b):
        gap = np.abs(mean[a].mean(axis=0) - mean[b].mean(axis=0))
        return (gap / (0.5 * (mean[a].std(axis=0) + mean[b].std(axis=0)))).max()

    assert apart(0, 1) < 1.5 < apart(0, 2)


@pytest.mark.real
def test_woods_and_fields_look_like_real_ones(real_data):
    def read(name):
        with rasterio.open(real_data / name) as source:
            return source.read().astype(np.float32) / 10_000

    # Dense evergreen woods of Catalonia: green in winter as in summer.
    winter, summer = (
        read(f"s2_boadella_2020_2022/S2L2A_{d}.tif") for d in ("20200128", "20210716")
    )
    green = [
        (image[NIR] - image[RED]) / (image[NIR] + image[RED] + 1e-6) for image in (winter, summer)
    ]
    dense = (green[0] > 0.6) & (green[1] > 0.65) & (summer[NIR] < 0.33)
    woods = units_of("oak_evergreen", "pine")
    for image, day, sun in ((winter, 28, 25), (summer, 197, 65)):
        real = np.median(image[:, dense], axis=1)
        away = np.abs(by_cover(woods, "mediterranean", day, sun).mean(axis=0) - real)
        assert away[NIR] < 0.03
        assert away[:RED].max() < 0.02
    # Maize of Flanders in July: its bands are in another order.
    order = ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12")
    field = read("s2_flanders_2018/reference_croptype.tif")[0] == np.float32(0.12)
    real = np.median(read("s2_flanders_2018/S2L2A_20180705.tif")[:, field], axis=1)
    mean = by_cover(units_of("maize"), "atlantic", 186, 60)[0]
    away = np.abs(mean[[BANDS.index(b) for b in order]] - real)
    assert away[3] < 0.04
    assert away[:3].max() < 0.025
