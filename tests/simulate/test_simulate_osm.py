import csv
from dataclasses import replace
from importlib import resources

import numpy as np
import pyogrio
import pytest
import shapely
from shapely import LineString

from bocage.simulate._domain import Seed
from bocage.simulate._osm import BRIDGE, CULVERT, _cut, osm_layers
from bocage.simulate._streams import Stream
from bocage.simulate._towns import Way


@pytest.fixture(scope="module")
def many(landscape):
    """The landscape with many parallel roads over a river and a brook."""
    ways = tuple(
        Way(LineString([[x, 50], [x + 30, 1900]]), "tertiary", 5.5) for x in range(60, 1900, 8)
    )
    streams = (
        Stream(LineString([[10, 700], [1950, 720]]), 20.0, order=4),
        Stream(LineString([[10, 1300], [1950, 1310]]), 2.5),
    )
    return replace(landscape, ways=ways, streams=streams)


@pytest.fixture(scope="module")
def layers(many, seed):
    return osm_layers(many, seed)


def test_columns_are_those_of_an_extract(landscape, seed):
    found = osm_layers(landscape, seed)
    assert list(found) == ["roads", "rails", "rivers"]
    for name, tag in (("roads", "highway"), ("rails", "railway"), ("rivers", "waterway")):
        expected = {"osm_id", "name", tag, "width", "other_tags", "geometry"}
        assert set(found[name].columns) == expected
        assert found[name].osm_id.is_unique
        assert found[name].crs.to_epsg() == 3035


def test_lines_are_a_little_off(landscape, seed):
    roads = osm_layers(landscape, seed)["roads"]
    true = landscape.domain.to_map(
        shapely.union_all([w.line for w in landscape.ways if w.kind != "rail"])
    )
    vertices = shapely.points(shapely.get_coordinates(roads.geometry.to_numpy()))
    away = shapely.distance(true, vertices)
    assert 0.3 < np.median(away) < 3.5
    assert away.max() < 12


def test_a_few_tags_are_those_of_another_road(layers):
    kinds = layers["roads"].highway.value_counts(normalize=True)
    assert 0.93 < kinds["tertiary"] < 0.985
    assert set(kinds.index) <= {"tertiary", "unclassified", "secondary"}


def test_widths_are_missing_or_nearly_right(layers):
    width = layers["roads"].width
    assert 0.3 < width.isna().mean() < 0.5
    assert width.dropna().between(0.92 * 5.5, 1.08 * 5.5).all()


def test_length_is_missing(many, layers):
    true = sum(w.line.length for w in many.ways)
    assert 0.90 < layers["roads"].length.sum() / true < 0.97


def test_roads_bridge_water_and_brooks_run_in_culverts(layers, many):
    roads = layers["roads"]
    bridges = roads[roads.other_tags == BRIDGE]
    assert 1.4 < len(bridges) / len(many.ways) < 2
    assert bridges.length.median() < 60
    river = many.domain.to_map(many.streams[0].line)
    assert (bridges.distance(river) < 1).sum() > 0.4 * len(bridges)
    waters = layers["rivers"]
    assert (waters.other_tags == CULVERT).sum() > 20
    assert waters[waters.distance(river) < 5].other_tags.isna().all()


def test_pieces_add_up():
    line = LineString([[0, 0], [100, 0]])
    pieces = _cut(line, [(10, 20), (60, 90)])
    assert [(round(p.length), c) for p, c in pieces] == [
        (10, False), (10, True), (40, False), (30, True), (10, False),
    ]  # fmt: skip
    assert [c for _, c in _cut(line, [])] == [False]


def test_the_same_seed_gives_the_same_lines(many, layers, seed):
    assert osm_layers(many, seed)["roads"].equals(layers["roads"])
    assert not osm_layers(many, Seed(9, "x"))["roads"].equals(layers["roads"])


@pytest.mark.real
def test_words_are_those_of_a_real_extract(real_data, layers):
    path = real_data / "osm_liechtenstein" / "osm_liechtenstein_2013.gpkg"
    real = pyogrio.read_dataframe(path, layer="lines", read_geometry=False)
    shared = {"osm_id", "name", "highway", "waterway", "other_tags"}
    assert shared <= set(real.columns)
    assert real.other_tags.str.contains(BRIDGE, regex=False).any()
    assert set(layers["roads"].highway) <= set(real.highway.dropna())
    text = (resources.files("bocage.simulate") / "data" / "osm_tags.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    words = {v for r in rows if r["tag"] == "waterway" for v in r["taken_for"].split(";")}
    assert words <= set(real.waterway.dropna())
