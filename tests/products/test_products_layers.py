from __future__ import annotations

import geopandas as gpd
import numpy as np
import products_parts as parts
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.products import Delivery, change_layer, status_layer


def _pairs(rows: list[tuple[int, int]]) -> gpd.GeoDataFrame:
    shapes = [parts.square(i, 0) for i in range(len(rows))]
    columns = {"code_2021": [r[0] for r in rows], "code_2024": [r[1] for r in rows]}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=3035)


def test_status_attributes(pa: Delivery) -> None:
    view = gpd.GeoDataFrame({"code": [4211, 0]}, crs=3035,
                            geometry=[parts.square(0, 0), parts.square(0, 1, 2)])  # fmt: skip
    layer = status_layer(view, 2024, pa)
    north, south = layer.iloc[0], layer.iloc[1]
    assert (north.uid, south.uid) == ("du0014_1", "du0014_2")
    assert list(north[[f"code_{n}_24" for n in range(1, 5)]]) == [0, 0, 0, 0]
    assert list(south[[f"code_{n}_24" for n in range(1, 5)]]) == [4, 42, 421, 4211]
    assert (north.nodata_24, south.nodata_24) == (1, 0)
    assert (north.area_ha, south.area_ha) == (2.0, 1.0)
    assert (layer.du_id == "du0014").all()
    assert layer.comment_24.isna().all()
    assert layer.code_4_24.dtype == np.int32
    assert layer.comment_24.dtype == "string"


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(16)))
def test_numbers_do_not_depend_on_the_order_of_the_input(order: list[int]) -> None:
    shuffled = parts.view().iloc[order]
    assert status_layer(shuffled, 2021, parts.delivery()).equals(parts.layer())


def test_parts_of_a_multipolygon_become_features(pa: Delivery) -> None:
    both = shapely.multipolygons([parts.square(0, 0), parts.square(3, 0)])
    layer = status_layer(gpd.GeoDataFrame({"code": [3110]}, geometry=[both], crs=3035), 2021, pa)
    assert list(layer.geom_type) == ["Polygon", "Polygon"]
    assert list(layer.uid) == ["du0014_1", "du0014_2"]


def test_change_attributes(pa: Delivery) -> None:
    layer = change_layer(_pairs([(3110, 2110)]), pa)
    row = layer.iloc[0]
    assert row.changecode == "3110_2110"
    assert (row.code_1_21, row.code_4_21, row.code_1_24, row.code_4_24) == (3, 3110, 2, 2110)
    assert "du_id" not in layer


def test_an_empty_change_layer_keeps_its_types(pa: Delivery) -> None:
    layer = change_layer(_pairs([]), pa)
    assert len(layer) == 0
    assert layer.code_4_24.dtype == np.int32
    assert layer.area_ha.dtype == np.float64
    assert layer.uid.dtype == "string"


def test_comments_are_kept_and_tested(pa: Delivery) -> None:
    view = parts.view().assign(comment=None)
    view.loc[0, "comment"] = "Flooded area;Braided River"
    layer = status_layer(view, 2021, pa)
    assert list(layer.comment_21.dropna()) == ["Flooded area;Braided River"]
    view.loc[0, "comment"] = "Flooded area; Braided River"
    with pytest.raises(InputError, match="' Braided River' is not accepted"):
        status_layer(view, 2021, pa)


def test_wrong_views_are_named(pa: Delivery) -> None:
    view = parts.view()
    with pytest.raises(InputError, match="no column 'code'"):
        status_layer(view.rename(columns={"code": "klass"}), 2021, pa)
    with pytest.raises(InputError, match="class 9999 is not in the legend"):
        status_layer(view.assign(code=9999), 2021, pa)
    with pytest.raises(InputError, match="the view is in EPSG:4326"):
        status_layer(view.set_crs(4326, allow_override=True), 2021, pa)
    with pytest.raises(InputError, match="Point"):
        status_layer(view.set_geometry(view.centroid), 2021, pa)
    with pytest.raises(InputError, match="1 polygons of the change view did not change"):
        change_layer(_pairs([(3110, 3110), (3110, 2110)]), pa)
