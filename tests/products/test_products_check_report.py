"""The report: table, JSON, fault geometries, page."""

from __future__ import annotations

import json

import numpy as np
import pytest
from products_twins import outcomes

from bocage.errors import InputError
from bocage.products import CheckReport


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
