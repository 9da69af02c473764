"""Questions to a person, and a run that learns from the answers."""

import json

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
import yaml
from workflow_site import NORTH, WEST, make_project

from bocage.cli import main
from bocage.errors import ConfigError
from bocage.samples import read_labels, read_samples
from bocage.workflow import ask, load_project, make_plan, rounds, run
from bocage.workflow._ask import DISTANCE_M
from bocage.workflow.rooms.samples import sample_file

LAYER = "labels"


def plan_of(path):
    return make_plan(load_project(path))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory, tiny_images):
    """A project with a store that has been run as far as the posterior."""
    path = make_project(tmp_path_factory.mktemp("ask") / "site", tiny_images)
    data = yaml.safe_load(path.read_text())
    data["samples"]["labels"] = "labels.gpkg"
    data["model"] = {"epochs": 1, "width": 16, "unlabelled": 1000}
    data["accuracy"]["area"] = "test_area.gpkg"
    data["accuracy"]["gap_m"] = 10
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    test = shapely.box(WEST + 600, NORTH - 790, WEST + 790, NORTH - 600)
    gpd.GeoDataFrame(geometry=[test], crs="EPSG:3035").to_file(path.parent / "test_area.gpkg")
    run(plan_of(path), until="posterior", cluster="none")
    return path


def fill_in(path, code):
    frame = pyogrio.read_dataframe(path, layer=LAYER)
    frame["code"] = frame["code"].where(frame["code"].notna(), code)
    pyogrio.write_dataframe(frame, path, layer=LAYER, driver="GPKG")


def test_questions_are_asked_answered_and_learned_from(mapped):
    plan = plan_of(mapped)
    store = ask(plan, count=6, year=2021)
    first = read_labels(store, plan.legend)
    assert len(first) == 6
    assert set(first["round"]) == {1}
    assert set(first["year"]) == {2021}
    assert set(first["guess"]) <= set(plan.legend.codes())
    assert first["chance"].between(0, 1).all()
    assert first["score"].between(0, 1).all()
    xy = np.column_stack([first.geometry.x, first.geometry.y])
    gap = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    assert gap[~np.eye(6, dtype=bool)].min() >= DISTANCE_M
    assert first.geometry.within(plan.area.buffer(3)).all()
    assert not first.geometry.intersects(plan.exclude).any()

    before = run(plan_of(mapped), until="posterior", cluster="none")
    assert before.recomputed == 0  # a question alone teaches nothing

    fill_in(store, 2)
    after = run(plan_of(mapped), until="posterior", cluster="none")
    touched = {b.id for b in plan.blocks if first.geometry.intersects(b.box()).any()}
    assert after.computed["samples"] == len(touched)
    assert after.computed["imagery"] == 0
    assert after.computed["model"] == 1
    parts = [read_samples(sample_file(plan, b)) for b in plan.blocks]
    said = [p[p["source"] == "labels"] for p in parts]
    assert sum(p["cube"].nunique() for p in said) == 6
    assert all((p["year"] == 2021).all() for p in said)

    again = plan_of(mapped)
    assert ask(again, count=4) == store
    second = read_labels(store, plan.legend)
    assert second["round"].tolist() == [1] * 6 + [2] * 4
    assert set(second["year"][6:]) == {2024}
    assert not second.geometry[6:].isin(first.geometry).any()
    found = rounds(second, plan.legend)
    assert found["asked"].tolist() == [6, 4]
    assert found["answered"].tolist() == [6, 0]
    assert found["right"][0] == (first["guess"] == 2).sum()


def test_the_same_run_and_store_ask_the_same(mapped, edit, capsys):
    asked = []
    edit(mapped, **{"samples.labels": "fresh.gpkg"})
    path = mapped.parent / "fresh.gpkg"
    for _ in range(2):
        path.unlink(missing_ok=True)
        with pytest.raises(SystemExit) as ended:
            main(["ask", str(mapped), "--count", "5", "--json"])
        assert ended.value.code == 0
        told = json.loads(capsys.readouterr().out)
        assert told["labels"] == str(path)
        assert told["rounds"] == [
            {"round": 1, "asked": 5, "answered": 0, "right": 0, "minutes": 0.0}
        ]
        asked.append(read_labels(path, plan_of(mapped).legend))
    edit(mapped, **{"samples.labels": "labels.gpkg"})
    assert asked[0].equals(asked[1])


def test_what_is_missing_is_named(tiny, edit):
    with pytest.raises(ConfigError, match=r"samples\.labels is not set"):
        ask(plan_of(tiny))
    edit(tiny, **{"samples.labels": "labels.gpkg"})
    with pytest.raises(ConfigError, match="is not there yet"):
        ask(plan_of(tiny))
    with pytest.raises(ConfigError, match="2019 is no year"):
        ask(plan_of(tiny), year=2019)
    with pytest.raises(ConfigError, match="0 questions"):
        ask(plan_of(tiny), count=0)
