"""Clean deliveries of several kinds pass without a single finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pyogrio
import pytest
import shapely
from products_parts import square
from products_twins import (
    BASE,
    SIDE,
    Twin,
    add,
    at_cell,
    outcomes,
    recode,
    set_value,
    zipped,
)

from bocage.legend import Legend, LegendClass
from bocage.products import (
    CheckReport,
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


def run(twin: Twin, folder: Path, path: Path | None = None) -> CheckReport:
    limits = twin.write_boundary(folder)
    return check(path or twin.write(folder), parts.PRODUCT, boundary=limits)


def test_the_steps_are_those_of_the_official_chain_in_its_order(tmp_path: Path) -> None:
    report = run(Twin(), tmp_path)
    assert tuple(s.name for s in report.steps if not s.strict) == OFFICIAL
    assert report["inspire"].outcome == "skipped"
    assert (report.passed, report.result, report.exit_code) == (True, "partial", 0)
    assert report.faults == 0


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet"])
@pytest.mark.parametrize("archived", [True, False])
def test_formats(tmp_path: Path, suffix: str, archived: bool) -> None:
    twin = Twin(suffix=suffix)
    path = None if archived else twin.write_layer(tmp_path)
    assert outcomes(run(twin, tmp_path, path)) == {}


def test_a_file_geodatabase_bare_and_zipped(tmp_path: Path) -> None:
    twin = Twin()
    base = tmp_path / "delivery.gdb"
    options = {"driver": "OpenFileGDB", "promote_to_multi": True, "geometry_type": "MultiPolygon"}
    pyogrio.write_dataframe(twin.frame, base, layer=twin.layer, **options)
    assert outcomes(run(twin, tmp_path, base)) == {}
    files = {f"delivery.gdb/{p.name}": p.read_bytes() for p in base.iterdir()}
    report = run(twin, tmp_path, zipped(tmp_path / "gdb.zip", files))
    assert outcomes(report) == {"strict:metadata": "failed"}


@pytest.mark.parametrize("form", ["zip", "geopackage", "geoparquet"])
def test_what_is_written_passes(clean, pa, boundary, tmp_path: Path, form: str) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    assert outcomes(check(getattr(files, form), parts.PRODUCT, boundary=boundary)) == {}


# --- what is unusual but right --------------------------------------------------------------------


def _capitals(twin: Twin) -> None:
    twin.layer = twin.layer.upper()
    twin.frame = twin.frame.rename(columns={"uid": "UID", "code_4_21": "Code_4_21"})


def _allowed_columns(twin: Twin) -> None:
    names = ("objectid", "Shape_Area", "shape_length", "geometry_bbox.xmin", "geometry_bbox.ymax")
    twin.frame = twin.frame.assign(**dict.fromkeys(names, 1.0))


def _heights(twin: Twin) -> None:
    shapes = shapely.force_3d(twin.frame.geometry.to_numpy(), 5.0)
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)
    twin.options["geometry_type"] = "Polygon Z"


def _one_part_multipolygons(twin: Twin) -> None:
    twin.options |= {"geometry_type": "MultiPolygon", "promote_to_multi": True}


def _mixed_polygons_and_multipolygons(twin: Twin) -> None:
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[5] = shapely.multipolygons([shapes[5]])
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)
    twin.options["geometry_type"] = "Unknown"


def _rings_in_any_direction(twin: Twin) -> None:
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[::2] = shapely.reverse(shapes[::2])
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)


def _noise(twin: Twin) -> None:
    rng = np.random.default_rng(0)
    shapes = [
        shapely.Polygon(np.array(s.exterior.coords)[:-1] + rng.uniform(-1e-9, 1e-9, (4, 2)))
        for s in twin.frame.geometry
    ]
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)


def _other_vertices(twin: Twin) -> None:
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[::2] = shapely.segmentize(shapes[::2], 25)
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)


def _empty_comments(twin: Twin) -> None:
    twin.frame.loc[::2, "comment_21"] = ""


def _long_integers(twin: Twin) -> None:
    names = [f"code_{n}_21" for n in range(1, 5)]
    twin.frame[names] = twin.frame[names].astype(np.int64)


def _no_data(twin: Twin) -> None:
    row = at_cell(twin, (4, 4))
    recode(twin, row, 0)
    set_value(twin, row, "nodata_21", 1)


def _touching_corners_of_one_class(twin: Twin) -> None:
    for cell in ((4, 4), (5, 5)):
        recode(twin, at_cell(twin, cell), 1110)


def _an_island(twin: Twin) -> None:
    row = at_cell(twin, (4, 4))
    island = square(4.1, 4.1, 0.75, 0.75)
    add(twin, island, 1110, "island")
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[row] = shapely.difference(square(4, 4), island)
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)
    twin.frame.loc[row, "area_ha"] = shapes[row].area / 10_000
    set_value(twin, row, "comment_21", "Areas related to change")


def _a_boundary_of_parts(twin: Twin) -> None:
    halves = [square(0, 0, SIDE, 4), square(0, 4, SIDE, SIDE - 4)]
    units = {"du_id": ["du0014"] * 2}
    twin.boundary = gpd.GeoDataFrame(units, geometry=halves, crs=3035)


def _a_boundary_of_other_units_too(twin: Twin) -> None:
    shapes = [square(0, 0, SIDE, SIDE), square(50, 0, SIDE, SIDE)]
    twin.boundary = gpd.GeoDataFrame({"du_id": ["du0014", "du0015"]}, geometry=shapes, crs=3035)


def _a_wide_boundary_by_9_mm(twin: Twin) -> None:
    twin.boundary["geometry"] = twin.boundary.buffer(0.009, join_style="mitre")


UNUSUAL = (
    _capitals, _allowed_columns, _heights, _one_part_multipolygons,
    _mixed_polygons_and_multipolygons, _rings_in_any_direction, _noise, _other_vertices,
    _empty_comments, _long_integers, _no_data, _touching_corners_of_one_class, _an_island,
    _a_boundary_of_parts, _a_boundary_of_other_units_too, _a_wide_boundary_by_9_mm,
)  # fmt: skip


@pytest.mark.parametrize("edit", UNUSUAL, ids=lambda f: f.__name__.strip("_"))
def test_unusual_but_right(tmp_path: Path, edit) -> None:
    twin = Twin()
    edit(twin)
    report = run(twin, tmp_path)
    assert outcomes(report) == {}, report.to_table()


# --- other legends and schemas --------------------------------------------------------------------


def _legend(levels: int, count: int) -> Legend:
    """Classes with codes such as 1, 11, 111 …, at any number of levels."""
    chains = [tuple(int(f"{n + 1}" + "1" * level) for level in range(levels)) for n in range(count)]
    names = [tuple(f"class {c}" for c in chain) for chain in chains]
    return Legend(
        f"legend{levels}",
        tuple(
            LegendClass(chain, name, f"#{n * 20 % 256:02x}{n * 9 % 256:02x}40")
            for n, (chain, name) in enumerate(zip(chains, names, strict=True))
        ),
    )


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("form", ["zip", "geoparquet"])
def test_any_legend(tmp_path: Path, levels: int, form: str) -> None:
    legend = _legend(levels, 8)
    plain = replace(parts.delivery(), legend=legend, schema=load_schema("plain"), years=(2021,))
    rng = np.random.default_rng(levels)
    leaves = np.array([c.code for c in legend.classes])
    cells = [(i, j) for j in range(6) for i in range(6)]
    # Four groups of two classes in a 2 x 2 pattern: neighbours always differ.
    codes = [leaves[2 * (i % 2 + 2 * (j % 2)) + rng.integers(2)] for i, j in cells]
    view = gpd.GeoDataFrame({"code": codes}, geometry=[square(*c) for c in cells], crs=3035)
    files = write_layer(status_layer(view, 2021, plain), tmp_path, plain, "status", 2021)
    limits = write_boundary(square(0, 0, 6, 6), plain.unit, tmp_path)
    definition = definition_for(plain, "status", 2021)
    assert outcomes(check(getattr(files, form), definition, boundary=limits)) == {}


@pytest.mark.parametrize("year", [2021, 2024])
def test_both_years(tmp_path: Path, year: int) -> None:
    delivery = parts.delivery()
    frame = status_layer(parts.view(), year, delivery)
    files = write_layer(frame, tmp_path, delivery, "status", year)
    limits = write_boundary(parts.AREA, delivery.unit, tmp_path)
    assert outcomes(check(files.zip, f"pa-status-{year}", boundary=limits)) == {}


def test_the_classes_of_the_twin_leave_room_for_others() -> None:
    assert not {0, 1110, 1120, 1210, 1220, 4220, 8110} & set(BASE)
