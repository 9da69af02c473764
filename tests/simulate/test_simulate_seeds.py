"""Any seed works: every landscape with many seeds (``make seeds``)."""

import os

import numpy as np
import pytest

from bocage.legend import load_legend
from bocage.simulate._change import evolve, rewind
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._places import make_sites
from bocage.simulate._reference import reference_layers
from bocage.simulate._simulate import _inside
from bocage.simulate._tables import class_table, list_landscapes, region

SEEDS = int(os.environ.get("BOCAGE_SEEDS", "50"))


@pytest.mark.seeds
@pytest.mark.parametrize("name", list_landscapes())
def test_any_seed_makes_a_landscape_that_changes_and_its_references(name):
    legend = load_legend("pa")
    table = class_table(legend)
    for number in range(SEEDS):
        domain, seed = Domain.around(region(name).place, 1), Seed(number, name)
        before = build_landscape(domain, region(name), seed)
        sites = make_sites(domain, seed)
        inside = _inside(domain, sites)
        after = evolve(before, inside, 2024, seed)
        truth = {2021: table[before.land], 2024: table[after.land]}
        share = (truth[2021] != truth[2024])[inside].mean()
        assert 0.003 < share < 0.03, f"{name}, seed {number}: {share:.2%} changed"
        assert len(np.unique(truth[2021][inside])) >= 8, f"{name}, seed {number}"
        older = table[rewind(before, inside, 0.008, seed)]
        layers = reference_layers(truth, older, before, sites, legend, seed)
        assert layers.clcplus.shape[0] * 4 == truth[2021].shape[0]
