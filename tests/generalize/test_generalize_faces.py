from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from affine import Affine
from generalize_arcs import to_map
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from bocage.errors import RunError
from bocage.generalize._arcs import trace_arcs
from bocage.generalize._faces import faces
from bocage.generalize._graph import label_regions

grids = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


def labels_of(classes, outside=None):
    classes = np.asarray(classes, np.uint8)
    domain = classes != outside if outside is not None else np.ones(classes.shape, bool)
    return label_regions(classes[None], domain)


def check(polygons):
    assert shapely.is_valid(polygons).all()
    assert (shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON).all()
    assert shapely.coverage_is_valid(polygons)


@settings(max_examples=150, deadline=None)
@given(grids, st.sampled_from([None, 0]))
def test_faces_are_the_regions(classes, outside):
    labels = labels_of(classes, outside)
    polygons, value = faces(trace_arcs(labels))
    check(polygons)
    assert value.tolist() == list(range(labels.max() + 1))
    assert shapely.area(polygons).tolist() == np.bincount(labels[labels >= 0]).tolist()
    for polygon, label in zip(polygons, value, strict=True):
        rows, columns = np.nonzero(labels == label)
        assert shapely.contains_xy(polygon, columns + 0.5, rows + 0.5).all()


@settings(max_examples=150, deadline=None)
@given(grids, st.sampled_from([-1, 0]))
def test_faces_of_values_are_their_connected_parts(classes, first):
    labels = labels_of(classes)
    label_of = np.zeros(labels.max() + 1, np.int64)
    label_of[labels] = classes.astype(np.int64) // 2 + first
    polygons, value = faces(trace_arcs(labels), label_of)
    check(polygons)
    assert (np.diff(value) >= 0).all()
    for wanted in (0, 1):
        parts, count = ndimage.label(label_of[labels] == wanted)
        assert (value == wanted).sum() == count
        areas = np.sort(np.bincount(parts[parts > 0], minlength=count + 1)[1:])
        assert np.sort(shapely.area(polygons[value == wanted])).tolist() == areas.tolist()


def test_faces_in_map_coordinates_keep_their_sides():
    labels = labels_of([[0, 1, 1], [0, 2, 1]])
    polygons, _ = faces(to_map(trace_arcs(labels), Affine(2.5, 0, 4e6, 0, -2.5, 3e6)))
    check(polygons)
    assert shapely.area(polygons).tolist() == [12.5, 18.75, 6.25]
    assert shapely.bounds(polygons[2]).tolist() == [4e6 + 2.5, 3e6 - 5, 4e6 + 5, 3e6 - 2.5]


def test_a_face_that_touches_itself_has_a_hole_there():
    labels = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 2]], np.int32)
    polygons, _ = faces(trace_arcs(labels))
    check(polygons)
    assert shapely.get_num_interior_rings(polygons).tolist() == [1, 0, 0]
    assert shapely.area(polygons).tolist() == [7, 1, 1]


def test_diagonal_faces_of_one_value_stay_apart():
    labels = labels_of([[0, 1], [1, 0]])
    polygons, value = faces(trace_arcs(labels), np.array([5, 7, 7, 5]))
    check(polygons)
    assert value.tolist() == [5, 5, 7, 7]


def test_holes_go_to_the_smallest_shell_around():
    classes = np.zeros((9, 9), np.uint8)
    classes[1:8, 1:8] = 1
    classes[2:7, 2:7] = 0
    classes[4, 4] = 1
    polygons, value = faces(trace_arcs(labels_of(classes)), np.array([0, 1, 0, 1]))
    check(polygons)
    assert value.tolist() == [0, 0, 1, 1]
    assert sorted(shapely.area(polygons)) == [1, 24, 24, 32]


def test_an_arc_that_is_left_out_leaves_its_vertex():
    labels = labels_of([[0, 1], [2, 2]])
    polygons, value = faces(trace_arcs(labels), np.array([0, 0, 1]))
    check(polygons)
    assert value.tolist() == [0, 1]
    assert [1, 1] in shapely.get_coordinates(polygons[1]).tolist()


def test_no_faces():
    for labels in (np.full((2, 2), -1, np.int32), np.zeros((0, 0), np.int32)):
        polygons, value = faces(trace_arcs(labels))
        assert len(polygons) == len(value) == 0
    polygons, _ = faces(trace_arcs(np.zeros((2, 2), np.int32)), np.array([-1]))
    assert len(polygons) == 0


def test_a_hole_without_a_shell_is_an_error():
    classes = np.zeros((5, 5), np.uint8)
    classes[2, 2] = 1
    arcs = trace_arcs(labels_of(classes))
    moved = arcs.points.copy()
    moved[arcs.starts[1] :] += 50
    # Two shells of one value, so that it is containment that decides.
    pair = replace(
        arcs,
        points=np.concatenate([moved, arcs.points[: arcs.starts[1]] + 20]),
        starts=np.append(arcs.starts, arcs.starts[-1] + arcs.starts[1]),
        left=np.append(arcs.left, -1),
        right=np.append(arcs.right, 0),
        closed=np.append(arcs.closed, True),
    )
    with pytest.raises(RunError, match="a hole"):
        faces(pair)
