from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.errors import ConfigError, InputError
from bocage.grid import geobox
from bocage.legend import OUTSIDE, load_legend
from bocage.rasters import geobox_of, wrap
from bocage.refine import LINEAGE, LineLayer, RefineSettings, heterogeneity, lineage, refine, sieve

WEST, SOUTH = 4_321_000, 3_210_000


def raster(data, **coords):
    data = np.asarray(data, np.uint8)
    height, width = data.shape[-2:]
    box = geobox((WEST, SOUTH, WEST + width * 2.5, SOUTH + height * 2.5), 2.5)
    return wrap(data, box, dims=("year", "y", "x")[-data.ndim :], **coords)


def test_patches_below_the_size_join_their_largest_neighbour():
    data = np.full((20, 20), 3)
    data[2:4, 2:9] = 5  # 14 pixels
    data[10:13, 2:7] = 5  # 15 pixels
    found = sieve(raster(data)).values
    assert (found[:8] == 3).all()
    assert (found[10:13, 2:7] == 5).all()


def test_pixels_that_meet_at_a_corner_are_one_patch_with_eight_neighbours():
    data = np.full((20, 20), 3)
    for n in range(3, 18):
        data[n, n] = 5  # 15 pixels along a diagonal
    assert (np.diag(sieve(raster(data)).values)[3:18] == 5).all()
    assert (sieve(raster(data), connectivity=4).values == 3).all()


def test_unknown_and_outside_neither_change_nor_spread():
    data = np.full((20, 20), 3)
    data[5:7, 5:7] = 0
    data[:, 12:] = OUTSIDE
    data[8:10, 14:16] = 4  # a speck with no classified neighbour
    data[15, 12] = 4
    found = sieve(raster(data)).values
    assert (found[5:7, 5:7] == 0).all()
    assert ((found == OUTSIDE) == (data == OUTSIDE)).all()
    assert found[15, 12] == 3
    assert (found[8:10, 14:16] == 4).all()
    empty = raster(np.full((4, 4), OUTSIDE))
    assert sieve(empty).equals(empty)


def test_years_are_sieved_on_their_own():
    first, second = np.full((9, 9), 3), np.full((9, 9), 4)
    first[4, 4] = 5
    both = raster([first, second], year=[2021, 2024])
    found = sieve(both)
    assert found.dims == both.dims
    assert (found.values[0] == 3).all()
    assert (found.values[1] == 4).all()
    assert sieve(both, 1).equals(both)


def test_heterogeneity_counts_the_classes_of_sixteen_pixels():
    data = np.full((8, 12), 3)
    data[0, 0] = 4
    data[1, 1] = 5
    data[:4, 4:8] = OUTSIDE
    data[:4, 8:] = 0
    data[4:, :4] = np.arange(1, 17).reshape(4, 4)
    data[4, 4] = OUTSIDE
    data[4, 5] = 0
    found = heterogeneity(raster(data))
    assert found.values.tolist() == [[3, OUTSIDE, 0], [16, 1, 1]]
    assert found.dtype == np.uint8
    assert geobox_of(found).resolution.x == 10
    assert geobox_of(found).extent.boundingbox == geobox_of(raster(data)).extent.boundingbox


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, (8, 8), elements=st.sampled_from([0, 1, 2, 3, OUTSIDE])))
def test_heterogeneity_equals_a_plain_count(data):
    found = heterogeneity(raster(data)).values
    for i in range(2):
        for j in range(2):
            cell = set(data[4 * i : 4 * i + 4, 4 * j : 4 * j + 4].ravel().tolist())
            expected = OUTSIDE if cell == {OUTSIDE} else len(cell - {0, OUTSIDE})
            assert found[i, j] == expected


def test_wrong_rasters_are_named():
    good = raster(np.ones((8, 8)))
    with pytest.raises(ConfigError, match="connectivity 6"):
        sieve(good, connectivity=6)
    with pytest.raises(InputError, match="float64"):
        sieve(good.astype(float))
    with pytest.raises(InputError, match="no whole number of 10 m pixels"):
        heterogeneity(raster(np.ones((8, 9))))
    with pytest.raises(InputError, match="one year"):
        heterogeneity(raster(np.ones((1, 8, 8)), year=[2021]))


def test_refinement_records_what_it_touched(tmp_path):
    import geopandas as gpd
    import shapely

    pa = load_legend("pa")
    road = pa.index(pa.roles["road"])
    data = np.full((2, 40, 40), 20)
    data[0, 5, 5] = 25
    data[1, 30:, :8] = OUTSIDE
    line = shapely.LineString([(WEST - 9, SOUTH + 50), (WEST + 109, SOUTH + 50)])
    gpd.GeoDataFrame(geometry=[line], crs="EPSG:3035").to_file(tmp_path / "roads.gpkg")
    classes = raster(data, year=[2021, 2024])
    decoded = xr.Dataset({"class": classes, "confidence": classes.copy(data=classes.values + 1)})
    result = refine(decoded, pa, [LineLayer(tmp_path / "roads.gpkg", "road")])
    assert result.touched == {
        "sieve": {2021: 1, 2024: 0},
        "line": {2021: 4 * 40, 2024: 4 * 40},
    }
    origin = result.rasters["lineage"].values
    assert origin[0, 5, 5] == LINEAGE["sieve"]
    assert (origin[:, 18:22] == LINEAGE["line"]).all()
    assert (origin == OUTSIDE).sum() == 80
    assert (origin == LINEAGE["model"]).sum() == 2 * 36 * 40 - 1 - 80
    assert (result.rasters["class"].values[:, 18:22] == road).all()
    assert (result.rasters["locked"].values[18:22] == road).all()
    assert result.rasters["confidence"].equals(decoded["confidence"])
    assert result.heterogeneity.sel(year=2021).values[1, 1] == 2
    assert result.heterogeneity.sel(year=2024).values[9, 0] == OUTSIDE
    assert lineage(classes, classes, result.rasters["locked"]).max() == OUTSIDE
    untouched = refine(decoded, pa, settings=RefineSettings(sieve_pixels=0))
    assert untouched.rasters["class"].equals(classes)
    with pytest.raises(InputError, match="no 'class'"):
        refine(decoded[["confidence"]], pa)
