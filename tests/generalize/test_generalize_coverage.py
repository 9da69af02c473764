from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.errors import InputError
from bocage.files import sha256
from bocage.generalize import Coverage, GeneralizeSettings, generalize, load_rules


@pytest.fixture
def coverage():
    """Three columns of 10 m; the middle one turns from 2 into 3, the right one was 3."""
    boxes = shapely.box([0, 10, 20], 0, [10, 20, 30], 10)
    frame = gpd.GeoDataFrame(
        {"code_2021": np.int32([2, 2, 3]), "code_2024": np.int32([2, 3, 3])},
        geometry=boxes,
        crs="EPSG:3035",
    )
    return Coverage(frame, (2021, 2024))


def test_views_are_dissolved(coverage):
    first = coverage.status(2021)
    assert first.code.tolist() == [2, 3]
    assert first.area.tolist() == [200, 100]
    second = coverage.status(2024)
    assert second.area.tolist() == [100, 200]
    change = coverage.change()
    assert change[["code_2021", "code_2024"]].values.tolist() == [[2, 3]]
    assert change.area.tolist() == [100]
    assert coverage.area_ha == pytest.approx(0.03)


def test_views_have_single_parts(coverage):
    frame = coverage.frame.assign(code_2021=np.int32([2, 3, 2]))
    status = Coverage(frame, (2021, 2024)).status(2021)
    assert status.code.tolist() == [2, 3, 2]
    assert set(status.geom_type) == {"Polygon"}


def test_a_corner_is_no_edge():
    boxes = shapely.box([0, 10, 0, 10], [0, 10, 10, 0], [10, 20, 10, 20], [10, 20, 20, 10])
    frame = gpd.GeoDataFrame({"code_2021": np.int32([2, 2, 3, 3])}, geometry=boxes, crs="EPSG:3035")
    assert len(Coverage(frame, (2021,)).status(2021)) == 4


def test_saved_bytes_are_equal_and_come_back(coverage, tmp_path):
    one = coverage.save(tmp_path / "a" / "one.parquet")
    two = coverage.save(tmp_path / "two.parquet")
    assert sha256(one) == sha256(two)
    back = Coverage.load(one)
    assert back.years == (2021, 2024)
    assert back.frame.equals(coverage.frame)
    assert back.frame.crs == "EPSG:3035"


def test_a_generalised_coverage_survives_a_file(toy, raster, tmp_path):
    data = np.full((60, 60), 2)
    data[20:50, 20:50] = 0
    made = generalize(raster(data, data), None, toy, GeneralizeSettings())
    back = Coverage.load(made.save(tmp_path / "c.parquet"))
    assert sorted(back.status(2021).code) == [0, 21]
    assert back.change().empty
    assert shapely.coverage_is_valid(back.frame.geometry.to_numpy())


def test_wrong_use_is_named(coverage, tmp_path):
    with pytest.raises(InputError, match="no year 2030"):
        coverage.status(2030)
    with pytest.raises(InputError, match="no change view"):
        Coverage(coverage.frame, (2021,)).change()
    with pytest.raises(InputError, match="needs the columns code_2030"):
        Coverage(coverage.frame, (2030,))
    with pytest.raises(InputError, match="no such file"):
        Coverage.load(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="is no coverage"):
        Coverage.load(tmp_path / "bad.parquet")
    coverage.frame[["geometry"]].to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(InputError, match="no columns code_<year>"):
        Coverage.load(tmp_path / "bare.parquet")


def test_rules_come_from_the_package():
    assert load_rules("plain").exceptions == ()
    names = [rule.name for rule in load_rules("pa").exceptions]
    assert names == ["marginal", "linear", "urban_confined", "complex_change"]
