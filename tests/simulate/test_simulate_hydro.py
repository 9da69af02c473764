from dataclasses import replace

import numpy as np
import pytest
import shapely
from shapely import LineString

from bocage.simulate._hydro import AREAS, hydro_layers
from bocage.simulate._streams import Stream
from bocage.simulate._tables import land_index


@pytest.fixture(scope="module")
def wet(landscape):
    """The landscape with a wide river, many brooks, a large and a small lake."""
    index = land_index()
    land = landscape.land.copy()
    land[:] = index["arable"]
    land[100:150, 100:150] = index["lake"]
    land[600:630, 600:630] = index["lake"]
    land[380:392] = index["river"]
    brooks = [Stream(LineString([[x, 1000], [x + 40, 1900]]), 2.0) for x in range(40, 1900, 20)]
    river = Stream(LineString([[0, 965], [1960, 965]]), 30.0, order=5)
    canal = Stream(LineString([[0, 300], [1960, 320]]), 13.0, canal=True)
    return replace(landscape, land=land, streams=(river, canal, *brooks))


@pytest.fixture(scope="module")
def layers(wet, seed):
    return {name: frame for name, (frame, _) in hydro_layers(wet, seed).items()}


def test_layers_and_fields_are_those_of_the_product(layers):
    assert set(layers) == {"River_Net_l", "Canals_l", *AREAS}
    lines = layers["River_Net_l"]
    assert {"OBJECT_ID", "DFDD", "STRAHLER", "LENGTH", "NAMETXT"} <= set(lines.columns)
    assert lines.OBJECT_ID.is_unique
    assert lines.LENGTH.to_numpy() == pytest.approx(lines.length.to_numpy(), abs=0.1)
    assert all(f.crs.to_epsg() == 3035 for f in layers.values())


def test_headwaters_are_missing_and_rivers_are_not(layers, wet):
    order = layers["River_Net_l"].STRAHLER
    brooks = sum(s.order == 1 and not s.canal for s in wet.streams)
    assert 0.3 < (order == 1).sum() / brooks < 0.75
    assert layers["River_Net_l"][order == 5].length.sum() > 1600
    assert layers["Canals_l"].length.sum() > 1600


def test_position_is_worse_than_that_of_other_lines(layers, wet):
    true = wet.domain.to_map(shapely.union_all([s.line for s in wet.streams]))
    vertices = shapely.points(shapely.get_coordinates(layers["River_Net_l"].geometry.to_numpy()))
    away = shapely.distance(true, vertices)
    assert 1.5 < np.mean(away) < 12


def test_only_water_from_a_hectare_is_a_polygon(layers):
    lakes = layers["InlandWater"]
    assert len(lakes) == 1
    assert lakes.area.iloc[0] == pytest.approx(125**2, rel=0.3)
    assert len(layers["River_Net_p"]) >= 1
    assert layers["River_Net_p"].geometry.is_valid.all()
    assert len(layers["Canals_p"]) == 0
