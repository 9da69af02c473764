"""What the answers of a person do to a map: asked where it is in doubt, or anywhere.

``python -m benchmarks.expert [--region NAME] [--seed N] [--size KM] [--labels N] [--rounds N]
[--quick] [--keep FOLDER] [--json]``

A virtual area of one year is mapped as in `benchmarks.accuracy`, from reference layers with errors.
Then ``bocage ask`` puts so many questions, in one round or more; the truth answers, except where
the place holds several classes, which a person would leave open; and the area is mapped again.
Beside it as many answers at random places. All maps are measured at the same points, drawn per
true class, at least 10 m from samples of layers and from all answers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
import yaml
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from benchmarks._accuracy_area import (
    CLEAR_M,
    YEAR,
    Ground,
    bocage_answer,
    map_area,
    pixels_at,
    survey,
)
from benchmarks.accuracy import MINIMUM, POINTS, QUICK_MINIMUM, QUICK_POINTS, judge_of
from bocage.files import write_text
from bocage.grid import FINE, geobox
from bocage.legend import Legend
from bocage.rasters import read_onto
from bocage.samples import add_questions, pick_batch
from bocage.workflow import Plan, ask, load_project, make_plan, run
from bocage.workflow._ask import DISTANCE_M, candidates

REACH = 1
"""Pixels of 2.5 m around a place that must be of its class, or the person leaves it open."""

ARMS = ("asked", "random")


def measure(
    folder: Path, region: str, size_km: float, seed: int, labels: int, rounds: int, *, quick: bool
) -> dict[str, Any]:
    """Accuracy without answers, with those that were asked for and with random ones."""
    plan = map_area(folder, region, size_km, seed, quick=quick)
    points, minimum = (QUICK_POINTS, QUICK_MINIMUM) if quick else (POINTS, MINIMUM)
    ground = survey(plan, points, seed, minimum)
    maps, stores = {"base": bocage_answer(ground)}, {}
    for arm in ARMS:
        stores[arm] = learn(folder, plan, arm, labels, rounds, seed)
        maps[arm] = bocage_answer(ground)
    answers = [answered_places(path) for path in stores.values()]
    clear = np.ones(len(ground.points), bool)
    for found in answers:
        tree = shapely.STRtree(found.geometry.to_numpy())
        near = tree.query(ground.points.geometry.to_numpy(), "dwithin", distance=CLEAR_M)[0]
        clear[near] = False
    judge = judge_of(_some(ground, clear))
    some = {
        name: replace(m, code=m.code[clear], probability=m.probability[clear])
        for name, m in maps.items()
    }
    return {
        "region": region,
        "seed": seed,
        "size_km": size_km,
        "labels": labels,
        "rounds": rounds,
        "samples": len(ground.samples),
        "points": int(clear.sum()),
        "answered": {arm: len(found) for arm, found in zip(ARMS, answers, strict=True)},
        "levels": {name: judge.levels(m) for name, m in some.items()},
        "gain": {arm: judge.difference(some[arm], some["base"]) for arm in ARMS},
        "asked_on_random": judge.difference(some["asked"], some["random"]),
    }


def _some(ground: Ground, keep: NDArray[np.bool_]) -> Ground:
    return replace(ground, points=ground.points[keep].reset_index(drop=True))


def learn(folder: Path, plan: Plan, arm: str, labels: int, rounds: int, seed: int) -> Path:
    """Ask, answer and map again, round by round; the label store."""
    store = folder / f"{arm}.gpkg"
    store.unlink(missing_ok=True)
    project = folder / f"project_{arm}.yaml"
    bounds = np.array([b.bounds for b in plan.blocks])
    grid = geobox((*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)), FINE)
    truth = read_onto(plan.references[YEAR].path, grid).values.astype(np.uint8)
    settings = yaml.safe_load(plan.project.file.read_text(encoding="utf-8"))
    settings["samples"]["labels"] = store.name
    write_text(project, yaml.safe_dump(settings, sort_keys=False))
    for number in range(rounds):
        share = labels * (number + 1) // rounds - labels * number // rounds
        now = make_plan(load_project(project))
        if arm == "asked":
            ask(now, count=share)
        else:
            add_questions(store, anywhere(now, share, seed + number), now.legend)
        answer(store, truth, grid, now.legend)
        run(make_plan(load_project(project)), until="posterior")
    return store


def anywhere(plan: Plan, count: int, seed: int) -> gpd.GeoDataFrame:
    """Random places of the sites, as questions."""
    found = candidates(plan, YEAR)
    chance = np.random.default_rng(seed).random(len(found.xy))
    none = np.zeros(0, int)
    places = pick_batch(chance, found.year, found.xy, count, taken=none, distance_m=DISTANCE_M)
    xy = found.xy[places]
    return gpd.GeoDataFrame(
        {"round": 1, "year": YEAR, "why": "random"},
        index=range(len(xy)),
        geometry=gpd.points_from_xy(*xy.T),
        crs="EPSG:3035",
    )


def answer(store: Path, truth: NDArray[np.uint8], grid: GeoBox, legend: Legend) -> None:
    """Let the truth (class index) fill in the store."""
    frame = pyogrio.read_dataframe(store, layer="labels")
    row, column = pixels_at(frame, grid)
    steps = range(-REACH, REACH + 1)
    around = np.stack([truth[row + i, column + j] for i in steps for j in steps])
    code = legend.code_table()[around[len(around) // 2]]
    frame["code"] = np.where((around == around[:1]).all(axis=0), code, 0)
    pyogrio.write_dataframe(frame, store, layer="labels", driver="GPKG")


def answered_places(store: Path) -> gpd.GeoDataFrame:
    """Places with an answer."""
    frame = pyogrio.read_dataframe(store, layer="labels")
    return frame[frame["code"] > 0]


def _show(row: dict[str, Any]) -> None:
    print(f"{row['region']} {row['seed']}, {row['samples']} samples, {row['points']} points")
    for name, levels in row["levels"].items():
        cells = [f"{100 * r['oa']:.1f} / {100 * r['macro_f1']:.1f}" for r in levels.values()]
        count = row["answered"].get(name, 0)
        print(f"  {name:<7} {count:>4} answers: accuracy / macro-F1 by level {', '.join(cells)}")
    for name, found in (*row["gain"].items(), ("asked - random", row["asked_on_random"])):
        gain, low, high = (100 * v for v in found["4"]["oa"])
        print(f"  {name}: {gain:+.1f} [{low:+.1f}, {high:+.1f}] points at level 4")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", default="continental")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=float, default=2.0, metavar="KM")
    parser.add_argument("--labels", type=int, default=120, metavar="N")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("--quick", action="store_true", help="few epochs and points")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the area there")
    parser.add_argument("--json", action="store_true")
    o = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        row = measure(
            o.keep or Path(scratch), o.region, o.size, o.seed, o.labels, o.rounds, quick=o.quick
        )
    if o.json:
        print(json.dumps(row))
    else:
        _show(row)


if __name__ == "__main__":
    main()
