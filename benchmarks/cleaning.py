"""How many wrong labels the cleaning finds on virtual areas, and what that does to a map.

``python -m benchmarks.cleaning [--region NAME …] [--seed N …] [--size KM] [--json]``

Samples are pixels of 10 m of an area, drawn by the labels that its reference layers give. Cases:
*layers*, the labels of N2K and CLC+ with the errors they have; *planted*, true labels with
errors of single samples, which depend on the class; *patches*, the same where samples that lie
together share the error. The cleaning sees labels and spectra alone. Precision and recall are
those of the removed labels, **bare** without caps, floors and the sparing of mixed classes. A
forest is trained on the labels as given, cleaned, and without any wrong one (*ideal*), and
measured at random pixels of another landscape of the region that nothing has seen.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from benchmarks._interval import half_width
from benchmarks._learners import regression, trees
from benchmarks._plant import plant, plant_patches
from benchmarks._virtual import legend
from benchmarks._virtual_points import Points, virtual_area
from bocage.samples import (
    KEEP,
    Evidence,
    gather_evidence,
    judge,
    load_cleaning_rules,
    nearest_neighbours,
    out_of_fold,
    random_folds,
)

REGIONS = ("continental", "mediterranean", "boreal")
UNSEEN = 1000
"""Added to the seed: the landscape of the test points."""
TREES = 100


def one_hot(index: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Labels of one class each, bool (sample, class)."""
    found = np.zeros((len(index), len(legend().codes())), bool)
    found[np.arange(len(index)), index.astype(int) - 1] = True
    return found


def cases(points: Points, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Labels by case, bool (sample, class)."""
    truth = points.truth
    return {
        "layers": points.allowed,
        "planted 10 %": one_hot(plant(truth, 0.1, seed)),
        "planted 20 %": one_hot(plant(truth, 0.2, seed)),
        "patches 10 %": one_hot(plant_patches(truth, points.xy, 0.1, seed)),
    }


def evidence_about(points: Points, allowed: NDArray[np.bool_], seed: int) -> Evidence:
    """Two spatial members and two random ones, about every label."""
    forest = trees(seed, TREES)
    spatial = out_of_fold([forest, regression()], points.features, allowed, points.fold)
    folds = random_folds(np.arange(len(allowed)), seed=seed)
    random = out_of_fold([forest, nearest_neighbours()], points.features, allowed, folds)
    return gather_evidence(spatial, random, allowed, np.zeros(len(allowed), int))


def measure(name: str, size_km: float, seed: int) -> list[dict[str, Any]]:
    """One row a case."""
    points = virtual_area(name, size_km, seed).labelled
    test = virtual_area(name, size_km, seed + UNSEEN).random
    rows = []
    for case, allowed in cases(points, seed).items():
        began = time.perf_counter()
        found = measure_case(points, allowed, seed, test)
        seconds = round(time.perf_counter() - began, 1)
        rows.append({"region": name, "seed": seed, "case": case, **found, "seconds": seconds})
    return rows


def measure_case(
    points: Points, allowed: NDArray[np.bool_], seed: int, test: Points
) -> dict[str, Any]:
    """Precision and recall of what was removed, and accuracies with and without it."""
    rules = load_cleaning_rules(legend())
    bare = replace(rules, heterogeneous=(), cap=1.0, floor=0)
    _, label = np.unique(allowed, axis=0, return_inverse=True)
    label = label.reshape(-1)
    leaves = [legend().index(code) - 1 for code in rules.heterogeneous]
    mixed = allowed[:, leaves].any(axis=1)
    region = np.zeros(len(label), int)
    evidence = evidence_about(points, allowed, seed)
    verdicts = judge(evidence, label, region, mixed, rules)
    every = judge(evidence, label, region, np.zeros_like(mixed), bare).verdict != KEEP
    removed = verdicts.verdict != KEEP
    wrong = ~allowed[np.arange(len(label)), points.truth.astype(int) - 1]
    left = pd.Series(~removed).groupby(label).sum()
    size = pd.Series(label).value_counts().reindex(left.index)
    below = int((left < np.minimum(size, rules.floor)).sum())
    return {
        "samples": len(label),
        "wrong": round(float(wrong.mean()), 4),
        "removed": round(float(removed.mean()), 4),
        "precision": _share(wrong, removed),
        "recall": _share(removed, wrong),
        "bare_precision": _share(wrong, every),
        "bare_recall": _share(every, wrong),
        "kept_mixed": int(verdicts.report["kept_mixed"].sum()),
        "kept_by_cap": int(verdicts.report["kept_by_cap"].sum()),
        "kept_by_floor": int(verdicts.report["kept_by_floor"].sum()),
        "labels_below_floor": below,
        "given": _accuracy(points, allowed, np.ones_like(wrong), seed, test),
        "cleaned": _accuracy(points, allowed, ~removed, seed, test),
        "ideal": _accuracy(points, allowed, ~wrong, seed, test),
    }


def _share(part: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return round(float(part[of].mean()), 4) if of.any() else float("nan")


def _accuracy(
    points: Points, allowed: NDArray[np.bool_], use: NDArray[np.bool_], seed: int, test: Points
) -> dict[str, float]:
    """Overall accuracy and macro-F1 at level 4 of a forest at the test points."""
    shares = trees(seed, TREES)(points.features[use], allowed[use], test.features)
    guess = shares.argmax(axis=1) + 1
    macro = f1_score(
        test.truth, guess, labels=np.unique(test.truth), average="macro", zero_division=0
    )
    return {
        "oa": round(float((guess == test.truth).mean()), 4),
        "macro_f1": round(float(macro), 4),
    }


def interval(values: Sequence[float]) -> str:
    """Mean and interval of 95 % (Student's t) of shares, in per cent."""
    x = 100 * np.asarray(values, float)
    if len(x) < 2:
        return f"{x.mean():.1f}"
    return f"{x.mean():.1f} ± {half_width(x):.1f}"


def _show(row: dict[str, Any]) -> None:
    accuracy = "  ".join(
        f"{kind} {100 * row[kind]['oa']:.1f}/{100 * row[kind]['macro_f1']:.1f}"
        for kind in ("given", "cleaned", "ideal")
    )
    print(
        f"{row['region']:<14} seed {row['seed']} {row['case']:<13}"
        f" wrong {100 * row['wrong']:4.1f} %, removed {100 * row['removed']:4.1f} %:"
        f" precision {100 * row['precision']:.1f}, recall {100 * row['recall']:.1f}"
        f" (bare {100 * row['bare_precision']:.1f}, {100 * row['bare_recall']:.1f});"
        f" OA/macro-F1 {accuracy};"
        f" kept: mixed {row['kept_mixed']}, cap {row['kept_by_cap']}, floor {row['kept_by_floor']};"
        f" labels below the floor {row['labels_below_floor']}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure regions and seeds and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", nargs="+", default=list(REGIONS), metavar="NAME")
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--size", type=float, default=3.0, metavar="KM")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = []
    for name in options.region:
        for seed in options.seed:
            found = measure(name, options.size, seed)
            rows += found
            if not options.json:
                for row in found:
                    _show(row)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"\n{len(options.region)} regions × {len(options.seed)} seeds, mean ± 95 % interval")
    for case in dict.fromkeys(row["case"] for row in rows):
        own = [row for row in rows if row["case"] == case]
        gain = [row["cleaned"]["oa"] - row["given"]["oa"] for row in own]
        best = [row["ideal"]["oa"] - row["given"]["oa"] for row in own]
        print(
            f"  {case:<13} precision {interval([r['precision'] for r in own])},"
            f" recall {interval([r['recall'] for r in own])}"
            f" (bare {interval([r['bare_precision'] for r in own])},"
            f" {interval([r['bare_recall'] for r in own])});"
            f" OA gained {interval(gain)} of {interval(best)} points"
        )


if __name__ == "__main__":
    main()
