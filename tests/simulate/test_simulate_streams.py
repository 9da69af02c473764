import numpy as np
import pytest

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._streams import MAIN_ORDER, _orders, flow, smooth
from bocage.simulate._tables import region
from bocage.simulate._terrain import build_terrain


@pytest.mark.parametrize("run", [flow, flow.py_func], ids=["compiled", "python"])
def test_water_runs_down_to_the_outlet(run):
    # A slope to the west; all of a row leaves at its western end.
    height = np.tile(np.arange(6.0), (5, 1))
    seeds = np.zeros((5, 6), bool)
    receiver, area = run(height, seeds, 1000.0)
    assert receiver[2 * 6 + 2] in {1 * 6 + 1, 2 * 6 + 1, 3 * 6 + 1}
    inner = [r * 6 + c for r in range(1, 4) for c in range(1, 5)]
    assert all(height.ravel()[receiver[i]] <= height.ravel()[i] for i in inner)
    outlets = np.flatnonzero(receiver < 0)
    assert area[outlets].sum() == pytest.approx(30.0)


def test_a_hollow_overflows():
    height = np.full((7, 7), 5.0)
    height[3, 3] = 1.0
    height[0, 3] = 0.0
    receiver, _ = flow(height, np.zeros((7, 7), bool), 1000.0)
    cell, steps = 3 * 7 + 3, 0
    while receiver[cell] >= 0:
        cell, steps = receiver[cell], steps + 1
    assert steps >= 2
    assert cell // 7 in (0, 6) or cell % 7 in (0, 6)


def test_smoothing_keeps_the_ends():
    points = np.array([[0.0, 0], [10, 0], [10, 10]])
    line = smooth(points)
    assert np.array_equal(line[[0, -1]], points[[0, -1]])
    assert len(line) == 10
    assert np.array_equal(smooth(points[:2]), points[:2])


@pytest.mark.parametrize("run", [_orders, _orders.py_func], ids=["compiled", "python"])
def test_equal_brooks_make_a_higher_order(run):
    # Two springs meet, a third joins below: orders 1, 1, 2, 1, 2; then an equal one: 3.
    receiver = np.array([2, 2, 4, 4, 7, 6, 7, -1])
    order = run(receiver, np.array([0, 1, 3, 2, 4, 5, 6, 7]))
    assert order.tolist() == [1, 1, 2, 1, 2, 1, 1, 2]
    twice = np.array([2, 2, 6, 5, 5, 6, -1])
    assert run(twice, np.array([0, 1, 3, 4, 2, 5, 6])).tolist() == [1, 1, 2, 1, 1, 2, 3]


def test_orders_grow_downstream_in_a_landscape():
    countryside = region("continental")
    terrain = build_terrain(Domain.around(countryside.place, 4), countryside, Seed(1))
    brooks = [s for s in terrain.streams if not s.main]
    assert {s.order for s in brooks} >= {1, 2}
    width = {k: np.mean([s.width for s in brooks if s.order == k]) for k in (1, 2)}
    assert width[2] > width[1]
    assert all(s.order == MAIN_ORDER for s in terrain.streams if s.main)


def test_on_a_coast_the_main_river_reaches_the_sea():
    countryside = region("atlantic_coast")
    for number in range(4):
        domain = Domain.around(countryside.place, 3)
        terrain = build_terrain(domain, countryside, Seed(number))
        main = next(s for s in terrain.streams if s.main)
        points = np.array(main.line.coords)
        inside = ((points >= 0) & (points < domain.side)).all(axis=1)
        column, row = (points[inside] // 20).astype(int).T
        assert 0.1 < terrain.sea[row, column].mean() < 0.9
