import geopandas as gpd
import pytest
import rasterio
import shapely
from pyproj import CRS

from bocage.files import sha256
from bocage.tables import write_geoparquet


def test_the_same_table_gives_the_same_bytes_whoever_describes_its_crs(tmp_path):
    shapes = [shapely.box(0, 0, 1, 1)]
    systems = ("EPSG:3035", CRS.from_wkt(rasterio.crs.CRS.from_epsg(3035).to_wkt()))
    found = []
    for i, crs in enumerate(systems):
        frame = gpd.GeoDataFrame({"a": [1]}, geometry=shapes, crs=crs)
        found.append(sha256(write_geoparquet(frame, tmp_path / f"{i}.parquet")))
    assert found[0] == found[1]


@pytest.mark.parametrize("crs", [None, "+proj=laea +lat_0=10 +lon_0=20"])
def test_other_systems_are_kept(tmp_path, crs):
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=crs)
    back = gpd.read_parquet(write_geoparquet(frame, tmp_path / "x.parquet"))
    assert back.crs == frame.crs
    assert back.geometry[0] == frame.geometry[0]
