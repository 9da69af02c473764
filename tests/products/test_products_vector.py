from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import products_parts as parts
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from bocage.errors import InputError
from bocage.files import sha256
from bocage.products import Delivery, change_layer, status_layer, write_boundary, write_layer


def _empty(pa: Delivery) -> gpd.GeoDataFrame:
    view = gpd.GeoDataFrame({"code_2021": [], "code_2024": []}, geometry=[], crs=3035)
    return change_layer(view, pa)


def test_files_and_where_they_lie(clean, pa: Delivery, tmp_path: Path) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    name = pa.name("status", 2021)
    folder = tmp_path / "status_2021"
    assert files.geopackage == folder / f"{name}.gpkg"
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        f"{name}{s}"
        for s in (
            ".gpkg", ".parquet", ".qml", ".sld", ".xml",
            "_level1.qml", "_level1.sld", "_level2.qml", "_level2.sld",
        )
    )  # fmt: skip
    assert files.flatgeobuf is None
    assert files.zip == tmp_path / f"{name}.zip"


def test_the_geopackage_reads_back(clean, pa: Delivery, tmp_path: Path) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    info = pyogrio.read_info(files.geopackage, layer=pa.name("status", 2021))
    assert info["crs"] == "EPSG:3035"
    assert info["geometry_type"] == "Polygon"
    kinds = dict(zip(info["fields"], info["ogr_types"], strict=True))
    assert kinds["comment_21"] == "OFTString"
    assert kinds["code_4_21"] == "OFTInteger"
    assert kinds["area_ha"] == "OFTReal"
    again = pyogrio.read_dataframe(files.geopackage, layer=pa.name("status", 2021))
    assert again.geometry.geom_equals_exact(clean.geometry, 0).all()


def test_styles_lie_in_the_geopackage_but_not_in_the_archive(
    clean, pa: Delivery, tmp_path: Path
) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    name = pa.name("status", 2021)
    base = sqlite3.connect(files.geopackage)
    rows = base.execute(
        "SELECT f_table_name, f_geometry_column, useAsDefault, styleName, styleQML, styleSLD "
        "FROM layer_styles ORDER BY id"
    ).fetchall()
    base.close()
    assert [row[:4] for row in rows] == [
        (name, "geom", 1, "level 4"), (name, "geom", 0, "level 1"), (name, "geom", 0, "level 2"),
    ]  # fmt: skip
    for row, level in zip(rows, (4, 1, 2), strict=True):
        assert f'attr="code_{level}_21"' in row[4]
    written = [path.read_text("utf-8") for path in files.styles]
    assert written == [text for row in rows for text in row[4:]]
    with zipfile.ZipFile(files.zip) as archive:
        assert archive.namelist() == [f"{name}.gpkg", f"metadata/{name}.xml"]
        archive.extractall(tmp_path / "unpacked")
    layers = pyogrio.list_layers(tmp_path / "unpacked" / f"{name}.gpkg")
    assert [row[0] for row in layers] == [name]


def test_parquet_has_typed_columns_and_no_covering(clean, pa: Delivery, tmp_path: Path) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    schema = pq.read_schema(files.geoparquet)
    assert [*clean.columns] == schema.names
    assert str(schema.field("comment_21").type) in ("string", "large_string")
    assert str(schema.field("code_4_21").type) == "int32"
    assert gpd.read_parquet(files.geoparquet).crs.to_epsg() == 3035


@pytest.mark.parametrize("kind", ["status", "change"])
def test_the_same_input_gives_the_same_bytes(
    clean, pa: Delivery, tmp_path: Path, kind: str
) -> None:
    frame, year = (clean, 2021) if kind == "status" else (_empty(pa), None)
    digests = []
    for number in "ab":
        files = write_layer(frame, tmp_path / number, pa, kind, year, bounds=parts.AREA.bounds)
        written = (files.geopackage, files.geoparquet, files.metadata, files.zip, *files.styles)
        digests.append([sha256(path) for path in written])
    assert digests[0] == digests[1]


@pytest.mark.parametrize("size", [1, 5, 16])
def test_a_layer_in_parts_is_the_layer_as_a_whole(
    clean, pa: Delivery, tmp_path: Path, size: int
) -> None:
    pieces = (clean.iloc[i : i + size] for i in range(0, len(clean), size))
    files = write_layer(pieces, tmp_path / "parts", pa, "status", 2021, flatgeobuf=True)
    whole = write_layer(clean, tmp_path / "whole", pa, "status", 2021, flatgeobuf=True)
    assert files.facts == whole.facts
    assert files.facts.bounds == parts.AREA.bounds
    assert files.geopackage.read_bytes() == whole.geopackage.read_bytes()
    again = pyogrio.read_dataframe(files.flatgeobuf)
    assert sorted(again.uid) == sorted(clean.uid)
    assert gpd.read_parquet(files.geoparquet).equals(gpd.read_parquet(whole.geoparquet))


def test_a_flatgeobuf_from_before_does_not_stay(clean, pa: Delivery, tmp_path: Path) -> None:
    before = write_layer(clean, tmp_path, pa, "status", 2021, flatgeobuf=True)
    write_layer(clean, tmp_path, pa, "status", 2021)
    assert before.flatgeobuf is not None
    assert not before.flatgeobuf.exists()


def test_parts_that_differ_are_refused(clean, pa: Delivery, tmp_path: Path) -> None:
    other = clean.astype({"code_1_21": "int64"})
    with pytest.raises(InputError, match="other columns than the first"):
        write_layer([clean, other], tmp_path, pa, "status", 2021)
    with pytest.raises(InputError, match="nothing to write"):
        write_layer([], tmp_path, pa, "status", 2021)
    assert not list(tmp_path.rglob("*.parquet"))


def test_readers_open_every_format_without_a_warning(
    clean, pa: Delivery, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021, flatgeobuf=True)
    for path in (files.geopackage, files.flatgeobuf):
        assert pa.name("status", 2021) in [row[0] for row in pyogrio.list_layers(path)]
        frame = pyogrio.read_dataframe(path, layer=pa.name("status", 2021))
        assert (len(frame), frame.crs.to_epsg()) == (16, 3035)
    meta = json.loads(pq.read_metadata(files.geoparquet).metadata[b"geo"])
    assert meta["version"] == "1.1.0"
    assert meta["columns"]["geometry"]["geometry_types"] == ["Polygon"]
    assert meta["columns"]["geometry"]["bbox"] == list(parts.AREA.bounds)
    assert [str(w.message) for w in recwarn] == []


def test_peak_memory_does_not_grow_with_the_layer(tmp_path: Path) -> None:
    """A process that writes four times as many polygons needs hardly more memory.

    The spatial index of the GeoPackage, which GDAL builds in memory up to a limit, is kept small.
    """
    peaks = []
    for count in (25_000, 100_000):
        done = subprocess.run(
            [sys.executable, "-c", _WRITER, str(count), str(tmp_path / str(count))],
            capture_output=True, text=True, check=True, env=_environment(),
        )  # fmt: skip
        peaks.append(int(done.stdout) / 1024)
    # A polygon with its attributes is about a kilobyte: the rest would be 75 MB.
    assert peaks[1] - peaks[0] < 50, f"{peaks} MB"


def _environment() -> dict[str, str]:
    path = os.pathsep.join(p for p in sys.path if p)
    return {**os.environ, "PYTHONPATH": path, "OGR_GPKG_MAX_RAM_USAGE_RTREE": "1000000"}


_WRITER = f"""
import re, sys
import geopandas as gpd, numpy as np, shapely
sys.path.insert(0, {str(Path(__file__).parent)!r})
import products_parts as parts
from bocage.products import status_layer, write_layer

delivery, codes = parts.delivery(), np.array(parts.delivery().legend.codes())

def pieces(count, size=5000):
    turn = np.linspace(0, 2 * np.pi, 24)[:-1]
    for first in range(1, count + 1, size):
        n = np.arange(first, first + size)
        x, y = 4e6 + 100.0 * (n % 500), 3e6 + 100.0 * (n // 500)
        ring = np.stack([x[:, None] + 40 * np.cos(turn), y[:, None] + 40 * np.sin(turn)], -1)
        shapes = shapely.polygons(ring)
        view = gpd.GeoDataFrame({{"code": codes[n % len(codes)]}}, geometry=shapes, crs=3035)
        yield status_layer(view, 2021, delivery, first=first)

files = write_layer(pieces(int(sys.argv[1])), sys.argv[2], delivery, "status", 2021)
assert files.facts.rows == int(sys.argv[1])
# The peak of this process; getrusage gives that of its parent where it is higher.
print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()).group(1))
"""


def test_an_empty_change_layer_is_a_polygon_layer(pa: Delivery, tmp_path: Path) -> None:
    frame = _empty(pa)
    with pytest.raises(InputError, match="change layer is empty"):
        write_layer(frame, tmp_path, pa, "change")
    status = status_layer(parts.view(), 2021, pa)
    with pytest.raises(InputError, match="status layer is empty"):
        write_layer(status.iloc[:0], tmp_path, pa, "status", 2021)
    write_layer(status, tmp_path, pa, "status", 2021)
    files = write_layer(frame, tmp_path, pa, "change")
    given = write_layer(frame, tmp_path / "b", pa, "change", bounds=parts.AREA.bounds)
    assert files.metadata.read_bytes() == given.metadata.read_bytes()
    info = pyogrio.read_info(files.geopackage, layer=pa.name("change"))
    assert (info["features"], info["geometry_type"]) == (0, "Polygon")
    assert set(info["ogr_types"]) == {"OFTString", "OFTInteger", "OFTReal"}
    assert len(gpd.read_parquet(files.geoparquet)) == 0


def test_other_columns_are_refused(clean, pa: Delivery, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="confidence"):
        write_layer(clean.assign(confidence=1), tmp_path, pa, "status", 2021)
    assert list(tmp_path.iterdir()) == []


def test_the_boundary(pa: Delivery, tmp_path: Path) -> None:
    sites = gpd.GeoDataFrame(geometry=[parts.square(0, 0), parts.square(1, 0)], crs=3035)
    path = write_boundary(sites, pa.unit, tmp_path)
    frame = pyogrio.read_dataframe(path, layer="boundary_pa")
    assert path.name == "boundary_pa.gpkg"
    assert list(frame.du_id) == ["du0014"]
    assert frame.crs.to_epsg() == 3035
    assert frame.area.sum() == 20_000
    first = sha256(path)
    assert sha256(write_boundary(sites, pa.unit, tmp_path / "again")) == first


def test_wrong_boundaries_are_named(pa: Delivery, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no polygon"):
        write_boundary(shapely.Point(0, 0), pa.unit, tmp_path)
    with pytest.raises(InputError, match="the boundary is in EPSG:4326"):
        write_boundary(gpd.GeoDataFrame(geometry=[parts.AREA], crs=4326), pa.unit, tmp_path)


def test_older_readers_know_the_version_of_the_geopackages(
    clean, pa: Delivery, tmp_path: Path
) -> None:
    layer = write_layer(clean, tmp_path, pa, "status", 2021).geopackage
    for path in (layer, write_boundary(parts.AREA, pa.unit, tmp_path)):
        with closing(sqlite3.connect(path)) as base:
            assert base.execute("PRAGMA user_version").fetchone() == (10200,)
