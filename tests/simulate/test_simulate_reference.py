import numpy as np
import pytest
import shapely
from rasterio.features import rasterize

from bocage.legend import load_crosswalk, load_legend
from bocage.simulate._lines import _gaps, line_layers
from bocage.simulate._reference import _mode, _shifted, clcplus, n2k, survey
from bocage.simulate._tables import class_table


@pytest.fixture(scope="module")
def legend():
    return load_legend("pa")


@pytest.fixture(scope="module")
def classes(landscape, legend):
    return class_table(legend)[landscape.land]


def test_the_most_frequent_code_wins():
    codes = np.array([[1, 1, 2, 2], [1, 3, 2, 4]], np.uint8)
    assert _mode(codes, 2).tolist() == [[1, 2]]


def test_borders_move_by_a_pixel_or_so():
    half = np.zeros((60, 60), np.uint8)
    half[:, 30:] = 1
    moved = _shifted(half, 0.6, 24.0, 3)
    assert (moved != half).any()
    assert (moved[:, :26] == 0).all()
    assert (moved[:, 34:] == 1).all()


def test_the_raster_is_right_mostly(classes, legend, domain, seed):
    codes = clcplus(classes, legend, domain, seed)
    assert codes.shape == (domain.side // 10,) * 2
    walk = load_crosswalk("clcplus", legend)
    leaves = np.array(legend.codes())
    table = np.zeros((256, 256), bool)
    for value in np.unique(codes):
        for leaf in walk.to_legend(int(value)):
            table[value, int(np.flatnonzero(leaves == leaf)[0]) + 1] = True
    middle = classes[2::4, 2::4]
    right = table[codes, middle].mean()
    assert 0.82 < right < 0.97


def test_polygons_are_valid_large_and_mostly_right(classes, legend, domain, seed):
    frame = n2k(classes, legend, domain, seed)
    assert frame.geometry.is_valid.all()
    assert set(frame.geometry.geom_type) == {"Polygon"}
    assert np.median(frame.area) > 5000
    assert (frame.area < 4000).mean() < 0.1
    assert shapely.union_all(frame.geometry).area == pytest.approx(frame.area.sum(), rel=1e-6)
    box = domain.geobox(2.5)
    drawn = rasterize(
        zip(frame.geometry, frame.code_4_18, strict=True),
        box.shape,
        transform=box.affine,
        dtype="int32",
    )
    walk = load_crosswalk("n2k2018", legend)
    table = np.array([0] + [int(walk.from_legend(c)) for c in legend.codes()])
    assert 0.70 < (table[classes] == drawn).mean() < 0.97


def test_points_tell_the_truth(classes, legend, domain, seed):
    points = survey({2021: classes, 2024: classes}, legend, domain, seed)
    assert len(points) == 16
    row = ((domain.north - points.geometry.y) / 2.5).astype(int)
    column = ((points.geometry.x - domain.west) / 2.5).astype(int)
    assert (legend.code_table()[classes[row, column]] == points.code_2021).all()
    assert (points.code_2021 == points.code_2024).all()


def test_lines_are_a_little_off(landscape, seed):
    layers = line_layers(landscape, seed)
    assert list(layers) == ["roads", "rails", "rivers"]
    roads = layers["roads"]
    assert set(roads.columns) == {"highway", "width", "geometry"}
    assert {"primary"} <= set(roads.highway)
    assert layers["rails"].railway.eq("rail").all()
    assert {"river"} <= set(layers["rivers"].waterway) <= {"river", "stream", "canal"}
    true = landscape.domain.to_map(
        shapely.union_all([w.line for w in landscape.ways if w.kind != "rail"])
    )
    vertices = shapely.points(shapely.get_coordinates(roads.geometry.to_numpy()))
    away = shapely.distance(true, vertices)
    assert 0.3 < np.median(away) < 3.5
    assert away.max() < 12


def test_pieces_of_long_lines_may_be_missing():
    line = shapely.LineString([[0, 0], [4000, 0]])
    rng = np.random.default_rng(0)
    left = [sum(p.length for p in _gaps(line, rng)) for _ in range(50)]
    assert min(left) < 3950
    assert max(left) <= 4000
    short = shapely.LineString([[0, 0], [100, 0]])
    assert _gaps(short, rng) == [short]
