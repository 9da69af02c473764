import json

import numpy as np
import pytest
import xarray as xr

from bocage.errors import InputError, RunError
from bocage.grid import geobox
from bocage.imagery import (
    ImagerySettings,
    check_mosaic,
    monthly_mosaic,
    observed_months,
    require_months,
    require_observed,
)
from bocage.imagery._days import solar_day

PLAIN = ImagerySettings(bands=("B02", "B08"), cloud_mask="none", months=(5, 6, 7))


@pytest.fixture
def shot(tmp_path, image, item):
    """An item with two uniform bands and, perhaps, a scene classification."""

    def make(name, when, value, scl=None, **options):
        shape = (6, 6)
        assets = {
            "B02": image(
                tmp_path / f"{name}_B02.tif", [np.full(shape, value, np.uint16)], nodata=0
            ),
            "B08": image(
                tmp_path / f"{name}_B08.tif", [np.full(shape, value * 2, np.uint16)], nodata=0
            ),
        }
        if scl is not None:
            codes = np.full(shape, 4, np.uint8)
            for (row, column), code in scl.items():
                codes[row, column] = code
            assets["SCL"] = image(tmp_path / f"{name}_SCL.tif", [codes], nodata=0)
        return item(name, when, assets, **options)

    return make


def test_the_schema_of_a_mosaic(shot, grid):
    items = [shot("a", "2021-05-05T10:00:00", 1000)]
    mosaic = monthly_mosaic(items, grid(), PLAIN, 2021)
    assert mosaic["reflectance"].dims == ("month", "band", "y", "x")
    assert mosaic["reflectance"].dtype == np.float32
    assert mosaic["valid"].dims == mosaic["gap"].dims == ("month", "y", "x")
    assert mosaic["valid"].dtype == mosaic["gap"].dtype == np.uint8
    assert mosaic["month"].dtype == mosaic["resolution"].dtype == np.int64
    assert mosaic["month"].values.tolist() == [5, 6, 7]
    assert mosaic["band"].values.tolist() == ["B02", "B08"]
    assert mosaic["resolution"].values.tolist() == [10, 10]
    assert mosaic["age"].dtype == np.int8
    assert mosaic["fill_error"].dtype == np.float32
    assert mosaic["age"].dims == mosaic["fill_error"].dims == ("month", "y", "x")
    assert mosaic.attrs["year"] == 2021
    assert mosaic.attrs["screen"] == "none: B04 is not among the bands"
    (entry,) = json.loads(mosaic.attrs["dates"])
    assert entry == {
        "date": "2021-05-05", "month": 5, "items": ["a"], "clear": 1.0, "screened": 0.0,
        "shift": None, "moved": False, "faults": [],
    }  # fmt: skip
    assert mosaic["reflectance"].odc.geobox == grid()
    check_mosaic(mosaic, PLAIN)


def test_a_month_is_the_median_of_its_dates(shot, grid):
    values = {"a": (2, 1000), "b": (10, 1200), "c": (20, 5000)}
    items = [shot(n, f"2021-05-{d:02d}T10:00:00", v) for n, (d, v) in values.items()]
    mosaic = monthly_mosaic(items, grid(), PLAIN, 2021)
    assert np.allclose(mosaic["reflectance"].sel(month=5, band="B02"), 0.12)
    assert np.allclose(mosaic["reflectance"].sel(month=5, band="B08"), 0.24)
    assert (mosaic["valid"].sel(month=5) == 3).all()
    assert (mosaic["valid"].sel(month=6) == 0).all()


def test_the_order_of_the_items_does_not_matter(shot, grid):
    items = [shot(n, f"2021-05-0{d}T10:00:00", v) for n, d, v in (("a", 1, 900), ("b", 1, 700))]
    one = monthly_mosaic(items, grid(), PLAIN, 2021)
    xr.testing.assert_identical(one, monthly_mosaic(items[::-1], grid(), PLAIN, 2021))


def test_items_of_one_day_count_once_and_fill_each_other(tmp_path, image, item, grid):
    left = np.full((6, 6), 1000, np.uint16)
    left[:, 3:] = 0
    first = item("a", "2021-05-05T10:00:00", {"B02": image(tmp_path / "l.tif", [left], nodata=0)})
    whole = image(tmp_path / "r.tif", [np.full((6, 6), 2000, np.uint16)], nodata=0)
    second = item("b", "2021-05-05T10:00:15", {"B02": whole})
    settings = ImagerySettings(bands=("B02",), cloud_mask="none", months=(5,))
    mosaic = monthly_mosaic([second, first], grid(), settings, 2021)
    assert (mosaic["valid"] == 1).all()
    assert np.allclose(mosaic["reflectance"][0, 0, :, :3], 0.1)
    assert np.allclose(mosaic["reflectance"][0, 0, :, 3:], 0.2)


@pytest.mark.parametrize(
    "field", ["s2:processing_baseline", "processing:version", "sentinel2:processing_baseline"]
)
def test_the_newest_processing_of_one_scene_wins(shot, grid, field):
    old = shot("a", "2021-05-05T10:00:00", 1000)
    new = shot("z", "2021-05-05T10:00:00", 3000, properties={field: "05.00"})
    if field != "s2:processing_baseline":
        del new.properties["s2:processing_baseline"]
    mosaic = monthly_mosaic([old, new], grid(), PLAIN, 2021)
    assert np.allclose(mosaic["reflectance"].sel(month=5, band="B02"), 0.2)


def test_clouds_are_left_out_with_a_margin(shot, grid):
    settings = ImagerySettings(bands=("B02", "B08"), months=(5,), dilation_px=1, fill="none")
    item = shot("a", "2021-05-05T10:00:00", 1000, scl={(2, 2): 9})
    mosaic = monthly_mosaic([item], grid(), settings, 2021)
    expected = np.ones((6, 6))
    for row, column in ((2, 2), (1, 2), (3, 2), (2, 1), (2, 3)):
        expected[row, column] = 0
    assert (mosaic["valid"][0] == expected).all()
    assert (np.isnan(mosaic["reflectance"][0, 0]) == (expected == 0)).all()
    assert (mosaic["gap"][0] == np.where(expected, 0, 2)).all()


def test_a_cloud_just_outside_the_block_counts_too(shot):
    settings = ImagerySettings(bands=("B02", "B08"), months=(5,), dilation_px=2)
    item = shot("a", "2021-05-05T10:00:00", 1000, scl={(0, 0): 9})
    block = geobox((4_000_010, 2_999_940, 4_000_060, 3_000_000), 10)
    mosaic = monthly_mosaic([item], block, settings, 2021)
    assert mosaic["valid"].values[0, 0].tolist() == [0, 0, 1, 1, 1]


def test_a_mask_asset_of_any_name(tmp_path, shot, image, grid):
    item = shot("a", "2021-05-05T10:00:00", 1000)
    bad = np.zeros((6, 6), np.uint8)
    bad[5, 5] = 7
    path = image(tmp_path / "clouds.tif", [bad])
    item.add_asset("cloudy", type(item.assets["B02"])(str(path)))
    settings = ImagerySettings(
        bands=("B02", "B08"), months=(5,), cloud_mask="cloudy", dilation_px=0
    )
    mosaic = monthly_mosaic([item], grid(), settings, 2021)
    assert int(mosaic["valid"].sum()) == 35
    assert mosaic["valid"].values[0, 5, 5] == 0


def test_a_gap_is_filled_from_the_same_pixel_and_marked(shot, grid):
    items = [shot("a", "2021-05-05T10:00:00", 1000), shot("b", "2021-07-05T10:00:00", 2000)]
    mosaic = monthly_mosaic(items, grid(), PLAIN, 2021)
    assert np.allclose(mosaic["reflectance"].sel(month=6, band="B02"), 0.15)
    assert [int(g) for g in mosaic["gap"].max(("y", "x"))] == [0, 1, 0]
    assert observed_months(mosaic) == (5, 7)
    none = ImagerySettings(**{**PLAIN.__dict__, "fill": "none"})
    bare = monthly_mosaic(items, grid(), none, 2021)
    assert np.isnan(bare["reflectance"].sel(month=6)).all()
    assert (bare["gap"].sel(month=6) == 2).all()


def test_the_medoid_is_a_date(shot, grid):
    settings = ImagerySettings(**{**PLAIN.__dict__, "composite": "medoid"})
    items = [shot("a", "2021-05-01T10:00:00", 1000), shot("b", "2021-05-02T10:00:00", 2000)]
    mosaic = monthly_mosaic(items, grid(), settings, 2021)
    assert np.allclose(mosaic["reflectance"].sel(month=5, band="B02"), 0.1)


def test_only_the_window_counts_and_years_can_be_pooled(shot, grid):
    items = [shot(f"y{y}", f"{y}-05-05T10:00:00", y - 1000) for y in (2020, 2021, 2022)]
    one = monthly_mosaic(items, grid(), PLAIN, 2021)
    assert (one["valid"].sel(month=5) == 1).all()
    pooled = ImagerySettings(**{**PLAIN.__dict__, "years_around": 1})
    assert (monthly_mosaic(items, grid(), pooled, 2021)["valid"].sel(month=5) == 3).all()


def test_images_of_other_zones_land_on_the_same_grid(tmp_path, image, item):
    """The same plane in two UTM zones comes out as the same numbers."""
    from odc.geo.geobox import GeoBox
    from pyproj import Transformer

    block = geobox((4_020_000, 2_900_000, 4_020_200, 2_900_200), 10)
    results = []
    for zone in (31, 32):
        crs = f"EPSG:326{zone}"
        box = GeoBox.from_bbox(block.pad(20).extent.to_crs(crs).boundingbox, resolution=10, crs=crs)
        x, y = np.meshgrid(box.coords["x"].values, box.coords["y"].values)
        east, north = Transformer.from_crs(crs, "EPSG:3035", always_xy=True).transform(x, y)
        plane = ((east - 4_019_000) + (north - 2_899_000)) / 10000
        origin = (box.affine.c, box.affine.f)
        path = image(tmp_path / f"u{zone}.tif", [plane.astype(np.float32)], crs=crs, origin=origin)
        settings = ImagerySettings(bands=("B02",), cloud_mask="none", months=(5,))
        one = item(f"u{zone}", "2021-05-05T10:00:00", {"B02": path})
        results.append(monthly_mosaic([one], block, settings, 2021)["reflectance"].values)
    east, north = np.meshgrid(block.coords["x"].values, block.coords["y"].values)
    expected = ((east - 4_019_000) + (north - 2_899_000)) / 10000
    for result in results:
        assert np.allclose(result[0, 0], expected, atol=2e-5)


def test_a_block_outside_the_images_is_empty(shot):
    far = geobox((4_500_000, 3_000_000, 4_500_060, 3_000_060), 10)
    mosaic = monthly_mosaic([shot("a", "2021-05-05T10:00:00", 1000)], far, PLAIN, 2021)
    assert np.isnan(mosaic["reflectance"]).all()
    with pytest.raises(RunError, match=r"block 7: no clear observation in any month.*all cloud"):
        check_mosaic(mosaic, PLAIN, what="block 7")


def test_all_cloud_is_refused_by_the_check(shot, grid):
    settings = ImagerySettings(bands=("B02", "B08"), months=(5,))
    cloud = dict.fromkeys(np.ndindex(6, 6), 9)
    mosaic = monthly_mosaic(
        [shot("a", "2021-05-05T10:00:00", 1, scl=cloud)], grid(), settings, 2021
    )
    with pytest.raises(RunError, match="all cloud"):
        check_mosaic(mosaic, settings)


def test_a_missing_mask_is_named(shot, grid):
    settings = ImagerySettings(bands=("B02", "B08"), months=(5,))
    with pytest.raises(InputError, match="band scl is missing in 1 item"):
        monthly_mosaic([shot("a", "2021-05-05T10:00:00", 1)], grid(), settings, 2021)


def test_shuffled_or_missing_bands_and_months_are_refused(shot, grid):
    mosaic = monthly_mosaic([shot("a", "2021-05-05T10:00:00", 1000)], grid(), PLAIN, 2021)
    with pytest.raises(InputError, match="has the bands B08, B02, not B02, B08"):
        check_mosaic(mosaic.isel(band=[1, 0]), PLAIN)
    with pytest.raises(InputError, match=r"has the months \(5, 6\), not \(5, 6, 7\)"):
        check_mosaic(mosaic.isel(month=[0, 1]), PLAIN)
    with pytest.raises(InputError, match=r"has the months \(7, 6, 5\)"):
        check_mosaic(mosaic.isel(month=[2, 1, 0]), PLAIN)
    with pytest.raises(InputError, match="lacks gap"):
        check_mosaic(mosaic.drop_vars("gap"), PLAIN)


def test_months_without_an_image_are_named(shot):
    items = [shot("a", "2021-05-05T10:00:00", 1000), shot("b", "2020-06-05T10:00:00", 1000)]
    with pytest.raises(InputError, match="no image in: Jun 2021, Jul 2021") as caught:
        require_months(items, PLAIN, 2021)
    assert "imagery.allow_missing_months" in str(caught.value)
    require_months(items, ImagerySettings(months=(5,)), 2021)
    require_months(items, ImagerySettings(months=(5, 6), years_around=1), 2021)
    require_months(items, ImagerySettings(allow_missing_months=True), 2021)


def test_months_never_clear_in_the_whole_area_are_named():
    require_observed([(5, 6), (7,)], PLAIN, 2021)
    with pytest.raises(InputError, match="no clear observation in the whole area in: Jul 2021"):
        require_observed([(5, 6), (6,)], PLAIN, 2021)
    lenient = ImagerySettings(**{**PLAIN.__dict__, "allow_missing_months": True})
    require_observed([], lenient, 2021)


def test_the_solar_day_shifts_with_longitude(shot):
    item = shot("a", "2021-05-05T23:30:00", 1000)
    item.bbox = [170, 0, 180, 1]
    assert solar_day(item).isoformat() == "2021-05-06"
    item.bbox = None
    assert solar_day(item).isoformat() == "2021-05-05"


FIVE = ("B02", "B03", "B04", "B08", "B11")
GRASS, CLOUD, SNOW = (300, 600, 400, 4000, 2000), (5000,) * 5, (8000, 8000, 8000, 7000, 800)


@pytest.fixture
def spectrum(tmp_path, image, item):
    """An item of five bands, the same spectrum all over or a picture (band, y, x)."""

    def make(when, values, side=24):
        values = np.asarray(values)
        if values.ndim == 1:
            values = np.broadcast_to(values[:, None, None], (5, side, side))
        path = tmp_path / f"{when}.tif"
        image(path, values.astype(np.uint16), descriptions=FIVE, nodata=0)
        fields = {"eo:bands": [{"name": b} for b in FIVE]}
        return item(f"i{when}", f"{when}T10:00:00", {"image": (path, fields)})

    return make


def entries(mosaic):
    return {d["date"]: d for d in json.loads(mosaic.attrs["dates"])}


def test_a_cloud_without_a_mask_is_screened_out(spectrum, grid):
    days = ("2021-05-05", "2021-05-15", "2021-06-05", "2021-07-05", "2021-07-25")
    items = [spectrum(d, CLOUD if d == "2021-06-05" else GRASS) for d in days]
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(5, 6, 7))
    mosaic = monthly_mosaic(items, grid(24, 24), settings, 2021)
    assert mosaic.attrs["screen"] == "cloud, shadow"
    assert entries(mosaic)["2021-06-05"]["screened"] == 1
    assert (mosaic["gap"].sel(month=6) == 1).all()
    assert np.allclose(mosaic["reflectance"].sel(month=6, band="B02"), 0.03, atol=1e-5)
    assert (mosaic["fill_error"].sel(month=6) < 1e-4).all()
    trusting = ImagerySettings(**{**settings.__dict__, "screen": "none"})
    plain = monthly_mosaic(items, grid(24, 24), trusting, 2021)
    assert np.allclose(plain["reflectance"].sel(month=6, band="B02"), 0.5)
    assert plain.attrs["screen"] == "none"


def test_haze_counts_where_a_month_shows_nothing_else(spectrum, grid):
    days = ("2021-05-05", "2021-05-15", "2021-06-05", "2021-07-05", "2021-07-15", "2021-07-25")
    haze = [v + 600 for v in GRASS]
    items = [spectrum(d, haze if d in (days[2], days[4]) else GRASS) for d in days]
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(5, 6, 7))
    mosaic = monthly_mosaic(items, grid(24, 24), settings, 2021)
    found = entries(mosaic)
    assert [found[d]["screened"] for d in days] == [0, 0, 1, 0, 1, 0]
    blue = mosaic["reflectance"].sel(band="B02").mean(("y", "x"))
    assert np.allclose(blue, [0.03, 0.09, 0.03], atol=1e-5)
    assert mosaic["valid"].max(("y", "x")).values.tolist() == [2, 1, 2]


def test_composites_of_months_are_not_screened(spectrum, grid):
    items = [spectrum(d, GRASS) for d in ("2021-05-15", "2021-06-15", "2021-07-15")]
    items[1] = spectrum("2021-06-16", CLOUD)
    for one in items:
        one.properties |= {
            "start_datetime": "2021-05-01T00:00:00Z", "end_datetime": "2021-05-31T00:00:00Z",
        }  # fmt: skip
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(5, 6, 7))
    mosaic = monthly_mosaic(items, grid(24, 24), settings, 2021)
    assert mosaic.attrs["screen"] == "none: composites of months are taken as they are"
    assert (mosaic["gap"] == 0).all()


@pytest.mark.parametrize("snow", ["avoid", "keep"])
def test_snow_counts_where_a_month_shows_nothing_else(spectrum, grid, snow):
    items = [spectrum(d, SNOW) for d in ("2021-01-05", "2021-01-15", "2021-02-05", "2021-02-15")]
    items.append(spectrum("2021-02-25", GRASS))
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(1, 2), snow=snow)
    blue = monthly_mosaic(items, grid(24, 24), settings, 2021)["reflectance"].sel(band="B02")
    assert np.allclose(blue.sel(month=1), 0.8)
    assert np.allclose(blue.sel(month=2), 0.03 if snow == "avoid" else 0.8, atol=0.01)


def test_the_age_of_a_pixel(spectrum, grid):
    items = [spectrum("2021-05-06", GRASS), spectrum("2021-05-30", GRASS)]
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(5, 6))
    mosaic = monthly_mosaic(items, grid(24, 24), settings, 2021)
    assert (mosaic["age"].sel(month=5) == 2).all()
    assert (mosaic["age"].sel(month=6) == -128).all()
    chosen = ImagerySettings(**{**settings.__dict__, "composite": "medoid"})
    assert (monthly_mosaic(items, grid(24, 24), chosen, 2021)["age"].sel(month=5) == -10).all()


def test_shifts_are_reported_and_put_right(spectrum, grid):
    rng = np.random.default_rng(0)
    patches = np.kron(rng.random((16, 16)), np.ones((6, 6)))
    ground = np.array(GRASS)[:, None, None] * (0.6 + 0.8 * patches)
    days = ("2021-05-02", "2021-05-07", "2021-05-12", "2021-05-17", "2021-05-22")
    # The third lies one row too low and one column too far to the right.
    moved = np.roll(ground, (1, 1), axis=(1, 2))
    items = [spectrum(d, moved if d == days[2] else ground) for d in days]
    settings = ImagerySettings(
        bands=FIVE, cloud_mask="none", months=(5,), screen="none", coregister="report"
    )
    found = entries(monthly_mosaic(items, grid(96, 96), settings, 2021))
    assert np.allclose(found[days[2]]["shift"], [-1, -1], atol=0.05)
    assert np.allclose(found[days[0]]["shift"], [0, 0], atol=0.05)
    assert not found[days[2]]["moved"]
    right = ImagerySettings(**{**settings.__dict__, "coregister": "apply"})
    alone = [items[0], items[1], items[2]]
    middle = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    aligned = monthly_mosaic(alone, grid(96, 96), right, 2021)
    assert entries(aligned)[days[2]]["moved"]
    plain = monthly_mosaic(alone[:2], grid(96, 96), settings, 2021)["reflectance"].values[middle]
    assert np.allclose(aligned["reflectance"].values[middle], plain, atol=0.01)


def test_wrong_scales_are_refused_and_doubtful_images_named(spectrum, grid):
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(5,))
    wrong = spectrum("2021-05-05", np.array(GRASS) * 10)
    wrong.assets["image"].extra_fields["raster:bands"] = [{"scale": 1.0, "offset": 0.0}] * 5
    with pytest.raises(InputError, match="item i2021-05-05: half of its reflectances are above"):
        monthly_mosaic([wrong], grid(24, 24), settings, 2021)
    below = spectrum("2021-05-06", GRASS)
    below.assets["image"].extra_fields["raster:bands"] = [{"scale": 1e-4, "offset": -0.1}] * 5
    found = entries(monthly_mosaic([below], grid(24, 24), settings, 2021))
    assert "negative B02" in found["2021-05-06"]["faults"]


def test_one_row_and_nodata_edges(spectrum, grid):
    settings = ImagerySettings(
        bands=FIVE, cloud_mask="none", months=(5,), coregister="apply", composite="weighted_medoid"
    )
    values = np.broadcast_to(np.array(GRASS)[:, None, None], (5, 24, 24)).copy()
    values[:, :, :6] = 0
    items = [spectrum("2021-05-05", values), spectrum("2021-05-10", values)]
    mosaic = monthly_mosaic(items, grid(24, 1), settings, 2021)
    refl = mosaic["reflectance"].values[0, :, 0]
    assert np.isnan(refl[:, :6]).all()
    # Nodata does not bleed: the first pixels beside it are as bright as all others.
    assert np.allclose(refl[:, 6:], np.array(GRASS)[:, None] / 1e4, atol=1e-6)


def test_smoothing_is_a_setting(spectrum, grid):
    days = [f"2021-{m:02d}-15" for m in range(1, 13)]
    items = [spectrum(d, np.array(GRASS) * (1.2 if n % 2 else 0.8)) for n, d in enumerate(days)]
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", screen="none")
    plain = monthly_mosaic(items, grid(24, 24), settings, 2021)["reflectance"]
    soft = ImagerySettings(**{**settings.__dict__, "smooth": "whittaker", "smooth_strength": 9.0})
    smooth = monthly_mosaic(items, grid(24, 24), soft, 2021)["reflectance"]
    assert float(smooth.std("month").max()) < 0.2 * float(plain.std("month").max())
    assert np.allclose(smooth.mean("month"), plain.mean("month"), atol=1e-5)


def test_a_single_date_is_not_screened_and_says_so(spectrum, grid):
    settings = ImagerySettings(bands=FIVE, cloud_mask="none", months=(5,))
    mosaic = monthly_mosaic([spectrum("2021-05-05", GRASS)], grid(24, 24), settings, 2021)
    assert mosaic.attrs["screen"] == "none: a single date has no others to stand out against"
