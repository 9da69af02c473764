"""Small changes that a cluster of changes allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bocage.generalize import (
    ExceptionRule,
    GeneralizeSettings,
    Rules,
    generalize,
    load_rules,
    undersized,
)
from bocage.generalize._affinity import similarity_table
from bocage.generalize._graph import RegionGraph
from bocage.generalize._merge import enforce
from bocage.generalize._repair import repair
from bocage.generalize._rules import views_of
from bocage.generalize._undersized import cluster_areas
from bocage.generalize._widths import disc
from bocage.products._check._shapes import cluster_areas as official

PIXEL = 2.5
COMPLEX = next(r for r in load_rules("pa").exceptions if r.cluster_ha)
UNIT = 0.1  # ha: a fifth, so that small rasters hold something
RULES = Rules("clusters", (replace(COMPLEX, min_ha=0.02, cluster_ha=UNIT),))


def wanted(**more):
    return GeneralizeSettings(**{"mmu_ha": UNIT, "rules": RULES, "reach_m": 1000} | more)


def town(split=True):
    """A town (5) that grows by two parts of 0.09 ha, over field (1) and over wood (2)."""
    first = np.full((60, 60), 1)
    first[:, 30:] = 2
    first[:20] = 5
    second = first.copy()
    second[20:30, 16:44] = 5
    if not split:
        second[20:30, 30:44] = 2
    return first, second


def changes(coverage):
    return sorted(round(a) for a in coverage.change().area)


def test_two_small_changes_to_one_class_stay_together(toy, raster):
    found = generalize(raster(*town()), None, toy, wanted())
    assert len(found.change()) == 2
    report = undersized(found, toy, wanted())
    assert report["exception"].tolist() == ["complex_change"] * 2
    assert report["view"].tolist() == ["change"] * 2


def test_neither_stays_alone_nor_without_the_rule(toy, raster):
    assert changes(generalize(raster(*town(split=False)), None, toy, wanted())) == []
    plain = wanted(rules=load_rules("plain"))
    assert len(generalize(raster(*town()), None, toy, plain).change()) < 2


def test_parts_of_one_first_class_form_a_cluster_too(toy, raster):
    first, second = town()
    found = generalize(raster(second, first), None, toy, wanted())
    assert len(found.change()) == 2


def test_too_small_a_part_does_not_stay(toy, raster):
    rules = Rules("clusters", (replace(COMPLEX, min_ha=0.08, cluster_ha=UNIT),))
    found = generalize(raster(*town()), None, toy, wanted(rules=rules))
    assert (found.change().area >= 1000).all()


def graph_of(codes, areas, pairs):
    first, second = np.array(pairs).T
    count = len(codes)
    return RegionGraph(
        np.array(codes, np.uint8),
        np.array(areas, float),
        np.zeros(count),
        np.zeros(count, bool),
        first.astype(np.int64),
        second.astype(np.int64),
        np.full(len(pairs), 10.0),
    )


def test_a_part_stays_by_its_cluster_only(toy):
    views = views_of(2, toy, wanted(), margin=0.0)
    # Two changes to 3, over 1 and over 2, beside what was 3 before.
    codes = [(1, 1), (2, 2), (3, 3), (1, 3), (2, 3)]
    pairs = [(0, 3), (1, 4), (2, 3), (2, 4), (3, 4)]
    for areas, left in (((400, 700), 5), ((300, 600), 3), ((150, 900), 3)):
        graph = graph_of(codes, [9000, 9000, 9000, *areas], pairs)
        assert len(enforce(graph, views, similarity_table(toy)).codes) == left, areas


def test_what_loses_its_cluster_after_it_was_looked_at_is_merged_after_all(toy):
    views = views_of(2, toy, wanted(), margin=0.0)
    codes = [(1, 1), (2, 2), (3, 3), (6, 6), (1, 3), (1, 6), (1, 5), (2, 6)]
    pairs = [(0, 4), (2, 4), (4, 5), (3, 5), (5, 6), (5, 7), (0, 6), (1, 7), (3, 7)]
    # 1 to 3 needs 1 to 6 and 1 to 5. This is large enough, or falls, being all there is of 5;
    # 1 to 6, between them, has 2 to 6 to lean on, so that it is no reason to look at 1 to 3.
    for area, stays in ((1200, True), (500, False)):
        graph = graph_of(codes, [9000] * 4 + [300, 350, area, 800], pairs)
        found = enforce(graph, views, similarity_table(toy)).codes.tolist()
        assert ([1, 3] in found) == stays
        assert [1, 6] in found


def mend(toy, years, starts=None):
    """The repair of two years without a margin; nothing is left."""
    classes = np.stack(years).astype(np.uint8)
    line = np.zeros(classes.shape[1:], bool)
    found, left = repair(
        classes,
        ~line,
        ~line,
        line,
        line,
        views_of(2, toy, wanted(), margin=0.0),
        similarity_table(toy),
        pixel=PIXEL,
        spans=disc(4.0),
        rim_contact=3,
        starts=starts,
    )
    assert left == 0
    return found


def test_the_repair_knows_clusters(toy):
    first, second = town()
    assert (mend(toy, (first, second))[1] == second).all()
    second[20:30, 30:44] = 2
    found = mend(toy, (first, second))
    assert (found[0] == found[1]).all()


def test_a_part_that_loses_its_cluster_falls_even_far_from_where_the_repair_began(toy):
    first, second = town()
    second[20:30, 33:41] = 2  # what is left over wood is two bits, too small
    start = np.array([24 * 60 + 42], np.int32)  # in one of them
    found = mend(toy, (first, second), start)
    assert (found[0] == found[1]).all()


def test_what_leans_on_a_cluster_is_looked_at_in_every_round(toy):
    first = np.full((60, 60), 1)
    first[:15, :20], first[:15, 20:32], first[:15, 32:] = 3, 6, 5
    first[20:, 20:32] = 2
    second = first.copy()
    second[15:20, 5:20] = 3  # 75 pixels
    second[15:29, 20:32] = 6  # 60 from 1, and 108 from 2, which are enough together
    found = mend(toy, (first, second))
    assert (found[0] == found[1])[15:20, 5:20].all()
    second[15:20, 32:37] = 5  # 25, with which those from 1 would be enough, but which cannot stay
    found = mend(toy, (first, second))
    changed = found[0] != found[1]
    assert changed[15:29, 20:32].all()
    assert not changed[15:20, 32:37].any()
    assert not changed[15:20, 5:20].any()
    second[15:20, 32:39] = 5  # 35, which can
    assert (mend(toy, (first, second))[1] == second).all()


def test_areas_of_clusters_are_those_of_the_check():
    rng = np.random.default_rng(4)
    for _ in range(50):
        count = int(rng.integers(1, 30))
        codes = rng.integers(1, 4, (count, 2))
        area = rng.uniform(0, 5, count)
        pairs = np.unique(np.sort(rng.integers(0, count, (40, 2)), axis=1), axis=0)
        first, second = pairs[pairs[:, 0] != pairs[:, 1]].T
        expected = official(codes[:, 0], codes[:, 1], area, (first, second))
        assert cluster_areas(codes, area, first, second) == pytest.approx(expected)


def unexcused(coverage, rule: ExceptionRule, mmu_ha):
    """Changes below the unit that the rule does not allow, by the check's own clusters."""
    view = coverage.change()
    shapes = view.geometry.to_numpy()
    if not len(shapes):
        return []
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="intersects")
    shared = shapely.length(shapely.intersection(shapes[a], shapes[b]))
    beside = (a < b) & (shared > 0.001)
    area = shapely.area(shapes) / 10_000
    codes = view[[coverage.column(y) for y in coverage.years]].to_numpy()
    clusters = official(codes[:, 0], codes[:, 1], area, (a[beside], b[beside]))
    excused = (area >= rule.min_ha) & (clusters >= rule.cluster_ha)
    return [shapes[n] for n in np.flatnonzero((area < mmu_ha) & ~excused)]


def grown(rng, shape, count):
    """Two years: smooth patches, of which some grow over what lies beside."""
    layers = [ndimage.gaussian_filter(rng.normal(size=shape), 4) for _ in range(count)]
    first = np.argmax(layers, axis=0) + 1
    second, (y, x) = first.copy(), np.indices(shape)
    for _ in range(rng.integers(1, 6)):
        v, u = rng.integers(shape[0]), rng.integers(shape[1])
        blob = np.hypot((y - v) / rng.uniform(3, 12), (x - u) / rng.uniform(3, 12)) < 1
        second[blob] = first[v, u] if rng.random() < 0.7 else rng.integers(1, count + 1)
    flips = rng.random(shape) < rng.choice([0.0, 0.03])
    second[flips] = rng.integers(1, count + 1, int(flips.sum()))
    return first, second


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shape=st.tuples(st.integers(20, 60), st.integers(20, 60)),
    seed=st.integers(0, 2**31),
    with_area=st.booleans(),
    mmw=st.sampled_from([0.0, 7.5, 10.0]),
)
def test_every_small_change_is_one_that_the_check_accepts(
    toy, raster, square, narrow, shape, seed, with_area, mmw
):
    rng = np.random.default_rng(seed)
    area = square(0, 0, shape[1], shape[0])
    if with_area:
        area = shapely.set_precision(area.intersection(area.centroid.buffer(45)), 0.001)
    asked = wanted(mmw_m=mmw)
    found = generalize(raster(*grown(rng, shape, 5)), area if with_area else None, toy, asked)
    assert shapely.coverage_is_valid(found.frame.geometry.to_numpy())
    if shapely.area(area) >= UNIT * 10_000:
        assert unexcused(found, RULES.exceptions[0], UNIT) == []
        assert set(undersized(found, toy, asked)["exception"]) <= {"complex_change"}
    if mmw:
        assert narrow(found, area, mmw_m=mmw) == []
