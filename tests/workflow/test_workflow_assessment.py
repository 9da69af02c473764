"""Points of the accuracy room: drawn per class over all areas."""

from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr

from bocage.accuracy import sample_points
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend, LegendClass, load_crosswalk
from bocage.rasters import wrap
from bocage.samples import Source
from bocage.workflow.rooms.assessment import Comparison, _class_areas, _class_pixels, _points

LEGEND = Legend(
    "two", (LegendClass((10,), ("a",), "#000000"), LegendClass((20,), ("b",), "#ffffff"))
)


def area(classes: np.ndarray, west: int = 0) -> xr.Dataset:
    rows, columns = classes.shape
    box = geobox((west, 0, west + 2.5 * columns, 2.5 * rows), 2.5)
    found = wrap(classes.astype(np.uint8), box)
    codes = np.array([0, 10, 20])[np.where(classes < 255, classes, 0)]
    confidence = wrap(np.full(classes.shape, 90, np.uint8), box)
    return xr.Dataset({"class": found, "confidence": confidence, "reference": wrap(codes, box)})


def comparison(points: int, seed: int = 7) -> Comparison:
    source = Source(Path("r.tif"), load_crosswalk("identity", LEGEND), 3, None, "r", None)
    return Comparison(2021, source, LEGEND, (), (), (shapely.Point(),), points, seed, (), {}, ())


def drawn(areas: list[xr.Dataset], points: int, seed: int = 7):
    return _points(areas, _class_pixels(areas), comparison(points, seed))


def test_many_small_areas_share_the_points_of_a_class():
    """120 areas of 16 pixels, 60 points: no area has half a point to itself."""
    areas = [area(np.full((4, 4), 1 + i % 2), 100 * i) for i in range(120)]
    found = drawn(areas, 60)
    assert found["map"].value_counts().to_dict() == {10: 30, 20: 30}
    assert len({p.x // 100 for p in found.geometry}) > 30
    np.testing.assert_allclose(found["weight"], 60 * 16 * 6.25e-4 / 30)


def test_points_stand_for_the_area_of_their_class_in_all_areas():
    mixed = np.ones((20, 20), np.uint8)
    mixed[:, :3], mixed[0] = 2, 255
    areas = [area(mixed), area(np.full((6, 6), 2), 1000), area(np.full((9, 9), 255), 2000)]
    found = drawn(areas, 80)
    stood = found.groupby("map")["weight"].sum().to_dict()
    assert stood == pytest.approx(_class_areas(_class_pixels(areas), LEGEND))
    assert len(found) == 80
    assert (found["map"] == found["reference"]).all()


def test_a_pixel_is_as_likely_in_one_area_as_in_another():
    areas = [area(np.ones((10, 30), np.uint8)), area(np.ones((10, 10), np.uint8), 1000)]
    west = [(drawn(areas, 40, seed).geometry.x < 1000).sum() for seed in range(60)]
    assert np.mean(west) == pytest.approx(30, abs=1)  # 300 of 400 pixels; 4 errors of the mean
    assert np.std(west) > 1


def test_a_single_area_is_sampled_like_any_raster():
    classes = np.ones((30, 30), np.uint8)
    classes[:, 20:] = 2
    found, plain = drawn([area(classes)], 50), sample_points(area(classes)["class"], 50, 7)
    assert found.geometry.to_list() == plain.geometry.to_list()
    np.testing.assert_allclose(found["weight"], plain["weight"])


def test_every_class_has_a_point_and_nothing_to_sample_is_named():
    both = np.array([[1, 2]])
    assert sorted(drawn([area(both)], 1)["map"]) == [10, 20]
    with pytest.raises(InputError, match="knows no class"):
        drawn([area(np.full((2, 2), 255))], 10)
