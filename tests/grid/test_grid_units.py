import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.errors import ConfigError, InputError
from bocage.grid import DeliveryUnit, list_regions, load_delivery_unit, region_membership


def test_published_and_given_names():
    assert load_delivery_unit("du0014") == DeliveryUnit("du0014", "blacksea")
    assert load_delivery_unit("du0002", "invented").name == "invented"
    with pytest.raises(
        ConfigError, match="the name of delivery unit 'du0002' is not published"
    ) as e:
        load_delivery_unit("du0002")
    assert "aoi.delivery_name" in str(e.value)


@pytest.mark.parametrize("id", ["du14", "DU0014", "du00140", "du-014"])
def test_codes_are_checked(id):
    with pytest.raises(ConfigError, match="is no delivery unit code"):
        DeliveryUnit(id, "name")


@pytest.mark.parametrize("name", ["", "Black", "black sea", "sea2", "île"])
def test_names_are_checked(name):
    with pytest.raises(ConfigError, match="is no delivery unit name"):
        DeliveryUnit("du0001", name)


def test_regions():
    assert len(list_regions()) >= 9
    assert {"alpine", "blacksea", "continental", "mediterranean"} <= set(list_regions())


X, Y = np.array([5.0, 15.0, 10.0]), np.array([5.0, 5.0, 5.0])


def test_one_region_everywhere():
    found = region_membership(X, Y, "alpine")
    assert found.columns.tolist() == ["alpine"]
    assert found["alpine"].tolist() == [1, 1, 1]


def region_file(path, regions=("west", "east"), crs=3035, column="region"):
    boxes = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    gpd.GeoDataFrame({column: regions}, geometry=boxes, crs=crs).to_file(path)
    return path


def test_regions_from_a_file(tmp_path):
    found = region_membership(X, Y, region_file(tmp_path / "r.gpkg"))
    assert found.columns.tolist() == ["east", "west"]
    # A point on the common border belongs to both by half.
    assert found["west"].tolist() == [1, 0, 0.5]
    assert found.sum(axis=1).tolist() == [1, 1, 1]


def test_regions_pass_into_each_other_along_a_line(tmp_path):
    path = region_file(tmp_path / "r.gpkg")
    x = np.array([5.0, 8.5, 9.0, 10.0, 10.5, 12.0, 15.0])
    found = region_membership(x, np.full(len(x), 5.0), path, blend_m=4.0)
    assert found["west"].tolist() == pytest.approx([1, 0.875, 0.75, 0.5, 0.375, 0, 0])
    assert found.sum(axis=1).tolist() == pytest.approx([1] * len(x))


def test_a_border_with_nothing_beyond_does_not_blend(tmp_path):
    path = region_file(tmp_path / "r.gpkg")
    found = region_membership(np.array([0.5]), np.array([5.0]), path, blend_m=4.0)
    assert found["west"].tolist() == [1]


def test_wrong_regions_are_named(tmp_path):
    with pytest.raises(InputError, match=r"aoi.region \(neither a known region nor a file\)"):
        region_membership(X, Y, "atlantis")
    with pytest.raises(InputError, match="has no column 'region'"):
        region_membership(X, Y, region_file(tmp_path / "a.gpkg", column="name"))
    with pytest.raises(InputError, match="1 points lie in no region"):
        region_membership(X + 8, Y, region_file(tmp_path / "b.gpkg"))
    (tmp_path / "c.gpkg").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as a vector file"):
        region_membership(X, Y, tmp_path / "c.gpkg")
    bare = gpd.GeoDataFrame({"region": ["a"]}, geometry=[shapely.box(0, 0, 50, 50)])
    with pytest.warns(UserWarning, match="crs"):
        bare.to_file(tmp_path / "d.gpkg")
    with pytest.raises(InputError, match="no coordinate reference system"):
        region_membership(X, Y, tmp_path / "d.gpkg")
