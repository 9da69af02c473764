import numpy as np
import pytest
from shapely.geometry import LineString

from bocage.grid import list_regions
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._tables import region
from bocage.simulate._terrain import _flow, blob, build_terrain, smooth


@pytest.mark.parametrize("flow", [_flow, _flow.py_func], ids=["compiled", "python"])
def test_water_runs_down_to_the_outlet(flow):
    # A slope to the west; all of a row leaves at its western end.
    height = np.tile(np.arange(6.0), (5, 1))
    seeds = np.zeros((5, 6), bool)
    receiver, area = flow(height, seeds, 1000.0)
    assert receiver[2 * 6 + 2] in {1 * 6 + 1, 2 * 6 + 1, 3 * 6 + 1}
    inner = [r * 6 + c for r in range(1, 4) for c in range(1, 5)]
    assert all(height.ravel()[receiver[i]] <= height.ravel()[i] for i in inner)
    outlets = np.flatnonzero(receiver < 0)
    assert area[outlets].sum() == pytest.approx(30.0)


def test_a_hollow_overflows():
    height = np.full((7, 7), 5.0)
    height[3, 3] = 1.0
    height[0, 3] = 0.0
    receiver, _ = _flow(height, np.zeros((7, 7), bool), 1000.0)
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


def test_a_blob_has_its_area():
    shape = blob(100, 50, 5000, np.random.default_rng(1))
    assert shape.area == pytest.approx(5000)
    assert shape.is_valid
    assert abs(shape.centroid.x - 100) < 30


@pytest.mark.parametrize("name", list_regions())
def test_every_region_has_relief_and_water(name):
    domain = Domain.around(region(name).place, 2)
    terrain = build_terrain(domain, region(name), Seed(1, name))
    assert terrain.height.shape == (domain.side // 20,) * 2
    assert terrain.height.std() > 0.4 * region(name).relief_m
    assert sum(s.main for s in terrain.streams) == 1
    assert all(isinstance(s.line, LineString) and s.width >= 2 for s in terrain.streams)
    lakes = sum(lake.area for lake in terrain.lakes) / domain.side**2 * 100
    assert lakes == pytest.approx(region(name).shares["lake"], rel=0.5, abs=0.15)
    for values in terrain.features.values():
        assert abs(values.mean()) < 1e-3
        assert values.std() == pytest.approx(1, abs=1e-2)
