import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.rasters import geobox_of, inside, read_onto, read_raster, wrap, write_geotiff

BOX = geobox((4_000_000, 3_000_000, 4_000_040, 3_000_030), 10)


def test_wrap_names_dims_and_grid():
    data = wrap(np.zeros((2, 3, 4)), BOX, dims=("month", "y", "x"), month=[3, 4])
    assert data.dims == ("month", "y", "x")
    assert data.sel(month=4).shape == (3, 4)
    assert data.x.values.tolist() == [4_000_005, 4_000_015, 4_000_025, 4_000_035]
    assert data.y.values.tolist() == [3_000_025, 3_000_015, 3_000_005]
    assert geobox_of(data) == BOX


def test_wrap_in_degrees():
    box = GeoBox.from_bbox((-10, 40, 0, 50), crs=4326, shape=(5, 4))
    data = wrap(np.zeros((5, 4)), box)
    assert data.dims == ("y", "x")
    assert geobox_of(data) == box


def test_inside_are_pixels_whose_centre_lies_in_the_area():
    # Covers the centres of the first two columns of the upper two rows, and only just.
    area = shapely.box(4_000_000, 3_000_014, 4_000_016, 3_000_030)
    assert inside(area, BOX).tolist() == [
        [True, True, False, False],
        [True, True, False, False],
        [False, False, False, False],
    ]
    assert not inside(shapely.box(0, 0, 9, 9), BOX).any()
    assert inside(shapely.Polygon(), BOX).shape == (3, 4)
    assert not inside(shapely.Polygon(), BOX).any()


def test_no_georeference():
    with pytest.raises(InputError, match="the mosaic has no georeference"):
        geobox_of(xr.DataArray(np.zeros((3, 3)), dims=("y", "x")), "the mosaic")


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["uint8", "uint16", "int32", "float32"]),
    st.integers(1, 3),
    st.integers(2, 40),
    st.integers(2, 40),
)
def test_round_trip(tmp_path_factory, dtype, bands, height, width):
    box = geobox((0, 0, 10 * width, 10 * height), 10)
    values = np.arange(bands * height * width).reshape(bands, height, width).astype(dtype)
    names = [f"B{i}" for i in range(bands)]
    path = tmp_path_factory.mktemp("r") / "r.tif"
    write_geotiff(path, wrap(values, box, dims=("band", "y", "x"), band=names), nodata=7)
    found = read_raster(path)
    assert found.dtype == dtype
    assert found.band.values.tolist() == names
    assert found.attrs["nodata"] == 7
    assert geobox_of(found) == box
    np.testing.assert_array_equal(found.values, values)


def test_same_input_same_bytes(tmp_path):
    data = wrap(np.arange(12, dtype=np.uint8).reshape(3, 4), BOX)
    first = write_geotiff(tmp_path / "a.tif", data)
    second = write_geotiff(tmp_path / "b.tif", data)
    assert first.read_bytes() == second.read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"a.tif", "b.tif"}


def test_bands_without_a_name_are_numbered(tmp_path):
    path = write_geotiff(tmp_path / "a.tif", wrap(np.zeros((3, 4), np.uint8), BOX))
    assert read_raster(path).band.values.tolist() == ["1"]
    write_geotiff(path, wrap(np.zeros((3, 4), np.uint8), BOX), descriptions=["class"])
    assert read_raster(path).band.values.tolist() == ["class"]


def test_read_onto_a_finer_and_larger_grid(tmp_path):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4) + 1
    path = write_geotiff(tmp_path / "a.tif", wrap(values, BOX), nodata=0)
    fine = geobox((3_999_990, 3_000_000, 4_000_040, 3_000_030), 5)
    found = read_onto(path, fine)
    assert geobox_of(found) == fine
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found.values[:, 2:], values.repeat(2, 0).repeat(2, 1))
    assert (found.values[:, :2] == 0).all()
    assert found.attrs["nodata"] == 0
    outside = read_onto(path, fine, fill=99)
    assert (outside.values[:, :2] == 99).all()
    assert outside.attrs["nodata"] == 99


def test_read_onto_warps_and_averages(tmp_path):
    values = np.array([[0, 100], [100, 200]], np.float32).repeat(2, 0).repeat(2, 1)
    source = geobox((4_000_000, 3_000_000, 4_000_040, 3_000_040), 10)
    path = write_geotiff(tmp_path / "a.tif", wrap(values, source), nodata=-1)
    coarse = geobox((4_000_000, 3_000_000, 4_000_040, 3_000_040), 40)
    assert read_onto(path, coarse, resampling="average").item() == pytest.approx(100)
    away = GeoBox.from_bbox((9.0, 50.0, 9.001, 50.001), crs=4326, shape=(2, 2))
    assert (read_onto(path, away).values == -1).all()


def test_second_band(tmp_path):
    values = np.stack([np.zeros((3, 4)), np.ones((3, 4))]).astype(np.uint8)
    path = write_geotiff(tmp_path / "a.tif", wrap(values, BOX, dims=("band", "y", "x")))
    assert (read_onto(path, BOX, band=2).values == 1).all()


@pytest.mark.parametrize("reader", [read_raster, lambda path: read_onto(path, BOX)])
def test_wrong_files_are_named(reader, tmp_path):
    with pytest.raises(InputError, match=r"raster: no such file: .*none\.tif"):
        reader(tmp_path / "none.tif")
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    with pytest.raises(InputError, match=r"text\.tif cannot be read as a raster"):
        reader(text)
    bare = tmp_path / "bare.tif"
    with rasterio.open(
        bare, "w", driver="GTiff", width=4, height=3, count=1, dtype="uint8",
        transform=rasterio.transform.from_origin(0, 30, 10, 10),
    ) as file:  # fmt: skip
        file.write(np.zeros((1, 3, 4), np.uint8))
    with pytest.raises(InputError, match=r"bare\.tif has no coordinate reference system"):
        reader(bare)
    rng = np.random.default_rng(0)
    box = geobox((4_000_000, 3_000_000, 4_005_000, 3_005_000), 10)
    cut = write_geotiff(tmp_path / "cut.tif", wrap(rng.integers(0, 99, (500, 500)), box))
    cut.write_bytes(cut.read_bytes()[:20_000])
    with pytest.raises(InputError, match=r"cut\.tif cannot be read as a raster"):
        reader(cut)
