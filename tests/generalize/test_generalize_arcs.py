from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.generalize._arcs import end_nodes, trace_arcs
from bocage.generalize._graph import label_regions

grids = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


def labels_of(rows, outside=None):
    """Labels of a class raster; the class `outside` has the label -1."""
    classes = np.array(rows, np.uint8)
    return label_regions(classes[None], classes != outside if outside is not None else classes < 9)


def parts(arcs):
    return [arcs.points[a:b].tolist() for a, b in pairwise(arcs.starts)]


def cracks_of(labels):
    """Every crack as (x, y, x, y) with the labels north or west and south or east of it."""
    padded = np.pad(labels, 1, constant_values=-1)
    found = {}
    for y in range(labels.shape[0] + 1):
        for x in range(labels.shape[1] + 1):
            here, above, before = padded[y + 1, x + 1], padded[y, x + 1], padded[y + 1, x]
            if here != above:
                found[x, y, x + 1, y] = (above, here)
            if here != before:
                found[x, y, x, y + 1] = (before, here)
    return found


def test_arcs_of_one_pixel():
    arcs = trace_arcs(np.zeros((1, 1), np.int32))
    assert parts(arcs) == [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    assert arcs.closed.tolist() == [True]
    assert (arcs.left.tolist(), arcs.right.tolist()) == ([-1], [0])
    assert end_nodes(arcs).tolist() == [[-1, -1]]


def test_arcs_between_two_pixels():
    arcs = trace_arcs(np.array([[0, 1]], np.int32))
    assert parts(arcs) == [
        [[1, 0], [2, 0], [2, 1], [1, 1]],
        [[1, 0], [1, 1]],
        [[1, 0], [0, 0], [0, 1], [1, 1]],
    ]
    assert arcs.left.tolist() == [-1, 1, 0]
    assert arcs.right.tolist() == [1, 0, -1]
    assert end_nodes(arcs).tolist() == [[0, 1]] * 3


def test_arcs_of_a_ring_in_a_ring():
    classes = np.zeros((5, 5), np.uint8)
    classes[1:4, 1:4] = 1
    classes[2, 2] = 2
    arcs = trace_arcs(labels_of(classes))
    assert arcs.closed.all()
    assert arcs.points[arcs.starts[:-1]].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert np.diff(arcs.starts).tolist() == [21, 13, 5]
    assert (arcs.left.tolist(), arcs.right.tolist()) == ([-1, 0, 1], [0, 1, 2])


def test_a_corner_with_four_cracks_is_a_node():
    arcs = trace_arcs(labels_of([[0, 1], [1, 0]]))
    centre = [len([p for p in (part[0], part[-1]) if p == [1, 1]]) for part in parts(arcs)]
    assert sum(centre) == 4
    # One label on a diagonal, connected around the corner: an arc from a node to itself.
    looped = trace_arcs(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 2]], np.int32))
    ends = end_nodes(looped)
    assert (ends[:, 0] == ends[:, 1]).sum() == 1
    assert not looped.closed.any()


def test_arcs_of_a_spiral():
    spiral = [
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 1],
        [1, 1, 1, 0, 1],
        [1, 0, 0, 0, 1],
        [1, 1, 1, 1, 1],
    ]
    arcs = trace_arcs(labels_of(spiral))
    assert len(arcs) == 3
    assert sorted(np.diff(arcs.starts) - 1) == [1, 17, 19]


def test_islands_of_no_label_are_outside():
    labels = labels_of([[0, 0, 0], [0, 1, 0], [0, 0, 0]], outside=1)
    arcs = trace_arcs(labels)
    assert (arcs.left.tolist(), arcs.right.tolist()) == ([-1, 0], [0, -1])
    assert len(trace_arcs(np.full((3, 2), -1, np.int32))) == 0


@settings(max_examples=150, deadline=None)
@given(grids, st.sampled_from([None, 0]))
def test_arcs_cover_every_crack_once(classes, outside):
    labels = labels_of(classes, outside)
    arcs = trace_arcs(labels)
    expected = cracks_of(labels)
    degree: dict[tuple[float, float], int] = {}
    for x, y, u, v in expected:
        degree[x, y] = degree.get((x, y), 0) + 1
        degree[u, v] = degree.get((u, v), 0) + 1
    for k, part in enumerate(parts(arcs)):
        for (x, y), (u, v) in pairwise(part):
            forward = (u, v) > (x, y)
            first, second = expected.pop((x, y, u, v) if forward else (u, v, x, y))
            # Left is north of a crack that is walked east, but east of one walked south.
            if forward == (y == v):
                assert (arcs.left[k], arcs.right[k]) == (first, second)
            else:
                assert (arcs.right[k], arcs.left[k]) == (first, second)
        assert all(degree[x, y] == 2 for x, y in part[1:-1])
        assert (degree[tuple(part[0])] == 2) == arcs.closed[k]
        assert (part[0] == part[-1]) or not arcs.closed[k]
    assert not expected
    starts = arcs.points[arcs.starts[:-1]]
    assert (np.diff(starts[:, 1] * 100 + starts[:, 0]) >= 0).all()
