import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from bocage.simulate._domain import COARSE, MARGIN, Domain, Seed


@given(st.floats(1, 24))
def test_the_pixels_of_every_grid_fit(size):
    domain = Domain.around((4640000, 2930000), size)
    assert abs(2 * domain.half - size * 1000) <= 10
    assert domain.margin >= MARGIN
    assert domain.side % COARSE == 0
    assert domain.west % 10 == 0
    assert domain.north % 10 == 0


def test_local_metres_run_east_and_south():
    domain = Domain.around((4640000, 2930000), 1)
    corner = domain.to_map(shapely.Point(10, 30))
    assert (corner.x, corner.y) == (domain.west + 10, domain.north - 30)
    assert domain.geobox(10).affine.c == domain.west
    assert domain.geobox(10).affine.f == domain.north
    assert domain.axis(2.5)[0] == 1.25


def test_a_step_has_its_own_seed():
    seed = Seed(3, "alpine")
    assert seed.at("a") == Seed(3, "alpine").at("a")
    assert len({seed.at("a"), seed.at("b"), Seed(4, "alpine").at("a"), Seed(3).at("a")}) == 4
    assert seed.rng("a").random() == pytest.approx(Seed(3, "alpine").rng("a").random(), abs=0)
