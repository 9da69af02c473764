import numpy as np
import pytest

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.imagery._bands import require
from bocage.imagery._read import fits, read_bands, read_codes, source_pixel

DN = (np.arange(36, dtype=np.uint16).reshape(6, 6) + 1) * 100


def sources(item, *bands):
    return [require(item, b) for b in bands]


def test_reflectance_is_scaled_and_outside_is_nan(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN], nodata=0)
    wide = grid(8, 6)
    data = read_bands(sources(item("a", "2021-05-05", {"B02": path}), "B02"), wide)
    assert data.dtype == np.float32
    assert np.allclose(data[0, :, :6], DN / 10000)
    assert np.isnan(data[0, :, 6:]).all()


def test_the_offset_of_the_baseline_is_taken_off_once(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN + 1000])
    late = {"s2:processing_baseline": "04.00"}
    plain = item("a", "2021-05-05", {"B02": path}, properties=late)
    raster = {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}
    declared = item("b", "2021-05-05", {"B02": (path, raster)}, properties=late)
    for one in (plain, declared):
        assert np.allclose(read_bands(sources(one, "B02"), grid()), DN / 10000, atol=1e-6)


def test_scale_of_the_file_and_reflectance_as_float(tmp_path, image, item, grid):
    import rasterio

    path = image(tmp_path / "a.tif", [DN])
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.001,), (0.5,)
    data = read_bands(sources(item("a", "2021-05-05", {"B02": path}), "B02"), grid())
    assert np.allclose(data, DN / 1000 + 0.5)
    real = image(tmp_path / "b.tif", [DN.astype(np.float32) / 10000])
    data = read_bands(sources(item("b", "2021-05-05", {"B02": real}), "B02"), grid())
    assert np.allclose(data, DN / 10000)


def test_a_late_image_without_baseline_is_refused(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN])
    late = item("late", "2024-05-05", {"B02": path})
    del late.properties["s2:processing_baseline"]
    with pytest.raises(
        InputError, match="item late gives neither a scale nor a processing baseline"
    ):
        read_bands(sources(late, "B02"), grid())


def test_nodata_of_the_item_wins_over_that_of_the_file(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN], nodata=100)
    one = item("a", "2021-05-05", {"B02": (path, {"raster:bands": [{"nodata": 3600}]})})
    data = read_bands(sources(one, "B02"), grid())[0]
    assert np.isnan(data[5, 5])
    assert np.isclose(data[0, 0], 0.01)


def test_nodata_counts_in_each_band_by_itself(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN, DN * 0 + 7], nodata=7)
    named = {"eo:bands": [{"name": "B02"}, {"name": "B03"}]}
    one = item("a", "2021-05-05", {"image": (path, named)})
    data = read_bands(sources(one, "B02", "B03"), grid())
    assert np.isfinite(data[0]).all()
    assert np.isnan(data[1]).all()


def test_zero_is_a_value_where_no_nodata_is_declared(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN * 0])
    assert (read_bands(sources(item("a", "2021-05-05", {"B02": path}), "B02"), grid()) == 0).all()


def test_bands_of_one_file_come_in_the_order_asked_for(tmp_path, image, item, grid):
    path = image(tmp_path / "a.tif", [DN, DN * 2], descriptions=["B02", "B03"])
    named = {"eo:bands": [{"name": "B02"}, {"name": "B03"}]}
    one = item("a", "2021-05-05", {"image": (path, named)})
    data = read_bands(sources(one, "B03", "B02"), grid())
    assert np.allclose(data[0], 2 * data[1])


def test_shifted_grids_of_20_m_are_placed_by_georeference(tmp_path, image, item, grid):
    # A plane: cubic convolution reproduces it wherever it does not touch the edge.
    x = (np.arange(20) + 0.5) * 20
    plane = (1000 + np.broadcast_to(x, (20, 20))).astype(np.float32) / 10000
    coarse = image(tmp_path / "b.tif", [plane], pixel=20.0, origin=(4_000_000 - 110, 3_000_110))
    data = read_bands(sources(item("b", "2021-05-05", {"B05": coarse}), "B05"), grid())[0]
    expected = (1000 + 110 + (np.arange(6) + 0.5) * 10) / 10000
    assert np.allclose(data, expected, atol=1e-6)


def test_a_pixel_does_not_depend_on_the_window(tmp_path, image, item):
    # White noise is the worst case; GDAL's own choices differ by 50 counts here.
    rng = np.random.default_rng(1)
    dn = rng.integers(100, 5000, (80, 80)).astype(np.uint16)
    path = image(tmp_path / "g.tif", [dn], crs="EPSG:4326", pixel=0.0001, origin=(10.0, 50.0))
    one = sources(item("g", "2021-05-05", {"B02": path}), "B02")
    big = geobox((4_321_100, 2_987_000, 4_321_500, 2_987_500), 10)
    data = read_bands(one, big)
    assert np.isfinite(data).mean() > 0.5
    part = read_bands(one, big[10:27, 12:30])
    assert np.allclose(part, data[:, 10:27, 12:30], rtol=0, atol=1e-4, equal_nan=True)


def test_finer_pixels_are_averaged(tmp_path, image, item, grid):
    board = np.indices((60, 60)).sum(axis=0) % 2 * 1000
    path = image(tmp_path / "f.tif", [board.astype(np.uint16)], pixel=1.0)
    data = read_bands(sources(item("f", "2021-05-05", {"B02": path}), "B02"), grid())[0]
    assert np.allclose(data[1:-1, 1:-1], 0.05, atol=0.005)
    assert source_pixel("EPSG:3035", "EPSG:3035", (60, 60), (0, 0, 60, 60)) == pytest.approx(1)


def test_a_mask_keeps_its_nodata_as_a_value(tmp_path, image, item, grid):
    codes = np.zeros((6, 6), dtype=np.uint8)
    codes[2, 2] = 1
    path = image(tmp_path / "m.tif", [codes], nodata=0)
    found = read_codes(require(item("m", "2021-05-05", {"clouds": path}), "clouds"), grid(7, 6))
    assert np.nansum(found) == 1
    assert np.isnan(found[:, 6]).all()
    assert (found[:, :6] == codes).all()


def test_a_shuffled_file_is_refused(tmp_path, image, item, grid):
    path = image(tmp_path / "s.tif", [DN, DN], descriptions=["B03", "B02"])
    named = {"eo:bands": [{"name": "B02"}, {"name": "B03"}]}
    one = item("s1", "2021-05-05", {"image": (path, named)})
    with pytest.raises(InputError, match=r"s\.tif: band 1 should be B02 .*s1.* calls it B03"):
        read_bands(sources(one, "B02", "B03"), grid())


def test_a_description_of_a_band_of_another_name_is_refused(tmp_path, image, item, grid):
    path = image(tmp_path / "s.tif", [DN], descriptions=["B03"])
    with pytest.raises(InputError, match=r"should be B02.*calls it B03"):
        read_bands(sources(item("s", "2021-05-05", {"B02": path}), "B02"), grid())


@pytest.mark.parametrize("text", ["B2", "blue", "B02_10m", "surface reflectance"])
def test_descriptions_that_do_not_contradict_are_fine(tmp_path, image, item, grid, text):
    path = image(tmp_path / "s.tif", [DN], descriptions=[text])
    data = read_bands(sources(item("s", "2021-05-05", {"B02": path}), "B02"), grid())
    assert np.allclose(data, DN / 10000)


def test_too_few_bands_in_a_file_are_named(tmp_path, image, item, grid):
    path = image(tmp_path / "s.tif", [DN])
    named = {"eo:bands": [{"name": "B02"}, {"name": "B03"}]}
    with pytest.raises(InputError, match=r"has 1 band\(s\), but item s says that B03 is band 2"):
        read_bands(sources(item("s", "2021-05-05", {"image": (path, named)}), "B03"), grid())


def test_a_missing_file_is_named(tmp_path, item, grid):
    one = item("n", "2021-05-05", {"B02": tmp_path / "none.tif"})
    with pytest.raises(InputError, match=r"none\.tif cannot be read as a raster"):
        read_bands(sources(one, "B02"), grid())


@pytest.mark.parametrize("harm", ["cut", "garbage", "no raster"])
def test_a_corrupt_file_is_named(tmp_path, image, item, grid, harm):
    dn = np.outer(np.arange(64), np.arange(64)).astype(np.uint16)
    path = image(tmp_path / "c.tif", [dn], tiled=True, blockxsize=64, blockysize=64)
    one = item("c", "2021-05-05", {"B02": path})
    raw = path.read_bytes()
    if harm == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif harm == "garbage":
        middle = len(raw) // 2
        path.write_bytes(raw[:middle] + b"\xff" * 500 + raw[middle + 500 :])
    else:
        path.write_text("not a raster")
    with pytest.raises(InputError, match=r"c\.tif cannot be read as a raster"):
        read_bands(sources(one, "B02"), grid())


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_an_image_without_georeference_is_named(tmp_path, image, item, grid):
    path = image(tmp_path / "p.tif", [DN], crs=None)
    good = image(tmp_path / "q.tif", [DN])
    one = item("p", "2021-05-05", {"B03": good, "B02": path})
    with pytest.raises(InputError, match=r"p\.tif is not georeferenced"):
        read_bands(sources(one, "B02"), grid())


def test_pixels_that_fit_a_grid_are_taken_as_they_are(tmp_path, image, item, grid):
    coarse = image(tmp_path / "a.tif", [DN], pixel=20.0, nodata=0)
    one = sources(item("a", "2021-05-05", {"B05": coarse}), "B05")
    data = read_bands(one, grid(12, 12), exact=True)[0]
    assert np.allclose(data, (DN / 10000).repeat(2, 0).repeat(2, 1), rtol=0, atol=1e-7)
    # Half a pixel aside nothing fits, and values are interpolated as ever.
    aside = grid(12, 12).translate_pix(0.5, 0)
    assert np.array_equal(
        read_bands(one, aside, exact=True), read_bands(one, aside), equal_nan=True
    )


def test_a_grid_fits_finer_ones_that_cut_its_pixels_evenly(grid):
    ten = grid(6, 6)
    twenty = geobox((4_000_000, 2_999_940, 4_000_060, 3_000_000), 20)
    assert fits(ten, ten)
    assert fits(twenty, ten)
    assert not fits(ten, twenty)
    assert fits(twenty, ten.translate_pix(1, 3))
    assert not fits(twenty, ten.translate_pix(0.5, 0))
    assert not fits(twenty, ten.to_crs("EPSG:32632"))
