import dataclasses
import json

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from bocage.errors import ConfigError, InputError
from bocage.grid import geobox
from bocage.imagery import (
    ImagerySettings,
    Relief,
    Response,
    monthly_frames,
    monthly_mosaic,
    survey_lighting,
)
from bocage.imagery._angles import Direction
from bocage.imagery._ground import load_ground

WEST, NORTH, SIDE = 4_000_000, 3_000_000, 600
AREA = (WEST, NORTH - SIDE, WEST + SIDE, NORTH)
NONE = ImagerySettings(bands=("B02", "B08"), cloud_mask="none", months=(5, 6), fill="none")
LEAN = dataclasses.replace(NONE, illumination="c_correction")
SUN = {"view:sun_elevation": 50.0, "view:sun_azimuth": 160.0}
TRUE = {"B02": 0.05, "B08": 0.3}
RESPONSE = {"B02": (0.6, 0.4), "B08": (0.2, 0.8)}
"""Light of the sky and of the sun; the latter against level ground."""


@pytest.fixture
def heights(tmp_path, image):
    """Hills of 200 m with slopes up to some 25 degrees, and a margin."""
    y, x = np.mgrid[-300 : SIDE + 300 : 30, -300 : SIDE + 300 : 30] / 200 * 2 * np.pi
    hills = (1000 + 14 * np.sin(x) * np.cos(y + x / 3)).astype(np.float32)
    return image(tmp_path / "h.tif", [hills], pixel=30.0, origin=(WEST - 300, NORTH + 300))


@pytest.fixture
def shot(tmp_path, image, item, heights):
    """An item of even ground lit from one side."""

    def make(name="a", when="2021-05-05T10:00:00", properties=SUN, true=TRUE, side=SIDE):
        n = side // 10
        grid = GeoBox((n, n), Affine(10, 0, WEST, 0, -10, NORTH), "EPSG:3035")
        sun = Direction(90 - SUN["view:sun_elevation"], SUN["view:sun_azimuth"])
        ratio = load_ground(heights, grid).cosine(sun) / np.cos(np.radians(sun.zenith))
        ratio = np.nan_to_num(ratio, nan=1.0)  # beyond the heights
        assets = {}
        for band, value in true.items():
            sky, rest = RESPONSE[band]
            counts = np.round(value * (sky + rest * np.maximum(ratio, 0)) * 10_000)
            path = tmp_path / f"{name}_{band}.tif"
            assets[band] = image(path, [counts.astype(np.uint16)], nodata=0)
        return item(name, when, assets, properties=properties)

    return make


def spread(mosaic, band, month=5):
    values = mosaic["reflectance"].sel(band=band, month=month).values
    return float(np.nanstd(values) / np.nanmean(values))


def test_a_slope_that_is_lit_from_the_side_becomes_flat(shot, heights):
    items = [shot()]
    relief = Relief(heights, survey_lighting(items, heights, AREA, LEAN, 2021))
    before = monthly_mosaic(items, geobox(AREA, 10), NONE, 2021)
    after = monthly_mosaic(items, geobox(AREA, 10), LEAN, 2021, relief)
    for band, value in TRUE.items():
        assert spread(before, band) > 0.03
        assert spread(after, band) < 0.1 * spread(before, band)
        mean = float(after["reflectance"].sel(band=band, month=5).mean())
        assert mean == pytest.approx(value, rel=0.01)
    (entry,) = json.loads(after.attrs["dates"])
    assert entry["faults"] == []


def test_dates_one_by_one_are_turned_level_as_their_mosaic_is(shot, heights):
    items, grid = [shot()], geobox(AREA, 10)
    relief = Relief(heights, survey_lighting(items, heights, AREA, LEAN, 2021))
    frames = monthly_frames(items, grid, LEAN, 2021, relief)
    mosaic = monthly_mosaic(items, grid, LEAN, 2021, relief)
    there = frames["reflectance"].isel(date=0).reindex(y=mosaic["y"], x=mosaic["x"])
    np.testing.assert_allclose(there, mosaic["reflectance"].sel(month=5), atol=1e-6)
    with pytest.raises(ConfigError, match="illumination: c_correction needs heights"):
        monthly_frames(items, grid, LEAN, 2021)


def test_the_survey_finds_sky_and_sun(shot, heights):
    found = survey_lighting([shot()], heights, AREA, LEAN, 2021)
    zenith = np.cos(np.radians(40))
    assert set(found) == {"2021-05-05"}
    for band, value in TRUE.items():
        sky, sun = RESPONSE[band]
        response = found["2021-05-05"][band]
        assert response.shade == pytest.approx(value * sky, abs=0.05 * value)
        assert response.lit == pytest.approx(value * (sky + sun / zenith), abs=0.05 * value)


def test_blocks_have_no_seam(shot, heights):
    items = [shot()]
    settings = dataclasses.replace(LEAN, illumination="scs_c")
    relief = Relief(heights, survey_lighting(items, heights, AREA, settings, 2021))
    left = geobox((WEST, NORTH - SIDE, WEST + 350, NORTH), 10)
    right = geobox((WEST + 250, NORTH - 400, WEST + SIDE, NORTH), 10)
    one = monthly_mosaic(items, left, settings, 2021, relief)["reflectance"].sel(month=5)
    other = monthly_mosaic(items, right, settings, 2021, relief)["reflectance"].sel(month=5)
    shared = one.sel(x=other["x"].values[:10], y=other["y"].values)
    beside = other.isel(x=slice(0, 10))
    assert np.isfinite(shared).all()
    assert float(abs(shared - beside.values).max()) < 1e-4 * float(shared.max())


def test_an_image_without_slopes_stays_as_it_is_and_says_so(shot, heights):
    items = [shot()]
    mosaic = monthly_mosaic(items, geobox(AREA, 10), LEAN, 2021, Relief(heights, {}))
    plain = monthly_mosaic(items, geobox(AREA, 10), NONE, 2021)
    assert np.array_equal(mosaic["reflectance"], plain["reflectance"], equal_nan=True)
    (entry,) = json.loads(mosaic.attrs["dates"])
    assert entry["faults"] == ["uneven"]


def test_few_slopes_tell_nothing(shot, heights, tmp_path, image):
    flat = image(tmp_path / "flat.tif", [np.zeros((60, 60), np.float32)], pixel=30.0,
                 origin=(WEST - 300, NORTH + 300))  # fmt: skip
    assert survey_lighting([shot()], flat, AREA, LEAN, 2021) == {}
    assert survey_lighting([shot(side=120)], heights, AREA, LEAN, 2021) == {}


def test_ground_in_its_own_shade_is_nodata(shot, heights):
    low = {"view:sun_elevation": 8.0, "view:sun_azimuth": 160.0}
    lighting = {"2021-05-05": dict.fromkeys(TRUE, Response(0.1, 0.2))}
    grid = geobox(AREA, 10)
    mosaic = monthly_mosaic([shot(properties=low)], grid, LEAN, 2021, Relief(heights, lighting))
    dark = load_ground(heights, grid).cosine(Direction(82, 160)) <= 0.1
    assert 0.05 < dark.mean() < 0.95
    assert (mosaic["valid"].sel(month=5).values == ~dark).all()


def test_without_heights_there_is_no_correction(shot, heights):
    with pytest.raises(ConfigError, match="c_correction needs heights"):
        monthly_mosaic([shot()], geobox(AREA, 10), LEAN, 2021)
    lighting = {"2021-05-05": dict.fromkeys(TRUE, Response(0.1, 0.2))}
    beyond = geobox((WEST + 500, NORTH - 100, WEST + 1200, NORTH), 10)
    item = shot(side=1200)
    for found in (lighting, {}):
        with pytest.raises(InputError, match=r"no heights for .* of item a"):
            monthly_mosaic([item], beyond, LEAN, 2021, Relief(heights, found))


def test_an_item_without_angles_is_named(shot, heights):
    with pytest.raises(InputError, match="item a does not say where the sun stood"):
        survey_lighting([shot(properties={})], heights, AREA, LEAN, 2021)
    above = dataclasses.replace(NONE, brdf="c_factor")
    with pytest.raises(InputError, match="item a does not say where the satellite stood"):
        monthly_mosaic([shot()], geobox(AREA, 10), above, 2021)


def test_two_sides_of_the_swath_agree_from_above(shot):
    above = dataclasses.replace(NONE, brdf="c_factor")
    found = []
    for name, azimuth in (("east", 104.0), ("west", 284.0)):
        seen = {**SUN, "view:incidence_angle": 9.0, "view:azimuth": azimuth}
        mosaic = monthly_mosaic([shot(name, properties=seen)], geobox(AREA, 10), above, 2021)
        found.append(mosaic["reflectance"].sel(month=5, band="B08").mean().item())
    plain = monthly_mosaic([shot()], geobox(AREA, 10), NONE, 2021)["reflectance"]
    middle = plain.sel(month=5, band="B08").mean().item()
    assert found[0] < middle < found[1]  # backscatter is brighter and is taken down
