from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.errors import InputError
from bocage.generalize import (
    GeneralizeSettings,
    coarsen,
    generalize,
    generalize_files,
    generalize_scales,
    load_rules,
)
from bocage.generalize._tight import too_narrow
from bocage.rasters import wrap, write_geotiff

PLAIN = GeneralizeSettings(mmu_ha=0.2, rules=load_rules("plain"))
UNITS = (0.2, 1.0, 4.0)


def mosaic(seed, size=9, block=24):
    """Blocks of 0.36 ha of random classes, 29 ha in all."""
    blocks = np.random.default_rng(seed).integers(1, 6, (size, size))
    return np.kron(blocks, np.ones((block, block), int))


def changed(data, seed):
    """A tenth of the blocks has another class later."""
    rng = np.random.default_rng(seed)
    touched = np.kron(rng.random((9, 9)) < 0.2, np.ones((24, 24), bool))
    return np.where(touched, data % 5 + 1, data)


def segments(coverage):
    """Edges of the polygons, whatever their direction."""
    found = set()
    for ring in shapely.get_rings(coverage.frame.geometry.to_numpy()):
        points = shapely.get_coordinates(ring)
        ends = zip(points[:-1].tolist(), points[1:].tolist(), strict=True)
        found |= {tuple(map(tuple, sorted(pair))) for pair in ends}
    return found


@pytest.fixture(scope="module", params=[1, 2], ids=["one year", "two years"])
def scales(request, toy, raster):
    data = mosaic(3)
    years = (data, changed(data, 5))[: request.param]
    return generalize_scales(raster(*years), None, toy, PLAIN, UNITS)


def test_the_finest_scale_is_the_map_itself(toy, raster):
    classes = raster(mosaic(3))
    found = generalize_scales(classes, None, toy, PLAIN, (1.0, 0.2))
    assert list(found) == [0.2, 1.0]
    alone = generalize(classes, None, toy, PLAIN)
    assert found[0.2].frame.equals(alone.frame)


def test_every_scale_is_a_map_that_keeps_to_its_unit(scales, square, checker):
    for unit, coverage in scales.items():
        checker(coverage, square(0, 0, 216, 216), mmu_ha=unit)
        assert coverage.area_ha == pytest.approx(216**2 * 6.25 / 10_000)
    counts = [len(coverage.frame) for coverage in scales.values()]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 2 * counts[-1] > 2


def test_borders_of_coarser_scales_are_those_of_finer_ones(scales):
    fine, middle, coarse = (segments(scales[unit]) for unit in UNITS)
    assert middle < fine
    assert coarse < middle


def test_a_coarse_polygon_has_a_class_that_is_in_it(scales):
    fine, coarse = scales[0.2], scales[4.0]
    tree = shapely.STRtree(coarse.frame.geometry.to_numpy())
    inside = shapely.point_on_surface(fine.frame.geometry.to_numpy())
    point, home = tree.query(inside, predicate="within")
    assert len(point) == len(inside)
    columns = [f"code_{year}" for year in fine.years]
    codes = fine.frame[columns].to_numpy()
    for n, own in enumerate(coarse.frame[columns].to_numpy()):
        assert (codes[home == n] == own).all(axis=1).any()


def test_the_class_is_that_which_fits_most_of_the_area(toy, raster):
    data = np.full((120, 120), 1)
    data[:, :44], data[:, 44:84] = 2, 3  # 21 and 22 are alike, together two thirds
    found = generalize_scales(raster(data), None, toy, PLAIN, (0.2, 5.0))
    assert sorted(found[0.2].frame.code_2021) == [11, 21, 22]
    assert found[5.0].frame.code_2021.tolist() == [21]


def test_exceptions_hold_at_their_own_unit_only(toy, raster):
    data = np.full((120, 120), 2)
    data[:20, 20:40] = 5  # 0.25 ha at the rim
    rules = GeneralizeSettings()
    found = generalize_scales(raster(data), None, toy, rules, (0.5, 2.0))
    assert sorted(found[0.5].frame.code_2021) == [21, 41]
    assert found[2.0].frame.code_2021.tolist() == [21]


def test_a_wider_scale_is_drawn_anew(toy, raster, square, checker):
    classes = raster(mosaic(7))
    found = generalize_scales(classes, None, toy, PLAIN, (0.2, 2.0, 6.0), mmws_m={2.0: 40.0})
    for unit, coverage in found.items():
        checker(coverage, square(0, 0, 216, 216), mmu_ha=unit)
    wide = found[2.0].frame.geometry.to_numpy()
    assert len(wide) > 2
    assert not too_narrow(wide, 40.0).any()
    assert not segments(found[2.0]) <= segments(found[0.2])
    assert segments(found[6.0]) <= segments(found[2.0])


def test_a_finished_map_can_be_coarsened(toy, raster):
    classes = raster(mosaic(3))
    found = generalize_scales(classes, None, toy, PLAIN, (0.2, 4.0))
    assert coarsen(found[0.2], toy, 4.0, PLAIN).frame.equals(found[4.0].frame)


def test_a_map_smaller_than_the_unit_becomes_one_polygon(toy, raster):
    found = generalize_scales(raster(mosaic(3)), None, toy, PLAIN, (0.2, 100.0))
    assert len(found[100.0].frame) == 1


def test_wrong_units_are_named(toy, raster):
    classes = raster(mosaic(3))
    with pytest.raises(InputError, match="above 0"):
        generalize_scales(classes, None, toy, PLAIN, ())
    with pytest.raises(InputError, match="above 0"):
        generalize_scales(classes, None, toy, PLAIN, (0, 1))
    with pytest.raises(InputError, match="for 25 ha"):
        generalize_scales(classes, None, toy, PLAIN, (0.5,), mmws_m={25: 100})


@settings(max_examples=20, deadline=None)
@given(
    arrays(np.uint8, (2, 8, 8), elements=st.integers(0, 6)),
    st.sampled_from([(0.1, 0.4), (0.1, 0.3, 2.0), (0.5, 1.5, 100.0)]),
)
def test_any_map_is_nested(toy, raster, square, checker, blocks, units):
    data = np.kron(blocks, np.ones((1, 12, 12), np.uint8))
    found = generalize_scales(raster(*data), None, toy, PLAIN, units)
    for unit, coverage in found.items():
        checker(coverage, square(0, 0, 96, 96), mmu_ha=unit)
    scales = [segments(coverage) for coverage in found.values()]
    assert all(coarse <= fine for fine, coarse in pairwise(scales))


def test_files_have_a_layer_for_each_scale(tmp_path, raster):
    data = mosaic(3).astype(np.uint8)
    grid = raster(np.zeros(data.shape)).odc.geobox
    paths = [
        write_geotiff(tmp_path / f"c_{year}.tif", wrap(values, grid))
        for year, values in ((2021, data), (2024, changed(data, 5).astype(np.uint8)))
    ]
    out = tmp_path / "map.gpkg"
    made = generalize_files(*paths, out, settings=PLAIN, scales=(0.5, 4), attributes=True)
    assert list(made) == [
        f"{layer}_{unit}"
        for unit in ("0p5ha", "4ha")
        for layer in ("status_2021", "status_2024", "change")
    ]
    assert made["status_2024_4ha"] < made["status_2024_0p5ha"]
    assert "purity" in gpd.read_file(out, layer="status_2021_4ha")
    assert "purity" not in gpd.read_file(out, layer="change_0p5ha")


def test_a_greater_width_makes_the_map_anew(toy, raster):
    """A band of 15 m keeps to its unit, but not to a width of 40 m."""
    data = np.full((120, 120), 1)
    data[:, 57:63] = 2
    coverage = generalize(raster(data), None, toy, PLAIN)
    column = coverage.column(coverage.years[0])
    assert coverage.frame[column].nunique() == 2
    wide = coarsen(coverage, toy, PLAIN.mmu_ha, PLAIN, mmw_m=40)
    assert wide.frame[column].nunique() == 1
    assert wide.area_ha == pytest.approx(coverage.area_ha)
    same = coarsen(coverage, toy, PLAIN.mmu_ha, PLAIN, mmw_m=5)
    assert same.frame.geometry.geom_equals(coverage.frame.geometry).all()
