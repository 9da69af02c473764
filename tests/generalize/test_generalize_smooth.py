from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from generalize_arcs import shape_arcs, to_map
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.errors import RunError
from bocage.generalize._arcs import end_nodes, trace_arcs
from bocage.generalize._clash import clashes
from bocage.generalize._drafting import Style
from bocage.generalize._faces import faces
from bocage.generalize._graph import label_regions
from bocage.generalize._smooth import shape

PIXEL = 2.5
MAP = Affine(PIXEL, 0, 4_000_000, 0, -PIXEL, 3_000_000)
grids = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


def labels_of(classes, outside=None):
    classes = np.asarray(classes, np.uint8)
    domain = classes != outside if outside is not None else np.ones(classes.shape, bool)
    return label_regions(classes[None], domain)


def rim(arcs):
    """Points on the border to the outside."""
    return np.repeat((arcs.left < 0) | (arcs.right < 0), np.diff(arcs.starts))


def free(arcs):
    return np.zeros(len(arcs.points), bool)


def check(shaped, labels):
    """The polygons of shaped arcs, which must be a valid coverage of the same faces."""
    polygons, value = faces(shaped)
    assert value.tolist() == list(range(labels.max() + 1))
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    return polygons


def distances(shaped, labels):
    """Distance of the vertices from the raster borders, pixels."""
    traced = trace_arcs(labels)
    index = np.repeat(np.arange(len(traced)), np.diff(traced.starts))
    lines = shapely.union_all(shapely.linestrings(traced.points, indices=index))
    x, y = (shaped.points - [MAP.c, MAP.f]).T / [[MAP.a], [MAP.e]]
    return shapely.distance(lines, shapely.points(x, y))


@settings(max_examples=200, deadline=None)
@given(
    grids,
    st.sampled_from([None, 0]),
    st.sampled_from([0, 3, 20]),
    st.sampled_from([0.0, 0.22, 1.0, 4.0]),
    st.booleans(),
)
def test_shaping_keeps_the_faces(classes, outside, steps, tolerance, still):
    labels = labels_of(classes, outside)
    arcs = trace_arcs(labels)
    style = Style.even(len(arcs), steps, tolerance)
    frozen = rim(arcs) if still else free(arcs)
    found = shape(arcs, style, frozen, MAP)
    shaped, level = found.arcs, found.level
    polygons = check(shaped, labels)
    if still:
        assert shapely.area(polygons).sum() == pytest.approx((labels >= 0).sum() * PIXEL**2)
    assert (distances(shaped, labels) <= style.clamp + 0.001).all()
    assert (level.dtype, level.shape) == (np.int8, (len(arcs),))
    again = shape(trace_arcs(labels), style, frozen, MAP).arcs
    assert again.points.tobytes() == shaped.points.tobytes()
    ends = np.stack([shaped.starts[:-1], shaped.starts[1:] - 1])
    assert (np.diff(shaped.starts) >= np.where(shaped.closed, 4, 2)).all()
    assert (shaped.points[ends[0]] == shaped.points[ends[1]])[shaped.closed].all()


@settings(max_examples=100, deadline=None)
@given(grids, st.integers(0, 99), st.sampled_from([0.5, 3.0]))
def test_shaping_keeps_the_faces_when_points_are_shifted(classes, seed, size):
    labels = labels_of(classes)
    arcs = trace_arcs(labels)
    offset = np.random.default_rng(seed).normal(0, size, arcs.points.shape)
    shaped = shape(arcs, Style.even(len(arcs)), rim(arcs), MAP, offset=offset).arcs
    polygons = check(shaped, labels)
    assert shapely.area(polygons).sum() == pytest.approx(labels.size * PIXEL**2)


def test_stairs_become_a_slanting_line():
    y, x = np.mgrid[:60, :120]
    labels = labels_of(x > 20 + 1.3 * y)
    arcs = trace_arcs(labels)
    found = shape(arcs, Style.even(len(arcs)), rim(arcs), MAP)
    shaped, level = found.arcs, found.level
    border = np.flatnonzero((shaped.left >= 0) & (shaped.right >= 0))
    assert len(border) == 1
    part = shaped.points[shaped.starts[border[0]] : shaped.starts[border[0] + 1]]
    assert len(part) <= 5
    steps = np.diff(part, axis=0)
    longest = steps[np.hypot(*steps.T).argmax()]
    assert np.hypot(*longest) > 0.75 * np.hypot(60, 78) * PIXEL
    assert abs(longest[0] / longest[1]) == pytest.approx(1.3, rel=0.02)
    assert not level.any()
    # The straight rim has no more points than its corners and nodes.
    assert len(shaped.points) - len(part) == 8


def test_rings_keep_their_area():
    for size in (1, 2, 5, 20):
        classes = np.zeros((40, 40), np.uint8)
        classes[10 : 10 + size, 10 : 10 + size] = 1
        labels = labels_of(classes)
        arcs = trace_arcs(labels)
        polygons = check(shape(arcs, Style.even(2), rim(arcs), MAP).arcs, labels)
        assert shapely.area(polygons[1]) == pytest.approx(size**2 * PIXEL**2, rel=0.12)


def test_rings_start_where_they_bend_most():
    y, x = np.mgrid[:60, :60]
    drop = (np.hypot(x - 22, y - 30) < 14) | (np.abs(y - 30) < (52 - x) / 2) & (x > 22)
    arcs = trace_arcs(labels_of(drop))
    shaped = shape_arcs(arcs, Style.even(len(arcs)), rim(arcs))
    ring = np.flatnonzero(shaped.left == 0)[0]
    assert abs(shaped.points[shaped.starts[ring]] - [52, 30.5]).max() < 3


def test_frozen_points_stay_and_are_kept():
    labels = labels_of(np.tril(np.ones((20, 20))))
    arcs = trace_arcs(labels)
    frozen = rim(arcs) | (arcs.points[:, 0] < 10)
    offset = np.full(arcs.points.shape, 0.3)
    shaped = shape_arcs(arcs, Style.even(len(arcs), 20, 3.0), frozen, offset)
    kept = {tuple(p) for p in shaped.points}
    assert {(float(i), float(i)) for i in range(2, 9)} <= kept
    assert not {(float(i), float(i)) for i in range(12, 18)} & kept


@pytest.mark.parametrize("point", [0, 2, 4])
def test_a_frozen_point_holds_a_ring_of_one_pixel(point):
    classes = np.zeros((5, 5), np.uint8)
    classes[2, 2] = 1
    labels = labels_of(classes)
    arcs = trace_arcs(labels)
    frozen = rim(arcs)
    frozen[arcs.starts[1] + point] = True
    shaped = shape(arcs, Style.even(2, 60), frozen, MAP).arcs
    check(shaped, labels)
    corner = arcs.points[arcs.starts[1] + point] * [MAP.a, MAP.e] + [MAP.c, MAP.f]
    assert corner.tolist() in shaped.points[shaped.starts[1] :].tolist()


def test_offset_shifts_points_and_nodes():
    classes = np.zeros((20, 60), np.uint8)
    classes[10:] = 1
    arcs = trace_arcs(labels_of(classes))
    offset = np.zeros(arcs.points.shape)
    offset[(arcs.points[:, 1] == 10)] = 0, 0.6
    shaped = shape_arcs(arcs, Style.even(len(arcs), 0), free(arcs), offset)
    border = np.flatnonzero((shaped.left >= 0) & (shaped.right >= 0))[0]
    assert shaped.points[shaped.starts[border]].tolist() == [0, 10.6]
    assert shaped.points[shaped.starts[border + 1] - 1].tolist() == [60, 10.6]


def test_styles_differ_between_arcs():
    y, x = np.mgrid[:40, :80]
    arcs = trace_arcs(labels_of((x > 15 + y / 2) * 1 + (x > 45 + y / 2)))
    inner = np.flatnonzero((arcs.left >= 0) & (arcs.right >= 0))
    steps, tolerance = np.full(len(arcs), 20), np.full(len(arcs), 0.22)
    steps[inner[0]], tolerance[inner[0]] = 0, 0.0
    shaped = shape(arcs, Style(steps, tolerance), rim(arcs), MAP).arcs
    first = shaped.points[shaped.starts[inner[0]] : shaped.starts[inner[0] + 1]]
    assert (np.diff(first, axis=0) == 0).any(axis=1).all()
    assert len(first) > 3 * np.diff(shaped.starts)[inner[1]]


def test_map_coordinates_lie_on_the_grid():
    arcs = trace_arcs(labels_of([[0, 1], [2, 2]]))
    shaped = to_map(arcs, MAP @ Affine.translation(0.12345, 0), 0.001)
    assert (
        shaped.points
        == shapely.get_coordinates(shapely.set_precision(shapely.points(shaped.points), 0.001))
    ).all()
    assert end_nodes(shaped).max() == end_nodes(arcs).max()
    coarse = to_map(arcs, MAP, 5.0)
    assert (np.diff(coarse.starts) >= 2).all()
    assert len(coarse.points) < len(arcs.points)


def needed(classes, tolerance, offset=None):
    labels = labels_of(classes)
    arcs = trace_arcs(labels)
    move = None if offset is None else offset(arcs)
    found = shape(arcs, Style.even(len(arcs), 20, tolerance), rim(arcs), MAP, offset=move)
    shaped, level = found.arcs, found.level
    check(shaped, labels)
    plain = to_map(shape_arcs(arcs, Style.even(len(arcs), 20, tolerance), rim(arcs), move), MAP)
    points = np.rint(plain.points * 1000).astype(int)
    bad = clashes(points, plain.starts, end_nodes(arcs), np.ones(len(arcs), bool))
    return level, bad.any()


def test_a_narrow_neck_backs_off_to_less_tolerance():
    # The upper border evades the peak of the lower one; a chord would not.
    y, x = np.mgrid[:40, :80]
    upper = np.where(abs(x - 40) < 12, 15, 18)
    lower = np.where(abs(x - 40) < 6, 17, 26)
    level, clash = needed(np.where(y < upper, 0, np.where(y < lower, 1, 2)), 4.0)
    assert clash
    assert level.max() == 1


def test_borders_that_smoothing_leaves_apart_are_not_simplified():
    generator = np.random.default_rng(3)
    level, clash = needed(generator.integers(0, 3, (40, 40)), 4.0)
    assert clash
    assert set(level) == {0, 1, 2, 3}


def test_borders_that_change_places_return_to_the_pixels():
    classes = np.zeros((30, 60), np.uint8)
    classes[14:16] = 1
    classes[16:] = 2

    def swap(arcs):
        middle = (arcs.points[:, 0] > 10) & (arcs.points[:, 0] < 50)
        return np.where(middle, 15 - arcs.points[:, 1], 0.0)[:, None] * [0.0, 2.0]

    level, clash = needed(classes, 0.22, swap)
    assert clash
    assert level.max() == 3
    inner = level[level > 0]
    assert len(inner) == 2


def test_a_border_does_not_jump_an_island():
    classes = np.zeros((30, 60), np.uint8)
    classes[15:] = 1
    classes[10:15, 25:35] = 1
    classes[13, 29] = 2  # in the bulge of region 1, which a chord would cut off
    level, clash = needed(classes, 8.0)
    assert not clash
    assert level.max() >= 1


def test_no_arcs_and_a_coarse_grid():
    arcs = trace_arcs(np.full((3, 3), -1, np.int32))
    found = shape(arcs, Style.even(0), free(arcs), MAP)
    shaped, level = found.arcs, found.level
    assert len(shaped) == len(level) == 0
    assert len(shape_arcs(arcs, Style.even(0), free(arcs))) == 0
    arcs = trace_arcs(labels_of([[0, 1, 0], [1, 0, 1]]))
    with pytest.raises(RunError, match="grid"):
        shape(arcs, Style.even(len(arcs)), free(arcs), MAP, grid_m=10.0)
