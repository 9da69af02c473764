from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pytest
import rasterio
import xarray as xr
from rio_cogeo import cog_validate

from bocage.errors import InputError
from bocage.files import sha256
from bocage.grid import geobox
from bocage.legend import Legend, LegendClass
from bocage.products import (
    Delivery,
    check,
    write_class_raster,
    write_confidence_raster,
    write_heterogeneity_raster,
    write_lineage_raster,
    write_raster_metadata,
    write_raster_zip,
    write_safe_level_raster,
)
from bocage.rasters import geobox_of, wrap

BOUNDS = (4_321_500.0, 3_210_250.0, 4_323_000.0, 3_212_000.0)


def _classes(bounds=BOUNDS) -> xr.DataArray:
    box = geobox(bounds, 2.5)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 60, (box.shape.y // 20 + 1, box.shape.x // 20 + 1))
    values = np.kron(coarse, np.ones((20, 20)))[: box.shape.y, : box.shape.x].astype(np.uint8)
    values[:40, :40] = 255
    return wrap(values, box)


def test_a_class_raster(pa: Delivery, tmp_path: Path) -> None:
    classes = _classes()
    path = write_class_raster(tmp_path / "a.tif", classes, pa.legend)
    assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    with rasterio.open(path) as source:
        assert source.bounds == (4_321_000, 3_210_000, 4_323_000, 3_212_000)
        assert source.dtypes == ("uint8",)
        assert (source.nodata, source.descriptions) == (255, ("class index",))
        assert source.overviews(1)
        assert source.block_shapes == [(512, 512)]
        colors = source.colormap(1)
        values = source.read(1)
    leaf = pa.legend.classes[2]
    assert colors[3] == (*bytes.fromhex(leaf.color[1:]), 255)
    inside = values[:700, 200:]
    np.testing.assert_array_equal(inside, classes.values)
    assert (values[700:] == 255).all()
    assert (values[:, :200] == 255).all()


def test_overviews_are_made_by_the_mode(pa: Delivery, tmp_path: Path) -> None:
    box = geobox((4_321_000, 3_210_000, 4_324_000, 3_213_000), 2.5)
    values = np.full(box.shape, 10, dtype=np.uint8)
    values[::2, ::2] = 20  # a quarter of the pixels of each overview pixel
    path = write_class_raster(tmp_path / "a.tif", wrap(values, box), pa.legend)
    with rasterio.open(path, overview_level=0) as source:
        assert set(np.unique(source.read(1))) == {10}


def test_the_attribute_table(pa: Delivery, tmp_path: Path) -> None:
    classes = _classes()
    write_class_raster(tmp_path / "a.tif", classes, pa.legend)
    table = ET.parse(tmp_path / "a.tif.aux.xml").find(".//GDALRasterAttributeTable")
    names = [n.text for n in table.findall("FieldDefn/Name")]
    assert names[:5] == ["value", "count", "area_km2", "area_perc", "class_name"]
    rows = [[f.text for f in r] for r in table.findall("Row")]
    assert [r[0] for r in rows] == [str(v) for v in range(60)]
    third = rows[3]
    count = int((classes.values == 3).sum())
    assert int(third[1]) == count
    assert float(third[2]) == pytest.approx(count * 6.25e-6, rel=1e-6)
    assert third[4] == f"{pa.legend.classes[2].code} {pa.legend.classes[2].name}"
    assert sum(float(r[3]) for r in rows) == pytest.approx(100, abs=1e-5)


def test_bytes_are_the_same_each_time(pa: Delivery, tmp_path: Path) -> None:
    first = write_class_raster(tmp_path / "a" / "a.tif", _classes(), pa.legend)
    second = write_class_raster(tmp_path / "b" / "a.tif", _classes(), pa.legend)
    assert sha256(first) == sha256(second)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "a.qml", "a.sld", "a.tif", "a.tif.aux.xml", "a.tif.vat.cpg", "a.tif.vat.dbf",
        "a_level1.qml", "a_level1.sld", "a_level2.qml", "a_level2.sld",
    ]  # fmt: skip


def test_confidence_and_heterogeneity(tmp_path: Path) -> None:
    box = geobox((4_321_000, 3_210_000, 4_324_000, 3_213_000), 2.5)
    values = np.tile(np.array([[20, 40]], dtype=np.uint8), (box.shape.y, box.shape.x // 2))
    values[:100] = 255
    path = write_confidence_raster(tmp_path / "c.tif", wrap(values, box))
    assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    with rasterio.open(path, overview_level=0) as source:
        assert set(np.unique(source.read(1))) == {30, 255}
    coarse = geobox((4_321_000, 3_210_000, 4_322_000, 3_211_000), 10)
    some = wrap(np.full(coarse.shape, 3, dtype=np.uint8), coarse)
    path = write_heterogeneity_raster(tmp_path / "h.tif", some)
    with rasterio.open(path) as source:
        assert (source.res, source.nodata) == ((10, 10), 255)


def test_the_table_of_dbase_says_the_same_as_that_of_gdal(pa: Delivery, tmp_path: Path) -> None:
    path = write_class_raster(tmp_path / "a.tif", _classes(), pa.legend)
    frame = pyogrio.read_dataframe(path.with_name("a.tif.vat.dbf"), read_geometry=False)
    assert list(frame) == ["value", "count", "area_km2", "area_perc", "class_name"]
    table = ET.parse(path.with_name("a.tif.aux.xml")).getroot().findall(".//Row")
    rows = [[f.text for f in row.findall("F")] for row in table]
    assert [str(v) for v in frame["value"]] == [row[0] for row in rows]
    assert [str(v) for v in frame["count"]] == [row[1] for row in rows]
    assert list(frame["class_name"]) == [row[4] for row in rows]
    np.testing.assert_allclose(frame["area_km2"], [float(row[2] or 0) for row in rows], atol=1e-8)
    assert frame["area_perc"].sum() == pytest.approx(100, abs=1e-4)
    assert frame["area_km2"].sum() == pytest.approx(frame["count"].sum() * 6.25e-6)


def test_letters_beyond_ascii_survive_in_the_table(tmp_path: Path) -> None:
    long = "Wälder, Gebüsche und Säume – " * 12
    legend = Legend("own", (LegendClass((1,), ("Grünland",), "#00ff00"),
                            LegendClass((2,), (long,), "#ff0000")))  # fmt: skip
    box = geobox(BOUNDS, 2.5)
    classes = wrap(np.ones(box.shape, np.uint8), box)
    path = write_class_raster(tmp_path / "a.tif", classes, legend)
    names = pyogrio.read_dataframe(path.with_name("a.tif.vat.dbf"), read_geometry=False).class_name
    assert names[0] == "1 Grünland"
    assert f"2 {long}".startswith(names[1])
    assert len(names[1].encode()) > 240


def test_a_raster_in_parts_is_the_raster_as_a_whole(pa: Delivery, tmp_path: Path) -> None:
    classes = _classes()
    whole = write_class_raster(tmp_path / "whole.tif", classes, pa.legend)
    grid = geobox_of(classes)
    windows = [(slice(0, 300), slice(0, 450)), (slice(300, None), slice(0, 450)),
               (slice(None), slice(450, None))]  # fmt: skip
    # Each part has 255 where others have classes, and overlaps them.
    masked = []
    for window in windows:
        values = np.full(grid.shape, 255, np.uint8)
        values[window] = classes.values[window]
        masked.append(wrap(values, grid))
    path = write_class_raster(tmp_path / "parts.tif", iter(masked), pa.legend, grid=grid)
    with rasterio.open(whole) as a, rasterio.open(path) as b:
        np.testing.assert_array_equal(a.read(1), b.read(1))
        for level in range(len(a.overviews(1))):
            shape = tuple(n // a.overviews(1)[level] for n in a.shape)
            np.testing.assert_array_equal(a.read(1, out_shape=shape), b.read(1, out_shape=shape))
    assert (tmp_path / "whole.tif.aux.xml").read_text() == (
        tmp_path / "parts.tif.aux.xml"
    ).read_text()
    assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    with pytest.raises(InputError, match="does not fit its pixel grid"):
        write_class_raster(
            tmp_path / "c.tif", [classes], pa.legend, grid=grid[:100, :100], origin_m=2.5
        )
    with pytest.raises(InputError, match="parts without a pixel grid"):
        write_class_raster(tmp_path / "c.tif", [classes], pa.legend)
    assert not (tmp_path / "c.tif").exists()


def test_the_lineage_names_its_rules(pa: Delivery, tmp_path: Path) -> None:
    box = geobox(BOUNDS, 2.5)
    values = np.zeros(box.shape, np.uint8)
    values[:10], values[10:15], values[15:20] = 1, 2, 255
    path = write_lineage_raster(pa.path(tmp_path, "lineage", 2021, ".tif"), wrap(values, box))
    frame = pyogrio.read_dataframe(path.with_name(f"{path.name}.vat.dbf"), read_geometry=False)
    width = box.shape.x
    assert list(frame["class_name"]) == ["model", "sieve", "line"]
    assert list(frame["count"]) == [width * (box.shape.y - 20), 10 * width, 5 * width]
    assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    styles = [path.with_suffix(end).read_text("utf-8") for end in (".qml", ".sld")]
    entries = list(ET.fromstring(styles[0]).iter("paletteEntry"))
    assert [(e.get("value"), e.get("label")) for e in entries] == [
        ("0", "model"), ("1", "sieve"), ("2", "line"),
    ]  # fmt: skip
    with rasterio.open(path) as source:
        colors = source.colormap(1)
    for entry in entries:
        color = entry.get("color")
        assert color == "#{:02x}{:02x}{:02x}".format(*colors[int(entry.get("value"))][:3])
        assert color in styles[1]
    record = write_raster_metadata(path, pa, "lineage", 2021).read_text("utf-8")
    assert "<gco:Integer>700</gco:Integer>" in record
    with pytest.raises(InputError, match="lineage: a value above 2"):
        write_lineage_raster(tmp_path / "x.tif", wrap(values + np.uint8(3), box))


def test_the_safe_levels_are_named(pa: Delivery, tmp_path: Path) -> None:
    box = geobox(BOUNDS, 2.5)
    values = np.full(box.shape, 4, np.uint8)
    values[:10], values[10:15], values[15:20] = 0, 2, 255
    path = pa.path(tmp_path, "safe_level", 2021, ".tif")
    write_safe_level_raster(path, wrap(values, box), pa.legend)
    frame = pyogrio.read_dataframe(path.with_name(f"{path.name}.vat.dbf"), read_geometry=False)
    assert list(frame["class_name"]) == ["none", *(f"level {n}" for n in (1, 2, 3, 4))]
    assert list(frame["count"]) == [box.shape.x * n for n in (10, 0, 5, 0, box.shape.y - 20)]
    assert cog_validate(path, strict=True, quiet=True)[:2] == (True, [])
    assert "Deepest level" in write_raster_metadata(path, pa, "safe_level", 2021).read_text("utf-8")
    with pytest.raises(InputError, match="safe_level: a value above 4"):
        write_safe_level_raster(tmp_path / "x.tif", wrap(values + np.uint8(1), box), pa.legend)


def test_wrong_rasters_are_named(pa: Delivery, tmp_path: Path) -> None:
    classes = _classes()
    target = tmp_path / "a.tif"
    with pytest.raises(InputError, match="class index 60 is not in the legend 'pa'"):
        write_class_raster(target, classes.where(classes != 3, 60), pa.legend)
    with pytest.raises(InputError, match="classes: int32"):
        write_class_raster(target, classes.astype(np.int32), pa.legend)
    with pytest.raises(InputError, match="a value above 100"):
        write_confidence_raster(target, classes.where(classes != 3, 101))
    with pytest.raises(InputError, match="a value above 16"):
        write_heterogeneity_raster(target, classes)
    shifted = classes.assign_coords(x=classes.x + 1)
    with pytest.raises(InputError, match="do not fit a grid of 1000"):
        write_class_raster(target, shifted, pa.legend)
    assert list(tmp_path.iterdir()) == []


def test_the_archive_passes_the_check(pa: Delivery, tmp_path: Path) -> None:
    path = write_class_raster(pa.path(tmp_path, "raster", 2021, ".tif"), _classes(), pa.legend)
    archive = write_raster_zip(path, tmp_path, pa, 2021)
    name = pa.name("raster", 2021)
    with zipfile.ZipFile(archive) as package:
        tables = [f"{name}.tif{end}" for end in (".aux.xml", ".vat.cpg", ".vat.dbf")]
    assert package.namelist() == [f"{name}.tif", *tables, f"metadata/{name}.xml"]
    report = check(archive, "pa-raster-2021")
    assert report.passed
    assert report.layer == name
    assert [s.name for s in report.steps] == [
        "unzip", "naming", "inspire", "attribute", "epsg", "pixel_size", "origin", "bit_depth",
        "compress", "nodata", "value", "tile", "cog", "color", "strict:metadata",
    ]  # fmt: skip
    assert check(path, "pa-raster-2021").passed
