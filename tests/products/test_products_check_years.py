"""The first status and the changes give the second status, in every point."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from products_parts import square

from bocage.errors import ConfigError, InputError
from bocage.products import CheckReport, change_layer, check, status_layer
from bocage.products._check._years import Sheet, disagreements

CELLS = np.array([square(i, j) for j in range(4) for i in range(4)], dtype=object)
OLD = np.ravel(parts.CODES)
NEW = np.where(np.arange(16) == 5, 4100, np.where(np.arange(16) == 10, 5100, OLD))


def _write(folder: Path, old=OLD, new=NEW, changed=None, moved=()) -> tuple[list[Path], Path]:
    """Two status layers and the change layer between them."""
    delivery = parts.delivery()
    paths = []
    for year, codes in ((2021, old), (2024, new)):
        cells = CELLS.copy()
        for row, shape in moved if year == 2024 else ():
            cells[row] = shape
        view = gpd.GeoDataFrame({"code": codes}, geometry=cells, crs=3035)
        name = delivery.name("status", year)
        paths.append(parts.save(status_layer(view, year, delivery), folder, name))
    changed = np.flatnonzero(OLD != NEW) if changed is None else np.array(changed, int)
    columns = {"code_2021": OLD[changed], "code_2024": NEW[changed]}
    view = gpd.GeoDataFrame(columns, geometry=CELLS[changed], crs=3035)
    frame = change_layer(view, delivery)
    return paths, parts.save(frame, folder, delivery.name("change"), geometry_type="Polygon")


def _check(paths: list[Path], change: Path) -> CheckReport:
    return check(change, "pa-change-2021-2024", statuses=paths)


def test_layers_that_agree(tmp_path: Path) -> None:
    report = _check(*_write(tmp_path))
    assert report["strict:statuses"].outcome == "ok"
    assert report.passed


def test_status_layers_without_a_polygon(tmp_path: Path) -> None:
    """All land may be below the mapping unit: then nothing changed, too."""
    paths, change = _write(tmp_path, changed=[])
    for path in paths:
        layer = path.stem
        empty = gpd.read_file(path, layer=layer).iloc[:0]
        path.unlink()
        parts.save(empty, tmp_path, layer, geometry_type="Polygon")
    assert _check(paths, change)["strict:statuses"].outcome == "ok"


def test_without_the_status_layers_it_is_skipped(tmp_path: Path) -> None:
    _, change = _write(tmp_path)
    assert check(change, "pa-change-2021-2024")["strict:statuses"].outcome == "skipped"


@pytest.mark.parametrize(
    ("case", "area"),
    [
        ({"changed": [5]}, 10_000),  # a change is missing
        ({"new": OLD, "changed": [5]}, 10_000),  # the second status did not follow
        ({"new": np.where(np.arange(16) == 0, 2110, NEW)}, 10_000),  # another class there
        ({"old": np.where(np.arange(16) == 5, 1120, OLD)}, 10_000),  # changed from another class
        # One border moved by a metre: one class loses, nobody gains.
        ({"moved": [(0, square(0, 0, 0.99))]}, 100),
    ],
)
def test_layers_that_do_not_agree(tmp_path: Path, case: dict, area: float) -> None:
    step = _check(*_write(tmp_path, **case))["strict:statuses"]
    assert step.outcome == "failed"
    assert sum(s.area for f in step.findings for s in f.shapes) == pytest.approx(area, abs=0.01)


def test_other_vertices_on_the_same_border_are_no_fault(tmp_path: Path) -> None:
    finer = shapely.segmentize(CELLS[0], 30)
    assert _check(*_write(tmp_path, moved=[(0, finer)]))["strict:statuses"].outcome == "ok"


def test_wrong_status_layers_are_named(tmp_path: Path) -> None:
    paths, change = _write(tmp_path)
    with pytest.raises(InputError, match="0 polygon layers with a column 'code_4_21'"):
        _check(paths[::-1], change)
    with pytest.raises(ConfigError, match="1 status layers for the change product"):
        _check(paths[:1], change)
    with pytest.raises(ConfigError, match="2 status layers for the status product"):
        check(paths[0], "pa-status-2021", statuses=paths)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be unpacked"):
        _check([broken, paths[1]], change)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=9, max_size=9))
def test_against_pixels(rows: list[tuple[int, int, int, int]]) -> None:
    """Unit cells with any classes in the four layers: wrong is where the sums differ."""
    table = np.array(rows)
    cells = np.array([shapely.box(n % 3, n // 3, n % 3 + 1, n // 3 + 1) for n in range(9)])
    signs = (1, -1, -1, 1)
    sheets = [Sheet(cells, table[:, k].astype(np.int64), signs[k]) for k in range(4)]
    wrong = [
        any(sum(s for s, c in zip(signs, row, strict=True) if c == k) for k in range(3))
        for row in rows
    ]
    found = disagreements(sheets)
    assert shapely.area(found).sum() == pytest.approx(sum(wrong))
