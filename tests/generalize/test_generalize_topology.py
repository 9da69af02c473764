from __future__ import annotations

import numpy as np

from bocage.generalize._arcs import end_nodes, trace_arcs
from bocage.generalize._graph import label_regions
from bocage.generalize._topology import twisted


def arcs_of(classes):
    classes = np.asarray(classes, np.uint8)
    return trace_arcs(label_regions(classes[None], np.ones(classes.shape, bool)))


def moved(arcs, move, *, sense=-1, reach=2.0):
    """Which arcs are twisted when their points, times ten, are moved."""
    points = arcs.points * 10
    points = move(points.copy()).astype(np.int64)
    return twisted(arcs, end_nodes(arcs), points, arcs.starts, sense, reach)


def test_what_stays_or_is_mirrored_as_a_whole_is_not_twisted():
    arcs = arcs_of([[0, 1, 1], [0, 2, 1], [0, 0, 1]])
    assert not moved(arcs, lambda p: p).any()
    assert not moved(arcs, lambda p: p + 1000).any()
    assert not moved(arcs, lambda p: p * [1, -1], sense=1).any()
    assert moved(arcs, lambda p: p * [1, -1]).any()


def test_another_order_around_a_node_is_found():
    arcs = arcs_of([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, 2]])
    node = arcs.points == [2, 2]

    def fold(points):
        # The border between 0 and 1 leaves its lower node downwards, into region 2.
        points[(arcs.points == [2, 1]).all(axis=1)] = [21, 25]
        return points

    assert node.all(axis=1).sum() == 3
    bad = moved(arcs, fold)
    inner = (arcs.left >= 0) & (arcs.right >= 0)
    assert bad[inner].all()


def test_a_ring_that_turned_inside_out_is_found():
    classes = np.zeros((5, 5), np.uint8)
    classes[1:4, 1:4] = 1
    arcs = arcs_of(classes)

    def flip(points):
        ring = slice(arcs.starts[1], arcs.starts[2])
        points[ring, 0] = 50 - points[ring, 0]
        return points

    assert moved(arcs, flip).tolist() == [False, True]


def test_an_island_on_the_other_side_of_a_border_is_found():
    classes = np.zeros((12, 12), np.uint8)
    classes[:, 6:] = 1
    classes[5, 4] = 2
    arcs = arcs_of(classes)
    island = np.flatnonzero(arcs.closed)[0]

    def jump(points):
        points[arcs.starts[island] : arcs.starts[island + 1]] += [30, 0]
        return points

    assert moved(arcs, jump)[island]
    assert not moved(arcs, lambda p: p)[island]
