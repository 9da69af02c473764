from __future__ import annotations

import zipfile
from dataclasses import fields

import numpy as np
import pytest
import xarray as xr
from model_landscape import make_legend, make_samples

from bocage.errors import InputError
from bocage.model import Pixels, load_pixels, read_pixels, save_pixels
from bocage.model._store import write_arrays


def test_file_round_trip_is_byte_identical(pixels: Pixels, tmp_path) -> None:
    one, two = pixels.save(tmp_path / "a.npz"), save_pixels(pixels, tmp_path / "b.npz")
    assert one.read_bytes() == two.read_bytes()
    back = load_pixels(one)
    for field in fields(Pixels):
        got, want = getattr(back, field.name), getattr(pixels, field.name)
        assert type(got) is type(want)
        if isinstance(want, np.ndarray):
            assert got.dtype == want.dtype
            assert np.array_equal(got, want)
        else:
            assert got == want
    assert back.save(tmp_path / "c.npz").read_bytes() == one.read_bytes()


def test_no_pixels_go_to_a_file_and_back(series: xr.Dataset, truth: np.ndarray, tmp_path) -> None:
    none = read_pixels(series, make_samples(truth, series, 5).iloc[:0], make_legend())
    back = load_pixels(none.save(tmp_path / "none.npz"))
    assert len(back) == 0
    assert back.near.shape == none.near.shape


def test_what_is_no_file_of_pixels_is_named(pixels: Pixels, tmp_path) -> None:
    path = pixels.save(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"a\.npz cannot be read as pixels"):
        load_pixels(path)
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read as pixels"):
        load_pixels(path)
    write_arrays(path, {"near": np.zeros(3)}, {"engine": "trees"})
    with pytest.raises(InputError, match="holds no pixels"):
        load_pixels(path)
    with pytest.raises(InputError, match="no such file"):
        load_pixels(tmp_path / "nowhere.npz")


def test_objects_are_not_read(tmp_path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, near=np.array([{"run": "me"}], object))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("facts.json", "{}")
    with pytest.raises(InputError, match="allow_pickle"):
        load_pixels(path)
