from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from bocage.errors import RunError
from bocage.generalize._affinity import scores, similarity_table
from bocage.generalize._borders import crack_segments, cut_to, grow, region_polygons, simplify
from bocage.generalize._edges import dissolve, shared_edges, tidy, unite
from bocage.generalize._graph import components, contract, fuse, label_regions, region_graph
from bocage.generalize._merge import enforce
from bocage.generalize._rules import View
from bocage.generalize._specks import merge_specks
from bocage.generalize._widths import narrow_pixels, widen

grids = arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.integers(0, 3),
)


def graph_of(data, pixel=1.0, inside=None, locked=None):
    classes = np.array(data, np.uint8)
    classes = classes if classes.ndim == 3 else classes[None]
    every = np.ones(classes.shape[1:], bool)
    labels = label_regions(classes, every)
    inside = every if inside is None else inside
    locked = ~every if locked is None else locked
    return labels, region_graph(labels, classes, inside, locked, pixel)


@settings(max_examples=100, deadline=None)
@given(grids, st.integers(0, 99))
def test_labels_are_the_connected_regions(data, seed):
    domain = np.random.default_rng(seed).random(data.shape) < 0.8
    labels = label_regions(data[None], domain)
    assert ((labels < 0) == ~domain).all()
    count = 0
    for value in range(4):
        expected, found = ndimage.label((data == value) & domain)
        count += found
        for n in range(1, found + 1):
            inside = labels[expected == n]
            assert len(set(inside)) == 1
    assert labels.max() + 1 == count
    first = [np.flatnonzero(labels.ravel() == n)[0] for n in range(count)]
    assert first == sorted(first)


def test_the_graph_of_a_small_raster():
    labels, graph = graph_of([[1, 1, 2], [1, 3, 2]], pixel=2.0)
    assert labels.tolist() == [[0, 0, 1], [0, 2, 1]]
    assert graph.codes.tolist() == [[1], [2], [3]]
    assert graph.area.tolist() == [12, 8, 4]
    assert graph.rim.tolist() == [10, 8, 2]
    borders = zip(graph.first.tolist(), graph.second.tolist(), graph.border.tolist(), strict=True)
    assert sorted(borders) == [(0, 1, 2.0), (0, 2, 4.0), (1, 2, 2.0)]
    assert not graph.line.any()


def test_only_pixels_inside_count_and_lines_are_marked():
    inside = np.array([[True, True, False]])
    locked = np.array([[False, False, True]])
    _, graph = graph_of([[1, 2, 2]], inside=inside, locked=locked)
    assert graph.area.tolist() == [1, 1]
    assert graph.line.tolist() == [False, True]


def test_two_years_make_pairs():
    labels, graph = graph_of([[[1, 1, 2]], [[1, 2, 2]]])
    assert labels.tolist() == [[0, 1, 2]]
    assert graph.codes.tolist() == [[1, 1], [1, 2], [2, 2]]


def test_contraction_and_fusion_keep_areas_and_borders():
    _, graph = graph_of([[1, 2, 1, 3]])
    smaller = contract(graph, np.array([0, 0, 1, 2]), np.array([0, 2, 3]))
    assert smaller.area.tolist() == [2, 1, 1]
    fused, group = fuse(smaller)
    assert group.tolist() == [0, 0, 1]
    assert fused.area.tolist() == [3, 1]
    assert fused.codes.tolist() == [[1], [3]]
    assert fused.border.tolist() == [1]
    assert fused.rim.sum() == graph.rim.sum()
    assert components(4, np.array([2]), np.array([3])).tolist() == [0, 1, 2, 2]


def test_specks_go_in_steps_and_lines_stay(toy):
    table = similarity_table(toy)
    data = np.full((20, 20), 2)
    data[5, 5] = 3
    data[10, 4:9] = 5
    locked = data == 5
    _, graph = graph_of(data, locked=locked)
    merged, group = merge_specks(graph, table, 1.0, 100.0)
    assert merged.codes.tolist() == [[2], [5]]
    assert group.tolist() == [0, 0, 1]
    free, _ = merge_specks(graph_of(data)[1], table, 1.0, 100.0)
    assert free.codes.tolist() == [[2]]
    kept, _ = merge_specks(graph_of(data)[1], table, 1.0, 2.0)
    assert kept.codes.tolist() == [[2], [5]]


def test_scores_follow_border_similarity_and_lines(toy):
    table = similarity_table(toy)
    assert table[0, 0] == table[3, 3] == 1
    assert table[0, 3] == 0
    own = np.array([[2], [2], [2]], np.uint8)
    other = np.array([[3], [4], [3]], np.uint8)
    border = np.array([1.0, 2.0, 1.0])
    no = np.zeros(3, bool)
    found = scores(table, own, other, border, no, np.array([False, False, True]))
    assert found == pytest.approx([0.6, 0.2, 0.012])


def test_the_smallest_polygon_of_any_view_goes_first(toy):
    # The pair (2, 3) belongs to a polygon of the first year that is large enough, and to one of
    # the second year that is not.
    first = [[2, 2, 2, 2, 2, 5, 5, 5]]
    second = [[2, 2, 2, 3, 3, 5, 5, 5]]
    _, graph = graph_of([first, second])
    views = (View((0,), 3.0, ()), View((1,), 3.0, ()))
    merged = enforce(graph, views, similarity_table(toy))
    assert merged.group.tolist() == [0, 0, 1]
    assert merged.codes.tolist() == [[2, 2], [5, 5]]


def test_what_has_no_neighbour_stays(toy):
    _, graph = graph_of([[2, 2]])
    merged = enforce(graph, (View((0,), 99.0, ()),), similarity_table(toy))
    assert merged.codes.tolist() == [[2]]


def test_narrow_pixels_are_those_no_square_covers():
    labels = np.zeros((9, 9), np.int32)
    labels[:, 6:] = 1
    for size in (2, 3):
        assert not narrow_pixels(labels, size).any()
    four = narrow_pixels(labels, 4)
    assert (four == (labels == 1)).all()
    labels[:, :] = 0
    labels[4, 4] = -1
    assert narrow_pixels(labels, 4).sum() == 0
    assert narrow_pixels(labels, 5).sum() == 80


@settings(max_examples=60, deadline=None)
@given(grids, st.integers(1, 5))
def test_narrow_pixels_equal_a_plain_search(data, size):
    labels = label_regions(data[None], np.ones(data.shape, bool))
    wide = np.zeros(data.shape, bool)
    for i in range(data.shape[0] - size + 1):
        for j in range(data.shape[1] - size + 1):
            window = (slice(i, i + size), slice(j, j + size))
            if len(np.unique(labels[window])) == 1:
                wide[window] = True
    assert (narrow_pixels(labels, size) == ~wide).all()


def test_narrow_parts_go_to_the_nearest_wide_region():
    classes = np.full((1, 12, 13), 2, np.uint8)
    classes[:, :, 5:8] = 5
    classes[:, :, 8:] = 3
    labels = label_regions(classes, np.ones((12, 13), bool))
    found = widen(classes, labels, 4, np.zeros((12, 13), bool))
    assert found[0, 0, [4, 5, 7, 8]].tolist() == [2, 2, 3, 3]
    assert (widen(classes, labels, 4, classes[0] == 5) == classes).all()
    assert (widen(classes, labels, 0, classes[0] == 5) == classes).all()


def test_a_staircase_is_cut_and_nodes_stay():
    segments = crack_segments(np.array([[0, 1], [1, 1]], np.int32))
    inner = [s for s in segments.tolist() if s == [[1.0, 0.5], [0.5, 1.0]]]
    assert len(inner) == 1
    cross = crack_segments(np.array([[0, 1], [2, 3]], np.int32))
    assert sum([1.0, 1.0] in s for s in cross.tolist()) == 4


@settings(max_examples=100, deadline=None)
@given(grids)
def test_polygons_of_regions_are_a_coverage_with_one_face_per_region(data):
    labels = label_regions(data[None], np.ones(data.shape, bool))
    faces, found = region_polygons(np.pad(labels, 1, mode="edge"), Affine(1, 0, -1, 0, -1, 1))
    assert shapely.coverage_is_valid(faces)
    assert set(found.tolist()) == set(range(labels.max() + 1))
    rows, columns = np.nonzero(labels >= 0)
    tree = shapely.STRtree(faces)
    pixel, face = tree.query(shapely.points(columns + 0.5, -rows - 0.5), predicate="within")
    assert len(pixel) == labels.size
    assert (found[face] == labels[rows[pixel], columns[pixel]]).all()


def test_growing_reaches_a_few_pixels():
    labels = np.full((3, 9), -1, np.int32)
    labels[:, :2] = 7
    assert grow(labels, 4)[1].tolist() == [7] * 6 + [-1] * 3


def test_pieces_that_fall_into_no_face_go_to_the_nearest():
    faces = np.array([shapely.box(0, 0, 5, 5), shapely.box(5, 0, 9, 5)])
    pieces, values = cut_to(faces, np.array([3, 4]), shapely.box(1, 1, 12, 4))
    assert dict(zip(values.tolist(), shapely.area(pieces).tolist(), strict=False))[3] == 12
    assert shapely.area(pieces).sum() == pytest.approx(33)
    assert set(values.tolist()) == {3, 4}


def test_invalid_coverages_are_refused():
    faces = np.array([shapely.box(0, 0, 5, 5), shapely.box(4, 0, 9, 5)])
    with pytest.raises(RunError, match="do not form a valid coverage"):
        simplify(faces, 0.0)
    apart = np.array([shapely.box(0, 0, 1, 1), shapely.box(5, 0, 6, 1)])
    with pytest.raises(RunError, match="no single valid polygon"):
        unite(apart, np.array([0, 0]))


def test_shared_edges_of_noded_polygons():
    left = shapely.Polygon([(0, 0), (2, 0), (2, 1), (2, 3), (0, 3)])
    boxes = np.array([left, shapely.box(2, 0, 3, 1), shapely.box(2, 1, 3, 3)])
    first, second, border, rim = shared_edges(boxes)
    found = dict(zip(zip(first.tolist(), second.tolist(), strict=True), border, strict=True))
    assert found == {(0, 1): 1.0, (0, 2): 2.0, (1, 2): 1.0}
    assert rim.tolist() == [7.0, 2.0, 3.0]
    united, example = dissolve(boxes, np.array([[1], [1], [2]]))
    assert shapely.area(united).tolist() == [7.0, 2.0]
    assert example.tolist() == [0, 2]


def test_order_does_not_depend_on_the_input():
    boxes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(0, 1, 1, 2)])
    one, first = tidy(boxes)
    two, second = tidy(shapely.reverse(boxes[::-1]))
    assert [g.wkb for g in one] == [g.wkb for g in two]
    assert (first == (2 - second)).all()
