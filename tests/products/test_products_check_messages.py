"""What the findings say, and what the official rules let pass although it is wrong."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import products_parts as parts
import pytest
import shapely
from products_parts import row_at, square, with_shapes
from products_twins import outcomes

from bocage.products import CheckReport, check, status_layer


def bad(report: CheckReport) -> set[str]:
    return set(outcomes(report))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("s2021", "s2024", "no layer has a name like"),
        ("blacksea", "black_sea", "no layer has a name like"),
        ("_20261122", "_20261122_final", "no layer has a name like"),
        ("du0014", "du0099", "no delivery unit 'du0099'"),
    ],
)
def test_naming(clean, tmp_path, boundary, old: str, new: str, message: str) -> None:
    name = parts.delivery().name("status", 2021).replace(old, new)
    report = check(parts.save(clean, tmp_path, name), parts.PRODUCT, boundary=boundary)
    assert report["naming"].outcome == "aborted"
    assert message in report["naming"].messages[-1]
    assert report["attribute"].outcome == "skipped"
    assert report["overlap"].outcome == "skipped"
    assert report.exit_code == 1


def _columns(frame: gpd.GeoDataFrame, **changes: object) -> gpd.GeoDataFrame:
    return frame.assign(**changes)


@pytest.mark.parametrize(
    ("change", "outcome", "message"),
    [
        (lambda f: f.drop(columns="comment_21"), "aborted", "missing attributes: comment_21"),
        (lambda f: _columns(f, code_4_21=f.code_4_21.astype(float)), "aborted",
         "code_4_21 is real, not integer"),
        (lambda f: _columns(f, code_1_21=f.code_1_21.astype(str)), "aborted",
         "code_1_21 is string, not integer"),
        (lambda f: _columns(f, uid=range(16)), "aborted", "uid is integer, not string"),
        (lambda f: _columns(f, area_ha=1), "aborted", "area_ha is integer, not real"),
        (lambda f: _columns(f, confidence=99), "failed", "excessive attributes: confidence"),
    ],
)  # fmt: skip
def test_attribute(clean, checked, change, outcome: str, message: str) -> None:
    report = checked(change(clean))
    assert report["attribute"].outcome == outcome
    assert message in report["attribute"].messages[0]
    assert bad(report) == {"attribute"}


def test_missing_identifiers_are_a_strict_fault(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[[1, 2], "uid"] = None
    report = checked(frame)
    assert bad(report) == {"strict:identifiers"}
    assert report["unique"].outcome == "ok"
    assert report["strict:identifiers"].uids == ("row 2", "row 3")
    assert report.official_result == "partial"


def test_singlepart(clean, checked) -> None:
    two = shapely.multipolygons([clean.geometry[0], square(9, 9)])
    frame = with_shapes(clean, {0: two})
    report = checked(frame, geometry_type="MultiPolygon", promote_to_multi=True)
    assert report["singlepart"].outcome == "aborted"
    assert report["geometry"].outcome == "skipped"
    one = checked(clean, geometry_type="MultiPolygon", promote_to_multi=True)
    assert bad(one) == set()


def test_area(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[2, "area_ha"] += 0.6
    report = checked(frame)
    assert bad(report) == {"area", "strict:area"}
    frame.loc[2, "area_ha"] -= 0.2
    report = checked(frame)
    assert bad(report) == {"strict:area"}
    assert report["area"].outcome == "ok"


def test_a_gap_of_5_cm_inside(clean, checked) -> None:
    row = row_at(clean, 1, 1)
    west, south, east, north = clean.geometry[row].bounds
    report = checked(with_shapes(clean, {row: shapely.box(west, south, east - 0.05, north)}))
    assert bad(report) == {"gap"}
    found = report.fault_geometries()
    assert found.area.sum() == pytest.approx(5.0, rel=1e-3)


@pytest.mark.parametrize(("width", "seen"), [(0.009, False), (0.05, True)])
def test_a_gap_at_the_rim(clean, checked, width: float, seen: bool) -> None:
    row = row_at(clean, 0, 0)
    west, south, east, north = clean.geometry[row].bounds
    report = checked(with_shapes(clean, {row: shapely.box(west + width, south, east, north)}))
    assert bad(report) == ({"gap"} if seen else set())


def _split(clean, column: int, row: int, height: float, codes: tuple[int, int]):
    """Cut a strip off the lower edge of a square: (layer, strip row)."""
    view = parts.view()
    at = row_at(view, column, row)
    shapes = view.geometry.to_numpy().copy()
    shapes[at] = square(column, row + height, 1, 1 - height)
    view = gpd.GeoDataFrame(
        {"code": [*view.code, codes[1]]},
        geometry=[*shapes, square(column, row, 1, height)],
        crs=3035,
    )
    view.loc[at, "code"] = codes[0]
    return status_layer(view, 2021, parts.delivery())


def test_mmu_trusts_the_stated_area_but_the_strict_test_does_not(clean, checked) -> None:
    frame = _split(clean, 1, 1, 0.3, (2110, 4220))
    frame.loc[frame.area_ha < 0.31, "area_ha"] = 0.55
    report = checked(frame)
    assert bad(report) == {"strict:area", "strict:mmu"}


def test_mmw_informs_only(clean, checked) -> None:
    report = checked(_split(clean, 1, 0, 0.10, (4220, 1210)))  # exactly 10 m
    assert report["mmw"].outcome == "ok"
    assert "narrower than 10 m" in report["mmw"].messages[0]
    report = checked(_split(clean, 1, 0, 0.1001, (4220, 1210)))
    assert report["mmw"].messages == ()
    report = checked(_split(clean, 1, 0, 0.10, (3110, 4220)))
    assert report["mmw"].messages == ()
    assert "narrower" in report["strict:mmw"].messages[0]


def test_overlaps_crossing_contained_and_doubled(clean, checked) -> None:
    crossing = with_shapes(clean, {row_at(clean, 0, 0): square(0, 0, 1.05)})
    assert bad(checked(crossing)) == {"overlap"}
    inside = clean.iloc[[0]].assign(uid="extra")
    inside = inside.set_geometry([square(1.1, 1.1, 0.8, 0.8)], crs=3035)
    inside["area_ha"] = inside.area / 10_000
    for extra in (inside, clean.iloc[[3]].assign(uid="extra")):
        report = checked(gpd.GeoDataFrame(pd.concat([clean, extra], ignore_index=True)))
        assert "overlap" in bad(report)
        assert report["overlap"].faults == 1
        assert "extra" in report["overlap"].uids[0]


def test_features_without_geometry_are_a_strict_fault(clean, checked) -> None:
    frame = with_shapes(clean, {5: None}).fillna({"area_ha": 1.0})
    report = checked(frame)
    assert bad(report) == {"gap", "strict:features"}
    assert "strict:features" in bad(checked(clean.iloc[:0]))
