"""One model told the region, beside one that is not and beside a model for each region.

``python -m benchmarks.regions [--areas REGION:SEED …] [--size KM] [--parts PART …]
[--keep FOLDER] [--json]``

Virtual areas of several regions; points, levels and intervals as in `benchmarks.robustness`.
Parts: ``all`` labels; ``few``, where the last region stands for one with few labels, a twentieth
of its own; ``away``, where the model of the first region maps the last, as it is and after what it
is sure of there has taught another; ``border``, where the first area is cut into two regions of
its own at its middle: disagreement is the share of neighbouring pixels of different classes on
the two sides of the cut, against that of all other columns.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks._virtual import area_named
from benchmarks.robustness import Ground, prepare, right, self_labelled
from bocage.grid import FINE
from bocage.model import Classifier, ModelSettings, Pixels, concatenate, predict, train
from bocage.model._place import REGION

YEAR = 2021
AREAS = (("continental", 41), ("mediterranean", 41))
PARTS = ("all", "few", "away", "border")
POOR = 0.05
BLEND_M = 1000.0
COLUMNS = 40
"""Columns beside the cut that are compared with it, on each side."""

_FAR = 1e7


def everywhere(region: str) -> xr.DataArray:
    """Membership of a place that lies well inside a region."""
    corners = [-_FAR, _FAR]
    coords = {"layer": [f"{REGION}{region}"], "y": corners, "x": corners}
    return xr.DataArray(np.ones((1, 2, 2)), dims=("layer", "y", "x"), coords=coords)


def across(middle: float, blend_m: float) -> xr.DataArray:
    """Membership of two regions that meet at a line of equal x."""
    x = [-_FAR, middle - blend_m / 2, middle + blend_m / 2, _FAR]
    west = np.array([1.0, 1.0, 0.0, 0.0])
    shares = np.stack([west, 1 - west])[:, None].repeat(2, axis=1)
    coords = {"layer": [f"{REGION}west", f"{REGION}east"], "y": [-_FAR, _FAR], "x": x}
    return xr.DataArray(shares, dims=("layer", "y", "x"), coords=coords)


def of_region(pixels: Pixels, shares: Mapping[str, NDArray[np.floating]]) -> Pixels:
    """Pixels that belong to regions by so much."""
    place = np.stack(list(shares.values()), axis=1).astype(np.float32)
    return replace(pixels, layers=tuple(f"{REGION}{name}" for name in shares), place=place)


def few(pixels: Pixels, share: float, seed: int) -> Pixels:
    """All pixels without labels and a share of the labelled ones."""
    kept = np.random.default_rng(seed).random(len(pixels)) < share
    return pixels.pick(kept | ~pixels.labelled)


def compare(grounds: Mapping[str, Ground], seed: int, share: float = 1.0) -> dict[str, Any]:
    """Overall accuracy in each region by each kind of model, per cent.

    The last region has `share` of its labels.
    """
    settings = ModelSettings(seed=seed)
    names = list(grounds)
    pixels = {name: ground.pixels[YEAR] for name, ground in grounds.items()}
    pixels[names[-1]] = few(pixels[names[-1]], share, seed)
    legend = grounds[names[0]].plan.legend
    told = [of_region(p, {name: np.ones(len(p))}) for name, p in pixels.items()]
    models: dict[str, dict[str, Classifier]] = {
        "separate": {name: train(p, legend, settings) for name, p in pixels.items()},
        "global": dict.fromkeys(names, train(concatenate(list(pixels.values())), legend, settings)),
        "conditioned": dict.fromkeys(names, train(concatenate(told), legend, settings)),
    }
    found: dict[str, Any] = {}
    for kind, each in models.items():
        found[kind] = {}
        for name, ground in grounds.items():
            place = everywhere(name) if kind == "conditioned" else None
            found[kind][name] = _score(ground, right(ground, each[name], YEAR, place=place))
    return found


def away(home: Ground, other: Ground, seed: int) -> dict[str, Any]:
    """Overall accuracy of the model of one region in another, per cent."""
    settings, legend = ModelSettings(seed=seed), home.plan.legend
    own, plain = (train(ground.pixels[YEAR], legend, settings) for ground in (other, home))
    adapted = train(self_labelled(other, plain, YEAR, YEAR), legend, settings)
    models = {"own": own, "plain": plain, "adapted": adapted}
    return {name: _score(other, right(other, model, YEAR)) for name, model in models.items()}


def _score(ground: Ground, hits: NDArray[np.bool_]) -> dict[str, float]:
    weight = ground.points[YEAR]["weight"].to_numpy()
    oa = float(np.average(hits, weights=weight))
    # Points of a class count alike: the error of a weighted mean.
    error = float(np.sqrt((weight**2 * (hits - oa) ** 2).sum()) / weight.sum())
    return {"oa": round(100 * oa, 2), "ci95": round(196 * error, 2)}


def border(ground: Ground, seed: int) -> dict[str, float]:
    """Disagreement at the cut over that beside it, with one model and with one for each side."""
    pixels, legend = ground.pixels[YEAR], ground.plan.legend
    settings = ModelSettings(seed=seed)
    middle = FINE * round(float(np.median(pixels.x)) / FINE)
    west = pixels.x < middle
    share = np.clip(0.5 + (middle - pixels.x) / BLEND_M, 0, 1)
    one = train(of_region(pixels, {"west": share, "east": 1 - share}), legend, settings)
    left, right_side = (train(pixels.pick(side), legend, settings) for side in (west, ~west))
    found = {}
    for name in ("conditioned", "separate"):
        cut = beside = 0.0
        for block in ground.plan.blocks:
            series = ground.series(YEAR, block)
            at = int(np.searchsorted(series["x"].values, middle))
            if not COLUMNS < at < series.sizes["x"] - COLUMNS:
                continue
            if name == "conditioned":
                place = across(middle, BLEND_M)
                classes = predict(one, series, place=place).best.values
            else:
                sides = [predict(model, series).best.values for model in (left, right_side)]
                classes = np.concatenate([sides[0][:, :at], sides[1][:, at:]], axis=1)
            near = classes[:, at - COLUMNS : at + COLUMNS]
            change = (near[:, 1:] != near[:, :-1]).mean(axis=0)
            cut += float(change[COLUMNS - 1])
            beside += float(np.delete(change, COLUMNS - 1).mean())
        found[name] = round(cut / beside, 3) if beside else float("nan")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=area_named, nargs="+", default=AREAS)
    parser.add_argument("--size", type=float, default=2.0)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        grounds = {}
        for region, seed in options.areas:
            folder = (options.keep or Path(scratch)) / f"{region}_{seed}"
            grounds[region] = prepare(folder, region, options.size, seed, (YEAR,))
        seed = options.areas[0][1]
        first, *_, last = grounds.values()
        parts: dict[str, Callable[[], Any]] = {
            "all": lambda: compare(grounds, seed),
            "few": lambda: compare(grounds, seed, POOR),
            "away": lambda: away(first, last, seed),
            "border": lambda: border(first, seed),
        }
        found = {}
        for name in options.parts:  # each takes minutes
            found[name] = parts[name]()
            print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"areas": options.areas, "size_km": options.size, **found}))
        return
    for case in ("all", "few"):
        for kind, rows in found.get(case, {}).items():
            print(f"{case} labels, level 4, overall accuracy, {kind:<12} {_text(rows)}")
    if "away" in found:
        print(f"the first region's model in the last, overall accuracy: {_text(found['away'])}")
    if "border" in found:
        print("disagreement at a border over that beside it (ratio):", found["border"])


def _text(rows: Mapping[str, Mapping[str, float]]) -> str:
    return "  ".join(f"{name} {row['oa']:.1f} ± {row['ci95']:.1f}" for name, row in rows.items())


if __name__ == "__main__":
    main()
