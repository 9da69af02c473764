import numpy as np
import pytest
from scipy import ndimage

from bocage.simulate._coast import _narrow, find_shore, inland, look_along
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._tables import land_index, list_landscapes, region

COASTS = [name for name in list_landscapes() if region(name).coast]


@pytest.fixture(scope="module", params=COASTS)
def coastal(request):
    countryside = region(request.param)
    domain, seed = Domain.around(countryside.place, 2), Seed(3, request.param)
    return build_landscape(domain, countryside, seed)


def test_there_are_coasts_of_several_kinds():
    assert len(COASTS) >= 3
    assert len({region(name).biogeographical for name in COASTS}) >= 3


def test_the_sea_has_its_share_and_one_coastline(coastal):
    coast, domain = coastal.region.coast, coastal.domain
    seed = Seed(3, coastal.region.name)
    shore = find_shore(domain, coast, 20, seed)
    coarse = inland(domain, coast, shore, 20, seed)
    fine = look_along(domain, coast, shore, seed).away
    assert (coarse < 0).mean() == pytest.approx(coast.sea, abs=0.01)
    assert (fine < 0).mean() == pytest.approx(coast.sea, abs=0.02)
    far = np.abs(coarse) > 60
    assert ((fine[4::8, 4::8] < 0) == (coarse < 0))[far].mean() > 0.999


def test_land_rises_from_the_sea_and_the_sea_floor_does_not(coastal):
    seed = Seed(3, coastal.region.name)
    shore = find_shore(coastal.domain, coastal.region.coast, 20, seed)
    away = inland(coastal.domain, coastal.region.coast, shore, 20, seed)
    assert coastal.height[away < -40].max() < 0
    assert np.median(coastal.height[away > 300]) > np.median(
        coastal.height[(away > 0) & (away < 60)]
    )


def test_flats_lie_at_sea_and_marshes_behind_the_coastline(coastal):
    seed = Seed(3, coastal.region.name)
    shore = find_shore(coastal.domain, coastal.region.coast, 20, seed)
    away = look_along(coastal.domain, coastal.region.coast, shore, seed).away
    index = land_index()
    assert (away[coastal.land == index["coastalwater"]] < 20).all()
    assert (away[coastal.land == index["opensea"]] < -1852).all()
    for key in ("saltmarsh", "beach", "lagoon"):
        assert (away[coastal.land == index[key]] > 0).all()
    flats = coastal.land == index["tidalflat"]
    assert flats.any()
    assert (away[flats] < 0).mean() > 0.5


def test_ways_do_not_run_over_the_open_sea(coastal):
    sea = coastal.land == land_index()["coastalwater"]
    deep = ndimage.distance_transform_edt(sea) * 2.5
    roads = np.isin(coastal.land, [land_index()[k] for k in ("road", "rail")])
    size = coastal.land.shape[0]
    for way in coastal.ways:
        points = np.array(way.line.coords)
        points = points[((points >= 0) & (points < coastal.domain.side)).all(axis=1)]
        row, column = (np.clip(points[:, k] / 2.5, 0, size - 1).astype(int) for k in (1, 0))
        assert deep[row, column].max(initial=0) < 110
    assert roads.any()


def test_only_narrow_arms_of_the_sea_are_inlets():
    sea = np.zeros((400, 400), bool)
    sea[:200] = True  # open sea
    sea[200:360, 180:200] = True  # an arm 50 m wide
    arm = _narrow(sea, 150.0)
    assert arm[240:340, 182:198].mean() > 0.9
    assert not arm[:150].any()
    assert not arm[~sea].any()
