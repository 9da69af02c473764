from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

from bocage.errors import InputError
from bocage.generalize import Coverage, GeneralizeSettings, generalize, load_rules, oversized

PLAIN = GeneralizeSettings(rules=load_rules("plain"))


def one_polygon(shape, code, years=(2021,)):
    columns = {f"code_{y}": np.array([code], np.int32) for y in years}
    return Coverage(gpd.GeoDataFrame(columns, geometry=[shape], crs="EPSG:3035"), years)


def patchy(rng, share):
    """Class 2 with a square of 1 ha in which class 5 has a share of the pixels."""
    data = np.full((200, 200), 2)
    data[60:100, 60:100] = np.where(rng.random((40, 40)) < share, 5, 2)
    return data


def test_a_swallowed_patch_is_found(toy, raster, square):
    coverage = one_polygon(square(0, 0, 200, 200), 21)
    classes = raster(patchy(np.random.default_rng(1), 0.8))
    found = oversized(coverage, classes, toy, PLAIN)
    assert found[["year", "code", "second"]].values.tolist() == [[2021, 21, 41]]
    assert found.area_ha[0] == pytest.approx(25.0)
    # The window takes the corners of the patch, and noise some of its edge.
    assert 0.8 < found.other_ha[0] <= 1.0
    assert found.purity[0] == pytest.approx(1 - 0.8 / 25, abs=0.002)


def test_noise_and_what_is_below_the_unit_are_no_patch(toy, raster, square):
    coverage = one_polygon(square(0, 0, 200, 200), 21)
    rng = np.random.default_rng(2)
    assert oversized(coverage, raster(patchy(rng, 0.3)), toy, PLAIN).other_ha[0] == 0
    larger = GeneralizeSettings(mmu_ha=2, rules=load_rules("plain"))
    assert oversized(coverage, raster(patchy(rng, 0.8)), toy, larger).other_ha[0] == 0
    strip = np.full((200, 200), 2)
    strip[:, 100:103] = 5  # 0.375 ha, narrower than 10 m
    small = GeneralizeSettings(mmu_ha=0.1, rules=load_rules("plain"))
    assert oversized(coverage, raster(strip), toy, small).other_ha[0] == 0


def test_only_large_and_mixed_polygons_are_listed(toy, raster, square):
    coverage = one_polygon(square(0, 0, 200, 200), 21)
    classes = raster(patchy(np.random.default_rng(3), 0.8))
    assert oversized(coverage, classes, toy, PLAIN, least_ha=26).empty
    assert oversized(coverage, classes, toy, PLAIN, least_heterogeneity=0.5).empty
    assert len(oversized(coverage, classes, toy, PLAIN, least_heterogeneity=0.01)) == 1


def test_the_engine_does_not_swallow_patches(toy, raster):
    classes = raster(patchy(np.random.default_rng(4), 0.8))
    coverage = generalize(classes, None, toy, PLAIN)
    assert len(coverage.frame) == 2
    found = oversized(coverage, classes, toy, PLAIN, least_ha=5)
    assert found.code.tolist() == [21]
    assert found.other_ha.tolist() == [0.0]


def test_every_year_is_looked_at(toy, raster, square):
    first = np.full((200, 200), 2)
    classes = raster(first, patchy(np.random.default_rng(5), 1.0))
    coverage = one_polygon(square(0, 0, 200, 200), 21, (2021, 2024))
    found = oversized(coverage, classes, toy, PLAIN)
    assert found.year.tolist() == [2024, 2021]
    assert found.other_ha.tolist() == pytest.approx([1.0, 0.0], rel=0.05)
    with pytest.raises(InputError, match="1 rasters"):
        oversized(coverage, raster(first), toy, PLAIN)
