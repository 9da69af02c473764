"""Small polygons that an exception excuses."""

from __future__ import annotations

from pathlib import Path

import products_parts as parts
import pytest
from products_twins import Twin, at_cell, outcomes, set_value, strip

from bocage.products import CheckReport, check, load_schema

COMMENTS = (*load_schema("pa").layers["status"].comments, "x;Braided River")


def run(twin: Twin, folder: Path) -> CheckReport:
    limits = twin.write_boundary(folder)
    return check(twin.write(folder), parts.PRODUCT, boundary=limits)


@pytest.mark.parametrize(
    ("rest", "small", "height", "excuse"),
    [
        (8110, 1210, 0.11, "linear"),  # a road at a river
        (1210, 1120, 0.26, "urban at road or rail"),
        (8110, 4220, 0.06, "other at linear"),
        (1210, 8110, 0.06, "other at linear"),  # a river piece is not urban
        (1220, 1210, 0.11, "linear"),
    ],
)
def test_small_polygons_beside_lines(
    tmp_path: Path, rest: int, small: int, height: float, excuse: str
) -> None:
    twin = Twin()
    strip(twin, (4, 4), height, (rest, small))
    report = run(twin, tmp_path)
    assert outcomes(report) == {}
    assert report["mmu"].messages == (f"below 0.5 ha but excused ({excuse}): du0014_s44",)


@pytest.mark.parametrize("comment", COMMENTS)
def test_small_polygons_with_a_comment(tmp_path: Path, comment: str) -> None:
    twin = Twin()
    set_value(twin, strip(twin, (4, 4), 0.02, (None, 4220)), "comment_21", comment)
    report = run(twin, tmp_path)
    assert outcomes(report) == {}
    assert "excused (comment)" in report["mmu"].messages[0]


@pytest.mark.parametrize(("height", "guideline"), [(0.1001, 1), (0.15, 1), (0.25, 0)])
def test_small_polygons_at_the_rim(tmp_path: Path, height: float, guideline: int) -> None:
    twin = Twin()
    strip(twin, (4, 0), height, (None, 4220))
    report = run(twin, tmp_path)
    assert outcomes(report) == {}
    assert len(report["strict:mmu-guideline"].findings) == guideline


def test_a_small_polygon_at_a_hole_in_the_coverage_is_marginal(tmp_path: Path) -> None:
    twin = Twin()
    strip(twin, (4, 4), 0.3, (None, 4220))
    twin.frame = twin.frame.drop(index=at_cell(twin, (4, 3))).reset_index(drop=True)
    report = run(twin, tmp_path)
    assert outcomes(report) == {"gap": "failed"}
    assert "excused (marginal)" in report["mmu"].messages[0]
