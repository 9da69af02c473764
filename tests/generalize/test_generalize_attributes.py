from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.errors import InputError
from bocage.generalize import describe, generalize, generalize_files, load_rules, summary
from bocage.generalize._displacement import displacement
from bocage.generalize._graph import label_regions
from bocage.generalize._settings import GeneralizeSettings
from bocage.posterior import Posterior
from bocage.rasters import wrap, write_geotiff

PLAIN = GeneralizeSettings(rules=load_rules("plain"))
NEW = ["second", "second_share", "purity", "heterogeneity", "relabelled_m2"]
NEW += ["displacement_m", "displacement_p95_m", "regions"]


def halves():
    """Class 2 (code 21) in ten columns, class 3 (code 22) in ten."""
    data = np.full((20, 20), 2)
    data[:, 10:] = 3
    return data


def frame(shapes, codes):
    return gpd.GeoDataFrame({"code": np.array(codes, np.int32)}, geometry=shapes, crs="EPSG:3035")


def test_a_border_one_pixel_off(toy, raster, square):
    polygons = frame([square(0, 0, 11, 20), square(11, 0, 20, 20)], [21, 22])
    found = describe(polygons, raster(halves()), toy, rim=square(0, 0, 20, 20))
    assert list(found.columns) == ["code", "geometry", *NEW]
    assert found.second.tolist() == [22, 0]
    assert found.purity.tolist() == pytest.approx([10 / 11, 1.0])
    assert found.second_share.tolist() == pytest.approx([1 / 11, 0.0])
    p = np.array([10, 1]) / 11
    entropy = -(p * np.log(p)).sum() / np.log(6)
    assert found.heterogeneity.tolist() == pytest.approx([entropy, 0.0], abs=1e-6)
    assert found.relabelled_m2.tolist() == pytest.approx([20 * 6.25, 0.0])
    # At either end of the border the outer side of class 22 is half a pixel away.
    assert found.displacement_m.tolist() == pytest.approx([2.5, 2.375])
    assert found.displacement_p95_m.tolist() == pytest.approx([2.5, 2.5])
    assert found.regions.tolist() == [1, 1]
    kinds = {str(k) for k in found[NEW].dtypes}
    assert kinds == {"float32", "int32"}


def test_pixels_count_by_the_share_that_is_covered(toy, raster, square):
    polygons = frame([square(0, 0, 10.5, 20)], [21])
    found = describe(polygons, raster(halves()), toy)
    assert found.purity[0] == pytest.approx(10 / 10.5)
    assert found.relabelled_m2[0] == pytest.approx(0.5 * 20 * 6.25)


def test_the_rim_counts_unless_it_is_known(toy, raster, square):
    shape = square(0, 0, 8, 20)  # its right side lies two pixels within the class
    apart = describe(frame([shape], [21]), raster(halves()), toy)
    assert 0 < apart.displacement_m[0] < 5.0
    whole = describe(frame([shape], [21]), raster(halves()), toy, rim=shape)
    assert np.isnan(whole.displacement_m[0])


def test_a_class_that_is_not_there_is_as_far_as_the_search(toy, raster, square):
    found = describe(frame([square(0, 0, 20, 20)], [41]), raster(halves()), toy)
    assert found.displacement_m[0] == 50.0
    assert found.purity[0] == 0.0
    assert found.second[0] == 21  # the first of two that are equal


def test_unknown_pixels_count_nowhere(toy, raster, square, outside):
    data = halves()
    data[:5], data[5:10, :5] = 0, outside
    data[10:, 15:] = 4
    found = describe(frame([square(0, 0, 20, 20), square(0, 0, 3, 3)], [22, 21]), raster(data), toy)
    known = 200 + 5 * 15
    assert found.purity[0] == pytest.approx((50 + 50) / known)
    assert np.isnan(found.purity[1])
    assert np.isnan(found.second_share[1])
    assert found.second.tolist() == [21, 0]


def test_mean_confidence_leaves_out_what_has_none(toy, raster, square):
    classes = raster(halves())
    percent = np.full((20, 20), 80, np.uint8)
    percent[:, :5], percent[10:, 5:10] = 255, 60
    confidence = wrap(percent, classes.odc.geobox)
    polygons = frame([square(0, 0, 10, 20), square(0, 0, 4, 4)], [21, 21])
    found = describe(polygons, classes, toy, confidence=confidence)
    assert found.confidence[0] == pytest.approx(70.0)
    assert np.isnan(found.confidence[1])
    assert found.confidence.dtype == np.float32


def test_the_second_class_is_that_with_the_largest_probability(toy, raster, square):
    classes = raster(halves())
    probability = np.zeros((len(toy), 20, 20))
    probability[1], probability[4] = 0.6, 0.3  # classes 2 and 5
    probability[2] = 0.1
    posterior = Posterior.from_probabilities(probability, classes.odc.geobox, toy, k=3)
    polygons = frame([square(0, 0, 12, 20)], [21])
    assert describe(polygons, classes, toy).second[0] == 22
    found = describe(polygons, classes, toy, posterior=posterior)
    assert found.second[0] == 41
    assert found.second_share[0] == pytest.approx(0.3, abs=0.01)
    assert found.support[0] == pytest.approx(60.0, abs=0.5)


def test_every_region_counts_once(toy, raster):
    data = np.random.default_rng(4).integers(2, 5, (120, 120))
    data[:, :60] = np.where(data[:, :60] == 4, 5, data[:, :60])
    classes = raster(data)
    view = generalize(classes, None, toy, PLAIN).status(2021)
    found = describe(view, classes, toy)
    assert found.regions.sum() == label_regions(data[None].astype(np.uint8), data > 0).max() + 1
    lost = found.area * (1 - found.purity)
    assert found.relabelled_m2.to_numpy() == pytest.approx(lost.to_numpy(), rel=1e-4)
    assert found.geometry.equals(view.geometry)


def test_displacement_is_that_of_every_place_to_every_border(toy):
    rng = np.random.default_rng(8)
    classes = np.kron(rng.integers(1, 4, (6, 7)), np.ones((4, 4))).astype(np.uint8)
    from affine import Affine

    transform = Affine(2.5, 0, 100, 0, -2.5, 500)
    shapes = np.array([shapely.Point(135, 470).buffer(r) for r in (9, 17.3, 24)], dtype=object)
    own = np.array([1, 2, 3], np.uint8)
    found = displacement(shapes, own, classes, transform, reach_m=50)
    for n, shape in enumerate(shapes):
        squares = [
            shapely.box(100 + 2.5 * x, 497.5 - 2.5 * y, 102.5 + 2.5 * x, 500 - 2.5 * y)
            for y, x in np.argwhere(classes == own[n])
        ]
        border = shapely.boundary(shapely.union_all(squares))
        line = shapely.boundary(shape)
        count = max(round(line.length / 2.5), 1)
        at = (np.arange(count) + 0.5) * line.length / count
        expected = shapely.distance(border, shapely.line_interpolate_point(line, at))
        assert found.distance[found.polygon == n] == pytest.approx(expected, abs=1e-6)


def test_a_summary_of_a_map(toy, raster, square):
    polygons = frame([square(0, 0, 11, 20), square(11, 0, 20, 20)], [21, 22])
    classes, rim = raster(halves()), square(0, 0, 20, 20)
    found = summary(describe(polygons, classes, toy, rim=rim), classes, toy, rim=rim)
    assert found["polygons"] == 2
    assert found["area_ha"] == pytest.approx(0.25)
    assert found["relabelled_share"] == pytest.approx(1 / 20)
    assert [found[f"displacement_{q}_m"] for q in ("p50", "p95", "max")] == [2.5, 2.5, 2.5]
    assert found["border_km"] == pytest.approx(0.05)
    assert found["vertices_per_km"] == pytest.approx(20.0)
    assert found["polygons_by_size"]["0-0.5 ha"] == 2
    assert sum(found["polygons_by_size"].values()) == 2


def test_no_polygons_have_no_attributes(toy, raster, square):
    none = frame(np.empty(0, object), [])
    found = describe(none, raster(halves()), toy)
    assert list(found.columns) == ["code", "geometry", *NEW]
    said = summary(found, raster(halves()), toy)
    assert said["displacement_max_m"] is None
    assert said["vertices_per_km"] is None


def test_wrong_inputs_are_named(toy, raster, square):
    classes = raster(halves())
    polygons = frame([square(0, 0, 10, 20)], [21])
    with pytest.raises(InputError, match="no column 'class'"):
        describe(polygons, classes, toy, column="class")
    with pytest.raises(InputError, match="polygons are in EPSG:4326"):
        describe(polygons.set_crs("EPSG:4326", allow_override=True), classes, toy)
    with pytest.raises(InputError, match="one year"):
        describe(polygons, raster(halves(), halves()), toy)
    other = raster(halves(), pixel=5.0)[0]
    with pytest.raises(InputError, match="confidence is not on the grid"):
        describe(polygons, classes, toy, confidence=other)
    with pytest.raises(InputError, match="outside the class raster"):
        describe(frame([square(500, 0, 510, 20)], [21]), classes, toy)
    with pytest.raises(InputError, match="call describe"):
        summary(polygons, classes, toy)


def test_files_get_the_attributes_of_the_raster_and_not_of_the_lines(tmp_path, raster):
    data = np.full((80, 80), 21)
    data[:, 40:], data[10:12, 10:12] = 41, 22
    grid = raster(np.zeros(data.shape)).odc.geobox
    path = write_geotiff(tmp_path / "classes.tif", wrap(data.astype(np.uint8), grid))
    out = tmp_path / "map.gpkg"
    made = generalize_files(path, None, out, settings=PLAIN, attributes=True)
    assert made == {"status": 2}
    found = gpd.read_file(out, layer="status").sort_values("code")
    assert found.columns.tolist() == ["code", "code_1", *NEW, "geometry"]
    assert found.second.tolist() == [22, 0]
    assert found.regions.tolist() == [2, 1]
