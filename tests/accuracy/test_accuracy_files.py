import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from bocage.accuracy import assess_files, reference_codes
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend
from bocage.rasters import wrap, write_geotiff

X, Y = 4_000_000, 3_000_000


@pytest.fixture
def classes(tmp_path):
    """100 x 100 pixels of 10 m: left half class 11 (index 1), right half 21 (index 3)."""
    data = np.ones((100, 100), dtype=np.uint8)
    data[:, 50:] = 3
    data[0] = 255
    return write_geotiff(
        tmp_path / "map.tif", wrap(data, geobox((X, Y, X + 1000, Y + 1000), 10)), nodata=255
    )


def vector(path, rows, names=("code",)):
    frame = gpd.GeoDataFrame(
        [r[:-1] for r in rows], columns=list(names), geometry=[r[-1] for r in rows], crs=3035
    )
    frame.to_file(path)
    return path


def square(west, south, east, north):
    return shapely.box(X + west, Y + south, X + east, Y + north)


@pytest.fixture
def points(tmp_path):
    at = [(55, 55, 11), (155, 55, 11), (255, 55, 21), (355, 55, 12), (655, 55, 21), (755, 55, 21)]
    return vector(tmp_path / "points.gpkg", [(c, shapely.Point(X + x, Y + y)) for x, y, c in at])


def test_raster_against_points(classes, points, small):
    found = assess_files(classes, points, legend=small)
    assert found.n == 6
    assert found.oa == pytest.approx(0.5 * 2 / 4 + 0.5)
    assert found.per_class["area_ha"].sum() == pytest.approx(99.0)
    assert found.estimator == "stratified"
    coarse = assess_files(classes, points, level=1, legend=small)
    assert coarse.oa == pytest.approx(0.5 * 3 / 4 + 0.5)


def test_polygons_against_points_outside_too(tmp_path, points, small):
    mapped = vector(
        tmp_path / "map.gpkg",
        [(11, 1, square(0, 0, 500, 100)), (21, 2, square(500, 0, 700, 100))],
        ("code_2_21", "code_1_21"),
    )
    found = assess_files(mapped, points, legend=small)
    assert found.n == 5
    assert "1 points lie outside the map" in found.notes[0]
    assert found.oa == pytest.approx((5 * 2 / 4 + 2) / 7)


def test_strata_from_polygons_and_raster(tmp_path, classes, points, small):
    strata = vector(
        tmp_path / "strata.gpkg",
        [(1, square(0, 0, 200, 1000)), (2, square(200, 0, 1000, 1000))],
        ("stratum",),
    )
    found = assess_files(classes, points, strata=strata, legend=small)
    # Stratum 1 (20 %): two of two right; stratum 2: two of four.
    assert found.oa == pytest.approx(0.2 + 0.8 * 0.5)
    data = np.full((100, 100), 2, dtype=np.uint8)
    data[:, :20] = 1
    raster = write_geotiff(
        tmp_path / "strata.tif", wrap(data, geobox((X, Y, X + 1000, Y + 1000), 10))
    )
    assert assess_files(classes, points, strata=raster, legend=small).oa == pytest.approx(found.oa)


def test_strata_must_cover_the_points(tmp_path, classes, points, small):
    strata = vector(tmp_path / "strata.gpkg", [(1, square(0, 0, 200, 1000))], ("stratum",))
    with pytest.raises(InputError, match="4 points lie in no stratum"):
        assess_files(classes, points, strata=strata, legend=small)
    polygons = vector(tmp_path / "all.gpkg", [(11, square(0, 0, 1000, 1000))])
    with pytest.raises(InputError, match="a reference that covers the area"):
        assess_files(classes, polygons, strata=strata, legend=small)


def test_raster_against_polygons(tmp_path, classes, small):
    reference = vector(
        tmp_path / "reference.gpkg", [(11, square(0, 0, 600, 500)), (21, square(600, 0, 900, 500))]
    )
    found = assess_files(classes, reference, legend=small)
    assert found.n == 90 * 50
    assert found.oa == pytest.approx(8 / 9)
    assert found.confusion.loc[21, 11] == 10 * 50
    assert found.per_class["area_ha"].tolist() == pytest.approx([30, 15])
    assert "squares of 500 m" in found.notes[0]


def test_raster_against_a_raster_of_codes_on_another_grid(tmp_path, classes, small):
    data = np.full((20, 20), 21, dtype=np.uint16)
    data[:, :10] = 11
    other = wrap(data, geobox((X, Y, X + 1000, Y + 1000), 50))
    reference = write_geotiff(tmp_path / "reference.tif", other)
    found = assess_files(classes, reference, legend=small)
    assert found.n == 99 * 100
    assert found.oa == 1.0


def test_polygons_against_polygons(tmp_path, small):
    mapped = vector(tmp_path / "map.gpkg", [(11, square(0, 0, 100, 100))])
    reference = vector(
        tmp_path / "reference.gpkg", [(11, square(0, 0, 75, 100)), (12, square(75, 0, 200, 100))]
    )
    found = assess_files(mapped, reference, legend=small)
    assert found.n == 1600
    assert found.oa == pytest.approx(0.75)
    far = vector(tmp_path / "far.gpkg", [(11, square(5000, 0, 5100, 100))])
    with pytest.raises(InputError, match="do not overlap"):
        assess_files(mapped, far, legend=small)


def test_reference_codes(tmp_path, classes, points, small):
    places = gpd.read_file(points)
    assert reference_codes(places, classes, small).tolist() == [11, 11, 11, 11, 21, 21]
    polygons = vector(tmp_path / "p.gpkg", [(12, square(0, 0, 200, 200))], ("kind",))
    assert reference_codes(places, polygons, small, field="kind").tolist() == [12, 12, 0, 0, 0, 0]
    with pytest.raises(InputError, match="holds points"):
        reference_codes(places, points, small)


def test_parquet_and_class_as_text(tmp_path, classes, small):
    frame = gpd.GeoDataFrame(
        {"class": ["11", "21"]},
        geometry=[shapely.Point(X + 55, Y + 55), shapely.Point(X + 955, Y + 55)],
        crs=3035,
    )
    frame.to_parquet(tmp_path / "points.parquet")
    assert assess_files(classes, tmp_path / "points.parquet", legend=small).oa == 1.0


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("missing", "map: no such file"),
        ("points as map", "holds points"),
        ("field", "has no attribute 'klass'"),
        ("ambiguous", "which attribute is the class"),
        ("lines", "mixes kinds of geometry or holds lines"),
        ("text", "'oak' in code is no class code"),
        ("legend", "class 99 is not in the legend"),
        ("raster field", "is a raster and has no attribute"),
        ("apart", "no point of .* lies in the map"),
        ("broken", "cannot be read"),
        ("table", "no geometry or no coordinate reference system"),
    ],
)
def test_wrong_files_are_named(case, message, tmp_path, classes, points, small):
    spot = shapely.Point(X + 55, Y + 55)
    other = tmp_path / "other.gpkg"
    arguments = {"map": classes, "reference": points, "legend": small}
    if case == "missing":
        arguments["map"] = tmp_path / "none.tif"
    elif case == "points as map":
        arguments["map"] = points
    elif case == "field":
        arguments["reference_class"] = "klass"
    elif case == "ambiguous":
        arguments["reference"] = vector(other, [(1, 2, spot)], ("a", "b"))
    elif case == "lines":
        arguments["reference"] = vector(other, [(11, shapely.LineString([(0, 0), (1, 1)]))])
    elif case == "text":
        arguments["reference"] = vector(other, [("oak", spot)])
    elif case == "legend":
        arguments["reference"] = vector(other, [(99, spot)])
    elif case == "raster field":
        arguments["map_class"] = "code"
    elif case == "apart":
        arguments["reference"] = vector(other, [(11, shapely.Point(X - 500, Y))])
    elif case == "broken":
        other.write_text("nothing")
        arguments["reference"] = other
    else:
        pd.DataFrame({"code": [11]}).to_csv(tmp_path / "other.csv", index=False)
        arguments["reference"] = tmp_path / "other.csv"
    with pytest.raises(InputError, match=message):
        assess_files(**arguments)


def test_a_map_in_degrees_has_no_areas(tmp_path, points, small):
    path = tmp_path / "degrees.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8", crs="EPSG:4326",
        transform=rasterio.transform.from_bounds(-60, 0, 60, 80, 2, 2),
    ) as file:  # fmt: skip
        file.write(np.full((1, 2, 2), 1, np.uint8))
    with pytest.raises(InputError, match="is in degrees"):
        assess_files(path, points, legend=small)


@pytest.mark.real
def test_real_n2k_raster_against_its_polygons(tmp_path, real_data):
    folder = real_data / "clms_n2k_cz"
    frame = gpd.read_file(folder / "n2k_cz_cluster0.gpkg")
    leaves = frame[[f"MAES_{n}_12" for n in range(1, 5)]].drop_duplicates()
    rows = pd.DataFrame({f"code_{n}": leaves[f"MAES_{n}_12"].to_numpy() for n in range(1, 5)})
    for n in range(1, 5):
        rows[f"name_{n}"] = rows[f"code_{n}"].astype(str)
    rows.to_csv(tmp_path / "maes.csv", index=False)
    found = assess_files(
        folder / "n2k_cz_cluster0_maes4_2012_2m5.tif",
        folder / "n2k_cz_cluster0.gpkg",
        reference_class="MAES_4_12",
        legend=Legend.from_csv(tmp_path / "maes.csv"),
    )
    assert found.oa > 0.9999
    assert found.per_class["area_ha"].sum() == pytest.approx(4086, abs=1)
    assert len(found.per_class) == len(leaves)


def test_small_codes_of_a_level_are_read_once(tmp_path):
    """Leaf 2 lies in class 1 of level 1, and there is a class 2 there too."""
    path = tmp_path / "reused.csv"
    path.write_text("code_1,name_1,code_2,name_2\n1,a,1,p\n1,a,2,q\n2,b,3,r\n2,b,4,s\n")
    legend = Legend.from_csv(path)
    data = np.full((100, 100), 3, dtype=np.uint8)
    box = geobox((X, Y, X + 1000, Y + 1000), 10)
    mapped = write_geotiff(tmp_path / "map.tif", wrap(data, box), nodata=255)
    data[:, :50] = 1
    truth = write_geotiff(tmp_path / "truth.tif", wrap(data, box), nodata=255)
    assert assess_files(mapped, truth, legend=legend, level=1).oa == pytest.approx(0.5)


def test_strata_of_floats_with_nan_outside(tmp_path, classes, points, small):
    box = geobox((X, Y, X + 1000, Y + 1000), 10)
    data = np.ones((100, 100), dtype=np.float32)
    data[:, 50:] = 2
    data[:50] = np.nan
    strata = write_geotiff(tmp_path / "strata.tif", wrap(data, box), nodata=float("nan"))
    found = assess_files(classes, points, strata=strata, legend=small)
    assert found.oa == pytest.approx(0.5 * 2 / 4 + 0.5)
    assert found.per_class["area_ha"].sum() == pytest.approx(50)
    data[80, 20] = 1.5
    odd = write_geotiff(tmp_path / "odd.tif", wrap(data, box), nodata=float("nan"))
    with pytest.raises(InputError, match="hold fractions"):
        assess_files(classes, points, strata=odd, legend=small)
