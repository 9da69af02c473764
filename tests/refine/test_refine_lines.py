from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from odc.geo.geobox import GeoBox

from bocage.errors import ConfigError, InputError
from bocage.grid import geobox
from bocage.legend import OUTSIDE, load_legend
from bocage.rasters import wrap
from bocage.refine import LineLayer, draw_lines, line_layers

WEST, SOUTH = 4_321_000, 3_210_000
OSM = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "osm_liechtenstein"


@pytest.fixture(scope="module")
def pa():
    return load_legend("pa")


@pytest.fixture
def classes():
    box = geobox((WEST, SOUTH, WEST + 200, SOUTH + 200), 2.5)
    return wrap(np.full((2, 80, 80), 5, np.uint8), box, dims=("year", "y", "x"), year=[2021, 2024])


@pytest.fixture
def write(tmp_path):
    def write(lines, name="lines.gpkg", crs="EPSG:3035", to=None, layer=None, **columns):
        shapes = [shapely.LineString([(WEST + x, SOUTH + y) for x, y in line]) for line in lines]
        frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)
        frame = frame.to_crs(to) if to else frame
        frame.to_file(tmp_path / name, layer=layer or Path(name).stem)
        return tmp_path / name

    return write


ACROSS = [(-50, 100), (250, 100)]
UP = [(100, -50), (100, 250)]


def test_a_line_without_width_is_drawn_with_the_default_and_at_least_ten_metres(classes, write, pa):
    road = pa.index(pa.roles["road"])
    for default, pixels in ((4.0, 4), (10.0, 4), (15.0, 6)):
        layer = LineLayer(write([ACROSS]), "road", default_width_m=default)
        drawn, locked = draw_lines(classes, [layer], pa)
        assert (locked.values == road).sum(axis=0).tolist() == [pixels] * 80
        assert (drawn.values == np.where(locked.values, road, 5)).all()
        assert locked.dims == ("y", "x")
        assert drawn.year.values.tolist() == [2021, 2024]


def test_known_widths_count_and_what_is_narrower_is_not_mapped(classes, write, pa):
    lines = [[(-9, y), (209, y)] for y in (20, 60, 100, 140, 181.25)]
    path = write(lines, width=["20", "4,5 m", "wide", None, "12.5 metres"])
    _, locked = draw_lines(classes, [LineLayer(path, "road")], pa)
    rows = (locked.values[:, 40] > 0)[::-1]  # from south to north
    found = [int(rows[y // 2 - 6 : y // 2 + 6].sum()) for y in (16, 48, 80, 112, 144)]
    assert found == [8, 0, 4, 4, 5]
    _, locked = draw_lines(classes, [LineLayer(path, "road", narrow="widen")], pa)
    assert (locked.values[:, 40] > 0).sum() == 8 + 4 + 4 + 4 + 5


def test_kinds_of_lines_have_a_typical_width(classes, write, pa):
    path = write([ACROSS, UP], highway=["primary", "track"], width=[np.nan, np.nan])
    _, locked = draw_lines(classes, [LineLayer(path, "road", default_width_m=30)], pa)
    assert (locked.values[:, 2] > 0).sum() == 4  # 12 m across; the track of 3 m is not mapped
    assert (locked.values[2] > 0).sum() == 0

    path = write([ACROSS], name="own.gpkg", highway=["track"], width=[15.0])
    _, locked = draw_lines(classes, [LineLayer(path, "road")], pa)
    assert (locked.values[:, 2] > 0).sum() == 6  # what a line states counts


def test_numbers_and_tags_give_widths_too(classes, write, pa):
    number = write([ACROSS], breadth=[20.0])
    _, locked = draw_lines(classes, [LineLayer(number, "road", width_field="breadth")], pa)
    assert (locked.values[:, 40] > 0).sum() == 8
    tags = write([ACROSS], "tags.gpkg", other_tags=['"lanes"=>"2","width"=>"15"'])
    _, locked = draw_lines(classes, [LineLayer(tags, "road")], pa)
    assert (locked.values[:, 40] > 0).sum() == 6


def test_rail_lies_over_road_over_water(classes, write, pa):
    layers = [
        LineLayer(write([ACROSS], "a.gpkg"), "rail"),
        LineLayer(write([UP], "b.gpkg"), "road"),
        LineLayer(write([[(-50, 60), (250, 60)], [(-50, 100), (250, 100)]], "c.gpkg"), "river"),
    ]
    for order in (layers, layers[::-1]):
        _, locked = draw_lines(classes, order, pa)
        rows, columns = [40, 40, 56, 72, 56], [40, 8, 40, 40, 8]
        roles = ["rail", "rail", "road", "road", "river"]
        assert locked.values[rows, columns].tolist() == [pa.index(pa.roles[r]) for r in roles]
    flipped = [LineLayer(write([ACROSS], "a.gpkg"), "rail", rank=0), *layers[1:]]
    _, locked = draw_lines(classes, flipped, pa)
    assert locked.values[40, 40] == pa.index(pa.roles["road"])


def test_tunnels_are_left_out_and_bridges_drawn(classes, write, pa):
    lines = [[(-9, y), (209, y)] for y in (30, 70, 110, 150)]
    path = write(
        lines,
        tunnel=["yes", "no", None, None],
        other_tags=[None, '"bridge"=>"yes"', '"tunnel"=>"culvert"', '"tunnel"=>"no"'],
    )
    _, locked = draw_lines(classes, [LineLayer(path, "road")], pa)
    centres = 200 - 2.5 * (np.flatnonzero(locked.values[:, 40]) + 0.5)
    assert {round(c / 40 - 0.75) for c in centres} == {1, 3}


def test_outside_is_not_touched_and_other_systems_are_reprojected(classes, write, pa):
    classes.values[:, :, :20] = OUTSIDE
    path = write([ACROSS], to="EPSG:4326")
    drawn, locked = draw_lines(classes, [LineLayer(path, "road")], pa)
    assert (drawn.values[:, :, :20] == OUTSIDE).all()
    assert (locked.values[:, :20] == 0).all()
    assert ((locked.values > 0).sum(axis=0)[20:] == 4).all()
    single, _ = draw_lines(classes.isel(year=0), [LineLayer(path, "road")], pa)
    assert (single.values == drawn.values[0]).all()


def test_a_condition_picks_features(classes, write, pa):
    path = write([ACROSS, UP], kind=["river", "road"])
    _, locked = draw_lines(classes, [LineLayer(path, "road", where="kind = 'road'")], pa)
    assert (locked.values > 0).sum() == 4 * 80
    with pytest.raises(InputError, match="cannot be read"):
        draw_lines(classes, [LineLayer(path, "road", where="sort = 'road'")], pa)


def test_no_layer_and_far_away_lines_change_nothing(classes, write, pa):
    path = write([[(90_000, 0), (91_000, 0)]])
    for layers in ([], [LineLayer(path, "road")]):
        drawn, locked = draw_lines(classes, layers, pa)
        assert drawn.equals(classes)
        assert not locked.values.any()


def test_layers_of_one_file_are_named_after_roles(tmp_path, write, pa):
    write([ACROSS], "all.gpkg", layer="roads")
    write([UP], "all.gpkg", layer="railways")
    path = write([UP], "all.gpkg", layer="notes")
    found = line_layers(path, pa, default_width_m=12.0)
    assert {(f.role, f.layer, f.default_width_m) for f in found} == {
        ("road", "roads", 12.0),
        ("rail", "railways", 12.0),
    }
    assert line_layers(write([UP], "rivers.gpkg"), pa)[0].role == "river"
    with pytest.raises(InputError, match="no layer is named after a role"):
        line_layers(write([UP], "things.gpkg"), pa)


def test_wrong_layers_are_named(tmp_path, classes, write, pa):
    cases = [
        (LineLayer(tmp_path / "none.gpkg", "road"), InputError, "linear.road: no such file"),
        (LineLayer(write([UP]), "hedge"), ConfigError, "no rank"),
        (LineLayer(write([UP]), "hedge", rank=1), ConfigError, "no class for the role 'hedge'"),
        (LineLayer(write([UP]), "road", code=7), InputError, "class 7 is not in the legend"),
        (LineLayer(write([UP]), "road", layer="x"), InputError, "cannot be read"),
    ]
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"no package")
    cases.append((LineLayer(broken, "road"), InputError, "cannot be read as a vector file"))
    points = tmp_path / "points.gpkg"
    here = [shapely.Point(WEST + 9, SOUTH + 9)]
    gpd.GeoDataFrame(geometry=here, crs="EPSG:3035").to_file(points)
    cases.append((LineLayer(points, "road"), InputError, "holds Point"))
    bare = tmp_path / "bare.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])]).to_file(bare)
    cases.append((LineLayer(bare, "road"), InputError, "no coordinate reference system"))
    for layer, kind, message in cases:
        with pytest.raises(kind, match=message):
            draw_lines(classes, [layer], pa)
    with pytest.raises(InputError, match="cannot be read as a vector file"):
        line_layers(broken, pa)
    with pytest.raises(ConfigError, match="narrow is 'keep'"):
        LineLayer(broken, "road", narrow="keep")
    with pytest.raises(ConfigError, match="default width 0 m"):
        LineLayer(broken, "road", default_width_m=0)


@pytest.mark.real
@pytest.mark.skipif(not OSM.exists(), reason=f"no real data at {OSM}")
def test_real_roads_and_streams(pa):
    path = OSM / "osm_liechtenstein_2013.gpkg"
    box = GeoBox.from_bbox((4_284_000, 2_670_000, 4_288_000, 2_674_000), "EPSG:3035", resolution=5)
    layers = [
        LineLayer(path, "road", layer="lines", where="highway IS NOT NULL"),
        LineLayer(path, "river", layer="lines", where="waterway IS NOT NULL"),
    ]
    classes = wrap(np.ones(box.shape, np.uint8), box)
    drawn, locked = draw_lines(classes, layers, pa)
    codes = set(pa.code_table()[np.unique(locked.values)]) - {0}
    assert codes == {pa.roles["road"]}  # the waterways of this valley are brooks and drains
    assert 0.002 < (locked.values > 0).mean() < 0.1
    assert ((drawn.values != 1) == (locked.values > 0)).all()
