from __future__ import annotations

from pathlib import Path

import numpy as np
import products_parts as parts
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from products_twins import outcomes, zipped
from rasterio.transform import from_origin

from bocage.grid import geobox
from bocage.products import CheckReport, check, write_class_raster
from bocage.rasters import wrap

NAME = parts.delivery().name("raster", 2021)
PRODUCT = "pa-raster-2021"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    box = geobox((4_321_000, 3_210_000, 4_324_000, 3_213_000), 2.5)
    values = np.random.default_rng(1).integers(0, 60, box.shape).astype(np.uint8)
    path = tmp_path_factory.mktemp("raster") / f"{NAME}.tif"
    return write_class_raster(path, wrap(values, box), parts.delivery().legend)


def bad(report: CheckReport) -> set[str]:
    return set(outcomes(report))


def _twin(good: Path, folder: Path, *, cog: bool = True, **changes: object) -> Path:
    """A copy with a few properties changed."""
    with rasterio.open(good) as source:
        values, profile, colors = source.read(1), source.profile, source.colormap(1)
    target = folder / f"{NAME}.tif"
    keep = {k: profile[k] for k in ("height", "width", "dtype", "crs", "transform", "nodata")}
    layout = {"compress": "lzw", "blocksize": 512, "overview_resampling": "mode"}
    layout.update(changes.pop("layout", {}))
    edit = changes.pop("edit", None)
    recolor = changes.pop("colors", {})
    keep.update(changes)
    values = values.astype(keep["dtype"])
    if edit is not None:
        values[0, 0] = edit
    plain = folder / "plain.tif"
    with rasterio.open(plain, "w", driver="GTiff", count=1, **keep) as out:
        out.write(values, 1)
        if recolor is not None:
            out.write_colormap(1, {**colors, **recolor})
    if cog:
        rasterio.shutil.copy(plain, target, driver="COG", **layout)
    else:
        rasterio.shutil.copy(plain, target, driver="GTiff", **layout)
    plain.unlink()
    side = good.with_name(f"{good.name}.aux.xml").read_text("utf-8")
    target.with_name(f"{target.name}.aux.xml").write_text(side, encoding="utf-8")
    return target


def test_a_clean_raster_and_a_clean_twin_pass(good: Path, tmp_path: Path) -> None:
    assert bad(check(good, PRODUCT)) == set()
    assert bad(check(_twin(good, tmp_path), PRODUCT)) == set()


@pytest.mark.parametrize(
    ("changes", "step", "message"),
    [
        ({"crs": "EPSG:32633"}, "epsg", "expected EPSG:3035"),
        ({"transform": from_origin(4_321_000, 3_213_000, 2.0, 2.0)}, "pixel_size", "2.0 x 2.0 m"),
        ({"transform": from_origin(4_321_500, 3_213_000, 2.5, 2.5)}, "origin", "no multiple"),
        ({"dtype": "uint16", "colors": None}, "bit_depth", "uint16"),
        ({"layout": {"compress": "deflate"}}, "compress", "deflate, expected lzw"),
        ({"nodata": 0}, "nodata", "nodata is 0"),
        ({"crs": "EPSG:3857"}, "epsg", "found EPSG:3857"),
        ({"crs": None}, "epsg", "found None"),
        ({"transform": from_origin(4_321_000, 3_213_000, 2.5, 2.4999)}, "pixel_size", "2.4999 m"),
        ({"transform": from_origin(4_321_000, 3_213_000, 10, 10)}, "pixel_size", "10.0 x 10.0"),
        ({"transform": Affine(2.5, 0.1, 4_321_000, 0, -2.5, 3_213_000)}, "pixel_size", "pixels"),
        ({"transform": from_origin(4_321_000, 3_213_002.5, 2.5, 2.5)}, "origin", "3213002.5"),
        ({"dtype": "int16", "colors": None}, "bit_depth", "int16"),
        ({"layout": {"compress": "none"}}, "compress", "none, expected lzw"),
        ({"layout": {"compress": "zstd"}}, "compress", "zstd, expected lzw"),
        ({"nodata": None}, "nodata", "nodata is None"),
        ({"edit": 60}, "value", "not in the legend: 60 (1 pixels)"),
        ({"edit": 254}, "value", "not in the legend: 254 (1 pixels)"),
        ({"edit": 77}, "value", "not in the legend: 77 (1 pixels)"),
        ({"layout": {"blocksize": 1040}}, "tile", "expected at most 1024"),
        ({"colors": {3: (1, 2, 3)}}, "color", "wrong colours of the values 3"),
        ({"colors": None}, "color", "no colour table"),
    ],
)
def test_each_fault_is_found_in_its_step(
    good: Path, tmp_path: Path, changes: dict, step: str, message: str
) -> None:
    report = check(_twin(good, tmp_path, **dict(changes)), PRODUCT)
    found = bad(report) - ({"color"} if "dtype" in changes else set())
    assert found == {step}
    assert message in report[step].messages[0]


def test_values_above_a_byte_are_seen(good: Path, tmp_path: Path) -> None:
    report = check(_twin(good, tmp_path, dtype="uint16", colors=None, edit=2119), PRODUCT)
    assert "2119" in report["value"].messages[0]


def test_a_plain_tiff_is_no_cog(good: Path, tmp_path: Path) -> None:
    layout = {"tiled": "yes", "blockxsize": 512, "blockysize": 512, "compress": "lzw"}
    layout |= {"blocksize": None, "overview_resampling": None}
    path = _twin(good, tmp_path, cog=False, layout=layout)
    report = check(path, PRODUCT)
    assert bad(report) == {"cog"}
    assert "no overviews" in report["cog"].messages[0]
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as source:
        source.build_overviews([2, 4])
    report = check(path, PRODUCT)
    assert bad(report) == {"cog"}


def test_the_attribute_table_is_needed(good: Path, tmp_path: Path) -> None:
    path = _twin(good, tmp_path)
    side = path.with_name(f"{path.name}.aux.xml")
    text = side.read_text("utf-8")
    side.write_text(text.replace("area_perc", "percent"), encoding="utf-8")
    assert check(path, PRODUCT)["attribute"].messages == ("the attribute table lacks area_perc",)
    side.write_text("<broken", encoding="utf-8")
    assert bad(check(path, PRODUCT)) == {"attribute"}
    side.unlink()
    assert "no attribute table" in check(path, PRODUCT)["attribute"].messages[0]


def test_naming_and_broken_rasters(good: Path, tmp_path: Path) -> None:
    other = tmp_path / f"{NAME.replace('r2p5m', 'r10m')}.tif"
    other.write_bytes(good.read_bytes())
    assert bad(check(other, PRODUCT)) == {"naming"}
    report = check([good, other], PRODUCT)
    assert report["naming"].outcome == "failed"
    assert "excessive layers" in report["naming"].messages[0]
    broken = tmp_path / f"{NAME}.tif"
    broken.write_bytes(good.read_bytes()[:2000])
    report = check(broken, PRODUCT)
    assert not report.passed


def _archived(folder: Path, good: Path, extra: dict[str, bytes]) -> CheckReport:
    side = good.with_name(f"{good.name}.aux.xml")
    record = b"<gmd:MD_Metadata xmlns:gmd='http://www.isotc211.org/2005/gmd'/>"
    files = {p.name: p.read_bytes() for p in (good, side)}
    files |= {f"metadata/{NAME}.xml": record} | extra
    return check(zipped(folder / "raster.zip", files), PRODUCT)


def test_archives_of_rasters(good: Path, tmp_path: Path) -> None:
    assert outcomes(_archived(tmp_path, good, {})) == {}
    confidence = {f"{NAME.replace('lcuc', 'lcuc_confidence')}.tif": good.read_bytes()}
    assert outcomes(_archived(tmp_path, good, confidence)) == {"naming": "failed"}
    twice = {f"copy/{NAME}.tif": good.read_bytes()}
    assert outcomes(_archived(tmp_path, good, twice)) == {"naming": "aborted"}
    nothing = {f"metadata/{NAME}.xml": b"<a/>"}
    assert outcomes(_archived(tmp_path, good, nothing)) == {"strict:metadata": "failed"}


def test_two_bands(good: Path, tmp_path: Path) -> None:
    with rasterio.open(good) as source:
        values, profile = source.read(1), source.profile | {"count": 2, "driver": "GTiff"}
    path = tmp_path / f"{NAME}.tif"
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.stack([values, values]))
    assert "uint8, uint8, expected one" in check(path, PRODUCT)["bit_depth"].messages[0]


def test_overviews_in_another_file(good: Path, tmp_path: Path) -> None:
    path = _twin(good, tmp_path, layout={"overviews": "none"})
    assert bad(check(path, PRODUCT)) == {"cog"}
    with (
        rasterio.Env(TIFF_USE_OVR=True),
        rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as source,
    ):
        source.build_overviews([2, 4])
    assert bad(check(path, PRODUCT)) == {"cog"}


def test_several_faults_of_a_raster_are_all_found(good: Path, tmp_path: Path) -> None:
    report = check(
        _twin(good, tmp_path, crs="EPSG:3857", edit=99, nodata=0, colors={3: (1, 2, 3)}), PRODUCT
    )
    assert bad(report) == {"epsg", "value", "nodata", "color"}
