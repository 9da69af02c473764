"""A checker of coverages that shares no code with the package, and small legends."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from bocage.legend import OUTSIDE, Legend, LegendClass
from bocage.rasters import wrap

WEST, NORTH, PIXEL = 4_321_000.0, 3_210_000.0, 2.5


def _pairs(polygons):
    """Edge neighbours by brute force, with the length they share."""
    tree = shapely.STRtree(polygons)
    a, b = tree.query(polygons, predicate="intersects")
    keep = a < b
    a, b = a[keep], b[keep]
    length = shapely.length(shapely.intersection(polygons[a], polygons[b]))
    return {(i, j): s for i, j, s in zip(a, b, length, strict=True) if s > 0.001}


def _check_partition(polygons, area, where):
    assert (shapely.get_type_id(polygons) == 3).all(), where
    assert shapely.is_valid(polygons).all(), where
    assert shapely.coverage_is_valid(polygons), where
    points = shapely.get_coordinates(polygons)
    assert np.allclose(points, np.round(points, 3), atol=1e-8, rtol=0), where
    union = shapely.union_all(polygons)
    # What the 1 mm grid may take away or add lies within a millimetre of the limit.
    off = shapely.symmetric_difference(union, area)
    assert shapely.is_empty(shapely.buffer(off, -0.0011)), where
    assert shapely.area(off) <= 0.001 * shapely.length(area) + 1e-6, where
    overlap = shapely.area(polygons).sum() - shapely.area(union)
    assert abs(overlap) < 1e-3, where


def _check_unit(polygons, mmu, pool, where):
    """Below the unit only where the polygon is all there is in its part of the area."""
    small = np.flatnonzero(shapely.area(polygons) < mmu)
    parts = shapely.get_parts(shapely.union_all(pool))
    for n in small:
        home = parts[shapely.covers(parts, shapely.point_on_surface(polygons[n]))][0]
        assert shapely.area(home) - shapely.area(polygons[n]) < 1e-3, f"{where}: {polygons[n]}"


def check(coverage, area, *, mmu_ha):
    """All that must hold of a coverage made with rules that have no exception."""
    mmu = mmu_ha * 10_000.0
    pool = coverage.frame.geometry.to_numpy()
    _check_partition(pool, area, "coverage")
    codes = coverage.frame[[f"code_{y}" for y in coverage.years]].to_numpy()
    for i, j in _pairs(pool):
        assert tuple(codes[i]) != tuple(codes[j])
    for n, year in enumerate(coverage.years):
        view = coverage.status(year)
        shapes = view.geometry.to_numpy()
        _check_partition(shapes, area, f"status {year}")
        for i, j in _pairs(shapes):
            assert view.code[i] != view.code[j]
        _check_unit(shapes, mmu, pool, f"status {year}")
        tree = shapely.STRtree(shapes)
        point, found = tree.query(shapely.point_on_surface(pool), predicate="intersects")
        assert len(point) == len(pool)
        assert (view.code.to_numpy()[found] == codes[point, n]).all()
    if len(coverage.years) == 2:
        change = coverage.change()
        shapes = change.geometry.to_numpy()
        differ = codes[:, 0] != codes[:, 1]
        expected = shapely.area(pool[differ]).sum()
        assert shapely.area(shapes).sum() == pytest.approx(expected, abs=1e-3)
        _check_unit(shapes, mmu, pool, "change")


def _polygons_of_views(coverage):
    for year in coverage.years:
        yield f"status {year}", coverage.status(year).geometry.to_numpy()
    if len(coverage.years) == 2:
        yield "change", coverage.change().geometry.to_numpy()


def width_faults(coverage, area, *, mmw_m):
    """Polygons of the views that are too narrow without an excuse: (view, polygon).

    The erosion of a polygon by half the width must leave exactly one part. There are two
    excuses: the polygon is a whole part of the area, so that nothing lies beside it; or several
    parts are left, and it is the area that keeps each apart from the largest: they lie in
    different parts of its erosion, or across a place where the area is narrow. It is so within
    the width of what is farther than 0.45 of half the width from every disc of the width that
    fits into the area (the tip of a right angle is at 0.41).
    """
    half = mmw_m / 2
    eroded = shapely.buffer(area, -half, quad_segs=8)
    narrow = shapely.difference(area, shapely.buffer(eroded, 1.45 * half))
    rooms = shapely.get_parts(eroded)
    whole = shapely.get_parts(shapely.union_all(coverage.frame.geometry.to_numpy()))
    found = []
    for where, polygons in _polygons_of_views(coverage):
        for polygon in polygons:
            parts = shapely.get_parts(shapely.buffer(polygon, -half, quad_segs=8))
            parts = parts[~shapely.is_empty(parts)]
            if len(parts) == 1:
                continue
            home = whole[shapely.covers(whole, shapely.point_on_surface(polygon))][0]
            if shapely.area(home) - shapely.area(polygon) < 1e-3:
                continue
            if not len(parts):
                found.append((where, polygon))
                continue
            parts = parts[np.argsort(-shapely.area(parts))]
            room = np.argmin(shapely.distance(rooms[:, None], parts), axis=0)
            across = shapely.shortest_line(parts[0], parts[1:])
            excused = (room[1:] != room[0]) | shapely.dwithin(narrow, across, mmw_m)
            if not excused.all():
                found.append((where, polygon))
    return found


@pytest.fixture(scope="session")
def checker():
    return check


@pytest.fixture(scope="session")
def narrow():
    return width_faults


@pytest.fixture(scope="session")
def toy():
    """Six classes at two levels; 21 and 22 are alike, 31 and 32 linear, 31 is the road."""
    rows = [(1, 11), (2, 21), (2, 22), (3, 31), (4, 41), (3, 32)]
    linear = frozenset({"linear"})
    flags = {31: linear, 32: linear, 11: frozenset({"ua_like_low_mmu"})}
    classes = tuple(
        LegendClass((a, b), (str(a), str(b)), "#808080", flags=flags.get(b, frozenset()))
        for a, b in rows
    )
    return Legend("toy", classes, {"road": 31})


@pytest.fixture(scope="session")
def raster():
    """Class indices of one year or more as a georeferenced raster."""

    def make(*years, pixel=PIXEL):
        from affine import Affine
        from odc.geo.geobox import GeoBox

        data = np.array(years, dtype=np.uint8)
        transform = Affine(pixel, 0, WEST, 0, -pixel, NORTH)
        box = GeoBox(data.shape[1:], transform, "EPSG:3035")
        return wrap(data, box, dims=("year", "y", "x"), year=[2021, 2024][: len(data)])

    return make


@pytest.fixture(scope="session")
def square():
    """A rectangle in pixels (left, top, right, bottom) as a polygon in map coordinates."""

    def make(left, top, right, bottom, pixel=PIXEL):
        return shapely.box(
            WEST + left * pixel, NORTH - bottom * pixel, WEST + right * pixel, NORTH - top * pixel
        )

    return make


@pytest.fixture(scope="session")
def outside():
    return OUTSIDE
