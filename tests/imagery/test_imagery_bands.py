import datetime as dt

import pystac
import pytest

from bocage.errors import InputError
from bocage.imagery._bands import canonical, known, locate, moment, require


def an_item(assets, when="2021-05-05", **properties):
    item = pystac.Item(
        "X1", None, None, dt.datetime.fromisoformat(when + "T10:00:00+00:00"), properties
    )
    for key, fields in assets.items():
        item.add_asset(key, pystac.Asset(f"/data/{key}.tif", extra_fields=fields))
    return item


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("B2", "B02"),
        ("b8a", "B8A"),
        ("B11", "B11"),
        ("B04_10m", "B04"),
        ("red", "B04"),
        ("nir08", "B8A"),
        ("scl", "SCL"),
        ("VV", "VV"),
    ],
)
def test_names_of_bands_have_one_form(name, expected):
    assert canonical(name) == expected


def test_only_names_of_sentinel_2_are_known():
    assert known("blue")
    assert known("B8A")
    assert not known("B13")
    assert not known("Reflectance")


def test_a_band_is_found_by_the_key_of_its_asset():
    source = require(an_item({"B04": {}, "B04_20m": {}}), "B04")
    assert (source.href, source.index, source.native) == ("/data/B04.tif", 1, 10)


def test_the_finest_of_several_resolutions_is_taken():
    item = an_item({"B05_60m": {"gsd": 60}, "B05_20m": {"gsd": 20}})
    assert require(item, "B05").href == "/data/B05_20m.tif"


def test_common_names_of_earth_search_are_understood_and_the_visual_asset_is_not_taken():
    red = {"eo:bands": [{"name": "red", "common_name": "red"}], "gsd": 10}
    visual = {"eo:bands": [{"name": n} for n in ("red", "green", "blue")]}
    item = an_item({"red-jp2": red, "visual": visual, "red": red})
    assert require(item, "B04").href == "/data/red.tif"


@pytest.mark.parametrize("field", ["eo:bands", "bands"])
def test_a_band_is_found_in_a_file_of_many(field):
    item = an_item({"image": {field: [{"name": "B02"}, {"name": "B03"}, {"name": "SCL"}]}})
    assert require(item, "B03").index == 2
    assert require(item, "scl").index == 3


def test_thumbnails_hold_no_band():
    item = an_item({})
    item.add_asset("B02", pystac.Asset("/data/t.tif", roles=["thumbnail"]))
    assert locate(item, "B02") is None


def test_a_missing_band_is_named_with_what_there_is():
    with pytest.raises(InputError, match=r"band B8A is missing in 1 item.*X1.*B02, B03"):
        require(an_item({"B02": {}, "B03": {}}), "B8A")


@pytest.mark.parametrize(
    ("properties", "offset"),
    [
        ({"s2:processing_baseline": "02.14"}, 0.0),
        ({"s2:processing_baseline": "04.00"}, -0.1),
        ({"s2:processing_baseline": "05.11"}, -0.1),
        ({"processing:version": "05.10"}, -0.1),
        ({"s2:processing_baseline": "05.00", "earthsearch:boa_offset_applied": True}, 0.0),
        ({"s2:processing_baseline": "05.00", "earthsearch:boa_offset_applied": False}, -0.1),
        ({}, 0.0),
    ],
)
def test_the_offset_comes_from_the_processing_baseline(properties, offset):
    source = require(an_item({"B02": {}}, **properties), "B02")
    assert source.declared is None
    assert source.offset == offset


def test_without_a_baseline_the_offset_of_a_late_image_is_unknown():
    assert require(an_item({"B02": {}}, when="2022-01-24"), "B02").offset == 0.0
    assert require(an_item({"B02": {}}, when="2022-01-25"), "B02").offset is None


def test_declared_scale_and_offset_win_and_are_not_applied_twice():
    asset = {"raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]}
    raw = require(an_item({"B02": asset}, **{"s2:processing_baseline": "05.00"}), "B02")
    assert raw.declared == (0.0001, -0.1)
    assert raw.nodata == 0
    done = an_item(
        {"B02": asset},
        **{"s2:processing_baseline": "05.00", "earthsearch:boa_offset_applied": True},
    )
    assert require(done, "B02").declared == (0.0001, 0.0)


def test_fields_of_stac_1_1_are_understood():
    asset = {"bands": [{"name": "B02"}], "raster:scale": 0.001, "nodata": -1}
    source = require(an_item({"blue": asset}), "B02")
    assert source.declared == (0.001, 0.0)
    assert source.nodata == -1


def test_the_native_resolution_comes_from_the_asset_then_from_the_sensor():
    assert require(an_item({"B05": {}}), "B05").native == 20
    assert require(an_item({"B05": {"gsd": 10}}), "B05").native == 10
    assert require(an_item({"VV": {}}), "VV").native == 10


def test_the_moment_of_a_period_is_its_middle():
    item = pystac.Item(
        "m", None, None, None, {},
        start_datetime=dt.datetime(2021, 5, 1, tzinfo=dt.UTC),
        end_datetime=dt.datetime(2021, 5, 31, tzinfo=dt.UTC),
    )  # fmt: skip
    assert moment(item) == dt.datetime(2021, 5, 16, tzinfo=dt.UTC)


def test_an_item_without_time_is_named():
    item = an_item({})
    item.datetime = None
    with pytest.raises(InputError, match="X1 has no datetime"):
        moment(item)
