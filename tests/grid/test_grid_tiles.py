import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.grid import CRS, FINE, GRID_RATIO, NATIVE, Block, geobox, plan_tiles, tile_code


def sites(*shapes):
    return gpd.GeoDataFrame(
        {"site_id": [f"s{i}" for i in range(len(shapes))]}, geometry=list(shapes), crs=CRS
    )


def blocks(tiles):
    return [b for t in tiles for b in t.blocks]


COORDINATES = st.integers(900_000, 7_400_000)
SIZES = st.integers(1, 9_000)


@settings(max_examples=60, deadline=None)
@given(COORDINATES, COORDINATES, SIZES, SIZES, st.sampled_from([2.5, 10, 20]))
def test_geobox_is_aligned_and_covers(west, south, width, height, resolution):
    box = geobox((west, south, west + width, south + height), resolution)
    bounds = box.boundingbox
    assert all(v % resolution == 0 for v in (bounds.left, bounds.bottom, bounds.right, bounds.top))
    assert 0 <= west - bounds.left < resolution
    assert 0 <= bounds.top - (south + height) < resolution
    assert box.shape.x == (bounds.right - bounds.left) / resolution
    assert (box.resolution.x, box.resolution.y) == (resolution, -resolution)
    assert box.crs.epsg == 3035


def test_tile_codes():
    assert tile_code(4_321_000, 3_210_999) == "10kmE432N321"
    assert tile_code(4_320_000, 3_210_000) == "10kmE432N321"
    assert tile_code(4_319_999.9, 3_209_999.9) == "10kmE431N320"


def test_block_grids():
    block = Block("2kmE2160N1605", "10kmE432N321", 4_320_000, 3_210_000)
    assert block.bounds == (4_320_000, 3_210_000, 4_322_000, 3_212_000)
    assert block.geobox(NATIVE).shape == (200, 200)
    assert block.geobox(FINE).shape == (800, 800)
    native, fine = block.geobox(NATIVE, halo=True), block.geobox(FINE, halo=True)
    assert native.shape == (232, 232)
    assert fine.shape == (232 * GRID_RATIO, 232 * GRID_RATIO)
    assert native.boundingbox == fine.boundingbox
    assert block.box().area == 4e6
    assert block.box(halo=True).equals(block.box().buffer(160, join_style="mitre"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30_000), st.integers(0, 30_000), SIZES, SIZES),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([1000, 2000, 2500, 5000]),
)
def test_plan_covers_all_sites_and_nothing_else(rows, size):
    frame = sites(
        *(
            shapely.box(4_000_000 + x, 3_000_000 + y, 4_000_000 + x + w, 3_000_000 + y + h)
            for x, y, w, h in rows
        )
    )
    tiles = plan_tiles(frame, block=size)
    area = shapely.union_all(frame.geometry.to_numpy())
    planned = blocks(tiles)
    union = shapely.union_all([b.box() for b in planned])
    assert shapely.area(shapely.difference(area, union)) == pytest.approx(0, abs=1e-6)
    assert shapely.area(union) == pytest.approx(len(planned) * size**2)
    assert all(shapely.intersection(b.box(), area).area > 0 for b in planned)
    assert [t.id for t in tiles] == sorted({t.id for t in tiles})
    assert len({b.id for b in planned}) == len(planned)
    for tile in tiles:
        for block in tile.blocks:
            assert block.tile == tile.id == tile_code(block.west + size / 2, block.south + size / 2)


def test_block_ids():
    (tile,) = plan_tiles(sites(shapely.box(4_320_001, 3_210_001, 4_320_002, 3_210_002)))
    assert tile.id == "10kmE432N321"
    assert [b.id for b in tile.blocks] == ["2kmE2160N1605"]
    (tile,) = plan_tiles(sites(shapely.box(4_320_001, 3_210_001, 4_320_002, 3_210_002)), block=2500)
    assert [b.id for b in tile.blocks] == ["2500mE1728N1284"]


def test_touching_is_not_enough():
    # The site ends exactly on the edges of its block.
    tiles = plan_tiles(sites(shapely.box(4_320_000, 3_210_000, 4_322_000, 3_212_000)))
    assert [b.id for b in blocks(tiles)] == ["2kmE2160N1605"]


def test_holes_and_gaps_are_not_planned():
    ring = shapely.box(4_320_000, 3_210_000, 4_330_000, 3_220_000).difference(
        shapely.box(4_322_000, 3_212_000, 4_328_000, 3_218_000)
    )
    assert len(blocks(plan_tiles(sites(ring)))) == 25 - 9


@pytest.mark.parametrize(
    "change", [{"block": 3000}, {"block": 250}, {"block": 0}, {"halo": 30}, {"halo": -20}]
)
def test_sizes_that_do_not_fit(change):
    with pytest.raises(InputError, match="do not fit the 10 km grid"):
        plan_tiles(sites(shapely.box(0, 0, 1, 1)), **change)


def test_neighbouring_blocks_share_pixels_of_their_halos():
    a, b = blocks(plan_tiles(sites(shapely.box(4_320_000, 3_210_000, 4_324_000, 3_212_000))))
    first, second = (x.geobox(FINE, halo=True) for x in (a, b))
    offset = (second.affine.c - first.affine.c) / FINE
    assert offset == math.floor(offset) == 800
    assert np.isclose(first.affine.f, second.affine.f)
