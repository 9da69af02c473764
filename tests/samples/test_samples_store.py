"""The label store: a GeoPackage that people fill in, and samples made of it."""

import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from bocage.errors import InputError
from bocage.grid import Block
from bocage.legend import load_legend
from bocage.samples import (
    SamplingRules,
    add_questions,
    answered,
    empty_labels,
    empty_samples,
    of_year,
    read_labels,
    with_labels,
)
from bocage.samples._store import ANSWER, LAYER, QUESTION
from bocage.samples._table import samples_frame

WEST, SOUTH = 4_320_000, 3_210_000
BLOCK = Block("2kmE2160N1605", "10kmE432N321", WEST, SOUTH)
RULES = SamplingRules()


@pytest.fixture(scope="module")
def legend():
    return load_legend("pa")


def questions(*places, **columns):
    frame = pd.concat([empty_labels(), pd.DataFrame(index=range(len(places)))])
    for name, value in {"round": 1, "year": 2021, "why": "margin", **columns}.items():
        frame[name] = value
    points = gpd.points_from_xy(*np.array(places, float).T)
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=points, crs="EPSG:3035")


def answer(path, codes, **columns):
    """Fill in a store as a person would in a GIS."""
    frame = pyogrio.read_dataframe(path, layer=LAYER)
    frame["code"] = codes
    for name, value in columns.items():
        frame[name] = value
    pyogrio.write_dataframe(frame, path, layer=LAYER, driver="GPKG")


def test_questions_come_back_without_answers(tmp_path, legend):
    path = add_questions(
        tmp_path / "labels.gpkg", questions((WEST, SOUTH), (WEST + 50, SOUTH)), legend
    )
    found = read_labels(path, legend)
    assert list(found.columns) == ["geometry", *QUESTION, *ANSWER]
    assert len(found) == 2
    assert answered(found).empty
    assert found["year"].tolist() == [2021, 2021]


def test_a_second_round_keeps_what_people_have_put_in(tmp_path, legend):
    path = add_questions(tmp_path / "labels.gpkg", questions((WEST, SOUTH)), legend)
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(f"UPDATE {LAYER} SET code = ?, note = 'seen'", (legend.codes()[3],))
        base.execute("CREATE TABLE mine (words TEXT)")
    add_questions(path, questions((WEST + 50, SOUTH), round=2), legend)
    found = read_labels(path, legend)
    assert found["round"].tolist() == [1, 2]
    assert found["note"].tolist()[0] == "seen"
    assert len(answered(found)) == 1
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_the_form_offers_all_classes(tmp_path, legend):
    path = add_questions(tmp_path / "labels.gpkg", questions((WEST, SOUTH)), legend)
    with closing(sqlite3.connect(path)) as base:
        name, default, qml = base.execute(
            "SELECT f_table_name, useAsDefault, styleQML FROM layer_styles"
        ).fetchone()
    assert (name, bool(default)) == (LAYER, True)
    root = ET.fromstring(qml.split("\n", 1)[1])
    field = root.find(".//fieldConfiguration/field[@name='code']/editWidget[@type='ValueMap']")
    offered = {o.get("value") for o in field.iter("Option")} & {str(c) for c in legend.codes()}
    assert offered == {str(c) for c in legend.codes()}
    drawn = {c.get("value") for c in root.iter("category")}
    assert drawn == offered | {""}


def test_an_answer_becomes_a_cube_of_its_own(legend):
    code = legend.codes()[5]
    labels = questions((WEST + 101, SOUTH + 202), code=code)
    found = with_labels(empty_samples(), labels, BLOCK, legend, RULES, region="continental")
    assert len(found) == RULES.points_per_side**2
    assert set(found["code"]) == {code}
    assert set(found["weight"]) == {1.0}
    assert found["sample_id"].is_unique
    # The middle point lies in the centre of the pixel of 2.5 m that was asked about.
    middle = found.geometry.iloc[4]
    assert (middle.x, middle.y) == (WEST + 101.25, SOUTH + 201.25)


def test_an_answer_of_an_upper_level_allows_all_leaves_below(legend):
    upper = legend.parent(legend.codes()[0], 1)
    found = with_labels(
        empty_samples(), questions((WEST, SOUTH), code=upper), BLOCK, legend, RULES, region="x"
    )
    leaves = legend.leaves(upper)
    assert len(leaves) > 1
    assert set(found["allowed"]) == {";".join(map(str, sorted(leaves)))}
    assert set(found["code"]) == {0}


def drawn(x, y, cube):
    columns = {
        "sample_id": f"{cube}P0", "cube": cube, "code": 1, "allowed": "1", "weight": 0.5,
        "source": "layer", "reliability": 2, "region": "x", "fold": 0, "block": BLOCK.id, "year": 0,
    }  # fmt: skip
    return samples_frame({k: [v] for k, v in columns.items()}, np.array([x]), np.array([y]))


def test_a_layer_does_not_speak_where_a_person_has(legend):
    near, far = (
        drawn(WEST + 107.0, SOUTH + 100.0, "near"),
        drawn(WEST + 110.0, SOUTH + 100.0, "far"),
    )
    samples = gpd.GeoDataFrame(pd.concat([near, far], ignore_index=True), crs="EPSG:3035")
    labels = questions((WEST + 101.25, SOUTH + 101.25), code=legend.codes()[0])
    found = with_labels(samples, labels, BLOCK, legend, RULES, region="x")
    assert "near" not in set(found["cube"])
    assert "far" in set(found["cube"])


def test_two_people_who_say_the_same_of_a_place_count_once(legend):
    twice = questions((WEST + 10.3, SOUTH + 10), (WEST + 10.9, SOUTH + 10), code=legend.codes()[0])
    found = with_labels(empty_samples(), twice, BLOCK, legend, RULES, region="x")
    assert len(found) == RULES.points_per_side**2
    assert found["sample_id"].is_unique


def test_only_answers_in_the_block_and_outside_the_test_area_count(legend):
    code = legend.codes()[0]
    places = [(WEST + 10, SOUTH + 10), (WEST - 1, SOUTH + 10), (WEST + 500, SOUTH + 500)]
    found = with_labels(
        empty_samples(), questions(*places, code=code), BLOCK, legend, RULES, region="x",
        exclude=shapely.box(WEST + 400, SOUTH + 400, WEST + 600, SOUTH + 600),
    )  # fmt: skip
    assert found["cube"].nunique() == 1


def test_an_answer_holds_in_its_year(legend):
    code = legend.codes()[0]
    one = questions((WEST + 10, SOUTH + 10), code=code)
    every = questions((WEST + 100, SOUTH + 10), code=code, year=pd.NA)
    labels = gpd.GeoDataFrame(pd.concat([one, every], ignore_index=True), crs="EPSG:3035")
    found = with_labels(empty_samples(), labels, BLOCK, legend, RULES, region="x")
    assert of_year(found, 2021)["cube"].nunique() == 2
    assert of_year(found, 2024)["cube"].nunique() == 1


def test_a_class_that_does_not_exist_is_named(tmp_path, legend):
    path = add_questions(tmp_path / "labels.gpkg", questions((WEST, SOUTH)), legend)
    answer(path, [424242])
    with pytest.raises(InputError, match="424242"):
        read_labels(path, legend)


def test_two_answers_for_one_place_are_named(tmp_path, legend):
    path = add_questions(
        tmp_path / "labels.gpkg",
        questions((WEST + 0.3, SOUTH + 1), (WEST + 0.9, SOUTH + 1)),
        legend,
    )
    answer(path, [legend.codes()[0], legend.codes()[1]])
    with pytest.raises(InputError, match="two classes at 4320000, 3210000"):
        read_labels(path, legend)
    answer(path, [legend.codes()[0], legend.codes()[1]], year=[2021, 2024])
    assert len(answered(read_labels(path, legend))) == 2


def test_points_in_another_crs_that_people_have_added_count(tmp_path, legend):
    code = legend.codes()[0]
    frame = gpd.GeoDataFrame(
        {"year": [2021, None], "code": [float(code), 0.0]},
        geometry=gpd.points_from_xy([10.0, 10.1], [52.0, 52.0]),
        crs="EPSG:4326",
    )
    frame.to_file(tmp_path / "mine.gpkg", layer=LAYER)
    found = read_labels(tmp_path / "mine.gpkg", legend)
    assert found.crs.to_epsg() == 3035
    assert answered(found)["code"].tolist() == [code]


def test_a_file_that_is_no_store_is_named(tmp_path, legend):
    (tmp_path / "labels.gpkg").write_text("no")
    with pytest.raises(InputError, match=r"samples\.labels"):
        read_labels(tmp_path / "labels.gpkg", legend)
