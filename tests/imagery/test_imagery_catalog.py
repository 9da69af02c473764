import json

import numpy as np
import odc.stac
import pystac
import pytest

from bocage.errors import ConfigError, InputError
from bocage.imagery import ImagerySettings, build_catalog, monthly_mosaic, search

HERE = (4_000_000, 2_999_940, 4_000_060, 3_000_000)
ONE = np.full((6, 6), 1000, np.uint16)
TWO = np.full((6, 6), 2000, np.uint16)


def load(path, bands=("B02", "B03"), mask="none", year=2021):
    settings = ImagerySettings(bands=bands, cloud_mask=mask, months=(5,))
    return search(path, settings, HERE, year)


def mosaic(path, grid, bands=("B02", "B03"), mask="none", year=2021):
    settings = ImagerySettings(bands=bands, cloud_mask=mask, months=(5,), dilation_px=0)
    return monthly_mosaic(search(path, settings, HERE, year), grid(), settings, year)


def config(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_one_file_of_many_bands_with_a_scene_classification(tmp_path, image, grid):
    image(tmp_path / "d/S2_20210505.tif", [TWO, ONE], descriptions=["B03", "B02"], nodata=0)
    scl = np.full((6, 6), 4, np.uint8)
    scl[0, 0] = 9
    image(tmp_path / "d/S2_20210505_SCL.tif", [scl])
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json")
    made = mosaic(path, grid, mask="scl")
    assert np.allclose(made["reflectance"].sel(band="B02").values[0, 1:], 0.1)
    assert np.allclose(made["reflectance"].sel(band="B03").values[0, 1:], 0.2)
    assert made["valid"].values[0, 0, 0] == 0


def test_one_file_a_band(tmp_path, image, grid):
    image(tmp_path / "d/T31UDS_20210505T105331_B02_10m.tif", [ONE])
    image(tmp_path / "d/T31UDS_20210505T105331_B03_10m.tif", [TWO])
    image(tmp_path / "d/T31UDS_20210505T105331_mask.tif", [ONE.astype(np.uint8) * 0])
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json")
    items = load(path, mask="mask")
    assert [i.id for i in items] == ["T31UDS_20210505T105331"]
    assert sorted(items[0].assets) == ["B02", "B03", "mask"]
    assert items[0].datetime.isoformat() == "2021-05-05T10:53:31+00:00"
    assert np.allclose(mosaic(path, grid, mask="mask")["reflectance"][0, :, 2, 2], [0.1, 0.2])


def test_a_monthly_composite_has_a_period(tmp_path, image):
    image(tmp_path / "d/S2_monthly_2021-05.tif", [ONE, TWO], descriptions=["B02", "B03"])
    item = load(build_catalog(tmp_path / "d", tmp_path / "catalog.json"))[0]
    assert item.datetime.isoformat() == "2021-05-15T12:00:00+00:00"
    assert item.properties["start_datetime"] == "2021-05-01T00:00:00Z"
    assert item.properties["end_datetime"] == "2021-05-31T23:59:59Z"


@pytest.mark.parametrize(
    "name", ["S2_2021-05-05.tif", "S2_2021_05_05_x.tif", "a20210505T101500.tif"]
)
def test_forms_of_dates(tmp_path, image, name):
    image(tmp_path / "d" / name, [ONE, TWO], descriptions=["B02", "B03"])
    item = load(build_catalog(tmp_path / "d", tmp_path / "catalog.json"))[0]
    assert item.datetime.date().isoformat() == "2021-05-05"


def test_the_date_of_a_tag(tmp_path, image):
    tags = {"datetime": "2021-05-05T10:53:28Z"}
    image(tmp_path / "d/scene.tif", [ONE, TWO], descriptions=["B02", "B03"], tags=tags)
    item = load(build_catalog(tmp_path / "d", tmp_path / "catalog.json"))[0]
    assert item.datetime.isoformat() == "2021-05-05T10:53:28+00:00"


def test_names_scale_offset_and_nodata_of_the_configuration(tmp_path, image, grid):
    image(tmp_path / "d/x_20210505.tif", [ONE, TWO])
    known = config(tmp_path, "bands: [B2, B3]\nscale: 0.001\noffset: -0.5\nnodata: 2000\n")
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json", config=known)
    made = mosaic(path, grid, bands=("B02",))
    assert np.allclose(made["reflectance"], 0.5)
    assert np.isnan(mosaic(path, grid, bands=("B03",))["reflectance"]).all()


def test_patterns_keep_other_files_out_and_join_files_of_two_resolutions(tmp_path, image, grid):
    image(tmp_path / "d/x_20210505_10m.tif", [ONE, TWO])
    image(tmp_path / "d/x_20210505_20m.tif", [ONE[:3, :3]], pixel=20.0)
    image(tmp_path / "d/x_20210505_CLM_R1.tif", [ONE * 0])
    image(tmp_path / "d/reference.tif", [ONE])
    known = config(
        tmp_path,
        'image:\n- {pattern: "*_10m.tif", bands: [B02, B03]}\n'
        '- {pattern: "*_20m.tif", bands: [B05]}\nmask: {pattern: "*_CLM_R1.tif", kind: mask}\n',
    )
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json", config=known)
    items = load(path, bands=("B02", "B05"), mask="mask")
    assert [i.id for i in items] == ["x_20210505"]
    made = mosaic(path, grid, bands=("B02", "B05"), mask="mask")
    assert made["resolution"].values.tolist() == [10, 20]
    assert np.allclose(made["reflectance"][0, :, 3, 3], 0.1)


def test_a_band_map_and_a_resolution(tmp_path, image, grid):
    image(tmp_path / "d/x_20210505_VNIR.tif", [ONE])
    image(tmp_path / "d/x_20210505_rot.tif", [TWO])
    known = config(tmp_path, "band_map: {rot: B04, VNIR: B8A}\nresolution: {B8A: 10}\n")
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json", config=known)
    made = mosaic(path, grid, bands=("B04", "B8A"))
    assert np.allclose(made["reflectance"][0, :, 3, 3], [0.2, 0.1])
    assert made["resolution"].values.tolist() == [10, 10]


def test_reflectance_in_float_needs_no_scale(tmp_path, image, grid):
    image(tmp_path / "d/x_20210505_B02.tif", [np.full((6, 6), 0.25, np.float32)], nodata=np.nan)
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json")
    assert np.allclose(mosaic(path, grid, bands=("B02",))["reflectance"], 0.25)


def test_the_catalogue_is_valid_stac_and_can_be_moved(tmp_path, image):
    image(tmp_path / "a/d/S2_20210505.tif", [ONE, TWO], descriptions=["B02", "B03"])
    path = build_catalog(tmp_path / "a/d", tmp_path / "a/catalog.json")
    first = {p: p.read_bytes() for p in (tmp_path / "a").rglob("*.json")}
    root = pystac.Catalog.from_file(str(path))
    collection = next(root.get_children())
    items = list(root.get_items(recursive=True))
    for thing in (root, collection, *items):
        thing.stac_extensions = []  # their schemas are on the network
        thing.validate()
    build_catalog(tmp_path / "a/d", path)
    assert {p: p.read_bytes() for p in (tmp_path / "a").rglob("*.json")} == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert load(tmp_path / "b/catalog.json")[0].assets["image"].href.startswith(str(tmp_path / "b"))


def test_odc_stac_loads_the_same_bands(tmp_path, image, grid):
    rng = np.random.default_rng(0)
    bands = rng.integers(1, 9999, (2, 6, 6)).astype(np.uint16)
    image(tmp_path / "d/S2_20210505.tif", bands, descriptions=["B03", "B02"], nodata=0)
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json")
    theirs = odc.stac.load(load(path), bands=["B02", "B03"], geobox=grid())
    ours = mosaic(path, grid)["reflectance"].values[0]
    assert np.allclose(theirs["B02"].values[0] / 10000, ours[0], atol=1e-6)
    assert np.allclose(theirs["B03"].values[0] / 10000, ours[1], atol=1e-6)


def faulty(tmp_path, match, **options):
    with pytest.raises(InputError, match=match):
        build_catalog(tmp_path / "d", tmp_path / "catalog.json", **options)
    assert not (tmp_path / "catalog.json").exists()


def test_files_without_a_date_are_named(tmp_path, image):
    image(tmp_path / "d/scene.tif", [ONE], descriptions=["B02"])
    image(tmp_path / "d/x_20210505_B02.tif", [ONE])
    faulty(tmp_path, r"scene\.tif: no date")


def test_a_date_and_a_tag_that_contradict_each_other(tmp_path, image):
    tags = {"datetime": "2021-05-06T10:53:28Z"}
    image(tmp_path / "d/s_20210505.tif", [ONE], descriptions=["B02"], tags=tags)
    faulty(tmp_path, "the name says 2021-05-05, the tag datetime 2021-05-06")


def test_a_tag_that_is_no_date(tmp_path, image):
    image(tmp_path / "d/s.tif", [ONE], descriptions=["B02"], tags={"datetime": "May"})
    faulty(tmp_path, "tag datetime 'May' is no ISO date")


def test_files_without_band_names_are_named(tmp_path, image):
    image(tmp_path / "d/s_20210505.tif", [ONE, TWO])
    faulty(tmp_path, r"s_20210505\.tif: the bands have no names")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_files_without_georeference_are_named(tmp_path, image):
    image(tmp_path / "d/s_20210505.tif", [ONE], descriptions=["B02"], crs=None)
    faulty(tmp_path, r"s_20210505\.tif: not georeferenced")


def test_corrupt_files_are_named(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/s_20210505.tif").write_text("no raster")
    faulty(tmp_path, r"s_20210505\.tif: cannot be read as a raster")


def test_a_configuration_that_contradicts_the_descriptions(tmp_path, image):
    image(tmp_path / "d/s_20210505.tif", [ONE, TWO], descriptions=["B03", "B02"])
    known = config(tmp_path, "bands: [B02, B03]\n")
    faulty(tmp_path, "band 1 should be B02, but the file calls it B03", config=known)


def test_a_name_that_contradicts_the_description(tmp_path, image):
    image(tmp_path / "d/s_20210505_B02.tif", [ONE], descriptions=["B03"])
    faulty(tmp_path, "band 1 should be B02, but the file calls it B03")


def test_a_configuration_of_another_number_of_bands(tmp_path, image):
    image(tmp_path / "d/s_20210505.tif", [ONE, TWO])
    faulty(
        tmp_path,
        "2 bands, but the configuration lists 3",
        config=config(tmp_path, "bands: [B02, B03, B04]"),
    )


def test_a_file_of_a_band_that_is_not_configured(tmp_path, image):
    image(tmp_path / "d/s_20210505_B08.tif", [ONE])
    faulty(
        tmp_path, "band B08 of the name is not among B02", config=config(tmp_path, "bands: [B02]")
    )


def test_bands_that_occur_twice(tmp_path, image):
    image(tmp_path / "d/s_20210505.tif", [ONE, TWO], descriptions=["B02", "B2"])
    faulty(tmp_path, "a band occurs twice: B02, B02")
    (tmp_path / "d/s_20210505.tif").unlink()
    image(tmp_path / "d/a/s_20210505_B02.tif", [ONE])
    image(tmp_path / "d/b/s_20210505_B02.tif", [ONE])
    faulty(tmp_path, "scene s_20210505 has band B02 twice")


def test_a_mask_of_many_bands_and_a_mask_without_image(tmp_path, image):
    image(tmp_path / "d/s_20210505_B02.tif", [ONE])
    image(tmp_path / "d/s_20210505_SCL.tif", [ONE, TWO])
    faulty(tmp_path, "a mask has one band, this file has 2")
    (tmp_path / "d/s_20210505_SCL.tif").unlink()
    image(tmp_path / "d/s_20210606_SCL.tif", [ONE])
    faulty(tmp_path, r"s_20210606_SCL\.tif: mask without an image")


def test_a_mask_of_another_name_goes_by_its_time(tmp_path, image):
    image(tmp_path / "d/s_20210505_B02.tif", [ONE])
    image(tmp_path / "d/clouds_20210505_mask.tif", [ONE * 0])
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json")
    assert sorted(load(path, bands=("B02",), mask="mask")[0].assets) == ["B02", "mask"]


def test_an_empty_folder_and_a_missing_one(tmp_path):
    (tmp_path / "d").mkdir()
    faulty(tmp_path, "holds no image")
    with pytest.raises(InputError, match="no such file"):
        build_catalog(tmp_path / "none", tmp_path / "catalog.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "holds no mapping"),
        ("a: [", "no valid YAML"),
        ("band: [B02]", "band: unknown key"),
        ("bands: B02", "bands: give a list"),
        ("bands: [B02, B02]", "bands: give a list of different names"),
        ("scale: big", "scale: 'big' is no number"),
        ("mask: x.tif", "mask: give a mapping"),
        ("mask: {pattern: x, kind: clouds}", "mask.kind: clouds is unknown"),
        ("image: {glob: x}", "image.glob: unknown key"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path, text, message):
    (tmp_path / "d").mkdir()
    with pytest.raises(ConfigError, match=rf"config\.yaml.*{message}"):
        build_catalog(tmp_path / "d", tmp_path / "c.json", config=config(tmp_path, text))


def test_projections_without_a_code_are_written_out(tmp_path, image):
    image(
        tmp_path / "d/s_20210505_B02.tif",
        [ONE],
        crs="+proj=laea +lat_0=50 +lon_0=10.5 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m",
    )
    path = build_catalog(tmp_path / "d", tmp_path / "catalog.json")
    value = json.loads((tmp_path / "catalog/items/s_20210505.json").read_text())
    assert "proj:wkt2" in value["assets"]["B02"]
    assert path.exists()
