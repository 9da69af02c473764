from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from bocage.errors import InputError
from bocage.files import sha256
from bocage.generalize import GeneralizeSettings, Tiling, generalize_files, load_rules
from bocage.legend import load_legend
from bocage.rasters import wrap, write_geotiff
from bocage.refine import LineLayer

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PLAIN = GeneralizeSettings(rules=load_rules("plain"))


@pytest.fixture
def tif(tmp_path, raster):
    def make(data, name="classes.tif", nodata=None, dtype="uint16"):
        data = np.asarray(data)
        grid = raster(np.zeros(data.shape, np.uint8)).odc.geobox
        return write_geotiff(tmp_path / name, wrap(data.astype(dtype), grid), nodata=nodata)

    return make


def halves(left, right):
    data = np.full((60, 60), left)
    data[:, 30:] = right
    return data


def test_codes_indices_and_any_values_are_understood(tif, tmp_path):
    pa = load_legend("pa")
    out = tmp_path / "out.gpkg"
    for data, legend in (
        (halves(1110, 3110), pa),
        (halves(pa.index(1110), pa.index(3110)), pa),
        (halves(1110, 3110), None),
    ):
        assert generalize_files(tif(data), None, out, legend=legend, settings=PLAIN) == {
            "status": 2
        }
        frame = gpd.read_file(out, layer="status")
        assert sorted(frame.code) == [1110, 3110]
        assert frame.crs == "EPSG:3035"
        if legend:
            levels = frame.sort_values("code")[["code_1", "code_2", "code_3", "code_4"]]
            assert levels.values.tolist() == [[1, 11, 111, 1110], [3, 31, 311, 3110]]
        else:
            assert frame.code_1.tolist() == frame.code.tolist()


def test_two_rasters_give_three_layers_named_after_the_years(tif, tmp_path):
    first = tif(halves(2, 5), "map_2018.tif")
    second = tif(halves(2, 7), "map_2024.tif")
    out = tmp_path / "out.gpkg"
    counts = generalize_files(first, second, out, settings=PLAIN)
    assert counts == {"status_2018": 2, "status_2024": 2, "change": 1}
    assert {name for name, _ in pyogrio.list_layers(out)} == set(counts)
    change = gpd.read_file(out, layer="change")
    assert change[["code_2018", "code_2024"]].values.tolist() == [[5, 7]]
    assert change[["code_1_2018", "code_1_2024"]].values.tolist() == [[5, 7]]
    digest = sha256(out)
    generalize_files(first, second, out, settings=PLAIN)
    assert sha256(out) == digest
    other = tif(halves(2, 7), "other.tif")
    counts = generalize_files(first, other, out, settings=PLAIN)
    assert list(counts) == ["status_first", "status_second", "change"]


def test_no_change_gives_an_empty_layer(tif, tmp_path):
    path = tif(halves(2, 5))
    counts = generalize_files(path, path, tmp_path / "o.gpkg", settings=PLAIN)
    assert counts["change"] == 0
    frame = gpd.read_file(tmp_path / "o.gpkg", layer="change")
    assert frame.empty
    assert "code_first" in frame


def test_nodata_is_outside_and_another_zero_unknown(tif, tmp_path):
    data = halves(2, 5)
    data[:30, :30] = 0
    out = tmp_path / "out.gpkg"
    generalize_files(tif(data), None, out, settings=PLAIN)
    assert sorted(gpd.read_file(out).code) == [0, 2, 5]
    generalize_files(tif(data, nodata=0), None, out, settings=PLAIN)
    frame = gpd.read_file(out)
    assert sorted(frame.code) == [2, 5]
    assert frame.area.sum() == pytest.approx((3600 - 30 * 30) * 6.25)
    data[data == 0] = 255
    generalize_files(tif(data, dtype="uint8"), None, out, settings=PLAIN)
    assert sorted(gpd.read_file(out).code) == [2, 5]


@pytest.mark.parametrize("legend", [None, "pa"])
def test_files_read_in_windows_give_the_same_file(tif, tmp_path, square, legend):
    rng = np.random.default_rng(8)
    first = np.kron(rng.choice([1110, 3110, 4211], (9, 8)), np.ones((30, 30), int))
    first[:40, :25] = 60_000
    second = np.where(np.arange(240) < 100, np.roll(first, 7, axis=0), first)
    paths = [
        tif(data, f"classes_{year}.tif", nodata=60_000)
        for data, year in ((first, 2021), (second, 2024))
    ]
    gpd.GeoDataFrame(geometry=[square(20, 3.2, 210.7, 260)], crs="EPSG:3035").to_file(
        tmp_path / "aoi.gpkg"
    )
    known = None if legend is None else load_legend(legend)
    for aoi, tiling in ((None, Tiling(100)), (tmp_path / "aoi.gpkg", Tiling(110, workers=2))):
        found = []
        for tiles in (None, tiling):
            out = tmp_path / "out.gpkg"
            more = {"legend": known, "settings": PLAIN, "aoi": aoi, "scales": (0.5, 5)}
            layers = generalize_files(*paths, out, **more, attributes=True, tiles=tiles)
            assert layers["status_2021_0p5ha"] > layers["status_2021_5ha"] > 0
            found.append(sha256(out))
        assert found[0] == found[1]


def test_area_and_lines(tif, tmp_path, square):
    pa = load_legend("pa")
    area = square(3, 3, 57, 57)
    gpd.GeoDataFrame(geometry=[area], crs="EPSG:3035").to_crs("EPSG:4258").to_file(
        tmp_path / "aoi.gpkg"
    )
    west, south, east, _ = square(0, 0, 60, 60).bounds
    line = shapely.LineString([(west, south + 75), (east, south + 75)])
    lines = tmp_path / "roads.gpkg"
    gpd.GeoDataFrame({"width": [24.0]}, geometry=[line], crs="EPSG:3035").to_file(lines)
    out = tmp_path / "out.gpkg"
    source = tif(halves(2110, 3110))
    settings = GeneralizeSettings(mmu_ha=0.2)
    for linear in (lines, [LineLayer(lines, "road")]):
        generalize_files(
            source,
            None,
            out,
            legend=pa,
            settings=settings,
            aoi=tmp_path / "aoi.gpkg",
            linear=linear,
        )
        frame = gpd.read_file(out)
        assert sorted(frame.code) == [1210, 2110, 2110, 3110, 3110]
        off = shapely.symmetric_difference(frame.union_all(), area)
        assert shapely.area(off) < 0.01 * shapely.length(area)


def test_wrong_rasters_are_named(tif, tmp_path):
    out = tmp_path / "out.gpkg"
    pa = load_legend("pa")
    good = tif(halves(1110, 3110))
    shifted = tmp_path / "shifted.tif"
    shifted.write_bytes(good.read_bytes())
    with rasterio.open(shifted, "r+") as handle:
        handle.transform = handle.transform @ rasterio.Affine.translation(1, 0)
    cases = [
        (tif(halves(1110, 999), "a.tif"), None, pa, "value 999 is neither a leaf code"),
        (tif(np.arange(3600).reshape(60, 60), "b.tif"), None, None, "3599 values"),
        (tif(halves(1.5, 2), "c.tif", dtype="float32"), None, None, "not whole numbers"),
        (tif(halves(0, 0), "d.tif"), None, None, "no value above 0"),
        (good, shifted, pa, "not on the same grid"),
        (tmp_path / "none.tif", None, pa, "no such file"),
    ]
    for first, second, legend, message in cases:
        for tiles in (None, Tiling(40)):
            with pytest.raises(InputError, match=message):
                generalize_files(first, second, out, legend=legend, settings=PLAIN, tiles=tiles)
    with rasterio.open(good) as source:
        profile = {**source.profile, "count": 2}
        with rasterio.open(tmp_path / "two.tif", "w", **profile) as target:
            target.write(np.stack([source.read(1)] * 2))
    for tiles in (None, Tiling(40)):
        with pytest.raises(InputError, match="2 bands"):
            generalize_files(tmp_path / "two.tif", None, out, settings=PLAIN, tiles=tiles)
    assert not out.exists()


@pytest.mark.real
@pytest.mark.skipif(not DATA.exists(), reason=f"no real data at {DATA}")
def test_real_maps_of_two_years_come_back_as_they_are(tmp_path):
    folder = DATA / "clms_n2k_cz"
    first, second = (folder / f"n2k_cz_cluster2_maes4_{year}_2m5.tif" for year in (2006, 2012))
    out = tmp_path / "n2k.gpkg"
    counts = generalize_files(first, second, out, settings=PLAIN)
    assert counts["status_2012"] == pytest.approx(191, rel=0.1)
    assert counts["change"] == 2
    for year, path in ((2006, first), (2012, second)):
        frame = gpd.read_file(out, layer=f"status_{year}")
        assert shapely.coverage_is_valid(frame.geometry.to_numpy())
        with rasterio.open(path) as source:
            truth = source.read(1)
            drawn = rasterio.features.rasterize(
                zip(frame.geometry, frame.code, strict=True),
                out_shape=truth.shape,
                transform=source.transform,
                dtype="int32",
            )
        assert (drawn == truth)[truth > 0].mean() > 0.985


@pytest.mark.real
@pytest.mark.skipif(not DATA.exists(), reason=f"no real data at {DATA}")
def test_a_real_noisy_classification_in_another_system(tmp_path):
    out = tmp_path / "crops.gpkg"
    source = DATA / "classified_31tcj" / "class_2019.tif"
    counts = generalize_files(
        source, None, out, settings=GeneralizeSettings(rules=PLAIN.rules, mmw_m=0)
    )
    frame = gpd.read_file(out)
    assert len(frame) == counts["status"] > 100
    assert frame.crs == "EPSG:32631"
    assert frame.area.min() >= 5000
    assert frame.area.sum() == pytest.approx(1024 * 512 * 100, rel=1e-9)


@pytest.fixture
def kept(tmp_path, square):
    """A file of one polygon to keep, half a pixel off the grid, as a layer of multipolygons."""

    def make(**codes):
        box = shapely.set_precision(square(10.5, 10.5, 22.5, 40.5), 0.001)
        frame = gpd.GeoDataFrame(codes, geometry=[shapely.MultiPolygon([box])], crs="EPSG:3035")
        path = tmp_path / "kept.gpkg"
        pyogrio.write_dataframe(frame, path)
        return box, path

    return make


def test_frozen_polygons_are_read_and_written(tif, tmp_path, kept):
    box, path = kept(code=[5])
    out = tmp_path / "o.gpkg"
    assert generalize_files(tif(halves(2, 5)), None, out, settings=PLAIN, frozen=path) == {
        "status": 3
    }
    found = gpd.read_file(out, layer="status")
    mine = found[found.frozen]
    assert mine.code.tolist() == [5]
    corners = set(map(tuple, shapely.get_coordinates(box)))
    assert corners <= set(map(tuple, shapely.get_coordinates(mine.geometry.iloc[0])))
    assert shapely.coverage_is_valid(found.geometry.to_numpy())


def test_frozen_polygons_of_two_years_have_a_code_each(tif, tmp_path, kept):
    _, path = kept(code_2018=[2], code_2024=[7])
    rasters = tif(halves(2, 7), "m_2018.tif"), tif(halves(2, 7), "m_2024.tif")
    out = tmp_path / "o.gpkg"
    counts = generalize_files(*rasters, out, settings=PLAIN, frozen=path)
    assert counts == {"status_2018": 3, "status_2024": 3, "change": 1}
    assert gpd.read_file(out, layer="change").frozen.tolist() == [True]


def test_frozen_polygons_that_cannot_be_used_are_named(tif, tmp_path, kept):
    _, path = kept(code=[5])
    raster, out = tif(halves(2, 5)), tmp_path / "o.gpkg"
    with pytest.raises(InputError, match="coarser scales"):
        generalize_files(raster, None, out, settings=PLAIN, frozen=path, scales=[1])
    (tmp_path / "text.gpkg").write_text("no layer")
    with pytest.raises(InputError, match="cannot be read"):
        generalize_files(raster, None, out, settings=PLAIN, frozen=tmp_path / "text.gpkg")
    with pytest.raises(InputError, match="no such file"):
        generalize_files(raster, None, out, settings=PLAIN, frozen=tmp_path / "none.gpkg")
    assert not out.exists()
