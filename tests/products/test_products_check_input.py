"""Files that are not what they say: named, never a crash, nothing written elsewhere."""

from __future__ import annotations

import geopandas as gpd
import products_parts as parts
import pytest
from products_twins import outcomes, zipped

from bocage.errors import ConfigError, InputError
from bocage.products import CheckReport, Delivery, check, write_layer


def bad(report: CheckReport) -> set[str]:
    return set(outcomes(report))


def test_two_layers_in_the_archive(clean, pa: Delivery, boundary, tmp_path) -> None:
    files = write_layer(clean, tmp_path, pa, "status", 2021)
    name, xml = pa.name("status", 2021), files.metadata.read_bytes()
    content = {f"{name}.gpkg": parts.save(clean, tmp_path).read_bytes(), f"{name}.xml": xml}
    both = content | {f"{name}.parquet": files.geoparquet.read_bytes()}
    report = check(zipped(tmp_path / "two.zip", both), parts.PRODUCT, boundary=boundary)
    assert report["naming"].outcome == "aborted"
    assert "found 2 layers" in report["naming"].messages[0]
    (tmp_path / "x").mkdir()
    extra = content | {"roads.gpkg": parts.save(clean, tmp_path / "x", "roads").read_bytes()}
    report = check(zipped(tmp_path / "extra.zip", extra), parts.PRODUCT, boundary=boundary)
    assert report["naming"].outcome == "failed"
    assert report["overlap"].outcome == "ok"
    assert "excessive layers: roads" in report["naming"].messages[0]
    styled = {f"{name}.gpkg": files.geopackage.read_bytes(), f"{name}.xml": xml}
    report = check(zipped(tmp_path / "styled.zip", styled), parts.PRODUCT, boundary=boundary)
    assert "excessive layers: layer_styles" in report["naming"].messages[0]
    assert (
        bad(check(zipped(tmp_path / "good.zip", content), parts.PRODUCT, boundary=boundary))
        == set()
    )


def test_metadata_in_archives(clean, pa: Delivery, boundary, tmp_path) -> None:
    gpkg = parts.save(clean, tmp_path).read_bytes()
    name = pa.name("status", 2021)
    xml = write_layer(clean, tmp_path / "w", pa, "status", 2021).metadata.read_bytes()

    def strict(files: dict[str, bytes]) -> tuple[str, ...]:
        path = zipped(tmp_path / "m.zip", {f"{name}.gpkg": gpkg, **files})
        report = check(path, parts.PRODUCT, boundary=boundary)
        assert bad(report) <= {"strict:metadata"}
        return report["strict:metadata"].messages

    assert strict({f"Metadata/{name}_metadata.xml": xml}) == ()
    assert "no metadata file" in strict({})[0]
    assert "is no XML" in strict({f"{name}.xml": b"<a>"})[0]
    assert "the root is a" in strict({f"{name}.xml": b"<a/>"})[0]
    two = {f"metadata/{name}.xml": xml, "old_metadata/b.xml": xml}
    assert "more than one folder" in strict(two)[0]


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
    for name in ("one", "two"):
        points.to_file(tmp_path / "both.gpkg", layer=name)
    with pytest.raises(InputError, match="has the layers one, two"):
        check(path, parts.PRODUCT, boundary=tmp_path / "both.gpkg")
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
