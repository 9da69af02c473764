from __future__ import annotations

import sqlite3
import zipfile
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
        f"{name}{s}" for s in (".gpkg", ".parquet", ".qml", ".xml")
    )
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
        "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
    ).fetchall()
    base.close()
    assert rows[0][:3] == (name, "geom", 1)
    assert 'attr="code_4_21"' in rows[0][3]
    assert rows[0][3] == files.qml.read_text("utf-8")
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
        digests.append([sha256(getattr(files, f)) for f in files.__dataclass_fields__])
    assert digests[0] == digests[1]


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
