from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from bocage.cogs import BLOCK, byte_cog
from bocage.grid import geobox


def test_what_is_not_written_is_nodata_and_overviews_follow(tmp_path) -> None:
    box = geobox((0, 0, 2.5 * 1200, 2.5 * 1100), 2.5)
    with byte_cog(tmp_path / "a.tif", box, resampling="mode") as target:
        target.write(np.full((100, 200), 7, np.uint8), 1, window=Window(10, 20, 200, 100))
    with rasterio.open(tmp_path / "a.tif") as source:
        values = source.read(1)
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.block_shapes == [(BLOCK, BLOCK)]
        assert source.overviews(1)
        assert source.nodata == 255
    assert (values[20:120, 10:210] == 7).all()
    assert (values == 7).sum() == 20_000
    assert (values[values != 7] == 255).all()
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_nothing_is_left_of_one_that_fails(tmp_path) -> None:
    box = geobox((0, 0, 25, 25), 2.5)
    with pytest.raises(RuntimeError), byte_cog(tmp_path / "a.tif", box, resampling="mode"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
