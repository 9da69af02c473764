import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.grid import clusters, plan_tiles, read_sites, sites_from_bbox

SQUARE = shapely.box(4_000_000, 3_000_000, 4_001_000, 3_001_000)


def write(path, shapes, crs=3035, **columns):
    gpd.GeoDataFrame(columns or {"a": range(len(shapes))}, geometry=list(shapes), crs=crs).to_file(
        path
    )
    return path


@pytest.mark.parametrize("column", ["SITECODE", "site_id"])
def test_names_from_the_file(column, tmp_path):
    path = write(tmp_path / "s.gpkg", [SQUARE], **{column: ["CZ0420076"]})
    found = read_sites(path)
    assert list(found.columns) == ["site_id", "geometry"]
    assert found.site_id.tolist() == ["CZ0420076"]
    assert found.crs.to_epsg() == 3035


def test_numbered_reprojected_and_snapped(tmp_path):
    shapes = gpd.GeoSeries([SQUARE, shapely.affinity.translate(SQUARE, 2000)], crs=3035)
    path = write(tmp_path / "s.geojson", shapes.to_crs(4326), 4326)
    found = read_sites(path)
    assert found.site_id.tolist() == ["site00000", "site00001"]
    corners = shapely.get_coordinates(found.geometry.to_numpy())
    np.testing.assert_allclose(corners, np.round(corners, 3), atol=1e-9)
    assert found.geometry.area.tolist() == pytest.approx([1e6, 1e6], rel=1e-4)
    assert shapely.is_valid(found.geometry.to_numpy()).all()


def test_layers(tmp_path):
    path = write(tmp_path / "s.gpkg", [SQUARE], site_id=["one"])
    frame = gpd.GeoDataFrame({"site_id": ["two"]}, geometry=[SQUARE], crs=3035)
    frame.to_file(path, layer="second")
    assert read_sites(path, layer="second").site_id.tolist() == ["two"]
    with pytest.raises(InputError, match="cannot be read as a vector file"):
        read_sites(path, layer="third")


def test_wrong_files_are_named(tmp_path):
    bow = shapely.Polygon(
        [
            (4_000_000, 3_000_000),
            (4_000_100, 3_000_100),
            (4_000_100, 3_000_000),
            (4_000_000, 3_000_100),
        ]
    )
    cases = {
        "holds LineString": [shapely.LineString([(4_000_000, 3_000_000), (4_000_100, 3_000_100)])],
        "site site00000 is invalid: Self-intersection": [bow],
    }
    for i, (message, shapes) in enumerate(cases.items()):
        with pytest.raises(InputError, match=message):
            read_sites(write(tmp_path / f"{i}.gpkg", shapes))
    with pytest.raises(InputError, match="sites: no such file"):
        read_sites(tmp_path / "none.gpkg")
    (tmp_path / "text.gpkg").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as a vector file"):
        read_sites(tmp_path / "text.gpkg")
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match="holds no site"):
        read_sites(tmp_path / "table.csv")
    with (
        pytest.raises(InputError, match="no coordinate reference system"),
        pytest.warns(UserWarning, match="crs"),
    ):
        read_sites(write(tmp_path / "bare.gpkg", [SQUARE], None))


def test_bbox():
    found = sites_from_bbox((4_000_000, 3_000_000, 4_002_000, 3_001_000))
    assert found.geometry.iloc[0].equals(shapely.box(4_000_000, 3_000_000, 4_002_000, 3_001_000))
    assert len(shapely.get_coordinates(found.geometry.iloc[0])) == 5


def test_bbox_in_degrees_keeps_its_curved_outline():
    found = sites_from_bbox((14.0, 50.0, 15.0, 50.5), "EPSG:4326", "cz")
    assert found.site_id.tolist() == ["cz"]
    shape = found.geometry.iloc[0]
    assert len(shapely.get_coordinates(shape)) > 64
    # 1 degree of longitude is 71.3 km on average here, half a degree of latitude 55.6 km.
    assert shape.area / 1e6 == pytest.approx(71.3 * 55.6, rel=0.005)


def test_wrong_bboxes_are_named():
    with pytest.raises(InputError, match="is empty"):
        sites_from_bbox((2, 0, 1, 1))
    with pytest.raises(InputError, match="'EPSG:99' is no coordinate reference system"):
        sites_from_bbox((0, 0, 1, 1), "EPSG:99")
    with pytest.raises(InputError, match="has no extent in EPSG:3035"):
        sites_from_bbox((0.0, 0.0, 0.0001, 0.0001))


def test_sites_that_adjoin_become_one_area():
    shapes = [
        SQUARE,
        shapely.affinity.translate(SQUARE, 1000),  # shares a border
        shapely.affinity.translate(SQUARE, 0, 1015),  # 15 m away
        shapely.affinity.translate(SQUARE, -5000),  # far away
    ]
    frame = gpd.GeoDataFrame({"site_id": list("abcd")}, geometry=shapes, crs=3035)
    found = clusters(frame)
    assert found.cluster.tolist() == ["area00000", "area00001"]
    assert found.geometry.area.tolist() == pytest.approx([1e6, 3e6])
    assert len(clusters(frame, distance=10)) == 3


def test_parts_of_a_site_go_their_own_ways():
    near = shapely.MultiPolygon([SQUARE, shapely.affinity.translate(SQUARE, 5000)])
    other = shapely.affinity.translate(SQUARE, 6010)
    frame = gpd.GeoDataFrame({"site_id": ["a", "b"]}, geometry=[near, other], crs=3035)
    assert clusters(frame).geometry.area.tolist() == pytest.approx([1e6, 2e6])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(0, 3000)] * 2, *[st.integers(20, 900)] * 2), min_size=1, max_size=8
    )
)
def test_areas_keep_all_ground_and_stay_apart(rows):
    shapes = [shapely.box(x, y, x + w, y + h) for x, y, w, h in rows]
    frame = gpd.GeoDataFrame(
        {"site_id": [str(i) for i in range(len(rows))]}, geometry=shapes, crs=3035
    )
    found = clusters(frame).geometry.to_numpy()
    assert shapely.area(shapely.union_all(found)) == pytest.approx(
        shapely.area(shapely.union_all(shapes))
    )
    for i, a in enumerate(found):
        for b in found[i + 1 :]:
            assert a.distance(b) > 20
    backwards = clusters(frame.iloc[::-1]).geometry.to_numpy()
    assert shapely.equals(found, backwards).all()


@pytest.mark.real
def test_real_sites(real_data):
    found = read_sites(real_data / "natura2000_nl" / "natura2000_nl_part1.gpkg")
    assert len(found) == 106
    areas = clusters(found)
    assert len(areas) == 309
    # These sites overlap by some square metres only.
    assert areas.geometry.area.sum() == pytest.approx(found.geometry.area.sum(), rel=1e-4)
    assert areas.geometry.is_valid.all()
    tiles = plan_tiles(found)
    assert (len(tiles), sum(len(t.blocks) for t in tiles)) == (326, 3673)
