import numpy as np
import pytest
from shapely.geometry import LineString

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._tables import list_landscapes, region
from bocage.simulate._terrain import blob, build_terrain


def test_a_blob_has_its_area():
    shape = blob(100, 50, 5000, np.random.default_rng(1))
    assert shape.area == pytest.approx(5000)
    assert shape.is_valid
    assert abs(shape.centroid.x - 100) < 30


@pytest.mark.parametrize("name", list_landscapes())
def test_every_region_has_relief_and_water(name):
    domain = Domain.around(region(name).place, 2)
    terrain = build_terrain(domain, region(name), Seed(1, name))
    assert terrain.height.shape == (domain.side // 20,) * 2
    land = ~terrain.sea
    assert terrain.height[land].std() > (0.2 if region(name).coast else 0.4) * region(name).relief_m
    assert terrain.sea.mean() == pytest.approx(
        region(name).coast.sea if region(name).coast else 0, abs=0.01
    )
    assert sum(s.main for s in terrain.streams) == 1
    assert all(isinstance(s.line, LineString) and s.width >= 2 for s in terrain.streams)
    lakes = sum(lake.area for lake in terrain.lakes) / domain.side**2 * 100
    assert lakes == pytest.approx(region(name).shares["lake"], rel=0.5, abs=0.2)
    for values in terrain.features.values():
        assert abs(values.mean()) < 1e-3
        assert values.std() == pytest.approx(1, abs=1e-2)


def test_heights_are_above_the_sea_and_mountains_pass_the_tree_line():
    low = build_terrain(
        Domain.around(region("continental").place, 2), region("continental"), Seed(1)
    )
    assert low.height.min() == pytest.approx(region("continental").level_m, abs=1)
    alps = region("alpine")
    high = build_terrain(Domain.around(alps.place, 4), alps, Seed(1))
    assert 0.25 < (high.height > alps.treeline_m).mean() < 0.55
