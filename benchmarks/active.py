"""Accuracy against the number of labels: active learning beside random sampling.

``python -m benchmarks.active [--region NAME … | --real] [--seed N …] [--size KM] [--budget N]
[--strategy NAME …] [--json]``

Virtual areas: a person could be asked for the class of random pixels of 10 m; the answer is the
truth. Every seed is a landscape of its own. Accuracy is measured in squares of 500 m that nobody
was asked about. ``--real``: declared parcels of Corsica 2022; a fifth of them, a strip across the
island, is the test, another one for each seed. A forest learns from the labels alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score

from benchmarks._corsica import read_parcels
from benchmarks._learners import regression, trees
from benchmarks._virtual import DATA, legend
from benchmarks._virtual_points import virtual_area
from bocage.samples import ActiveRules, TableOracle, learn_actively
from bocage.simulate._separability import fill_months

REGIONS = ("continental", "mediterranean")
REAL = "corsica_2022"
TREES = 60
STEP = 20
STRATEGIES: dict[str, dict[str, Any]] = {
    "random": {"start": "random", "score": "random"},
    "typical + margin": {},
    "typical + margin, rare": {"rare": True},
    "typical + margin, spread": {"spread": True},
    "typical + BALD, spread": {"score": "bald", "spread": True},
}
"""Changes to the rules by name; the first is the peer."""
NEEDED_AT = (0.5, 0.75, 1.0)
"""Shares of the budget at which the labels needed are compared."""


@dataclass(frozen=True)
class Case:
    """Samples to ask about, and samples to be measured at; classes are numbers from 0."""

    features: NDArray[np.float32]
    xy: NDArray[np.float64]
    label: NDArray[np.intp]
    test_features: NDArray[np.float32]
    test_label: NDArray[np.intp]
    classes: int


def virtual_case(name: str, size_km: float, seed: int) -> Case:
    """Random pixels of an area; a fifth of its squares is the test."""
    points = virtual_area(name, size_km, seed).random
    label = points.truth.astype(np.intp) - 1
    test = points.fold == seed % 5
    return _case(points.features, points.xy, label, test, len(legend().codes()))


def real_case(seed: int) -> Case:
    """Parcels of Corsica: bands of 2022 and terrain; one strip of five is the test."""
    parcels = read_parcels("strips")
    filled = fill_months(parcels.values.swapaxes(0, 1))
    features = np.column_stack([np.hstack(list(filled)), parcels.terrain])
    kept = np.isfinite(features).all(axis=1)
    number, names = pd.factorize(parcels.label[kept], sort=True)
    test = parcels.group[kept] == seed % 5
    return _case(features[kept], parcels.xy[kept], number.astype(np.intp), test, len(names))


def _case(
    features: NDArray[np.float32],
    xy: NDArray[np.float64],
    label: NDArray[np.intp],
    test: NDArray[np.bool_],
    classes: int,
) -> Case:
    pool = ~test
    return Case(features[pool], xy[pool], label[pool], features[test], label[test], classes)


def curve(case: Case, changes: dict[str, Any], seed: int, rules: ActiveRules) -> pd.DataFrame:
    """Accuracy at the test points by number of labels: ``labels``, ``oa``, ``macro_f1``."""
    learner = trees(seed, TREES)
    members = [learner, regression()] if changes.get("score") == "bald" else [learner]
    rows: list[tuple[int, float, float]] = []
    occurring = np.unique(case.test_label)

    def watch(places: NDArray[np.intp], labels: NDArray[np.intp]) -> None:
        allowed = np.zeros((len(places), case.classes), bool)
        allowed[np.arange(len(places)), labels] = True
        guess = learner(case.features[places], allowed, case.test_features).argmax(axis=1)
        macro = f1_score(case.test_label, guess, labels=occurring, average="macro", zero_division=0)
        rows.append((len(places), float((guess == case.test_label).mean()), float(macro)))

    learn_actively(
        case.features,
        case.xy,
        np.zeros(len(case.label), int),
        case.classes,
        members,
        TableOracle.of_truth(case.label),
        replace(rules, **changes),
        seed=seed,
        watch=watch,
    )
    return pd.DataFrame(rows, columns=["labels", "oa", "macro_f1"])


def labels_needed(own: pd.DataFrame, peer: pd.DataFrame, at: int, what: str) -> float:
    """Labels with which `own` reaches what `peer` has with `at` labels; inf: never.

    Mean curves over the seeds still go up and down by chance. Accuracy is expected to rise with
    the labels, so both are read from their best rising fit (isotonic regression).
    """
    aim = float(np.interp(at, peer["labels"], _rising(peer, what)))
    labels, reached = own["labels"].to_numpy(float), _rising(own, what)
    hit = np.flatnonzero(reached >= aim - 1e-12)
    if not len(hit):
        return float("inf")
    k = int(hit[0])
    if k == 0:
        return float(labels[0])
    share = (aim - reached[k - 1]) / (reached[k] - reached[k - 1])
    return float(labels[k - 1] + share * (labels[k] - labels[k - 1]))


def _rising(curve: pd.DataFrame, what: str) -> NDArray[np.float64]:
    fit = IsotonicRegression().fit(curve["labels"], curve[what])
    return np.asarray(fit.predict(curve["labels"]), np.float64)


def bootstrap_ratio(
    own: list[pd.DataFrame], peer: list[pd.DataFrame], at: int, what: str, times: int = 500
) -> tuple[float, float, float]:
    """Labels needed over labels of the peer, with an interval of 95 % from seeds drawn again."""
    rng = np.random.default_rng(0)
    ratios = []
    for draw in [np.arange(len(own)), *(rng.integers(0, len(own), (times, len(own))))]:
        means = [_mean_curve([curves[i] for i in draw]) for curves in (own, peer)]
        ratios.append(labels_needed(means[0], means[1], at, what) / at)
    low, high = np.quantile(ratios[1:], [0.025, 0.975], method="nearest")
    return ratios[0], float(low), float(high)


def _mean_curve(curves: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean over the seeds at every 20 labels; rounds may differ in size from seed to seed."""
    first = max(int(c["labels"].min()) for c in curves)
    last = min(int(c["labels"].max()) for c in curves)
    labels = np.arange(first, last + 1, STEP)
    means = {
        what: np.mean([np.interp(labels, c["labels"], c[what]) for c in curves], axis=0)
        for what in ("oa", "macro_f1")
    }
    return pd.DataFrame({"labels": labels, **means})


def measure(
    name: str, size_km: float, seeds: Sequence[int], budget: int, strategies: Sequence[str]
) -> dict[str, Any]:
    """Mean curves of all strategies, and the labels they need beside the first one."""
    curves: dict[str, list[pd.DataFrame]] = {strategy: [] for strategy in strategies}
    for seed in seeds:
        case = real_case(seed) if name == REAL else virtual_case(name, size_km, seed)
        most = min(budget, len(case.label) // STEP * STEP)
        # Never stopped by agreement: the curves are compared at equal numbers.
        rules = ActiveRules(budget=most, stable=2.0, distance_m=0.0)
        for strategy in strategies:
            curves[strategy].append(curve(case, STRATEGIES[strategy], seed, rules))
    peer, *others = strategies
    least = min(int(c["labels"].max()) for c in curves[peer])
    row: dict[str, Any] = {"region": name, "seeds": list(seeds), "curves": {}, "needed": {}}
    for strategy in strategies:
        mean = _mean_curve(curves[strategy])
        row["curves"][strategy] = mean[mean["labels"] <= least].round(4).to_dict("list")
    for strategy in others:
        row["needed"][strategy] = [
            {"at": at, "what": what, **_ratio(curves[strategy], curves[peer], at, what)}
            for what in ("oa", "macro_f1")
            for at in sorted({round(least * share / STEP) * STEP for share in NEEDED_AT})
        ]
    return row


def _ratio(
    own: list[pd.DataFrame], peer: list[pd.DataFrame], at: int, what: str
) -> dict[str, float | None]:
    found = bootstrap_ratio(own, peer, at, what)
    names = ("ratio", "low", "high")
    return {k: round(v, 3) if np.isfinite(v) else None for k, v in zip(names, found, strict=True)}


def _show(row: dict[str, Any]) -> None:
    print(f"\n{row['region']}, seeds {', '.join(map(str, row['seeds']))}: OA/macro-F1 by labels")
    steps = row["curves"]["random"]["labels"]
    shown = [i for i, n in enumerate(steps) if n in (40, 60, 100, 140, 200, 260, 300, 400, 600)]
    print(f"  {'':<38}" + "".join(f"{steps[i]:>12}" for i in shown))
    for strategy, own in row["curves"].items():
        places = [i for i in shown if i < len(own["oa"])]
        cells = [f"{100 * own['oa'][i]:.1f}/{100 * own['macro_f1'][i]:.1f}" for i in places]
        print(f"  {strategy:<38}" + "".join(f"{cell:>12}" for cell in cells))
    for strategy, needs in row["needed"].items():
        for need in needs:
            low, high = (_times(need[k]) for k in ("low", "high"))
            print(
                f"  {strategy}: {need['what']} of random with {need['at']} labels is reached"
                f" with {_times(need['ratio'])} of them [{low}, {high}]"
            )


def _times(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", nargs="+", default=list(REGIONS), metavar="NAME")
    parser.add_argument("--real", action="store_true", help="the parcels of Corsica instead")
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3, 4, 5], metavar="N")
    parser.add_argument("--size", type=float, default=3.0, metavar="KM")
    parser.add_argument("--budget", type=int, default=300, metavar="N", help="labels")
    parser.add_argument(
        "--strategy", nargs="+", default=list(STRATEGIES)[1:], choices=list(STRATEGIES)[1:],
        help="beside random",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.real and not (DATA / "points_corsica_2022").is_dir():
        parser.error(f"the real data are not at {DATA}")
    chosen = [next(iter(STRATEGIES)), *options.strategy]
    rows = []
    for name in [REAL] if options.real else options.region:
        rows.append(measure(name, options.size, options.seed, options.budget, chosen))
        if not options.json:
            _show(rows[-1])
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
