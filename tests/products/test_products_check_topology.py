from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.products._check._shapes import cluster_areas, outside, too_narrow, uncovered
from bocage.products._check._topology import Topology


def _array(*shapes: object) -> np.ndarray:
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


def _pairs(topology: Topology) -> set[tuple[int, int]]:
    return set(zip(*(side.tolist() for side in topology.neighbours), strict=True))


def test_a_shared_edge_makes_neighbours_and_a_point_does_not() -> None:
    shapes = _array(shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(2, 1, 3, 2))
    assert _pairs(Topology(shapes)) == {(0, 1)}


@pytest.mark.parametrize(("length", "found"), [(0.0005, set()), (0.002, {(0, 1)})])
def test_an_edge_of_half_a_millimetre_is_none(length: float, found: set) -> None:
    shapes = _array(shapely.box(0, 0, 1, 1), shapely.box(1, 1 - length, 2, 2))
    assert _pairs(Topology(shapes)) == found


def test_edges_that_do_not_match_vertex_by_vertex_count_too() -> None:
    shapes = _array(shapely.box(0, 0, 1, 4), shapely.box(1, 1, 2, 2), shapely.box(1, 3, 2, 9))
    assert _pairs(Topology(shapes)) == {(0, 1), (0, 2)}


def test_an_area_in_common_has_no_length() -> None:
    shapes = _array(shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3), shapely.box(0, 0, 2, 1))
    found = _pairs(Topology(shapes))
    assert (0, 1) not in found
    assert (0, 2) in found  # the lower edges run together


SHAPES = {
    "crossing": (shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3), 1.0),
    "contained": (shapely.box(0, 0, 3, 3), shapely.box(1, 1, 2, 2), 1.0),
    "contained at the edge": (shapely.box(0, 0, 3, 3), shapely.box(0, 0, 1, 1), 1.0),
    "doubled": (shapely.box(0, 0, 2, 2), shapely.box(0, 0, 2, 2), 4.0),
    "sliver": (shapely.box(0, 0, 2, 2), shapely.box(1.9999, 0, 3, 2), 2e-4),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_kind_of_overlap_is_found(name: str) -> None:
    first, second, area = SHAPES[name]
    far = shapely.box(9, 9, 10, 10)
    left, right, parts = Topology(_array(first, far, second)).overlaps
    assert list(zip(left, right, strict=True)) == [(0, 2)]
    assert shapely.area(parts).sum() == pytest.approx(area, rel=1e-6)


def test_a_second_coverage_over_the_first_is_found_in_its_middle_too() -> None:
    """All borders of both fit; only the number of polygons over a point tells."""
    first = [shapely.box(i, j, i + 1, j + 1) for i in range(6) for j in range(6)]
    second = [shapely.box(i + 0.5, j + 0.5, i + 1.5, j + 1.5) for i in range(5) for j in range(5)]
    topology = Topology(_array(*first, *second))
    assert not topology.is_coverage
    left, _, parts = topology.overlaps
    assert len(left) == 4 * len(second)
    assert shapely.area(parts).sum() == pytest.approx(25)
    assert shapely.area(topology.union) == pytest.approx(36)


def test_a_coverage_with_holes_that_touch_in_corners() -> None:
    cells = [shapely.box(i, j, i + 1, j + 1) for i in range(6) for j in range(6)]
    chess = [c for n, c in enumerate(cells) if (n // 6 + n % 6) % 2 == 0 or n // 6 in (0, 5)]
    topology = Topology(_array(*chess))
    assert topology.union.area == pytest.approx(len(chess))
    assert len(topology.overlaps[0]) == 0


def test_vertices_on_one_side_of_a_border_only_are_no_overlap() -> None:
    shapes = _array(shapely.box(0, 0, 1, 4), shapely.box(1, 0, 2, 2), shapely.box(1, 2, 2, 4))
    topology = Topology(shapes)
    assert not topology.is_coverage
    assert _pairs(topology) == {(0, 1), (0, 2), (1, 2)}
    assert len(topology.overlaps[0]) == 0
    assert topology.union.area == pytest.approx(8)


def test_the_direction_of_rings_does_not_matter() -> None:
    shapes = _array(shapely.box(0, 0, 1, 1, ccw=False), shapely.box(1, 0, 2, 1, ccw=True))
    topology = Topology(shapes)
    assert topology.is_coverage
    assert _pairs(topology) == {(0, 1)}


def test_rounding_noise_is_no_overlap() -> None:
    shapes = _array(shapely.box(0, 0, 1, 1), shapely.box(1 - 1e-9, 0, 2, 1))
    assert len(Topology(shapes).overlaps[0]) == 0
    hole = shapely.Polygon(shapely.box(0, 0, 3, 3).exterior, [shapely.box(1, 1, 2, 2).exterior])
    assert len(Topology(_array(hole, shapely.box(1, 1, 2, 2))).overlaps[0]) == 0


def test_marginal_polygons() -> None:
    cells = [shapely.box(i, j, i + 1, j + 1) for j in range(5) for i in range(5)]
    everything = Topology(_array(*cells))
    rim = {n for n in range(25) if n % 5 in (0, 4) or n // 5 in (0, 4)}
    where = np.arange(25)
    assert set(np.flatnonzero(everything.marginal(where))) == rim
    holed = [c for n, c in enumerate(cells) if n != 12]
    found = Topology(_array(*holed)).marginal(np.arange(24))
    names = [n for n in range(25) if n != 12]
    # Beside the hole along a line: 7, 11, 13, 17; in a corner of it only: 6, 8, 16, 18.
    assert {names[i] for i in np.flatnonzero(found)} == rim | {7, 11, 13, 17}


def test_marginal_also_where_borders_do_not_match() -> None:
    shapes = _array(shapely.box(0, 0, 4, 1), shapely.box(0, 1, 2, 2), shapely.box(2.5, 1, 4, 2),
                    shapely.box(2, 1, 2.5, 1.5))  # fmt: skip
    assert Topology(shapes).marginal(np.array([3])).tolist() == [True]
    assert Topology(shapes).marginal(np.array([], dtype=np.int64)).tolist() == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(*(st.integers(0, 6) for _ in range(2)), *(st.integers(1, 4) for _ in range(2))),
        min_size=1,
        max_size=8,
    )
)
def test_against_the_definitions(rows: list[tuple[int, int, int, int]]) -> None:
    shapes = _array(*(shapely.box(x, y, x + w, y + h) for x, y, w, h in rows))
    topology = Topology(shapes)
    neighbours, overlaps = set(), {}
    for i in range(len(shapes)):
        for j in range(i + 1, len(shapes)):
            common = shapely.intersection(shapes[i], shapes[j])
            lines = [p for p in shapely.get_parts(common) if p.geom_type == "LineString"]
            if sum(p.length for p in lines) > 0.001:
                neighbours.add((i, j))
            if common.area > 1e-6:
                overlaps[i, j] = common.area
    # Rectangles that overlap and share a part of an edge: the official rule looks at the
    # intersection, which is then an area; sharing is counted here all the same.
    assert neighbours <= _pairs(topology) <= neighbours | set(overlaps)
    left, right, parts = topology.overlaps
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == set(overlaps)
    assert shapely.area(parts).sum() == pytest.approx(sum(overlaps.values()))
    ground = shapely.union_all(shapes)
    assert topology.union.equals(ground)
    found = topology.marginal(np.arange(len(shapes)))
    expected = [
        shapely.length(shapely.intersection(s.boundary, ground.boundary)) > 0.001 for s in shapes
    ]
    assert found.tolist() == expected


def test_missing_geometries_take_no_part() -> None:
    shapes = _array(shapely.box(0, 0, 1, 1), None, shapely.box(1, 0, 2, 1))
    topology = Topology(shapes)
    assert _pairs(topology) == {(0, 2)}
    assert len(topology.overlaps[0]) == 0
    assert topology.union.area == 2
    nothing = Topology(np.array([], dtype=object))
    assert _pairs(nothing) == set()
    assert len(nothing.overlaps[0]) == 0
    assert nothing.union.is_empty


@pytest.mark.parametrize(
    ("shape", "narrow"),
    [
        (shapely.box(0, 0, 100, 10), True),
        (shapely.box(0, 0, 100, 10.01), False),
        (shapely.union_all([shapely.box(0, 0, 30, 30), shapely.box(60, 0, 90, 30),
                            shapely.box(0, 10, 90, 18)]), True),
        (shapely.union_all([shapely.box(0, 0, 30, 30), shapely.box(60, 0, 90, 30),
                            shapely.box(0, 10, 90, 22)]), False),
    ],
)  # fmt: skip
def test_width(shape: shapely.Polygon, narrow: bool) -> None:
    assert too_narrow(_array(shape), 10).tolist() == [narrow]


@pytest.mark.parametrize(("width", "count"), [(0.0, 0), (0.001, 1), (0.05, 1)])
def test_gaps_inside(width: float, count: int) -> None:
    union = shapely.union_all([shapely.box(0, 0, 5, 10), shapely.box(5 + width, 0, 10, 10)])
    assert len(uncovered(_array(shapely.box(0, 0, 10, 10)), union)) == count


@pytest.mark.parametrize(("width", "count"), [(0.009, 0), (0.05, 1)])
def test_gaps_and_excess_at_the_rim(width: float, count: int) -> None:
    limits = _array(shapely.box(0, 0, 10, 10))
    assert len(uncovered(limits, shapely.box(0, 0, 10 - width, 10))) == count
    assert len(outside(limits, shapely.box(0, 0, 10 + width, 10))) == count


def test_clusters_of_initial_and_final_codes() -> None:
    # 0-1 share the initial code, 1-2 the final one, 3 touches none of its kind.
    initial = np.array([1.0, 1.0, 2.0, 1.0])
    final = np.array([5.0, 6.0, 6.0, 7.0])
    areas = np.array([0.1, 0.2, 0.4, 0.3])
    touching = (np.array([0, 1, 2]), np.array([1, 2, 3]))
    assert cluster_areas(initial, final, areas, touching) == pytest.approx([0.3, 0.6, 0.6, 0.0])


def test_the_rim_is_found_wherever_a_polygon_lies():
    """A hair-thin buffer of these very lines is empty: the rim must be found without one."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        west, south = 4_640_000 + rng.integers(0, 10**6, 2) / 1000
        ring = shapely.Point(west, south).buffer(30, quad_segs=4)
        inner = shapely.set_precision(ring, 0.001)
        outer = shapely.box(*inner.bounds).buffer(50, join_style="mitre")
        left = shapely.box(outer.bounds[0], outer.bounds[1], inner.centroid.x, outer.bounds[3])
        island = shapely.set_precision(shapely.difference(outer, left), 0.001)
        topology = Topology(np.array([island, inner], dtype=object))
        assert topology.marginal(np.array([0]))[0]
