"""Input that is strange or hostile: named, exit code 1 or 2, never a crash, nothing written."""

from __future__ import annotations

import json
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import products_parts as parts
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from products_twins import Twin, outcomes, zipped

from bocage.cli import main
from bocage.products import CheckReport, check
from bocage.products._check import _package as package


def run(path: Path) -> CheckReport:
    return check(path, parts.PRODUCT)


def aborted(report: CheckReport) -> tuple[str, str]:
    """The step that aborted, and why."""
    step = next(s for s in report.steps if s.outcome == "aborted")
    return step.name, " ".join(step.messages)


# --- geometries -----------------------------------------------------------------------------------


def _curve() -> bytes:
    """WKB of a polygon of arcs."""
    points = [(0, 0), (50, 0), (100, 50), (50, 100), (0, 0)]
    corners = [(parts.X0 + x, parts.Y0 + y) for x, y in points]
    arcs = struct.pack("<BII", 1, 8, len(corners))
    arcs += b"".join(struct.pack("<dd", *c) for c in corners)
    return struct.pack("<BII", 1, 10, 1) + arcs


def test_curves_are_named(tmp_path: Path) -> None:
    twin = Twin()
    encoded = list(shapely.to_wkb(twin.frame.geometry.to_numpy()))
    encoded[3] = _curve()
    table = pa.Table.from_pandas(twin.frame.drop(columns="geometry"), preserve_index=False)
    table = table.append_column("geometry", pa.array(encoded, pa.binary()))
    path = tmp_path / f"{twin.layer}.fgb"
    pyogrio.write_arrow(table, path, driver="FlatGeobuf", geometry_name="geometry",
                        geometry_type="Unknown", crs="EPSG:3035")  # fmt: skip
    step, message = aborted(run(path))
    assert step == "import"
    assert "Nonlinear" in message


@pytest.mark.parametrize("far", [1e300, np.inf, -1e15])
def test_coordinates_that_are_nowhere(tmp_path: Path, far: float) -> None:
    twin = Twin(suffix=".parquet")
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[3] = shapely.Polygon([(0, 0), (far, 0), (far, far), (0, far)])
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)
    report = run(twin.write_layer(tmp_path))
    assert aborted(report) == ("geometry", "coordinates out of range: du0014_4")
    report.write_html(tmp_path / "check.html")
    report.write_faults(tmp_path / "faults.gpkg")


def test_a_table_without_geometry(tmp_path: Path) -> None:
    twin = Twin()
    path = tmp_path / f"{twin.layer}.gpkg"
    pyogrio.write_dataframe(twin.frame.drop(columns="geometry"), path, layer=twin.layer)
    assert set(outcomes(run(path))) <= {"naming", "epsg", "import"}
    assert not run(path).passed
    path = tmp_path / f"{twin.layer}.parquet"
    pq.write_table(pa.table({"uid": ["a"]}), path)
    assert not run(path).passed


# --- attributes -----------------------------------------------------------------------------------


def test_huge_texts_are_shown_in_part(tmp_path: Path) -> None:
    twin = Twin(suffix=".parquet")
    twin.frame["uid"] = "x" * 2_000_000
    twin.frame.loc[3, "code_4_21"] = 9999
    report = run(twin.write_layer(tmp_path))
    assert report["unique"].outcome == "failed"
    assert len(json.dumps(report.to_dict())) < 100_000


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb"])
def test_texts_that_are_no_utf8(tmp_path: Path, suffix: str) -> None:
    twin = Twin(suffix=suffix)
    twin.frame.loc[5, "uid"] = "du0014_latin"
    path = twin.write_layer(tmp_path)
    data = path.read_bytes()
    assert data.count(b"du0014_latin") == 1
    path.write_bytes(data.replace(b"du0014_latin", b"du0014_l\xe4t\xfcn"))
    step, message = aborted(run(path))
    assert step == "import"
    assert "UTF8" in message


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    twin = Twin(suffix=".parquet")
    twin.frame["UID"] = "other"
    step, message = aborted(run(twin.write_layer(tmp_path)))
    assert (step, message) == ("attribute", "attributes that differ in case only: uid")


@pytest.mark.parametrize("geo", [b"{", b"[]", b'{"columns": 5}', b'{"primary_column": "uid"}'])
def test_geoparquet_with_damaged_metadata(tmp_path: Path, geo: bytes) -> None:
    path = Twin(suffix=".parquet").write_layer(tmp_path)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"geo": geo}), path)
    assert aborted(run(path))[0] in ("attribute", "epsg", "import")


# --- archives -------------------------------------------------------------------------------------


def test_limits_of_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = zipped(tmp_path / "many.zip", {f"{n}.txt": b"" for n in range(30)})
    monkeypatch.setattr(package, "MAX_FILES", 20)
    assert aborted(run(many)) == ("unzip", "many.zip: holds 30 files")
    monkeypatch.setattr(package, "MAX_BYTES", 1000)
    large = zipped(tmp_path / "large.zip", {"a.gpkg": np.random.default_rng(0).bytes(2000)})
    assert "would expand" in aborted(run(large))[1]


def test_an_archive_that_lies_about_its_size(tmp_path: Path) -> None:
    path = zipped(tmp_path / "lie.zip", {"a.gpkg": bytes(1 << 20)})
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)  # the size in the directory
    path.write_bytes(bytes(data))
    step, message = aborted(run(path))
    assert step == "unzip"
    assert "cannot be unpacked" in message


@pytest.mark.parametrize("name", ["a" * 300 + ".gpkg", "a\0b.gpkg", "con/./..hidden", "x/" * 120])
def test_names_that_are_odd(tmp_path: Path, name: str) -> None:
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    before = set(tmp_path.rglob("*"))
    assert run(path).exit_code == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a", b"x")
        archive.writestr("a/b.gpkg", b"x")
    assert aborted(run(path))[0] == "unzip"


def test_archives_within_archives_are_not_opened(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.gpkg": b"x"})
    outer = zipped(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})
    assert aborted(run(outer))[0] == "naming"


def test_metadata_that_explode_or_reach_out(tmp_path: Path) -> None:
    twin = Twin()
    bomb = '<!DOCTYPE a [<!ENTITY b0 "boom">' + "".join(
        f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 12)
    )
    outside = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
    for content in (f"{bomb}]><a>&b11;</a>".encode(), outside):
        twin.metadata = {f"{twin.layer}.xml": content}
        step = run(twin.write(tmp_path / "m"))["strict:metadata"]
        assert step.outcome == "failed"
        assert "no XML" in step.messages[0]


# --- files ----------------------------------------------------------------------------------------


def _empty(folder: Path, suffix: str) -> Path:
    path = folder / f"{parts.delivery().name('status', 2021)}{suffix}"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize("suffix", [".zip", ".gpkg", ".fgb", ".parquet", ".tif", ".shp", ""])
def test_empty_files_and_folders(tmp_path: Path, suffix: str) -> None:
    assert run(_empty(tmp_path, suffix)).exit_code == 1
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / f"a{suffix}").mkdir()
    assert run(folder / f"a{suffix}").exit_code == 1


@pytest.mark.parametrize("kind", ["none", "empty", "folder"])
def test_the_command_names_it(tmp_path: Path, kind: str, capsys) -> None:
    path = tmp_path / "delivery.zip"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(SystemExit) as end:
        main(["check", str(path), "--product", parts.PRODUCT])
    said = capsys.readouterr()
    assert end.value.code == (2 if kind == "none" else 1)
    assert "delivery.zip" in said.out + said.err
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".zip"])
def test_damaged_bytes_never_crash(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(len(suffix))
    path = Twin().write(tmp_path) if suffix == ".zip" else Twin(suffix=suffix).write_layer(tmp_path)
    good = path.read_bytes()
    for _ in range(12):
        data = bytearray(good)
        for at in rng.integers(0, len(data), rng.integers(1, 40)):
            data[at] = rng.integers(256)
        path.write_bytes(bytes(data[: rng.integers(1, len(data))] if rng.random() < 0.2 else data))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what GDAL says of the damage
            assert run(path).exit_code == 1
