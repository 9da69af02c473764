"""The classifier beside the official recipe, a random forest and LightGBM.

``python -m benchmarks.accuracy --region NAME --seed N [--size KM] [--quick] [--keep FOLDER]
[--json]``

A virtual area is simulated and mapped with bocage's own chain up to the class probabilities; all
methods see the same monthly series at 2.5 m and the same samples, drawn from reference layers with
errors, and are measured at the same points against the truth: the classes of single pixels,
before generalisation. Points are drawn per true class, blind to every map, and weighted by area.
``python -m benchmarks.accuracy --table FILE …`` puts results together that were kept.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._accuracy_area import (
    QUICK_EPOCHS,
    Ground,
    bocage_answer,
    map_area,
    set_thresholds,
    survey,
)
from benchmarks._accuracy_methods import baseline_answer, read_features, recipe_answer
from benchmarks._accuracy_scores import Judge
from benchmarks._accuracy_table import table
from benchmarks._official_recipe import RecipeSettings
from benchmarks._tempcnn import TempCnnSettings
from bocage.model import BASELINES

METHODS = ("bocage", "official_recipe", *BASELINES)
POINTS, MINIMUM = 6000, 60
QUICK_POINTS, QUICK_MINIMUM = 400, 5


def measure(
    region: str, seed: int, size_km: float, folder: Path, *, quick: bool = False
) -> dict[str, Any]:
    """Map an area with every method and measure them.

    Parameters
    ----------
    region
        Biogeographical region of the virtual area.
    seed
        Of the area and of every random step of the methods.
    size_km
        Side of the area.
    folder
        Where the area is put; used again when it is there.
    quick
        Few epochs and points: shows the way, not the quality.
    """
    clock = {"start": time.perf_counter()}
    plan = map_area(folder, region, size_km, seed, quick=quick)
    clock["chain"] = time.perf_counter()
    points, minimum = (QUICK_POINTS, QUICK_MINIMUM) if quick else (POINTS, MINIMUM)
    ground = survey(plan, points, seed, minimum)
    features = read_features(ground)
    net = TempCnnSettings(seed=seed, **({"epochs": QUICK_EPOCHS} if quick else {}))
    answers = {"bocage": bocage_answer(ground)}
    clock["features"] = time.perf_counter()
    answers["official_recipe"], recipe = recipe_answer(
        ground, features, RecipeSettings(net=net, seed=seed)
    )
    clock["official_recipe"] = time.perf_counter()
    for name in BASELINES:
        answers[name] = baseline_answer(name, ground, features, seed)
        clock[name] = time.perf_counter()
    judge = judge_of(ground)
    marks = list(clock.items())
    return {
        "region": region,
        "seed": seed,
        "size_km": size_km,
        "quick": quick,
        "area_km2": round(plan.area_km2, 2),
        "samples": len(ground.samples),
        "sample_classes": int(ground.samples["code"].nunique()),
        "points": len(ground.points),
        "classes": int(ground.points["reference"].nunique()),
        "recipe": recipe,
        "seconds": {name: round(at - before, 1) for (_, before), (name, at) in pairwise(marks)},
        **{name: judge.levels(answers[name]) for name in METHODS},
        "sets": judge.sets(answers["bocage"].probability, set_thresholds(plan)),
        "difference": {
            name: judge.difference(answers["bocage"], answers[name]) for name in METHODS[1:]
        },
    }


def judge_of(ground: Ground) -> Judge:
    """What all methods are measured with."""
    points = ground.points
    return Judge(
        ground.plan.legend,
        points["stratum"].to_numpy(),
        points["weight"].to_numpy(np.float64),
        points["reference"].to_numpy(np.int64),
        ground.areas,
        np.column_stack([points.geometry.x, points.geometry.y]),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure an area, or put results together, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", default="continental")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=float, default=3.0, metavar="KM")
    parser.add_argument("--quick", action="store_true", help="few epochs and points")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the area there")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args(arguments)
    if options.table:
        results = [json.loads(path.read_text(encoding="utf-8")) for path in options.table]
        print(table(results, METHODS))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        result = measure(options.region, options.seed, options.size, folder, quick=options.quick)
    print(json.dumps(result) if options.json else table([result], METHODS))


if __name__ == "__main__":
    main()
