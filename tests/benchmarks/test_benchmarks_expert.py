"""The truth that answers in place of a person."""

import geopandas as gpd
import numpy as np

from benchmarks.expert import answer, answered_places
from bocage.grid import geobox
from bocage.legend import load_legend
from bocage.samples import add_questions

WEST, SOUTH = 4_320_000, 3_210_000


def test_a_place_of_several_classes_is_left_open(tmp_path):
    legend = load_legend("pa")
    grid = geobox((WEST, SOUTH, WEST + 50, SOUTH + 50), 2.5)
    truth = np.full((20, 20), 1, np.uint8)
    truth[:, 10:] = 2
    places = [(WEST + 11, SOUTH + 11), (WEST + 41, SOUTH + 11), (WEST + 24, SOUTH + 11)]
    questions = gpd.GeoDataFrame(
        {"round": 1, "year": 2021}, index=range(3),
        geometry=gpd.points_from_xy(*np.array(places).T), crs="EPSG:3035",
    )  # fmt: skip
    store = add_questions(tmp_path / "labels.gpkg", questions, legend)
    answer(store, truth, grid, legend)
    assert answered_places(store)["code"].tolist() == list(legend.codes()[:2])
