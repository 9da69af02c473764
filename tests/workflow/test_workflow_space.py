"""What the pieces know of a block beside its images."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bocage.grid import NATIVE, Block, geobox
from bocage.rasters import wrap, write_geotiff
from bocage.workflow.rooms._space import place_of

BLOCK = Block("2kmE2000N1500", "E200N150", 4_000_000, 3_000_000)


@pytest.fixture
def heights(tmp_path):
    """A slope of one tenth that rises to the east, wider than the block."""
    west, south, east, north = BLOCK.bounds
    box = geobox((west - 1000, south - 1000, east + 1000, north + 1000), NATIVE)
    rise = np.tile(np.arange(box.shape.x, dtype=np.float32), (box.shape.y, 1))
    path = tmp_path / "heights.tif"
    write_geotiff(path, wrap(rise, box))
    return path


def membership(first=0.25):
    west, south, east, north = BLOCK.bounds
    shares = np.stack([np.full((2, 2), first), np.full((2, 2), 1 - first)])
    coords = {"layer": ["region:a", "region:b"], "y": [north, south], "x": [west, east]}
    return xr.DataArray(shares, dims=("layer", "y", "x"), coords=coords)


def test_nothing_is_known_of_most_blocks():
    assert place_of(BLOCK, None, None) is None


def test_regions_alone_stay_as_they_are():
    xr.testing.assert_identical(place_of(BLOCK, None, membership()), membership())


def test_terrain_and_regions_share_a_grid(heights):
    found = place_of(BLOCK, heights, membership())
    assert found["layer"].values.tolist() == [
        "elevation", "slope", "northness", "eastness", "region:a", "region:b",
    ]  # fmt: skip
    assert found.shape[1:] == BLOCK.geobox(NATIVE, halo=True).shape
    np.testing.assert_allclose(found.sel(layer="slope"), np.degrees(np.arctan(0.1)), rtol=1e-3)
    np.testing.assert_allclose(found.sel(layer="region:a"), 0.25, rtol=1e-6)
    assert float(found.sel(layer="eastness").mean()) < 0
    assert np.isfinite(found).all()
