import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bocage.grid import clusters, read_sites
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._places import make_sites, make_unit
from bocage.simulate._vector import write_vector


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 100_000), st.sampled_from([1.0, 2.5, 5.0]))
@example(1486, 1.0)  # whole decimetres fold a corner over
def test_sites_are_valid_and_cover_most_of_the_square(number, size):
    domain = Domain.around((4640000, 2930000), size)
    sites = make_sites(domain, Seed(number, "x"))
    assert sites.geometry.is_valid.all()
    assert set(sites.geometry.geom_type) == {"Polygon"}
    share = sites.area.sum() / (2 * domain.half) ** 2
    assert 0.70 <= share <= 0.85
    west, _, _, north = sites.total_bounds
    assert west >= domain.center[0] - domain.half
    assert north <= domain.center[1] + domain.half


def test_two_sites_adjoin_one_has_a_hole_and_one_lies_apart(domain, seed, tmp_path):
    sites = make_sites(domain, seed)
    first, second, third = sites.geometry
    assert len(first.interiors) == 1
    shared = first.intersection(second)
    assert shared.area == 0
    assert shared.length > 200
    assert third.distance(first.union(second)) > 10
    path = write_vector(tmp_path / "sites.gpkg", sites, "sites")
    again = read_sites(path)
    assert again.area.sum() == pytest.approx(sites.area.sum())
    assert len(clusters(again, distance=5.0)) == 2


def test_the_delivery_unit_holds_the_sites(domain, seed):
    sites = make_sites(domain, seed)
    unit = make_unit(sites, "du0014", "atlantic_coast")
    assert unit.du_id.tolist() == ["du0014"]
    assert unit.du_name.tolist() == ["atlanticcoast"]
    outline = unit.geometry[0]
    assert outline.geom_type == "Polygon"
    assert len(outline.interiors) == 0
    assert outline.buffer(-150).contains(sites.union_all())
    assert unit.crs.to_epsg() == 3035
