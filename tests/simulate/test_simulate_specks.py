import numpy as np
import pytest

from bocage.simulate._canvas import Canvas
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._specks import paint_airfield, paint_specks
from bocage.simulate._tables import cover_index, land_index, lands, region, specks
from bocage.simulate._terrain import build_terrain


@pytest.fixture(scope="module")
def place():
    countryside = region("continental")
    domain, seed = Domain.around(countryside.place, 3), Seed(5, "continental")
    return domain, countryside, build_terrain(domain, countryside, seed), seed


def _canvas(domain, key):
    size = domain.count(2.5)
    land = np.full((size, size), land_index()[key], np.uint8)
    return Canvas(land, np.zeros_like(land, np.int32), np.full_like(land, 255), [0.0])


def test_many_specks_are_smaller_than_the_mapping_unit(place):
    domain, countryside, _, seed = place
    canvas = _canvas(domain, "arable")
    paint_specks(canvas, domain, countryside, seed)
    changed = canvas.land != land_index()["arable"]
    hectares = np.bincount(canvas.obj[changed])[1:] * 6.25e-4
    hectares = hectares[hectares > 0]
    assert 3 < len(hectares) / domain.area_km2 < 8
    assert 0.3 < (hectares < 0.5).mean() < 0.95
    here = {lands()[i].key for i in np.unique(canvas.land[changed])}
    assert here <= {s.land for s in specks() if s.zone == "farm"}


def test_specks_of_woods_do_not_fall_on_fields(place):
    domain, countryside, _, seed = place
    canvas = _canvas(domain, "forest_b")
    paint_specks(canvas, domain, countryside, seed)
    here = {lands()[i].key for i in np.unique(canvas.land)} - {"forest_b"}
    assert here
    assert here <= {s.land for s in specks() if s.zone == "wild"}


def test_an_airfield_has_a_runway_and_its_share(place):
    domain, countryside, terrain, seed = place
    canvas = _canvas(domain, "arable")
    outline = paint_airfield(canvas, domain, countryside, terrain, (), seed)
    where = canvas.land == land_index()["airport"]
    share = countryside.shares["airport"] / 100
    assert where.mean() == pytest.approx(share, rel=0.1)
    assert outline.area == pytest.approx(share * domain.side**2, rel=0.01)
    runway = canvas.cover == cover_index()["runway"]
    assert 0.1 < runway.sum() / where.sum() < 0.4
    assert where[runway].all()


def test_there_is_no_airfield_where_none_is_asked_for(place):
    domain, _, terrain, seed = place
    canvas = _canvas(domain, "arable")
    assert paint_airfield(canvas, domain, region("boreal"), terrain, (), seed) is None
    assert (canvas.land == land_index()["arable"]).all()


def test_roads_and_towns_leave_the_airfield_whole():
    domain = Domain.around(region("continental").place, 3)
    landscape = build_landscape(domain, region("continental"), Seed(5, "continental"))
    share = region("continental").shares["airport"] / 100
    assert (landscape.land == land_index()["airport"]).mean() > 0.93 * share
