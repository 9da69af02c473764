import weakref

import geopandas as gpd
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import CRS

from bocage.errors import InputError
from bocage.files import sha256
from bocage.tables import (
    TableFacts,
    fixed_date,
    read_parts,
    write_geoparquet,
    write_geoparquet_parts,
)


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


def _part(first, count):
    shapes = [shapely.box(i, 0, i + 1, 2) for i in range(first, first + count)]
    return gpd.GeoDataFrame({"n": range(first, first + count)}, geometry=shapes, crs=3035)


def test_a_table_in_parts_reads_back_with_its_facts(tmp_path):
    path = tmp_path / "deep" / "a.parquet"
    facts = write_geoparquet_parts((_part(i, 3) for i in (0, 3, 6)), path)
    assert facts == TableFacts(9, (0.0, 0.0, 9.0, 2.0), 18.0)
    back = gpd.read_parquet(path)
    assert list(back["n"]) == list(range(9))
    assert back.crs.to_epsg() == 3035
    assert sum(len(batch) for batch in read_parts(path)) == 9
    assert [batch.schema.names for batch in read_parts(path, ["n"])] == [["n"]] * 1


def test_no_part_is_kept_while_the_next_is_made(tmp_path):
    made = []

    def parts():
        for i in range(3):
            assert [ref() for ref in made] == [None] * i
            frame = _part(i, 1)
            made.append(weakref.ref(frame))
            yield frame
            del frame

    assert write_geoparquet_parts(parts(), tmp_path / "a.parquet").rows == 3


def test_a_table_without_rows_has_columns_and_no_extent(tmp_path):
    facts = write_geoparquet_parts([_part(0, 0)], tmp_path / "a.parquet")
    assert facts == TableFacts()
    assert list(gpd.read_parquet(tmp_path / "a.parquet").columns) == ["n", "geometry"]


def test_parts_that_fail_leave_nothing(tmp_path):
    other = _part(0, 1).to_crs(4326)
    with pytest.raises(InputError, match=r"a part of a\.parquet has other columns"):
        write_geoparquet_parts([_part(0, 1), other], tmp_path / "a.parquet")
    with pytest.raises(InputError, match="nothing to write to"):
        write_geoparquet_parts([], tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_the_date_of_gdal_is_put_back():
    key = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(key)
    with fixed_date("2026-01-02"):
        assert pyogrio.get_gdal_config_option(key) == "2026-01-02T00:00:00.000Z"
    assert pyogrio.get_gdal_config_option(key) == before
