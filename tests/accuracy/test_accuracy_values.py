import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.accuracy import raster_codes, to_level, values_at, values_at_polygons
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend, LegendClass
from bocage.rasters import wrap, write_geotiff


def points(*xy, crs=3035):
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*zip(*xy, strict=True)), crs=crs)


@pytest.fixture
def grid():
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    return wrap(data, geobox((4_000_000, 3_000_000, 4_000_040, 3_000_030), 10))


PLACES = [(4_000_005, 3_000_025), (4_000_039.9, 3_000_000.1), (4_000_015, 3_000_015)]


def test_values_of_array_and_file(grid, tmp_path):
    assert values_at(points(*PLACES), grid).tolist() == [0, 11, 5]
    path = write_geotiff(tmp_path / "grid.tif", grid)
    assert values_at(points(*PLACES), path).tolist() == [0, 11, 5]
    assert values_at(points(*PLACES).to_crs(4326), path).tolist() == [0, 11, 5]


def test_points_outside(grid, tmp_path):
    outside = points((0, 0), PLACES[2])
    assert values_at(outside, grid, fill=9).tolist() == [9, 5]
    path = write_geotiff(tmp_path / "grid.tif", grid, nodata=255)
    assert values_at(outside, path).tolist() == [255, 5]
    assert values_at(points((0, 0)), path).tolist() == [255]
    with pytest.raises(InputError, match="1 points lie outside the raster"):
        values_at(outside, grid)


def test_wrong_files(grid, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        values_at(points((0, 0)), tmp_path / "none.tif")
    bad = tmp_path / "bad.tif"
    bad.write_text("no raster")
    with pytest.raises(InputError, match="cannot be read as a raster"):
        values_at(points((0, 0)), bad)
    with pytest.raises(InputError, match="points without a coordinate"):
        values_at(gpd.GeoDataFrame(geometry=gpd.points_from_xy([0], [0])), grid)


def test_polygons():
    frame = gpd.GeoDataFrame(
        {"code": [7, 8]}, geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], crs=3035
    )
    places = points((5, 5), (15, 5), (10, 5), (50, 50))
    assert values_at_polygons(places, frame, "code").tolist() == [7, 8, 7, 0]
    assert values_at_polygons(places, frame, "code", fill=-1).tolist() == [7, 8, 7, -1]
    with pytest.raises(InputError, match="no attribute 'class'") as error:
        values_at_polygons(places, frame, "class")
    assert "code" in str(error.value)


def test_levels(small):
    assert to_level(np.array([[11, 22], [0, 12]]), small, 1).tolist() == [[10, 20], [0, 10]]
    assert to_level(np.array([10, 21]), small, 1).tolist() == [10, 20]


def test_raster_of_codes_or_indices(small):
    codes = np.array([[11, 22], [0, 9]], dtype=np.uint16)
    assert raster_codes(codes, small, nodata=9).tolist() == [[11, 22], [0, -1]]
    indices = np.array([[1, 4], [0, 255]], dtype=np.uint8)
    assert raster_codes(indices, small).tolist() == [[11, 22], [0, -1]]
    assert raster_codes(np.array([10, 20]), small).tolist() == [10, 20]
    assert raster_codes(np.array([11.0, np.nan]), small).tolist() == [11, -1]
    assert raster_codes(np.zeros((0,), np.uint8), small).tolist() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([11, 2], "values 11, 2|values 2|values 2, 11"),
        ([99], r"values 99 are neither codes nor class indices \(1 … 4\) of the legend 'small'"),
        ([1.5], "holds fractions"),
    ],
)
def test_values_of_no_legend(values, message, small):
    with pytest.raises(InputError, match=message):
        raster_codes(np.array(values), small, where="map.tif")


def test_values_that_can_be_read_both_ways():
    twisted = Legend(
        "twisted", (LegendClass((2,), ("two",), "#000000"), LegendClass((1,), ("one",), "#ffffff"))
    )
    with pytest.raises(InputError, match="both codes and class indices"):
        raster_codes(np.array([1, 2], np.uint8), twisted)
    straight = Legend("straight", tuple(reversed(twisted.classes)))
    assert raster_codes(np.array([1, 2], np.uint8), straight).tolist() == [1, 2]
