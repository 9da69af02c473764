import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import load_crosswalk
from bocage.rasters import wrap, write_geotiff
from bocage.samples import Source, label_raster

BOX = geobox((4_000_000, 3_000_000, 4_000_020, 3_000_010), 2.5)  # 8 x 4 pixels


def raster(path, values, resolution=10, **options):
    data = np.asarray(values)
    h, w = data.shape
    bounds = (4_000_000, 3_000_000, 4_000_000 + resolution * w, 3_000_000 + resolution * h)
    return write_geotiff(path, wrap(data, geobox(bounds, resolution)), **options)


def named(labels):
    """The labels with each id replaced by its set."""
    table = np.array(["-", *(";".join(map(str, s)) for s in labels.sets)])
    return table[labels.ids]


def test_polygons_by_pixel_centre(polygons, identity, legend):
    # The second polygon begins 1 m inside the fourth pixel: its centre is at 8.75 m.
    path = polygons([(101, 0, 0, 8.5, 10), (10, 8.5, 0, 20, 5)])
    found = named(label_raster(Source(path, identity, field="code"), BOX, legend))
    assert found.shape == (4, 8)
    assert (found[:, :3] == "101").all()
    assert (found[2:, 3:] == "101;102").all()
    assert (found[:2, 3:] == "-").all()


def test_later_polygon_covers_the_earlier(polygons, identity, legend):
    path = polygons([(101, 0, 0, 20, 10), (102, 0, 0, 10, 10)])
    found = named(label_raster(Source(path, identity, field="code"), BOX, legend))
    assert found[0].tolist() == ["102"] * 4 + ["101"] * 4


def test_raster_by_nearest_neighbour(tmp_path, identity, legend):
    path = raster(tmp_path / "r.tif", [[101, 202]])
    found = named(label_raster(Source(path, identity), BOX, legend))
    assert found[0].tolist() == ["101"] * 4 + ["202"] * 4


def test_other_crs(tmp_path, polygons, identity, legend):
    path = polygons([(101, -100, -100, 10, 100), (202, 10, -100, 120, 100)])
    frame = gpd.read_file(path).to_crs(4326)
    frame.to_file(tmp_path / "degrees.geojson")
    source = Source(tmp_path / "degrees.geojson", identity, field="code")
    found = named(label_raster(source, BOX, legend))
    assert found[0].tolist() == ["101"] * 4 + ["202"] * 4


def test_what_is_no_label(tmp_path, polygons, identity, legend):
    path = raster(tmp_path / "r.tif", np.array([[0, 255]], np.uint8), nodata=255)
    assert not label_raster(Source(path, identity), BOX, legend).ids.any()
    path = raster(tmp_path / "n.tif", [[101, 77]])
    found = named(label_raster(Source(path, identity, nodata=77), BOX, legend))
    assert found[0].tolist() == ["101"] * 4 + ["-"] * 4
    path = polygons([(101, 0, 0, 10, 10), (77, 10, 0, 20, 10)], name="n")
    found = named(label_raster(Source(path, identity, field="code", nodata=77), BOX, legend))
    assert found[0].tolist() == ["101"] * 4 + ["-"] * 4


def test_empty_attribute_is_no_label(polygons, legend, identity):
    path = polygons([(1, 0, 0, 10, 10), (1, 10, 0, 20, 10)], kind=["101", None])
    found = named(label_raster(Source(path, identity, field="kind"), BOX, legend))
    assert found[0].tolist() == ["101"] * 4 + ["-"] * 4


def test_a_class_0_that_the_crosswalk_knows(tmp_path, legend):
    table = tmp_path / "zero.csv"
    table.write_text("source_code,code\n0,202\n1,101\n")
    crosswalk = load_crosswalk(table, legend)
    path = raster(tmp_path / "r.tif", np.array([[0]], np.uint8))
    found = named(label_raster(Source(path, crosswalk), BOX, legend))
    # The raster covers the left half only: what lies outside is no class 0.
    assert found[0].tolist() == ["202"] * 4 + ["-"] * 4


def test_source_elsewhere_labels_nothing(polygons, identity, legend):
    path = polygons([(101, 5000, 5000, 5100, 5100)])
    found = label_raster(Source(path, identity, field="code"), BOX, legend)
    assert found.sets == ()
    assert not found.ids.any()


def test_unknown_class_is_named(tmp_path, polygons, identity, legend):
    for source in (
        Source(polygons([(999, 0, 0, 20, 10)]), identity, field="code"),
        Source(raster(tmp_path / "r.tif", [[999, 101]]), identity),
    ):
        with pytest.raises(InputError) as error:
            label_raster(source, BOX, legend)
        text = str(error.value)
        assert "value 999 is a class that is not in the legend 'legend'" in text
        assert source.path.name in text
        assert "Remedy: add it to the crosswalk" in text


def test_wrong_sources(tmp_path, polygons, identity, legend):
    path = polygons([(101, 0, 0, 20, 10)])

    def fails(message, **arguments):
        with pytest.raises(InputError, match=message):
            label_raster(Source(**{"crosswalk": identity, **arguments}), BOX, legend)

    fails("no such file", path=tmp_path / "none.gpkg", field="code")
    fails("has no field 'klass'", path=path, field="klass")
    fails("no field says which attribute", path=path)
    fails("cannot be read as a vector file", path=path, field="code", layer="other")
    broken = tmp_path / "broken.tif"
    broken.write_text("nothing")
    fails("cannot be read as a raster", path=broken)
    lines = gpd.GeoDataFrame(
        {"code": [101]},
        geometry=[shapely.LineString([(4_000_000, 3_000_000), (4_000_020, 3_000_010)])],
        crs=3035,
    )
    lines.to_file(tmp_path / "lines.gpkg")
    fails("holds points or lines", path=tmp_path / "lines.gpkg", field="code")
    lines.set_crs(None, allow_override=True).to_file(tmp_path / "nowhere.gpkg")
    fails("no coordinate reference system", path=tmp_path / "nowhere.gpkg", field="code")


def test_a_cut_raster_is_named(tmp_path, identity, legend):
    path = raster(tmp_path / "r.tif", np.full((400, 400), 101, np.uint16), compress="none")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    with pytest.raises((InputError, rasterio.errors.RasterioError)) as error:
        label_raster(Source(path, identity), BOX, legend)
    assert isinstance(error.value, InputError)
    assert "r.tif" in str(error.value)
