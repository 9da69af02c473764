from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.generalize._arcs import end_nodes, trace_arcs
from bocage.generalize._clash import clashes
from bocage.generalize._graph import label_regions

grids = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


@settings(max_examples=50, deadline=None)
@given(grids)
def test_traced_arcs_do_not_clash(classes):
    arcs = trace_arcs(label_regions(classes[None], np.ones(classes.shape, bool)))
    every = np.ones(len(arcs), bool)
    assert not clashes(arcs.points.astype(int), arcs.starts, end_nodes(arcs), every).any()


@pytest.mark.parametrize(
    ("second", "clash"),
    [
        ([[0, 5], [10, 5]], True),  # crosses
        ([[9, 9], [9, 0]], True),  # starts on it
        ([[5, 5], [5, 9]], True),  # touches in the middle
        ([[2, 2], [12, 12]], True),  # overlaps
        ([[10, 10], [0, 0]], True),  # the same
        ([[10, 10], [5, 5]], True),  # turns back from the common node
        ([[11, 11], [12, 12]], False),  # goes on beyond
        ([[10, 10], [20, 20]], False),  # goes on from the common node
        ([[10, 10], [10, 0]], False),
        ([[7, 7], [7, 7]], True),  # has no length
    ],
)
def test_clashes_of_two_segments(second, clash):
    first = [[0, 0], [10, 10]]
    points = np.array([*first, *second])
    _, name = np.unique(points[:, 0] * 100 + points[:, 1], return_inverse=True)
    nodes = name.reshape(2, 2)
    bad = clashes(points, np.array([0, 2, 4]), nodes, np.ones(2, bool))
    assert bad[1] == clash
    assert not clashes(points, np.array([0, 2, 4]), nodes, np.zeros(2, bool))[0]


def test_clashes_agree_with_all_pairs():
    generator = np.random.default_rng(5)
    points = generator.integers(0, 1500, (240, 2))
    points[1::2] = points[::2] + generator.integers(-150, 150, (120, 2))
    points[1] = points[0] + [3000, 10]
    starts, nodes = np.arange(0, 241, 2), np.arange(240).reshape(-1, 2)
    bad = clashes(points, starts, nodes, np.ones(120, bool))
    lines = shapely.linestrings(points.reshape(-1, 2, 2))
    tree = shapely.STRtree(lines).query(lines, predicate="intersects")
    expected = np.zeros(120, bool)
    expected[tree[0][tree[0] != tree[1]]] = True
    assert (bad == expected).all()
    assert 10 < bad.sum() < 110
