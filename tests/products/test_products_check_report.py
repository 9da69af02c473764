"""The report: table, JSON, fault geometries, page."""

from __future__ import annotations

import json
import re
import time
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import products_faults_shapes  # noqa: F401
import products_faults_values  # noqa: F401
import products_parts as parts
import pyogrio
import pytest
import shapely
from products_twins import FAULTS, Twin, outcomes

from bocage.errors import InputError
from bocage.products import CheckReport, check


def bad(report: CheckReport) -> set[str]:
    return set(outcomes(report))


def test_the_report(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[2, "area_ha"] += 0.6
    report = checked(frame)
    data = json.loads(json.dumps(report.to_dict()))
    assert (data["passed"], data["result"], data["faults"]) == (False, "failed", 2)
    area = next(s for s in data["steps"] if s["step"] == "area")
    assert area == {"step": "area", "outcome": "failed", "faults": 1, "examples": ["du0014_3"],
                    "messages": ["the area is wrong by more than 0.5 ha: du0014_3"]}  # fmt: skip
    table = report.to_table()
    assert list(table.columns) == ["step", "outcome", "faults", "message"]
    assert list(table.step) == [s.name for s in report.steps]
    found = report.fault_geometries()
    assert list(found.uid) == ["du0014_3", "du0014_3"]
    assert found.crs.to_epsg() == 3035
    with pytest.raises(InputError, match="has no step 'width'"):
        report["width"]


def test_the_report_as_a_page(clean, checked, tmp_path) -> None:
    report = checked(clean.assign(uid="<b>one</b>"))
    text = report.write_html(tmp_path / "report" / "check.html").read_text("utf-8")
    assert "Faults found" in text
    assert text.count("<tr>") == len(report.steps) + 1
    assert "<b>one" not in text
    assert "&lt;b&gt;one" in text
    assert "Passed" in checked(clean).write_html(tmp_path / "ok.html").read_text("utf-8")


def test_many_faults_are_counted_but_not_all_written_out(clean, checked) -> None:
    report = checked(clean.assign(area_ha=np.arange(16) + 10.0))
    assert report["area"].faults == 16
    assert report["area"].messages[0].endswith("and 6 others")


BROKEN = ("a polygon within another", "a gap of 0.001 m between two polygons", "a doubled uid",
          "a small polygon", "two neighbours of one class")  # fmt: skip


@pytest.fixture
def broken(tmp_path) -> CheckReport:
    kinds = {f.name: f for f in FAULTS}
    twin = Twin()
    for column, name in enumerate(BROKEN):
        kinds[name](twin, (column + 2, 1 + 5 * (column % 2)))
    limits = twin.write_boundary(tmp_path)
    return check(twin.write(tmp_path), parts.PRODUCT, boundary=limits)


def test_faults_as_a_geopackage(broken, tmp_path) -> None:
    path = broken.write_faults(tmp_path / "out" / "faults.gpkg")
    assert [str(n) for n in pyogrio.list_layers(path)[:, 0]] == ["faults"]
    found = gpd.read_file(path)
    assert {"step", "severity", "uid", "message"} <= set(found.columns)
    assert {"overlap", "gap", "unique", "mmu", "neighbour"} <= set(found.step)
    assert {"Polygon", "LineString"} <= set(found.geom_type)
    assert found.crs.to_epsg() == 3035
    inner = found[(found.step == "overlap")]
    assert inner.area.sum() == pytest.approx(6400)
    again = tmp_path / "again.gpkg"
    time.sleep(0.01)  # the stamp of a GeoPackage has milliseconds
    assert broken.write_faults(again).read_bytes() == path.read_bytes()
    with pytest.raises(InputError, match=r"ends in \.gpkg"):
        broken.write_faults(tmp_path / "faults.shp")


def test_no_fault_gives_an_empty_layer_and_no_maps(clean, checked, tmp_path) -> None:
    report = checked(clean)
    assert len(gpd.read_file(report.write_faults(tmp_path / "none.gpkg"))) == 0
    assert (report.sketches, report.overview) == ((), None)
    assert "<svg" not in report.write_html(tmp_path / "ok.html").read_text("utf-8")


def test_maps_of_the_first_faults(broken, tmp_path) -> None:
    drawn = {s.step for s in broken.sketches}
    assert {"overlap", "gap", "unique", "mmu", "neighbour"} <= drawn
    for sketch in broken.sketches:
        west, south, east, north = sketch.window
        assert east - west == pytest.approx(north - south)
        assert shapely.box(*sketch.window).contains(sketch.fault)
        assert len(sketch.around) > 0
    assert set(broken.overview.spots) >= drawn
    text = broken.write_html(tmp_path / "check.html").read_text("utf-8")
    start, end = text.index("<!DOCTYPE html>"), text.index("</html>")
    assert start == 0 < end
    svgs = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(svgs) == len(broken.sketches) + 1
    for svg in svgs:
        ET.fromstring(svg)
        assert "nan" not in svg


def test_faults_without_a_place_and_invalid_shapes_are_drawn_too(tmp_path) -> None:
    kinds = {f.name: f for f in FAULTS}
    twin = Twin()
    kinds["a bow tie"](twin, (4, 4))
    kinds["a feature without geometry"](twin, (1, 1))
    report = check(twin.write(tmp_path), parts.PRODUCT)
    assert [s.step for s in report.sketches] == ["geometry"]
    assert "<svg" in report.write_html(tmp_path / "check.html").read_text("utf-8")
