from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from bocage.errors import RunError
from bocage.generalize._affinity import scores, similarity_table
from bocage.generalize._borders import cut_to, grow
from bocage.generalize._edges import dissolve, shared_edges, tidy, unite
from bocage.generalize._graph import components, contract, fuse, label_regions, region_graph

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


def test_regions_that_do_not_touch_are_not_united():
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
