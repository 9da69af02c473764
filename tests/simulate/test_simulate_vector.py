import geopandas as gpd
import pyogrio
from shapely import Point, box

from bocage.files import sha256
from bocage.simulate._vector import write_layers, write_vector


def frame(*shapes):
    return gpd.GeoDataFrame({"a": list(range(len(shapes)))}, geometry=list(shapes), crs="EPSG:3035")


def test_the_same_frame_gives_the_same_bytes(tmp_path):
    first = write_vector(tmp_path / "one.gpkg", frame(box(0, 0, 1, 1)), "x")
    second = write_vector(tmp_path / "two.gpkg", frame(box(0, 0, 1, 1)), "x")
    assert sha256(first) == sha256(second)
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_layers_stand_in_one_file_even_if_empty(tmp_path):
    layers = {"full": (frame(Point(1, 2)), "Point"), "empty": (frame(), "Polygon")}
    path = write_layers(tmp_path / "deep" / "both.gpkg", layers)
    assert dict(pyogrio.list_layers(path)) == {"full": "Point", "empty": "Polygon"}
    assert len(pyogrio.read_dataframe(path, layer="empty")) == 0
    assert pyogrio.read_info(path, layer="empty")["crs"] == "EPSG:3035"
