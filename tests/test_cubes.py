import numpy as np
import pytest
import xarray as xr

from bocage.cubes import load_array, load_dataset, save_dataset
from bocage.errors import InputError
from bocage.files import sha256
from bocage.grid import geobox
from bocage.rasters import crop, geobox_of, wrap

BOX = geobox((4_320_000, 3_210_000, 4_320_100, 3_210_050), 10)


def dataset() -> xr.Dataset:
    values = np.arange(2 * 5 * 10, dtype=np.float32).reshape(2, 5, 10)
    values[0, 0, 0] = np.nan
    classes = np.arange(50, dtype=np.uint8).reshape(5, 10)
    return xr.Dataset(
        {
            "reflectance": wrap(values, BOX, dims=("month", "y", "x"), month=[3, 6]),
            "class": wrap(classes, BOX),
        },
        attrs={"year": 2021},
    )


def test_what_is_read_is_what_was_written_dtypes_and_grid_too(tmp_path):
    back = load_dataset(save_dataset(dataset(), tmp_path / "a.nc"))
    xr.testing.assert_identical(back.drop_vars("spatial_ref"), dataset().drop_vars("spatial_ref"))
    assert {n: v.dtype for n, v in back.items()} == {"reflectance": "float32", "class": "uint8"}
    assert geobox_of(back) == BOX


def test_equal_data_give_equal_bytes(tmp_path):
    first, second = (save_dataset(dataset(), tmp_path / f"{n}.nc") for n in "ab")
    assert sha256(first) == sha256(second)


def test_one_variable_is_read_where_its_labels_say(tmp_path):
    path = save_dataset(dataset(), tmp_path / "a.nc")
    found = load_array(path, "reflectance", month=6)
    xr.testing.assert_identical(found, load_dataset(path)["reflectance"].sel(month=6))
    assert geobox_of(found) == BOX
    with pytest.raises(InputError, match="no such file"):
        load_array(tmp_path / "b.nc", "reflectance")


def test_a_damaged_or_missing_file_is_named(tmp_path):
    path = save_dataset(dataset(), tmp_path / "a.nc")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"a\.nc cannot be read as NetCDF"):
        load_dataset(path)
    with pytest.raises(InputError, match="no such file"):
        load_dataset(tmp_path / "b.nc")


def test_crop_keeps_the_grid():
    part = geobox((4_320_020, 3_210_010, 4_320_060, 3_210_040), 10)
    assert geobox_of(crop(dataset(), part)) == part
    with pytest.raises(InputError, match="do not cover"):
        crop(dataset(), geobox((4_320_050, 3_210_000, 4_320_150, 3_210_050), 10))
