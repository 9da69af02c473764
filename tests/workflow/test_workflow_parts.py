"""Windows of the rasters of a delivery lie where the pixels of their area lie."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from bocage.generalize import Coverage, GeneralizeSettings, load_rules
from bocage.grid import DeliveryUnit
from bocage.legend import load_legend
from bocage.products import Delivery, load_schema
from bocage.rasters import geobox_of, wrap
from bocage.workflow.rooms._parts import Area, cut, raster_grid, write_layers

WEST, SOUTH = 4_321_000, 3_210_000


def _area(outline) -> Area:
    return Area(outline, Path(), Path(), Path(), {})


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("step", [2.5, 10.0])
@given(
    box=st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(1, 200)] * 2),
    margin=st.tuples(*[st.integers(-10, 20)] * 4),
)
def test_each_pixel_of_the_area_keeps_its_place(step, box, margin):
    x, y, width, height = box
    west, south = WEST + 1.3 * x, SOUTH + 1.7 * y
    area = _area(shapely.box(west, south, west + 2.5 * width, south + 2.5 * height))
    grid = raster_grid((area,), 2.5)
    # Pixels of the area that know their own place, on a raster with any margin.
    left, top = (int(v // 10) * 10 for v in (west, south + 2.5 * height))
    columns, rows = width + 16 + margin[0], height + 16 + margin[1]
    transform = Affine(2.5, 0, left - 2.5 * margin[2], 0, -2.5, top + 10 + 2.5 * margin[3])
    raster = GeoBox((max(rows, 4), max(columns, 4)), transform, "EPSG:3035")
    centres = transform @ np.meshgrid(
        np.arange(raster.shape.x) + 0.5, np.arange(raster.shape.y) + 0.5
    )
    value = ((centres[0] / 2.5 + 7 * centres[1] / 2.5) % 200).astype(np.uint8)
    made = cut(wrap(value, raster), area, grid, step)
    own = geobox_of(made)
    assert (own.affine.c - grid.affine.c) % step == 0
    assert (grid.affine.f - own.affine.f) % step == 0
    assert own.shape.x % (step / 2.5) == own.shape.y % (step / 2.5) == 0
    xs, ys = own.affine @ np.meshgrid(np.arange(own.shape.x) + 0.5, np.arange(own.shape.y) + 0.5)
    inside = shapely.contains_xy(area.outline, xs, ys)
    known = made.values != 255
    expected = ((xs / 2.5 + 7 * ys / 2.5) % 200).astype(np.uint8)
    np.testing.assert_array_equal(made.values[known], expected[known])
    assert not (known & ~inside).any()
    bounds = raster.boundingbox
    covered = (xs > bounds.left) & (xs < bounds.right) & (ys > bounds.bottom) & (ys < bounds.top)
    assert known[inside & covered].all()


def test_an_area_without_data_in_one_year_is_delivered(tmp_path):
    square = shapely.box(WEST, SOUTH, WEST + 100, SOUTH + 100)
    legend = load_legend("pa")
    frame = gpd.GeoDataFrame(
        {"code_2021": np.array([0], np.int32), "code_2024": np.array(legend.codes()[:1], np.int32)},
        geometry=[square], crs="EPSG:3035",
    )  # fmt: skip
    file = Coverage(frame, (2021, 2024)).save(tmp_path / "area.parquet")
    schema, years = load_schema("plain"), (2021, 2024)
    unit = DeliveryUnit("du001a", "unit")
    delivery = Delivery(unit, "v01", "r01", "20241231", "tiny", legend, schema, years)
    plain = GeneralizeSettings(rules=load_rules("plain"))
    counts = write_layers(delivery, [file], plain, tmp_path, flatgeobuf=False)
    assert counts["status_2021"] == 1
    layer = pyogrio.read_dataframe(
        delivery.path(tmp_path, "status", 2021), layer="tiny_status_2021"
    )
    assert layer["nodata"].tolist() == [1]
