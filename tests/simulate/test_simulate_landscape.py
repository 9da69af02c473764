import numpy as np
import pytest

from bocage.legend import load_legend
from bocage.simulate._allocate import allocate
from bocage.simulate._change import evolve
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._parcels import Parcels
from bocage.simulate._places import make_sites
from bocage.simulate._simulate import _inside
from bocage.simulate._tables import FEATURES, class_table, land_index, list_landscapes, region


def test_parcels_get_land_up_to_its_share(seed):
    domain = Domain.around((4640000, 2930000), 1)
    count = domain.count(2.5)
    rows = np.arange(count) // 28
    label = (rows[:, None] * 28 + rows[None, :]).astype(np.int32)
    parcels = Parcels(label, np.zeros(int(label.max()) + 1, np.float32))
    flat = {name: np.zeros((domain.count(20),) * 2, np.float32) for name in FEATURES}
    within = np.ones(label.shape, bool)
    kinds = allocate(
        parcels, within, ("farm",), domain, region("continental"), flat, flat["slope"], seed
    )
    got = np.bincount(kinds[label].ravel(), minlength=60) / label.size
    shares = region("continental").shares
    farm = {k: shares[k] for k in ("arable", "grass_managed", "complex", "orchard", "greenhouse")}
    index, total = land_index(), 41.05
    for key, share in farm.items():
        assert got[index[key]] == pytest.approx(share / total, abs=0.012)


@pytest.mark.parametrize("name", list_landscapes())
def test_every_region_can_be_built_and_changes(name):
    domain, seed = Domain.around(region(name).place, 1), Seed(11, name)
    before = build_landscape(domain, region(name), seed)
    inside = _inside(domain, make_sites(domain, seed))
    table = class_table(load_legend("pa"))
    classes = table[before.land]
    assert len(np.unique(classes[inside])) >= 15
    assert before.obj.max() < len(before.angle)
    after = evolve(before, inside, 2024, seed)
    changed = table[after.land] != classes
    assert 0.005 < changed[~inside].mean() < 0.03
    assert 0.005 < changed[inside].mean() < 0.03
    assert (after.obj[changed] >= len(before.angle)).all()


def test_four_kilometres_hold_at_least_25_classes():
    domain, seed = Domain.around(region("continental").place, 4), Seed(1, "continental")
    land = build_landscape(domain, region("continental"), seed).land
    inside = _inside(domain, make_sites(domain, seed))
    classes, count = np.unique(class_table(load_legend("pa"))[land][inside], return_counts=True)
    assert (count * 6.25 / 1e4 > 0.1).sum() >= 25
    assert len(classes) >= 25


def test_objects_are_of_one_kind(landscape):
    pairs = np.unique(landscape.obj.astype(np.int64) * 256 + landscape.land)
    assert len(pairs) == len(np.unique(pairs >> 8))
