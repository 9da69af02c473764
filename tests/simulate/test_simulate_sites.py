import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._places import COVERED, make_sites
from bocage.simulate._sites import SITE_KM2, TINY_HA, _joined


def river(domain):
    s = np.linspace(-500, domain.side + 500, 400)
    return LineString(np.column_stack([s, domain.side / 2 + 300 * np.sin(s / 700)]))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 100_000), st.sampled_from([6.0, 9.0, 16.0]), st.booleans())
def test_large_areas_have_many_sites(number, size, wet):
    domain = Domain.around((4640000, 2930000), size)
    sites = make_sites(domain, Seed(number, "x"), river(domain) if wet else None)
    assert sites.geometry.is_valid.all()
    assert set(sites.geometry.geom_type) == {"Polygon"}
    wanted = size**2 / SITE_KM2
    assert 0.55 * wanted <= len(sites) <= 1.4 * wanted + 2
    whole = shapely.union_all(sites.geometry)
    assert whole.area == pytest.approx(sites.area.sum(), abs=1.0)
    low, high = COVERED
    assert low - 0.03 <= whole.area / (2 * domain.half) ** 2 <= high + 0.03
    assert len(sites.geometry[0].interiors) >= 1
    assert sites.site_id.is_unique


def test_some_are_tiny_some_adjoin_and_one_follows_the_river():
    domain = Domain.around((4640000, 2930000), 12)
    line = river(domain)
    sites = make_sites(domain, Seed(2, "x"), line)
    area = sites.area / 1e4
    tiny = sites[area < 1.1 * TINY_HA[1]]
    assert len(tiny) >= 1
    assert area.min() > 0.8 * TINY_HA[0]
    along = sites.geometry.intersection(domain.to_map(line)).length
    strip = sites.geometry[int(along.argmax())]
    assert along.max() > 4000
    assert strip.length**2 / strip.area > 60
    tree = shapely.STRtree(sites.geometry)
    left, right = tree.query(sites.geometry, predicate="touches")
    pairs = sites.geometry.to_numpy()[left], sites.geometry.to_numpy()[right]
    assert shapely.length(shapely.intersection(*pairs)).max() > 300


def test_slivers_join_the_neighbour_they_touch_most():
    left, right = shapely.box(0, 0, 900, 900), shapely.box(900, 0, 1800, 900)
    sliver = shapely.box(0, 900, 950, 950)
    pieces = _joined([left, sliver, right])
    assert [p.area for p in pieces] == [left.area + sliver.area, right.area]
