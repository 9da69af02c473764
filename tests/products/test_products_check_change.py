"""The steps of a change layer."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pytest
import shapely
from products_parts import square
from products_twins import outcomes

from bocage.products import CheckReport, change_layer, check

STEPS = (
    "unzip", "naming", "attribute", "epsg", "inspire", "import", "unique", "enum", "change",
    "singlepart", "geometry", "area", "mmu", "mmw", "neighbour", "overlap",
)  # fmt: skip
SMALL = {"mmu": "failed", "strict:mmu": "failed"}
Rows = list[tuple[int, int, shapely.Polygon]]


def changes(rows: Rows) -> gpd.GeoDataFrame:
    columns = {"code_2021": [r[0] for r in rows], "code_2024": [r[1] for r in rows]}
    view = gpd.GeoDataFrame(columns, geometry=[r[2] for r in rows], crs=3035)
    return change_layer(view, parts.delivery())


def run(frame: gpd.GeoDataFrame, folder: Path) -> CheckReport:
    path = parts.save(frame, folder, parts.delivery().name("change"), geometry_type="Polygon")
    return check(path, "pa-change-2021-2024")


def test_layers_with_and_without_features_pass(tmp_path: Path) -> None:
    report = run(changes([(3110, 2110, square(0, 0)), (3110, 4100, square(1, 0))]), tmp_path)
    assert outcomes(report) == {}
    assert tuple(s.name for s in report.steps if not s.strict) == STEPS
    (tmp_path / "empty").mkdir()
    assert run(changes([]), tmp_path / "empty").passed


def test_du_id_is_optional(tmp_path: Path) -> None:
    frame = changes([(3110, 2110, square(0, 0))]).assign(du_id="du0014")
    assert outcomes(run(frame, tmp_path)) == {}


TWO = [(3110, 2110, square(0, 0)), (3110, 4100, square(2, 0))]
FAULTS = {
    "nothing changed": (
        lambda f: f.assign(**{f"code_{n}_24": f[f"code_{n}_21"] for n in range(1, 5)}),
        {"change": "failed", "strict:changecode": "failed"},
    ),
    "a changecode the wrong way round": (
        lambda f: f.assign(changecode="2110_3110"), {"strict:changecode": "failed"},
    ),
    "a changecode with a hyphen": (
        lambda f: f.assign(changecode="3110-2110"), {"strict:changecode": "failed"},
    ),
    "no changecode": (
        lambda f: f.assign(changecode=np.array([None, None])).astype({"changecode": "string"}),
        {"strict:changecode": "failed"},
    ),
    "no attribute changecode": (
        lambda f: f.drop(columns="changecode"), {"attribute": "aborted"},
    ),
    "no codes of the second year": (
        lambda f: f.drop(columns="code_4_24"), {"attribute": "aborted"},
    ),
    "an attribute too much": (lambda f: f.assign(confidence=1.0), {"attribute": "failed"}),
    "a comment with a year": (
        lambda f: f.rename(columns={"comment": "comment_21"}), {"attribute": "aborted"},
    ),
    "an unknown code in the second year": (
        lambda f: f.assign(code_4_24=[9999, 4100], changecode=["3110_9999", "3110_4100"]),
        {"enum": "failed", "strict:codes": "failed"},
    ),
    "levels of the second year that do not belong together": (
        lambda f: f.assign(code_1_24=5), {"strict:codes": "failed"},
    ),
    "nodata with codes": (lambda f: f.assign(nodata_24=1), {"strict:nodata": "failed"}),
    "one uid twice": (lambda f: f.assign(uid="a"), {"unique": "failed"}),
    "a missing uid": (
        lambda f: f.assign(uid=np.array(["a", None])).astype({"uid": "string"}),
        {"strict:identifiers": "failed"},
    ),
    "a wrong area": (
        lambda f: f.assign(area_ha=5.0), {"area": "failed", "strict:area": "failed"},
    ),
    "overlapping changes": (
        lambda f: f.set_geometry([square(0, 0), square(0.5, 0)], crs=3035), {"overlap": "failed"},
    ),
    "small changes apart": (
        lambda f: _resized(f, [square(0, 0, 0.4), square(2, 0)]), SMALL,
    ),
    "a bow tie": (
        lambda f: f.set_geometry(
            [shapely.Polygon(np.array(square(0, 0).exterior.coords)[[0, 2, 1, 3]]), square(2, 0)],
            crs=3035), {"geometry": "aborted"},
    ),
    "degrees": (lambda f: f.to_crs(4326), {"epsg": "aborted"}),
}  # fmt: skip


def _resized(frame: gpd.GeoDataFrame, shapes: list[shapely.Polygon]) -> gpd.GeoDataFrame:
    return frame.set_geometry(shapes, crs=3035).assign(area_ha=[s.area / 10_000 for s in shapes])


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault(name: str, tmp_path: Path) -> None:
    edit, expected = FAULTS[name]
    report = run(edit(changes(TWO)), tmp_path)
    assert outcomes(report) == expected, report.to_table()


def test_complex_change_counts_touching_parts_together(tmp_path: Path) -> None:
    rows: Rows = [(3110, 2110, square(0, 0, 0.3)), (3110, 4100, square(0.3, 0, 0.3))]
    assert outcomes(run(changes(rows), tmp_path)) == {}
    rows[1] = (3110, 4100, square(0.4, 0, 0.3))  # apart
    assert outcomes(run(changes(rows), tmp_path)) == SMALL
    rows = [(3110, 2110, square(0, 0, 0.3)), (3120, 4100, square(0.3, 0, 0.3))]  # other codes
    assert outcomes(run(changes(rows), tmp_path)) == SMALL
    rows = [(3110, 2110, square(0, 0, 0.46)), (3110, 4100, square(0.46, 0, 0.04))]
    report = run(changes(rows), tmp_path)  # a part below 0.05 ha
    assert outcomes(report) == SMALL
    assert report["mmu"].faults == 1


def test_neighbours_compare_both_years(tmp_path: Path) -> None:
    rows: Rows = [(3110, 2110, square(0, 0)), (3120, 2110, square(1, 0))]
    assert outcomes(run(changes(rows), tmp_path)) == {}
    rows[1] = (3110, 2110, square(1, 0))
    assert outcomes(run(changes(rows), tmp_path)) == {"neighbour": "failed"}
