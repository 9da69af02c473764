import numpy as np
import pyogrio
import pytest
import shapely

from bocage.legend import load_crosswalk
from bocage.simulate._clc import _smooth, clc
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._tables import class_table


@pytest.fixture(scope="module")
def frame(legend):
    """A layer over stripes of fields, forest and a lake, with a road and small woods."""
    domain = Domain.around((4640000, 2930000), 4)
    size = domain.count(2.5)
    classes = np.full((size, size), legend.index(2110), np.uint8)
    classes[:, : size // 3] = legend.index(3210)
    classes[size // 2 : size // 2 + 320, size // 2 : size // 2 + 320] = legend.index(8210)
    classes[:, size - 300 : size - 295] = legend.index(1210)
    classes[100:140, size - 200 : size - 160] = legend.index(3110)
    return clc(classes, legend, domain, Seed(3, "x"))


def test_units_are_at_least_25_ha(frame):
    assert (frame.area > 0.95 * 250_000).all()
    assert frame.geometry.is_valid.all()
    assert shapely.union_all(frame.geometry).area == pytest.approx(frame.area.sum(), rel=1e-9)


def test_small_and_narrow_things_vanish(frame):
    assert {"211", "312"} <= set(frame.Code_18)
    assert "122" not in set(frame.Code_18)
    assert len(frame) <= 5


def test_borders_are_some_tens_of_metres_off(frame):
    domain = Domain.around((4640000, 2930000), 4)
    forest = frame[frame.Code_18 == "312"]
    xy = shapely.get_coordinates(forest.geometry.to_numpy())
    border = xy[(xy[:, 0] > domain.west + 1000) & (xy[:, 1] < domain.north - 100)]
    away = np.abs(border[:, 0] - domain.west - 2.5 * (domain.count(2.5) // 3))
    assert 5 < away.mean() < 100


def test_a_small_square_gives_a_layer(landscape, domain, seed, legend):
    classes = class_table(legend)[landscape.land]
    frame = clc(classes, legend, domain, seed)
    walk = load_crosswalk("clc", legend)
    assert len(frame) >= 1
    assert all(walk.knows(code) for code in frame.Code_18)
    assert frame.area.sum() == pytest.approx(domain.side**2, rel=0.01)


def test_small_fields_become_a_mosaic(legend):
    domain = Domain.around((4640000, 2930000), 2)
    size = domain.count(2.5)
    kinds = [legend.index(c) for c in (2110, 4100, 2210, 2320)]
    blocks = np.random.default_rng(0).choice(kinds, (size // 40 + 1,) * 2).astype(np.uint8)
    classes = np.repeat(np.repeat(blocks, 40, axis=0), 40, axis=1)[:size, :size]
    frame = clc(classes, legend, domain, Seed(3, "x"))
    mosaic = frame[frame.Code_18.isin(["242", "243"])].area.sum()
    assert mosaic > 0.6 * frame.area.sum()


def test_strips_narrower_than_two_windows_vanish():
    codes = np.ones((9, 9), np.uint8)
    codes[4] = 2
    assert (_smooth(codes) == 1).all()
    codes[4:7] = 2
    assert (_smooth(codes)[5] == 2).all()


@pytest.mark.real
def test_fields_are_those_of_the_real_file(real_data, frame):
    info = pyogrio.read_info(real_data / "clms_malta" / "clc2024_mt.gpkg", layer="clc18_mt")
    real = {f.lower() for f in info["fields"]} - {"shape_area", "shape_length"}
    assert {c.lower() for c in frame.columns} - {"geometry"} == real
