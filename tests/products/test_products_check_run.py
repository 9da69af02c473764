"""Clean deliveries pass; each kind of fault is found in its step."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import products_parts as parts
import pyarrow as pa_arrow
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from products_parts import row_at, square, with_shapes

from bocage.errors import ConfigError, InputError
from bocage.products import (
    CheckReport,
    Delivery,
    change_layer,
    check,
    definition_for,
    load_schema,
    status_layer,
    write_boundary,
    write_layer,
)

OFFICIAL = (
    "unzip", "naming", "attribute", "epsg", "inspire", "import", "unique", "enum", "nodata",
    "singlepart", "geometry", "area", "gap", "mmu", "mmw", "neighbour", "overlap",
)  # fmt: skip


def bad(report: CheckReport) -> set[str]:
    return {s.name for s in report.steps if s.outcome not in ("ok", "skipped")}


# --- clean deliveries -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["zip", "geopackage", "geoparquet"])
def test_a_clean_delivery_passes(clean, pa, boundary, tmp_path, form: str) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    report = check(getattr(files, form), parts.PRODUCT, boundary=boundary)
    assert bad(report) == set()
    assert tuple(s.name for s in report.steps if not s.strict) == OFFICIAL
    assert report["inspire"].outcome == "skipped"
    assert (report.passed, report.result, report.exit_code) == (True, "partial", 0)
    assert report.faults == 0


def test_a_clean_flatgeobuf_passes(clean, checked) -> None:
    assert bad(checked(clean, driver="FlatGeobuf")) == set()


def test_a_clean_file_geodatabase_passes_bare_and_zipped(clean, tmp_path, boundary) -> None:
    name = parts.delivery().name("status", 2021)
    base = tmp_path / "delivery.gdb"
    options = {"driver": "OpenFileGDB", "promote_to_multi": True}
    pyogrio.write_dataframe(clean, base, layer=name, geometry_type="MultiPolygon", **options)
    assert bad(check(base, parts.PRODUCT, boundary=boundary)) == set()
    files = {f"delivery.gdb/{p.name}": p.read_bytes() for p in base.iterdir()}
    report = check(_zip(tmp_path / "gdb.zip", files), parts.PRODUCT, boundary=boundary)
    assert bad(report) == {"strict:metadata"}


def test_capitals_in_names_do_not_matter(clean, tmp_path, boundary) -> None:
    frame = clean.rename(columns={"uid": "UID", "code_4_21": "Code_4_21"})
    name = parts.delivery().name("status", 2021).upper()
    path = parts.save(frame, tmp_path, name)
    assert bad(check(path, parts.PRODUCT, boundary=boundary)) == set()


def test_allowed_extra_columns(clean, checked) -> None:
    extra = clean.assign(objectid=1, Shape_Area=1.0)
    extra["geometry_bbox.xmin"] = 0.0
    assert bad(checked(extra)) == set()


def _changes(rows: list[tuple[int, int, shapely.Polygon]]) -> gpd.GeoDataFrame:
    columns = {"code_2021": [r[0] for r in rows], "code_2024": [r[1] for r in rows]}
    view = gpd.GeoDataFrame(columns, geometry=[r[2] for r in rows], crs=3035)
    return change_layer(view, parts.delivery())


def _check_change(frame: gpd.GeoDataFrame, folder: Path) -> CheckReport:
    path = parts.save(frame, folder, parts.delivery().name("change"), geometry_type="Polygon")
    return check(path, "pa-change-2021-2024")


def test_change_layers_pass_with_and_without_features(tmp_path) -> None:
    two = _changes([(3110, 2110, square(0, 0)), (3110, 4100, square(1, 0))])
    report = _check_change(two, tmp_path)
    assert bad(report) == set()
    assert "gap" not in [s.name for s in report.steps]
    (tmp_path / "empty").mkdir()
    assert _check_change(_changes([]), tmp_path / "empty").passed


def test_a_plain_delivery_of_any_legend_passes(tmp_path) -> None:
    legend = parts.small_legend()
    plain = replace(parts.delivery(), legend=legend, schema=load_schema("plain"), years=(2021,))
    shapes = [square(0, 0), square(1, 0), square(0, 1, 2)]
    view = gpd.GeoDataFrame({"code": [11, 12, 21]}, geometry=shapes, crs=3035)
    files = write_layer(status_layer(view, 2021, plain), tmp_path, plain, "status", 2021)
    limits = write_boundary(shapely.union_all(shapes), plain.unit, tmp_path)
    definition = definition_for(plain, "status", 2021)
    assert bad(check(files.zip, definition, boundary=limits)) == set()
    view["code"] = [11, 12, 12]
    files = write_layer(status_layer(view, 2021, plain), tmp_path, plain, "status", 2021)
    assert bad(check(files.zip, definition, boundary=limits)) == {"neighbour"}
    small = write_boundary(square(0, 0, 3, 2), plain.unit, tmp_path)
    assert "gap" in bad(check(files.zip, definition, boundary=small))


# --- naming, attributes, values ---------------------------------------------------------------


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


def test_a_parquet_with_a_covering_or_a_fid_column(clean, tmp_path, boundary) -> None:
    path = tmp_path / f"{parts.delivery().name('status', 2021)}.parquet"
    clean.to_parquet(path, write_covering_bbox=True, schema_version="1.1.0")
    report = check(path, parts.PRODUCT, boundary=boundary)
    assert "bbox.xmax, bbox.xmin" in report["attribute"].messages[0]
    clean.assign(fid=1).to_parquet(path)
    report = check(path, parts.PRODUCT, boundary=boundary)
    assert report["attribute"].messages == ("excessive attributes: fid",)


@pytest.mark.parametrize("crs", [4326, 3857, None])
def test_epsg(clean, tmp_path, boundary, crs: int | None) -> None:
    frame = (
        clean.set_crs(crs, allow_override=True) if crs else clean.set_crs(None, allow_override=True)
    )
    path = tmp_path / f"{parts.delivery().name('status', 2021)}.parquet"
    frame.to_parquet(path)
    report = check(path, parts.PRODUCT, boundary=boundary)
    assert report["epsg"].outcome == "aborted"
    assert bad(report) == {"epsg"}
    assert bad(check(parts.save(clean.to_crs(4326), tmp_path), parts.PRODUCT)) == {"epsg"}


def test_lines_abort_the_import(clean, checked) -> None:
    report = checked(clean.set_geometry(clean.boundary))
    assert report["import"].outcome == "aborted"
    assert "LineString" in report["import"].messages[0]


def test_geometry_that_cannot_be_read_aborts_the_import(clean, tmp_path, boundary) -> None:
    path = tmp_path / f"{parts.delivery().name('status', 2021)}.parquet"
    clean.to_parquet(path)
    table = pq.read_table(path)
    broken = [b"broken" for _ in range(len(table))]
    at = table.schema.get_field_index("geometry")
    column = pa_arrow.array(broken, table.schema.field("geometry").type)
    table = table.set_column(at, table.schema.field("geometry"), column)
    pq.write_table(table, path)
    report = check(path, parts.PRODUCT, boundary=boundary)
    assert report["import"].outcome == "aborted"
    assert "cannot be read" in report["import"].messages[0]


def test_unique(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[3, "uid"] = frame.loc[2, "uid"]
    report = checked(frame)
    assert bad(report) == {"unique"}
    assert (report["unique"].faults, report["unique"].uids) == (2, ("du0014_3",))


def test_missing_identifiers_are_a_strict_fault(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[[1, 2], "uid"] = None
    report = checked(frame)
    assert bad(report) == {"strict:identifiers"}
    assert report["unique"].outcome == "ok"
    assert report["strict:identifiers"].uids == ("row 2", "row 3")
    assert report.official_result == "partial"


def test_enum(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[5, "code_4_21"] = 6310  # a code of the product before
    report = checked(frame)
    assert bad(report) == {"enum", "strict:codes"}
    assert "6310" in report["enum"].messages[0]


def test_null_codes_fail(clean, checked) -> None:
    frame = clean.copy()
    frame["code_3_21"] = frame["code_3_21"].astype("Int32")
    frame.loc[4, "code_3_21"] = pd.NA
    assert bad(checked(frame)) == {"enum", "strict:codes"}


def test_levels_that_do_not_belong_together(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[frame.code_4_21 == 4211, "code_1_21"] = 3
    report = checked(frame)
    assert bad(report) == {"strict:codes"}


@pytest.mark.parametrize("column", [f"code_{n}_21" for n in range(1, 5)])
def test_nodata_looks_at_all_levels(clean, checked, column: str) -> None:
    frame = clean.copy()
    keep = frame.loc[6, column]
    frame.loc[6, [f"code_{n}_21" for n in range(1, 5)]] = 0
    frame.loc[6, "nodata_21"] = 1
    assert bad(checked(frame)) == set()
    frame.loc[6, column] = keep
    assert bad(checked(frame)) == {"nodata", "strict:codes"}


def test_code_0_without_nodata_is_a_strict_fault(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[6, [f"code_{n}_21" for n in range(1, 5)]] = 0
    assert bad(checked(frame)) == {"strict:nodata"}


# --- geometry ---------------------------------------------------------------------------------


def test_singlepart(clean, checked) -> None:
    two = shapely.multipolygons([clean.geometry[0], square(9, 9)])
    frame = with_shapes(clean, {0: two})
    report = checked(frame, geometry_type="MultiPolygon", promote_to_multi=True)
    assert report["singlepart"].outcome == "aborted"
    assert report["geometry"].outcome == "skipped"
    one = checked(clean, geometry_type="MultiPolygon", promote_to_multi=True)
    assert bad(one) == set()


def test_invalid_rings(clean, checked) -> None:
    x, y = square(0, 0).exterior.coords.xy
    bow = shapely.Polygon([(x[0], y[0]), (x[2], y[2]), (x[1], y[1]), (x[3], y[3])])
    report = checked(with_shapes(clean, {row_at(clean, 0, 0): bow}))
    assert report["geometry"].outcome == "aborted"
    assert "Self-intersection" in report["geometry"].messages[0]
    assert report.fault_geometries().geometry.is_valid.all()


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


def test_gap_without_a_boundary_is_cancelled(clean, tmp_path) -> None:
    report = check(parts.save(clean, tmp_path), parts.PRODUCT)
    assert report["gap"].outcome == "cancelled"
    assert report["strict:boundary"].outcome == "skipped"
    assert (report.passed, report.result) == (False, "failed")


def test_a_unit_that_the_boundary_does_not_know(clean, checked) -> None:
    frame = clean.copy()
    frame.loc[0, "du_id"] = "DU0014"
    report = checked(frame)
    assert bad(report) == {"gap"}
    assert "does not know" in report["gap"].messages[0]


def test_ground_outside_the_boundary(clean, checked) -> None:
    row = row_at(clean, 3, 3)
    report = checked(with_shapes(clean, {row: square(3, 3, 1.2)}))
    assert bad(report) == {"strict:boundary"}


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


def test_mmu_inside(clean, checked) -> None:
    report = checked(_split(clean, 1, 1, 0.45, (2110, 4220)))
    assert bad(report) == {"mmu", "strict:mmu"}
    assert report["mmu"].faults == 1


def test_mmu_trusts_the_stated_area_but_the_strict_test_does_not(clean, checked) -> None:
    frame = _split(clean, 1, 1, 0.3, (2110, 4220))
    frame.loc[frame.area_ha < 0.31, "area_ha"] = 0.55
    report = checked(frame)
    assert bad(report) == {"strict:area", "strict:mmu"}


@pytest.mark.parametrize(
    ("height", "faults", "guideline"),
    [(0.09, {"mmu", "strict:mmu"}, 1), (0.15, set(), 1), (0.25, set(), 0)],
)
def test_mmu_at_the_rim(clean, checked, height: float, faults: set, guideline: int) -> None:
    report = checked(_split(clean, 1, 0, height, (3110, 4220)))
    assert bad(report) == faults
    assert len(report["strict:mmu-guideline"].findings) == guideline
    assert report["strict:mmu-guideline"].faults == 0


def test_a_small_polygon_at_a_hole_in_the_coverage_is_marginal(clean, checked) -> None:
    frame = _split(clean, 1, 1, 0.3, (2110, 4220))
    report = checked(frame[frame.code_4_21 != 3110].reset_index(drop=True))
    assert "mmu" not in bad(report)
    assert "gap" in bad(report)


def test_mmu_with_an_accepted_comment(clean, checked) -> None:
    frame = _split(clean, 1, 1, 0.3, (2110, 4220))
    small = frame.area_ha < 0.31
    frame.loc[small, "comment_21"] = "x;Flooded area"
    assert bad(checked(frame)) == set()
    frame.loc[small, "comment_21"] = "x; Flooded area"
    assert bad(checked(frame)) == {"mmu", "strict:mmu"}
    frame.loc[small, "comment_21"] = "flooded area"
    assert bad(checked(frame)) == {"mmu", "strict:mmu"}


@pytest.mark.parametrize(
    ("strip", "rest", "height", "passes"),
    [
        (1210, 8110, 0.11, True),  # a road at a river
        (1210, 2110, 0.11, False),  # a road alone
        (1120, 1210, 0.26, True),  # urban at a road
        (1120, 1210, 0.24, False),
        (1120, 8110, 0.26, False),  # a river is no road
        (4220, 8110, 0.06, True),  # anything else at a line
        (4220, 8110, 0.04, False),
        (8110, 1210, 0.06, True),  # a river piece is not urban
    ],
)
def test_mmu_exceptions(clean, checked, strip: int, rest: int, height: float, passes: bool) -> None:
    report = checked(_split(clean, 1, 1, height, (rest, strip)))
    assert ("mmu" not in bad(report)) == passes


def test_mmw_informs_only(clean, checked) -> None:
    report = checked(_split(clean, 1, 0, 0.10, (4220, 1210)))  # exactly 10 m
    assert report["mmw"].outcome == "ok"
    assert "narrower than 10 m" in report["mmw"].messages[0]
    report = checked(_split(clean, 1, 0, 0.1001, (4220, 1210)))
    assert report["mmw"].messages == ()
    report = checked(_split(clean, 1, 0, 0.10, (3110, 4220)))
    assert report["mmw"].messages == ()
    assert "narrower" in report["strict:mmw"].messages[0]


def test_equal_neighbours(clean, checked) -> None:
    frame = clean.copy()
    a, b = row_at(clean, 1, 0), row_at(clean, 1, 1)
    for n in range(1, 5):
        frame.loc[a, f"code_{n}_21"] = frame.loc[b, f"code_{n}_21"]
    report = checked(frame)
    assert bad(report) == {"neighbour"}
    assert report["neighbour"].faults == 1


def test_equal_codes_that_touch_in_a_point_are_no_neighbours(clean, checked) -> None:
    corner = clean[clean.code_4_21.isin([3110])]
    assert len(corner) > 1
    assert checked(clean)["neighbour"].outcome == "ok"


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


# --- change -----------------------------------------------------------------------------------


def test_nothing_changed(tmp_path) -> None:
    frame = _changes([(3110, 2110, square(0, 0))])
    for n in range(1, 5):
        frame[f"code_{n}_24"] = frame[f"code_{n}_21"]
    assert bad(_check_change(frame, tmp_path)) == {"change", "strict:changecode"}


def test_a_wrong_changecode(tmp_path) -> None:
    frame = _changes([(3110, 2110, square(0, 0))]).assign(changecode="2110_3110")
    assert bad(_check_change(frame, tmp_path)) == {"strict:changecode"}


def test_complex_change_counts_touching_parts_together(tmp_path) -> None:
    rows = [(3110, 2110, square(0, 0, 0.3)), (3110, 4100, square(0.3, 0, 0.3))]
    assert bad(_check_change(_changes(rows), tmp_path)) == set()
    rows[1] = (3110, 4100, square(0.4, 0, 0.3))  # apart
    assert bad(_check_change(_changes(rows), tmp_path)) == {"mmu", "strict:mmu"}
    rows = [(3110, 2110, square(0, 0, 0.3)), (3120, 4100, square(0.3, 0, 0.3))]  # other codes
    assert bad(_check_change(_changes(rows), tmp_path)) == {"mmu", "strict:mmu"}
    rows = [(3110, 2110, square(0, 0, 0.46)), (3110, 4100, square(0.46, 0, 0.04))]
    report = _check_change(_changes(rows), tmp_path)  # a part below 0.05 ha
    assert bad(report) == {"mmu", "strict:mmu"}
    assert report["mmu"].faults == 1


def test_change_neighbours_compare_both_years(tmp_path) -> None:
    rows = [(3110, 2110, square(0, 0)), (3120, 2110, square(1, 0))]
    assert bad(_check_change(_changes(rows), tmp_path)) == set()
    rows[1] = (3110, 2110, square(1, 0))
    assert bad(_check_change(_changes(rows), tmp_path)) == {"neighbour"}


# --- archives ---------------------------------------------------------------------------------


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_two_layers_in_the_archive(clean, pa: Delivery, boundary, tmp_path) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    name, xml = pa.name("status", 2021), files.metadata.read_bytes()
    content = {f"{name}.gpkg": parts.save(clean, tmp_path).read_bytes(), f"{name}.xml": xml}
    both = content | {f"{name}.parquet": files.geoparquet.read_bytes()}
    report = check(_zip(tmp_path / "two.zip", both), parts.PRODUCT, boundary=boundary)
    assert report["naming"].outcome == "aborted"
    assert "found 2 layers" in report["naming"].messages[0]
    (tmp_path / "x").mkdir()
    extra = content | {"roads.gpkg": parts.save(clean, tmp_path / "x", "roads").read_bytes()}
    report = check(_zip(tmp_path / "extra.zip", extra), parts.PRODUCT, boundary=boundary)
    assert report["naming"].outcome == "failed"
    assert report["overlap"].outcome == "ok"
    assert "excessive layers: roads" in report["naming"].messages[0]
    styled = {f"{name}.gpkg": files.geopackage.read_bytes(), f"{name}.xml": xml}
    report = check(_zip(tmp_path / "styled.zip", styled), parts.PRODUCT, boundary=boundary)
    assert "excessive layers: layer_styles" in report["naming"].messages[0]
    assert (
        bad(check(_zip(tmp_path / "good.zip", content), parts.PRODUCT, boundary=boundary)) == set()
    )


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt"])
def test_archives_that_lead_outside(tmp_path, name: str) -> None:
    (tmp_path / "in").mkdir()
    path = _zip(tmp_path / "in" / "a.zip", {name: b"x"})
    report = check(path, parts.PRODUCT)
    assert report["unzip"].outcome == "aborted"
    assert "leads out of the archive" in report["unzip"].messages[0]
    assert not list(tmp_path.rglob("evil.txt"))


def test_archives_that_explode_or_are_broken(tmp_path) -> None:
    bomb = _zip(tmp_path / "bomb.zip", {"zeros.gpkg": bytes(80 << 20)})
    report = check(bomb, parts.PRODUCT)
    assert (report["unzip"].outcome, report["unzip"].faults) == ("aborted", 1)
    assert "would expand" in report["unzip"].messages[0]
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK no archive")
    report = check(broken, parts.PRODUCT)
    assert "cannot be unpacked" in report["unzip"].messages[0]
    assert report["naming"].outcome == "skipped"


def test_broken_files_abort_naming(tmp_path) -> None:
    for suffix in (".gpkg", ".parquet", ".fgb"):
        path = tmp_path / f"{parts.delivery().name('status', 2021)}{suffix}"
        path.write_bytes(b"nothing of the kind")
        report = check(path, parts.PRODUCT)
        assert report["naming"].outcome == "aborted"
        assert "cannot be opened" in report["naming"].messages[0]
    path = tmp_path / "a.shp"
    path.write_bytes(b"")
    assert "accepted formats are" in check(path, parts.PRODUCT)["naming"].messages[0]


def test_metadata_in_archives(clean, pa: Delivery, boundary, tmp_path) -> None:
    gpkg = parts.save(clean, tmp_path).read_bytes()
    name = pa.name("status", 2021)
    xml = write_layer(clean, tmp_path / "w", pa, "status", 2021).metadata.read_bytes()

    def strict(files: dict[str, bytes]) -> tuple[str, ...]:
        path = _zip(tmp_path / "m.zip", {f"{name}.gpkg": gpkg, **files})
        report = check(path, parts.PRODUCT, boundary=boundary)
        assert bad(report) <= {"strict:metadata"}
        return report["strict:metadata"].messages

    assert strict({f"Metadata/{name}_metadata.xml": xml}) == ()
    assert "no metadata file" in strict({})[0]
    assert "is no XML" in strict({f"{name}.xml": b"<a>"})[0]
    assert "the root is a" in strict({f"{name}.xml": b"<a/>"})[0]
    two = {f"metadata/{name}.xml": xml, "old_metadata/b.xml": xml}
    assert "more than one folder" in strict(two)[0]


# --- input and report -------------------------------------------------------------------------


def test_wrong_boundaries_are_refused(clean, tmp_path) -> None:
    path = parts.save(clean, tmp_path)
    degrees = gpd.GeoDataFrame({"du_id": ["du0014"]}, geometry=[parts.AREA], crs=3035).to_crs(4326)
    degrees.to_file(tmp_path / "boundary_pa.gpkg", layer="boundary_pa")
    with pytest.raises(InputError, match=r"is in EPSG:4326, not EPSG:3035"):
        check(path, parts.PRODUCT, boundary=tmp_path / "boundary_pa.gpkg")
    for name, column in (("a", {"unit": ["du0014"]}), ("b", {"du_id": [14]})):
        frame = gpd.GeoDataFrame(column, geometry=[parts.AREA], crs=3035)
        frame.to_file(tmp_path / f"{name}.gpkg")
        with pytest.raises(InputError, match="no text column 'du_id'"):
            check(path, parts.PRODUCT, boundary=tmp_path / f"{name}.gpkg")
    points = gpd.GeoDataFrame({"du_id": ["du0014"]}, geometry=[parts.AREA.centroid], crs=3035)
    points.to_file(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match="holds no valid polygon"):
        check(path, parts.PRODUCT, boundary=tmp_path / "points.gpkg")
    (tmp_path / "no.gpkg").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        check(path, parts.PRODUCT, boundary=tmp_path / "no.gpkg")


def test_wrong_calls_are_named(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        check(tmp_path / "none.zip", parts.PRODUCT)
    with pytest.raises(InputError, match="nothing to check"):
        check([], parts.PRODUCT)
    with pytest.raises(ConfigError, match="there is no product 'pa'"):
        check(tmp_path, "pa")


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
