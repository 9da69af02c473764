import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.accuracy import assess_files, plan_survey, survey_files, values_at, write_confusion
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.rasters import wrap, write_geotiff

X, Y = 4_000_000, 3_000_000
BOX = geobox((X, Y, X + 1000, Y + 1000), 10)


@pytest.fixture
def classes(tmp_path):
    """100 x 100 pixels of 10 m: left half class 11 (index 1), right half 21 (index 3)."""
    data = np.ones((100, 100), dtype=np.uint8)
    data[:, 50:] = 3
    return write_geotiff(tmp_path / "map.tif", wrap(data, BOX), nodata=255)


@pytest.fixture
def regions(tmp_path):
    """The lower and the upper half."""
    path = tmp_path / "sites.gpkg"
    halves = [shapely.box(X, Y, X + 1000, Y + 500), shapely.box(X, Y + 500, X + 1000, Y + 1000)]
    gpd.GeoDataFrame({"SITECODE": ["low", "high"]}, geometry=halves, crs=3035).to_file(path)
    return path


@pytest.fixture
def points(tmp_path):
    """Six blind points, of which four are right, and three of another protocol, all right."""
    rows = [
        (55, 55, 11, "blind"), (155, 55, 11, "blind"), (255, 555, 21, "blind"),
        (355, 555, 11, "Blind "), (655, 55, 21, "blind"), (755, 555, 12, "blind"),
        (65, 55, 11, "plausibility"), (75, 555, 11, "plausibility"), (665, 55, 21, "plausibility"),
    ]  # fmt: skip
    frame = gpd.GeoDataFrame(
        {"code": [r[2] for r in rows], "protocol": [r[3] for r in rows]},
        geometry=[shapely.Point(X + r[0], Y + r[1]) for r in rows],
        crs=3035,
    )
    path = tmp_path / "points.gpkg"
    frame.to_file(path)
    return path


def test_protocols_are_kept_apart(classes, points, small):
    found = survey_files(classes, points, legend=small)
    assert found.main.protocol == "blind"
    assert found.main.n == 6
    assert found.main.oa == pytest.approx(0.5 * 3 / 4 + 0.5 * 1 / 2)
    other = found.others["plausibility"]
    assert (other.main.n, other.main.oa) == (3, 1.0)
    alone = survey_files(classes, points, legend=small, protocol="plausibility")
    assert alone.main.to_dict() == other.main.to_dict()
    assert assess_files(classes, points, legend=small, protocol="blind").oa == found.main.oa
    with pytest.raises(InputError, match="protocols blind, plausibility"):
        assess_files(classes, points, legend=small)
    with pytest.raises(InputError, match="no points of the protocol 'odd'"):
        survey_files(classes, points, legend=small, protocol="odd")


def test_levels_regions_and_calibration(classes, points, regions, small, tmp_path):
    sure = np.full((100, 100), 90, dtype=np.uint8)
    sure[:, 50:] = 60
    confidence = write_geotiff(tmp_path / "sure.tif", wrap(sure, BOX), nodata=255)
    found = survey_files(
        classes, points, legend=small, regions=[regions], confidence=confidence, protocol="blind"
    )
    # At level 1 (10, 20) the same places are right.
    assert {k: v.oa for k, v in found.levels.items()} == pytest.approx({1: 0.625, 2: 0.625})
    low, high = found.regions["sites"]["low"], found.regions["sites"]["high"]
    assert (low.n, high.n) == (3, 3)
    # Left points stand for 12.5 ha each, right ones for 25: all of the low ones are right.
    assert low.oa == 1.0
    assert high.oa == pytest.approx(12.5 / 50)
    assert low.per_class["area_ha"].sum() + high.per_class["area_ha"].sum() == pytest.approx(100)
    # Left: 90 stated, 75 met; right: 60 stated, 50 met; half of the area each.
    assert found.ece == pytest.approx(0.5 * 0.15 + 0.5 * 0.10)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["regions"]["sites"]["low"]["oa"] == 1.0
    assert plain["calibration"]["ece"] == pytest.approx(found.ece)
    assert plain["protocols"] == {}
    assert np.sum(plain["confusion"]["proportions"]) == pytest.approx(1)


def test_regions_of_a_reference_that_covers_the_area(classes, regions, small, tmp_path):
    truth = np.ones((100, 100), dtype=np.uint8)
    truth[:50, 50:] = 3
    path = write_geotiff(tmp_path / "truth.tif", wrap(truth, BOX), nodata=255)
    found = survey_files(classes, path, legend=small, regions=[regions])
    assert found.main.oa == pytest.approx(0.75)
    assert found.regions["sites"]["high"].oa == pytest.approx(1.0)
    assert found.regions["sites"]["low"].oa == pytest.approx(0.5)
    with pytest.raises(InputError, match=r"confidence .* covers the area"):
        survey_files(classes, path, legend=small, confidence=path)


def test_a_planned_survey_comes_back_as_an_assessment(classes, regions, small, tmp_path):
    plan = plan_survey(
        classes, legend=small, regions=regions, n=40, minimum=5, allocation="equal", seed=2
    )
    assert plan.strata["points"].tolist() == [10, 10, 10, 10]
    assert plan.strata["region"].tolist() == ["high", "low", "high", "low"]
    assert list(plan.points.columns) == ["point_id", "protocol", "code", "geometry"]
    files = plan.write(tmp_path / "survey")
    points = gpd.read_file(files["points.gpkg"])
    # The interpreter finds class 21 everywhere.
    points["code"] = 21
    points.to_file(tmp_path / "done.gpkg")
    found = survey_files(
        classes, tmp_path / "done.gpkg", legend=small, strata=files["strata.tif"]
    ).main
    assert found.protocol == "blind"
    assert found.oa == pytest.approx(0.5)
    assert found.per_class.set_index("code").loc[21, "area_ha"] == pytest.approx(100)


def test_change_is_a_stratum_and_plausibility_shows_the_map(classes, small, tmp_path):
    later = np.ones((100, 100), dtype=np.uint8)
    later[:, 60:] = 3
    second = write_geotiff(tmp_path / "later.tif", wrap(later, BOX), nodata=255)
    plan = plan_survey(
        classes, second=second, legend=small, expected=0.9, standard_error=0.05,
        minimum=4, protocol="plausibility",
    )  # fmt: skip
    assert plan.strata[["class", "change", "pixels"]].to_numpy().tolist() == [
        [11, 0, 5000], [21, 0, 4000], [21, 1, 1000],
    ]  # fmt: skip
    assert plan.wanted == 36  # (0.3 / 0.05)²
    assert len(plan.points) == 36
    shown = values_at(plan.points, classes)
    assert (plan.points["map_code"] == np.where(shown == 1, 11, 21)).all()


def test_what_an_earlier_survey_found_sizes_the_next(classes, small):
    plan = plan_survey(
        classes, legend=small, expected={11: 0.5, 21: 0.9}, standard_error=0.02, minimum=1,
        allocation="optimal",
    )  # fmt: skip
    # ((0.5 * 0.5 + 0.5 * 0.3) / 0.02)² = 400, shared as 5 to 3.
    assert plan.wanted == 400
    assert plan.strata["points"].tolist() == [250, 150]
    with pytest.raises(InputError, match="accuracy of the class 21"):
        plan_survey(classes, legend=small, expected={11: 0.5})


def test_wrong_plans_are_named(classes, small, regions):
    with pytest.raises(InputError, match="no protocol 'odd'"):
        plan_survey(classes, legend=small, protocol="odd")
    with pytest.raises(InputError, match="no attribute 'name'"):
        plan_survey(classes, legend=small, regions=regions, region_field="name")
    with pytest.raises(InputError, match="1 points for 2 strata"):
        plan_survey(classes, legend=small, n=1)


def test_confusion_figure(classes, points, small, tmp_path):
    found = assess_files(classes, points, legend=small, protocol="blind")
    path = write_confusion(tmp_path / "confusion.svg", found, title="2021")
    text = path.read_text()
    assert "<svg" in text
    first = write_confusion(tmp_path / "confusion.png", found).read_bytes()
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert write_confusion(tmp_path / "confusion.png", found).read_bytes() == first


def test_what_is_written_is_the_same_each_time(classes, points, small, tmp_path, monkeypatch):
    plan = plan_survey(classes, legend=small, n=10, minimum=2)
    twice = [plan.write(tmp_path / name)["points.gpkg"].read_bytes() for name in "ab"]
    assert twice[0] == twice[1]
    found = assess_files(classes, points, legend=small, protocol="blind")
    for suffix in ("svg", "pdf"):
        drawn = []
        for now in ("1000000000", "1200000000"):
            monkeypatch.setenv("SOURCE_DATE_EPOCH", now)
            drawn.append(write_confusion(tmp_path / f"c.{suffix}", found).read_bytes())
        assert drawn[0] == drawn[1]


def test_a_protocol_that_is_not_filled_in_yet_is_named(classes, points, small, tmp_path):
    frame = gpd.read_file(points)
    frame.loc[frame["protocol"] == "plausibility", "code"] = 0
    frame.to_file(tmp_path / "half.gpkg")
    found = survey_files(classes, tmp_path / "half.gpkg", legend=small)
    assert found.main.protocol == "blind"
    assert found.others == {}
    assert "no point of plausibility has a reference class" in found.main.notes
    alone = survey_files(classes, tmp_path / "half.gpkg", legend=small, protocol="Blind")
    assert alone.main.oa == found.main.oa
    frame["code"] = 0
    frame.to_file(tmp_path / "none.gpkg")
    with pytest.raises(InputError, match="no place has a map and a reference class"):
        survey_files(classes, tmp_path / "none.gpkg", legend=small)


def test_levels_and_attributes_that_are_not_there(classes, points, small):
    with pytest.raises(InputError, match="has no level 0"):
        survey_files(classes, points, legend=small, level=0)
    with pytest.raises(InputError, match="is a raster and has no attribute 'code'"):
        plan_survey(classes, legend=small, map_class="code", n=10)


def test_unknown_confidence_is_what_the_file_says(classes, points, small, tmp_path):
    sure = np.full((100, 100), 90, dtype=np.int16)
    sure[:, 50:] = -1
    path = write_geotiff(tmp_path / "sure.tif", wrap(sure, BOX), nodata=-1)
    found = survey_files(classes, points, legend=small, confidence=path, protocol="blind")
    # 90 stated on the left, 75 met there.
    assert found.ece == pytest.approx(0.15)
