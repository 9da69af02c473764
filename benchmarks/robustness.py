"""What the classifier loses with fewer months, with wrong labels, and in a year it never saw.

``python -m benchmarks.robustness --region NAME --seed N [--size KM] [--keep FOLDER] [--json]``

A virtual area with two years is simulated. Overall accuracy at level 4 of single pixels at points
drawn per true class, at least 10 m from any sample, weighted by area:

- ``months``: the same weights, the series cut down to seven months (March to September);
- ``noise``: trained anew with a fifth of the labels replaced, class by class, by similar classes,
  on top of the errors that the reference layers have anyway;
- ``transfer``: trained on the first year, applied to the second, beside training on the second;
- ``adapted``: the same, but taught the second year by what the first map is sure of.

Losses carry an interval of 95 %, bootstrap over the points within their classes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from benchmarks._accuracy_area import by_block, measured_truth
from benchmarks._plant import plant
from bocage.accuracy import sample_points
from bocage.cubes import load_dataset
from bocage.model import Classifier, Pixels, concatenate, load_pixels, predict, read_pixels, train
from bocage.model import ModelSettings as Settings
from bocage.rasters import geobox_of, inside, wrap
from bocage.samples import collect, read_samples
from bocage.simulate import simulate
from bocage.superres import superresolve
from bocage.workflow import Plan, load_project, make_plan, run
from bocage.workflow.rooms.imagery import mosaic_file
from bocage.workflow.rooms.samples import pixel_file, sample_file

YEARS = (2021, 2024)
SEASON = (3, 4, 5, 6, 7, 8, 9)
NOISE = 0.2
POINTS, MINIMUM = 4000, 40
SURE = 0.8
_SELF_LABELS = 8000
_DRAWS = 400


@dataclass(frozen=True, eq=False)
class Ground:
    """An area with its pixels to learn from, and points of each year."""

    plan: Plan
    pixels: dict[int, Pixels]
    points: dict[int, gpd.GeoDataFrame]

    def series(self, year: int, block: Any) -> xr.Dataset:
        """The series of a block."""
        mosaic = load_dataset(mosaic_file(self.plan, year, block))
        return superresolve(mosaic, self.plan.project.superres.backend)


def prepare(
    folder: Path, region: str, size_km: float, seed: int, years: tuple[int, ...] = YEARS
) -> Ground:
    """Simulate an area and read what is learned from; what is there already is used again."""
    if not (folder / "project.yaml").exists():
        simulate(folder, region=region, size_km=size_km, seed=seed, years=years)
    plan = make_plan(load_project(folder / "project.yaml"))
    run(plan, until="superres")
    pixels = {
        year: concatenate([load_pixels(pixel_file(plan, year, b)) for b in plan.blocks])
        for year in years
    }
    return Ground(plan, pixels, {year: _points(plan, year, seed) for year in years})


def _points(plan: Plan, year: int, seed: int) -> gpd.GeoDataFrame:
    table = collect(read_samples(sample_file(plan, b)) for b in plan.blocks)
    truth, grid = measured_truth(plan, year, table)
    return sample_points(wrap(truth, grid), POINTS, seed, minimum=MINIMUM)


def right(
    ground: Ground,
    model: Classifier,
    year: int,
    months: Sequence[int] | None = None,
    place: xr.DataArray | None = None,
) -> NDArray[np.bool_]:
    """Which points a model maps rightly, from all months or some."""
    points = ground.points[year]
    found = np.zeros(len(points), np.uint8)
    for block, here in by_block(points, ground.plan):
        series = ground.series(year, block)
        if months is not None:
            series = series.sel(month=[m for m in series["month"].values if m in months])
        best = predict(model, series, place=place).best
        part = points.iloc[here].geometry
        at = {n: xr.DataArray(v.to_numpy(), dims="at") for n, v in (("x", part.x), ("y", part.y))}
        found[here] = best.sel(at, method="nearest").values
    hits: NDArray[np.bool_] = found == points["stratum"].to_numpy()
    return hits


def with_noise(pixels: Pixels, seed: int) -> Pixels:
    """A fifth of the labels that name one class replaced, class by class."""
    single = pixels.labelled & (pixels.allowed.sum(axis=1) == 1)
    given = pixels.allowed[single].argmax(axis=1).astype(np.uint8) + 1
    wrong = plant(given, NOISE, seed)
    label = pixels.label.copy()
    label[single] = len(pixels.sets) + wrong.astype(np.int32) - 1
    sets = np.concatenate([pixels.sets, np.eye(len(pixels.codes), dtype=bool)])
    return replace(pixels, sets=sets, label=label)


def self_labelled(ground: Ground, model: Classifier, first: int, second: int) -> Pixels:
    """Pixels of a year, labelled with what the map of the same or another year is sure of."""
    each = _SELF_LABELS // len(ground.plan.blocks)
    parts = []
    for block in ground.plan.blocks:
        posterior = predict(model, ground.series(first, block))
        sure = (posterior.confidence >= 100 * SURE) & inside(
            ground.plan.area, geobox_of(posterior.best)
        )
        row, column = np.nonzero(sure.values)
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(row), min(each, len(row)), replace=False)
        row, column = row[chosen], column[chosen]
        code = ground.plan.legend.code_table()[posterior.best.values[row, column]]
        frame = gpd.GeoDataFrame(
            pd.DataFrame(
                {
                    "sample_id": [f"{block.id}-{i}" for i in range(len(row))],
                    "code": code,
                    "allowed": [str(c) for c in code],
                    "weight": 1.0,
                    "fold": 0,
                }
            ),
            geometry=gpd.points_from_xy(posterior.best["x"][column], posterior.best["y"][row]),
            crs="EPSG:3035",
        )
        series = ground.series(second, block)
        parts.append(read_pixels(series, frame, ground.plan.legend, area=ground.plan.area,
                                 unlabelled=_SELF_LABELS))  # fmt: skip
    return concatenate(parts)


def measure(folder: Path, region: str, size_km: float, seed: int) -> dict[str, Any]:
    """Losses of overall accuracy, per cent, and the accuracies they come from."""
    ground = prepare(folder, region, size_km, seed)
    legend, settings = ground.plan.legend, Settings(seed=seed)
    first, second = YEARS
    old = train(ground.pixels[first], legend, settings)
    noisy = train(with_noise(ground.pixels[first], seed), legend, settings)
    new = train(ground.pixels[second], legend, settings)
    taught = train(self_labelled(ground, old, first, second), legend, settings)
    here = right(ground, old, first)
    there = right(ground, new, second)
    cases = {
        "months": (first, here, right(ground, old, first, SEASON)),
        "noise": (first, here, right(ground, noisy, first)),
        "transfer": (second, there, right(ground, old, second)),
        "adapted": (second, there, right(ground, taught, second)),
    }
    found = {
        name: _loss(ground.points[year], before, after)
        for name, (year, before, after) in cases.items()
    }
    return {"region": region, "seed": seed, "size_km": size_km, **found}


def _loss(
    points: gpd.GeoDataFrame, before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> dict[str, Any]:
    weight, stratum = points["weight"].to_numpy(), points["stratum"].to_numpy()
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
    lost = before.astype(float) - after
    drawn = []
    for _ in range(_DRAWS):
        at = np.concatenate([rng.choice(own, len(own)) for own in members])
        drawn.append(np.average(lost[at], weights=weight[at]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "before": round(100 * float(np.average(before, weights=weight)), 2),
        "after": round(100 * float(np.average(after, weights=weight)), 2),
        "loss": round(100 * float(np.average(lost, weights=weight)), 2),
        "loss_ci95": [round(100 * float(low), 2), round(100 * float(high), 2)],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure an area and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", default="continental")
    parser.add_argument("--seed", type=int, default=41)
    parser.add_argument("--size", type=float, default=2.0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        result = measure(folder, options.region, options.size, options.seed)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{options.region}, seed {options.seed}, {options.size} km, level 4, overall accuracy")
    for name in ("months", "noise", "transfer", "adapted"):
        row = result[name]
        low, high = row["loss_ci95"]
        print(
            f"  {name:<9} {row['before']:5.1f} -> {row['after']:5.1f}"
            f"  loss {row['loss']:5.2f} [{low:.2f}, {high:.2f}]"
            f"  ratio {row['after'] / row['before']:.3f}"
        )


if __name__ == "__main__":
    main()
