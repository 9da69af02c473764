import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from odc.geo.geobox import GeoBox
from scipy.ndimage import uniform_filter

from bocage.accuracy import compare, compare_files
from bocage.cli import main
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.rasters import read_raster, wrap, write_geotiff

X, Y = 4_000_000, 3_000_000
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MALTA = DATA / "clms_malta" / "clc2024_mt.gpkg"
N2K = DATA / "clms_n2k_cz"


def square(west, south, east, north):
    return shapely.box(X + west, Y + south, X + east, Y + north)


def raster(path, data, size=10, nodata=255, crs=None):
    data = np.asarray(data, dtype=np.uint8)
    h, w = data.shape
    box = geobox((X, Y, X + size * w, Y + size * h), size)
    write_geotiff(path, wrap(data, box), nodata=nodata)
    return path


def polygons(path, rows, columns):
    frame = gpd.GeoDataFrame(
        [r[:-1] for r in rows], columns=columns, geometry=[r[-1] for r in rows], crs=3035
    )
    frame.to_file(path)
    return path


@pytest.fixture
def legend(tmp_path):
    path = tmp_path / "small.csv"
    path.write_text(
        "code_1,name_1,code_2,name_2\n"
        "10,forest,11,oak\n10,forest,12,pine\n20,open,21,grass\n20,open,22,rock\n"
    )
    return str(path)


@pytest.fixture
def first(tmp_path):
    """20 x 10 pixels of 10 m: left half oak (index 1), right half grass (index 3)."""
    data = np.ones((10, 20))
    data[:, 10:] = 3
    return raster(tmp_path / "a.tif", data)


@pytest.fixture
def second(tmp_path):
    """The same border 10 m further east, and a rock of 40 x 40 m; as polygons."""
    rock = square(150, 30, 190, 70)
    rows = [
        ("11", square(0, 0, 110, 100)),
        ("21", square(110, 0, 200, 100).difference(rock)),
        ("22", rock),
    ]
    return polygons(tmp_path / "b.gpkg", rows, ["code_2"])


def test_raster_beside_polygons(first, second, legend, tmp_path):
    found = compare_files(first, second, legend_a=legend, out=tmp_path / "out")
    said = found.summary
    assert said["compared_ha"] == pytest.approx(2.0)
    assert said["border_ha"] == pytest.approx(0.1)
    # A corner of the rock lies within 10 m of grass, but A has no rock: all thematic.
    assert said["thematic_ha"] == pytest.approx(0.16)
    assert said["agreement"] == pytest.approx(1.74 / 2)
    assert found.map is None
    kept = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert kept["agreement"] == pytest.approx(said["agreement"])
    assert any("no change layer" in n for n in kept["notes"])
    page = (tmp_path / "out" / "index.html").read_text()
    assert "87.0" in page
    assert "<script" not in page
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "comparison.json", "difference.tif", "index.html",
    ]  # fmt: skip


def test_the_difference_map_is_a_cog_with_colours(first, second, legend, tmp_path):
    from rio_cogeo.cogeo import cog_validate

    compare_files(first, second, legend_a=legend, out=tmp_path / "out")
    path = tmp_path / "out" / "difference.tif"
    assert cog_validate(path)[0]
    with rasterio.open(path) as source:
        values = source.read(1)
        assert source.nodata == 255
        assert source.colormap(1)[6] == (200, 56, 46, 255)
        assert source.crs.to_epsg() == 3035
    assert np.unique(values).tolist() == [1, 4, 6]
    assert (values == 6).sum() == 16


def test_files_and_arrays_agree(first, tmp_path, legend):
    rng = np.random.default_rng(4)
    other = raster(tmp_path / "c.tif", rng.integers(0, 5, (10, 20)))
    by_file = compare_files(first, other, legend_a=legend)
    arrays = [read_raster(p)[0] for p in (first, other)]
    by_array = compare(*arrays, legend_a=legend)
    assert by_file.summary == by_array.summary
    assert by_file.cells.equals(by_array.cells)


def test_the_finer_grid_where_both_maps_are(first, legend, tmp_path):
    # Pixels of 20 m, in other places: only the shared 10 x 10 pixels of A's grid are compared.
    coarse = np.full((5, 10), 1)
    box = geobox((X + 100, Y, X + 300, Y + 100), 20)
    path = write_geotiff(tmp_path / "d.tif", wrap(coarse.astype(np.uint8), box), nodata=255)
    for pair in ((first, path), (path, first)):
        found = compare_files(*pair, legend_a=legend, out=tmp_path / "out")
        assert found.summary["compared_ha"] == pytest.approx(1.0)
        assert found.summary["agreement"] == 0
        with rasterio.open(tmp_path / "out" / "difference.tif") as source:
            assert source.res == (10, 10)
            assert source.bounds.left == X + 100
    rough = compare_files(first, path, legend_a=legend, resolution_m=50)
    assert rough.cells["pixels"].sum() == 4


def test_change_with_classes_explains_only_what_fits(first, second, legend, tmp_path):
    rows = [
        (21, 22, square(150, 30, 170, 70)),  # grass became rock: fits
        (11, 12, square(170, 30, 190, 70)),  # oak became pine: does not
    ]
    change = polygons(tmp_path / "change.gpkg", rows, ["before", "after"])
    found = compare_files(
        first, second, legend_a=legend, change=change, change_fields=("before", "after")
    )
    assert found.summary["temporal_ha"] == pytest.approx(0.08)
    assert found.summary["thematic_ha"] == pytest.approx(0.08)
    anywhere = compare_files(first, second, legend_a=legend, change=change)
    assert anywhere.summary["temporal_ha"] == pytest.approx(0.16)
    mask = np.zeros((10, 20))
    mask[:, 15:17] = 1
    by_raster = compare_files(
        first, second, legend_a=legend, change=raster(tmp_path / "mask.tif", mask)
    )
    assert by_raster.summary["temporal_ha"] == pytest.approx(0.08)


def test_command(first, second, legend, tmp_path, capsys):
    sites = polygons(tmp_path / "sites.gpkg", [("west", square(0, 0, 100, 100))], ["site"])
    sure = raster(tmp_path / "sure.tif", np.full((10, 20), 35))
    words = [
        "compare", first, second, "--legend-a", legend, "--out", tmp_path / "out",
        "--regions", sites, "--confidence", sure, "--tolerance", "10", "--json",
    ]  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    found = json.loads(out)
    assert found["agreement"] == pytest.approx(0.87)
    assert found["per_region"] == [
        {"region": "west", "ha": pytest.approx(1.0), "agreement": 1.0, "certain": 1.0,
         "border": 0.0, "temporal": 0.0, "thematic": 0.0}
    ]  # fmt: skip
    assert found["per_confidence"][0]["low"] == 30
    assert found["complement"]["a_unsure_ha"] == pytest.approx(2.0)
    assert Path(found["files"]["index.html"]).is_file()
    with pytest.raises(SystemExit):
        main([str(w) for w in words[:-1]])
    assert "agreement 87.0 %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": "nowhere.tif"}, "no such file"),
        ({"b": "far.tif"}, "the two maps do not overlap"),
        ({"b": "odd.tif"}, "values 77 are neither codes nor class indices"),
        ({"b": "points.gpkg"}, "points.gpkg are no polygons"),
        ({"b": "broken.tif"}, "cannot be read as a raster"),
        ({"b": "bare.tif"}, "has no coordinate reference system"),
        ({"class_b": "none"}, "has no attribute 'none'"),
        ({"class_a": "code"}, "is a raster and has no attribute"),
        ({"b": "b.gpkg|layername=none"}, "cannot be read"),
        ({"crosswalk": "cross.csv"}, "map B: class 22 is not in the crosswalk"),
        ({"crosswalk": "nowhere"}, "no crosswalk 'nowhere'"),
        ({"legend_b": "nowhere"}, "no legend 'nowhere'"),
        ({"change_fields": ("a", "b")}, "no layer"),
        ({"resolution_m": -1.0}, "a resolution of -1"),
        ({"regions": "a.tif"}, "regions .* cannot be read"),
        ({"confidence": "none.tif"}, "no such file"),
    ],
)
def test_bad_input_is_named(first, second, legend, tmp_path, change, message):
    raster(tmp_path / "odd.tif", np.full((10, 20), 77))
    box = geobox((X + 9000, Y, X + 9100, Y + 100), 10)
    write_geotiff(tmp_path / "far.tif", wrap(np.ones((10, 10), np.uint8), box))
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    with rasterio.open(
        tmp_path / "bare.tif", "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8"
    ) as target:
        target.write(np.ones((1, 2, 2), np.uint8))
    polygons(tmp_path / "points.gpkg", [(11, shapely.Point(X, Y))], ["code"])
    (tmp_path / "cross.csv").write_text("source_code,code\n11,11\n21,21\n")
    options = {"b": "b.gpkg", "legend_a": legend, **change}
    for key in ("b", "regions", "confidence"):
        if isinstance(options.get(key), str):
            options[key] = str(tmp_path / options[key])
    if str(options.get("crosswalk", "")).endswith(".csv"):
        options["crosswalk"] = tmp_path / options["crosswalk"]
    with pytest.raises(InputError, match=message):
        compare_files(first, **options)


def test_a_failed_comparison_leaves_nothing(first, legend, tmp_path):
    empty = raster(tmp_path / "zero.tif", np.where(np.arange(200).reshape(10, 20) < 1, 1, 0))
    nothing = raster(tmp_path / "none.tif", np.where(np.arange(200).reshape(10, 20) < 1, 0, 1))
    with pytest.raises(InputError, match="no place has a class in both maps"):
        compare_files(empty, nothing, legend_a=legend, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_map_in_degrees(first, legend, tmp_path):
    box = GeoBox.from_bbox((5.4, 49.95, 5.65, 50.2), crs="EPSG:4326", resolution=0.0002)
    path = write_geotiff(
        tmp_path / "degrees.tif", wrap(np.ones(box.shape, np.uint8), box), nodata=255
    )
    for pair in ((first, path), (path, first)):
        found = compare_files(*pair, legend_a=legend)
        assert found.summary["compared_ha"] == pytest.approx(2.0)
        assert found.summary["agreement"] == pytest.approx(0.5)
    alone = compare_files(path, path, legend_a=legend, resolution_m=500)
    assert alone.summary["certain"] == 1


def test_a_crosswalk_may_say_what_0_means(first, legend, tmp_path):
    other = raster(tmp_path / "trees.tif", np.repeat([[0, 1]], 10, axis=1).repeat(10, axis=0))
    cross = tmp_path / "cross.csv"
    cross.write_text("source_code,code\n0,20\n1,10\n")
    found = compare_files(first, other, legend_a=legend, crosswalk=cross, tolerance_m=0)
    assert found.summary["thematic"] == 1
    silent = tmp_path / "silent.csv"
    silent.write_text("source_code,code\n1,10\n")
    found = compare_files(first, other, legend_a=legend, crosswalk=silent, tolerance_m=0)
    assert found.summary["only_a_ha"] == found.summary["compared_ha"] == pytest.approx(1.0)


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="no real data in ../shared/data")
def test_corine_of_malta_2018_and_2024():
    """Areas from the polygons: what differs, and how much of it lies in the change layer."""
    layers = {n: f"{MALTA}|layername={n}" for n in ("clc18_mt", "clc24_mt", "cha1824_mt")}
    found = compare_files(
        layers["clc18_mt"], layers["clc24_mt"], legend_a="clc", class_a="code_18",
        class_b="code_24", change=layers["cha1824_mt"], change_fields=("code_18", "code_24"),
        resolution_m=20,
    )  # fmt: skip
    old, new, moved = (gpd.read_file(MALTA, layer=n) for n in layers)
    both = gpd.overlay(old[["code_18", "geometry"]], new[["code_24", "geometry"]], "intersection")
    differ = both[both["code_18"] != both["code_24"]]
    wanted = differ.area.sum() / 1e4
    explained = gpd.overlay(differ, moved[["geometry"]], "intersection").area.sum() / 1e4
    said = found.summary
    total = said["border_ha"] + said["temporal_ha"] + said["thematic_ha"]
    assert said["compared_ha"] == pytest.approx(both.area.sum() / 1e4, rel=1e-3)
    assert total == pytest.approx(wanted, abs=1.0)
    assert said["temporal_ha"] <= explained + 0.5
    assert said["temporal_ha"] > 10


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="no real data in ../shared/data")
def test_n2k_rasters_of_two_years():
    paths = [N2K / f"n2k_cz_cluster2_maes4_{year}_2m5.tif" for year in (2006, 2012)]
    found = compare_files(*paths, legend_a="values")
    old, new = (read_raster(p)[0].values for p in paths)
    known = (old > 0) & (new > 0)
    assert found.summary["compared_ha"] == pytest.approx(known.sum() * 6.25e-4)
    assert found.summary["certain"] == pytest.approx((old == new)[known].mean())
    changed = np.unique(np.stack([old, new])[:, known & (old != new)], axis=1).T.tolist()
    pairs = found.pairs[found.pairs["relation"] == "different"]
    assert sorted(zip(pairs["a"], pairs["b"], strict=True)) == sorted(
        (str(i), str(j)) for i, j in changed
    )


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="no real data in ../shared/data")
def test_a_forest_layer_beside_corine(tmp_path, pa):
    """HRL forest type 2018 (EPSG:3035, 10 m) beside the polygons of CLC 2018, both read in PA."""
    broad, needle, mixed = (
        next(c for c in pa.codes(2) if word in pa.name(c, 2).lower())
        for word in ("broadleaved", "coniferous", "mixed")
    )
    cross = tmp_path / "forest_type.csv"
    cross.write_text(
        "source_code,code,source_name\n"
        f"1,{broad},broadleaved\n1,{mixed},broadleaved\n"
        f"2,{needle},coniferous\n2,{mixed},coniferous\n"
    )
    forest = DATA / "clms_malta" / "FTY_2018_010m_malta.tif"
    found = compare_files(
        f"{MALTA}|layername=clc18_mt", forest, legend_a="clc", class_a="code_18", crosswalk=cross
    )
    assert (found.a.id, found.b.id, found.legend.id) == ("clc", str(cross), "pa")
    # Where CORINE has coniferous forest, the layer may not say broadleaved, and the other way.
    table = found.pairs.set_index(["a", "b"])
    assert table.loc[("312", "1"), "relation"] == "different"
    assert table.loc[("312", "2"), "relation"] != "different"
    assert table.loc[("313", "1"), "relation"] != "different"
    # Trees of the layer outside CORINE's forests: CORINE maps 25 ha, the layer 10 m pixels.
    assert found.summary["only_a_ha"] > found.summary["compared_ha"]
    # The layer's own area of trees in the frame of CORINE, counted from its pixels.
    values = read_raster(forest)[0].values
    trees = np.isin(values, (1, 2)).sum() * 0.01
    assert found.summary["compared_ha"] == pytest.approx(trees, rel=0.01)


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="no real data in ../shared/data")
def test_a_classification_beside_its_own_majority(tmp_path):
    """Where a real classifier is surer, the majority around agrees with it more often."""
    path = DATA / "classified_31tcj" / "class_2019.tif"
    data = read_raster(path)[0]
    values = data.values
    votes = np.stack([uniform_filter((values == v).astype(float), 5) for v in range(1, 6)])
    smooth = write_geotiff(
        tmp_path / "smooth.tif",
        data.copy(data=(votes.argmax(axis=0) + 1).astype(np.uint8)),
        nodata=0,
    )
    found = compare_files(
        path, smooth, legend_a="values", out=tmp_path / "out",
        confidence=DATA / "classified_31tcj" / "confidence_2019.tif",
    )  # fmt: skip
    assert found.summary["agreement"] == pytest.approx((values == votes.argmax(axis=0) + 1).mean())
    table = found.per_confidence
    assert table["ha"].sum() == pytest.approx(found.summary["compared_ha"])
    low, high = table[table["high"] <= 60], table[table["low"] >= 80]
    shares = [float(np.average(t["agreement"], weights=t["ha"])) for t in (low, high)]
    assert shares[0] < shares[1] - 0.05
    # What a majority moves lies at borders, single pixels aside.
    assert found.summary["border"] > 0


@pytest.mark.parametrize("as_polygons", [False, True])
def test_a_border_in_degrees_is_curved_on_the_grid(legend, tmp_path, as_polygons):
    """Its corners alone would leave out the south of the middle."""
    wide = tmp_path / "wide.gpkg"
    if as_polygons:
        frame = gpd.GeoDataFrame(
            {"code_2": ["11"]}, geometry=[shapely.box(0, 48, 20, 52)], crs=4326
        )
        frame.geometry = frame.segmentize(0.05)
        frame.to_file(wide)
    else:
        box = GeoBox.from_bbox((0, 48, 20, 52), crs="EPSG:4326", resolution=0.05)
        wide = write_geotiff(
            tmp_path / "wide.tif", wrap(np.ones(box.shape, np.uint8), box), nodata=255
        )
    x, y = 4_321_000, 2_775_000  # 10° E, 48.07° N
    grid = geobox((x, y, x + 100, y + 100), 10)
    small = write_geotiff(
        tmp_path / "small.tif", wrap(np.ones((10, 10), np.uint8), grid), nodata=255
    )
    assert compare_files(small, wide, legend_a=legend).summary["compared_ha"] == pytest.approx(1)


def test_a_change_to_a_class_that_is_not_known_explains_nothing(first, second, tmp_path):
    mapped = polygons(tmp_path / "m.gpkg", [("11", square(0, 0, 200, 100))], ["code"])
    other = polygons(tmp_path / "n.gpkg", [("22", square(0, 0, 200, 100))], ["code"])
    rows = [("11", "22", square(0, 0, 100, 100)), ("11", "99", square(100, 0, 200, 100))]
    change = polygons(tmp_path / "change.gpkg", rows, ["before", "after"])
    options = {"legend_a": "values", "change": change}
    found = compare_files(mapped, other, change_fields=("before", "after"), **options)
    assert found.summary["temporal_ha"] == pytest.approx(1)
    rows = [("x", "22", square(0, 0, 100, 100))]
    options["change"] = polygons(tmp_path / "odd.gpkg", rows, ["before", "after"])
    with pytest.raises(InputError, match="no value of 'before' is in the nomenclature"):
        compare_files(mapped, other, change_fields=("before", "after"), **options)


def test_class_indices_before_a_crosswalk(first, legend, tmp_path):
    """B holds positions in a legend of its own, from whose codes the crosswalk leads."""
    (tmp_path / "own.csv").write_text("code_1,name_1\n700,trees\n800,meadow\n")
    (tmp_path / "cross.csv").write_text("source_code,code\n700,11\n800,21\n")
    data = np.ones((10, 20))
    data[:, 10:] = 2
    other = raster(tmp_path / "b.tif", data)
    options = {"legend_a": legend, "crosswalk": tmp_path / "cross.csv"}
    found = compare_files(first, other, legend_b=tmp_path / "own.csv", **options)
    assert found.summary["certain"] == 1
    with pytest.raises(InputError, match="map B: class 1 is not in the crosswalk"):
        compare_files(first, other, **options)
    odd = raster(tmp_path / "odd.tif", np.full((10, 20), 7))
    with pytest.raises(InputError, match="values 7 are neither codes nor class indices"):
        compare_files(first, odd, legend_b=tmp_path / "own.csv", **options)


def test_results_go_into_a_folder(first, second, legend):
    with pytest.raises(InputError, match="is a file"):
        compare_files(first, second, legend_a=legend, out=first)
