"""One small virtual area that the tests of this room share."""

from __future__ import annotations

import pytest

from bocage.legend import load_legend
from bocage.simulate import simulate
from bocage.simulate._change import evolve
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._places import make_sites
from bocage.simulate._simulate import _inside
from bocage.simulate._tables import class_table, region


@pytest.fixture(scope="session")
def area(tmp_path_factory):
    """Folder of a simulated area of 1 km, continental, seed 7."""
    out = tmp_path_factory.mktemp("area")
    simulate(out, region="continental", size_km=1, seed=7)
    return out


@pytest.fixture(scope="session")
def domain():
    return Domain.around(region("continental").place, 1)


@pytest.fixture(scope="session")
def seed():
    return Seed(7, "continental")


@pytest.fixture(scope="session")
def landscape(domain, seed):
    return build_landscape(domain, region("continental"), seed)


@pytest.fixture(scope="session")
def legend():
    return load_legend("pa")


@pytest.fixture(scope="session")
def classes(landscape, legend):
    """Class index of every pixel of the landscape."""
    return class_table(legend)[landscape.land]


@pytest.fixture(scope="session")
def inside(domain, seed):
    return _inside(domain, make_sites(domain, seed))


@pytest.fixture(scope="session")
def later(landscape, inside, seed):
    return evolve(landscape, inside, 2024, seed)
