"""How hard the virtual landscapes are for a strong classifier at 10 m.

A random forest learns true classes at random pixels of some seeds of a region and is measured at
random pixels of other seeds: ``python -m benchmarks.virtual_separability [--regions NAME …]
[--size KM] [--train-seeds N …] [--test-seeds N …] [--json]``. It sees the months of one year:
medians of the dates that the scene classification calls clear, gaps filled in from the months
around. The label of a pixel is the class of most of its 16 true pixels. Pixels of the sea, which
everyone finds, are not tested: a coast is as hard as its land.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score

from benchmarks._interval import half_width
from benchmarks._virtual import landscapes, legend
from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._expose import textures
from bocage.simulate._film import Film, load_films
from bocage.simulate._landscape import build_landscape
from bocage.simulate._paint import mixing_fields
from bocage.simulate._separability import monthly_medians
from bocage.simulate._tables import BANDS, class_table, region
from bocage.simulate._year import write_year

YEAR = 2021
USED = tuple(b for b in BANDS if b not in ("B01", "B09"))
TREES = 300
SCENE_PIXELS = 6000
"""Random pixels of a scene."""
LEAST_CLASS, MOST_CLASS = 60, 700
"""Pixels of a class in a training scene: topped up to the one where there are, cut at the other."""
JOBS = 2


@dataclass(frozen=True)
class Scene:
    """Features (pixel, feature) and class index (pixel,) of random pixels of a seed."""

    features: NDArray[np.float32]
    labels: NDArray[np.uint8]


def scene(name: str, size_km: float, seed: int, train: bool) -> Scene:
    """Simulate a seed and look at random pixels of it."""
    countryside = region(name)
    domain = Domain.around(countryside.place, size_km)
    scoped = Seed(seed, name)
    landscape = build_landscape(domain, countryside, scoped)
    films = load_films(domain)
    labels, rows, columns = majority(class_table(legend())[landscape.land], films[0], domain)
    chosen = _draw(labels, scoped.rng("separability"), train)
    probes = pd.DataFrame({"x": columns[chosen] * FINE, "y": rows[chosen] * FINE})
    with tempfile.TemporaryDirectory() as folder:
        layers = (mixing_fields(domain, scoped), *textures(domain, scoped))
        _, record = write_year(
            Path(folder), landscape, layers, films, YEAR, scoped, lambda _: None, probes=probes
        )
    bands = [BANDS.index(b) for b in USED]
    monthly = monthly_medians(record.probe_values[:, :, bands], record.probe_dates)
    seen = np.isfinite(monthly).all(axis=(0, 2))
    return Scene(monthly_features(monthly)[seen], labels[chosen][seen])


def majority(
    classes: NDArray[np.uint8], film: Film, domain: Domain
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """Commonest class of the 16 true pixels around each pixel of 10 m in the mapped area."""
    rows, columns = film.rows[10].ravel(), film.columns[10].ravel()
    rim, side = domain.margin / FINE, domain.side / FINE
    mapped = (rows > rim) & (rows < side - rim) & (columns > rim) & (columns < side - rim)
    rows, columns = rows[mapped], columns[mapped]
    offsets = np.arange(-2, 2) + 0.5
    r = np.floor(rows[:, None, None] + offsets[:, None]).astype(int)
    c = np.floor(columns[:, None, None] + offsets[None, :]).astype(int)
    found = classes[r, c].reshape(len(rows), 16)
    found.sort(axis=1)
    # In sorted values the commonest one has the longest run.
    best, most = found[:, 0].copy(), np.ones(len(rows), int)
    run = np.ones(len(rows), int)
    for k in range(1, 16):
        run = np.where(found[:, k] == found[:, k - 1], run + 1, 1)
        longer = run > most
        best[longer], most[longer] = found[longer, k], run[longer]
    return best, rows, columns


def _draw(labels: NDArray[np.uint8], rng: np.random.Generator, train: bool) -> NDArray[np.int64]:
    order = rng.permutation(len(labels))
    chosen = order[:SCENE_PIXELS]
    if not train:
        return chosen[~np.isin(labels[chosen], [legend().index(code) for code in _sea()])]
    parts = []
    for value in np.unique(labels):
        own = chosen[labels[chosen] == value][:MOST_CLASS]
        if len(own) < LEAST_CLASS:
            own = order[labels[order] == value][:LEAST_CLASS]
        parts.append(own)
    return np.concatenate(parts)


def _sea() -> tuple[int, ...]:
    """Leaf codes of the group "Sea and ocean"."""
    return tuple(c for c in legend().codes() if legend()[c].names[1] == "Sea and ocean")


def monthly_features(monthly: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bands and three indices of all months, shape (pixel, feature)."""
    band = {name: monthly[..., i] for i, name in enumerate(USED)}
    indices = [
        (band[a] - band[b]) / np.maximum(band[a] + band[b], 1e-4)
        for a, b in (("B08", "B04"), ("B8A", "B11"), ("B03", "B08"))
    ]
    stacked = np.concatenate([monthly, np.stack(indices, axis=-1)], axis=-1)
    return np.moveaxis(stacked, 1, 0).reshape(monthly.shape[1], -1).astype(np.float32)


def measure(
    name: str, size_km: float, train_seeds: Sequence[int], test_seeds: Sequence[int]
) -> dict[str, Any]:
    """Accuracy in a region at level 1 and 4, by unseen seed, and the strongest confusions."""
    began = time.perf_counter()
    train = [scene(name, size_km, s, train=True) for s in train_seeds]
    forest = RandomForestClassifier(
        TREES, min_samples_leaf=2, n_jobs=JOBS, random_state=0, max_features="sqrt"
    )
    forest.fit(
        np.concatenate([t.features for t in train]), np.concatenate([t.labels for t in train])
    )
    tests = [scene(name, size_km, s, train=False) for s in test_seeds]
    guesses = [forest.predict(t.features) for t in tests]
    row: dict[str, Any] = {
        "region": name,
        "size_km": size_km,
        "train_pixels": sum(len(t.labels) for t in train),
        "test_pixels": sum(len(t.labels) for t in tests),
    }
    for level in (1, 4):
        table = legend().code_table(level)
        pairs = [(table[t.labels], table[g]) for t, g in zip(tests, guesses, strict=True)]
        row[f"level_{level}"] = _accuracy(pairs)
    truth = np.concatenate([t.labels for t in tests])
    guess = np.concatenate(guesses)
    row["confusion_1"] = _matrix(truth, guess)
    row["confusions_4"] = _strongest(truth, guess)
    row["seconds"] = round(time.perf_counter() - began, 1)
    return row


def _accuracy(pairs: list[tuple[NDArray[np.int32], NDArray[np.int32]]]) -> dict[str, Any]:
    """Mean over the seeds with an interval of Student's t; macro-F1 of the classes that occur."""
    by_seed = np.array([float((truth == guess).mean()) for truth, guess in pairs])
    mean, low, high = float(by_seed.mean()), None, None
    if len(by_seed) > 1:
        half = half_width(by_seed)
        low, high = round(max(mean - half, 0.0), 4), round(min(mean + half, 1.0), 4)
    truth, guess = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    codes = np.unique(truth)
    return {
        "oa": round(mean, 4),
        "oa_ci95": [low, high],
        "oa_by_seed": by_seed.round(4).tolist(),
        "macro_f1": round(
            float(f1_score(truth, guess, labels=codes, average="macro", zero_division=0)), 4
        ),
        "classes": len(codes),
    }


def _matrix(truth: NDArray[np.uint8], guess: NDArray[np.uint8]) -> dict[str, dict[str, float]]:
    """Per cent of each true class of level 1 that is taken for each."""
    table, names = legend().code_table(1), legend().codes(1)
    one, other = table[truth], table[guess]
    return {
        str(a): {str(b): round(100 * float((other[one == a] == b).mean()), 1) for b in names}
        for a in names
        if (one == a).any()
    }


def _strongest(
    truth: NDArray[np.uint8], guess: NDArray[np.uint8], count: int = 15
) -> list[dict[str, float]]:
    """Pairs of leaves that are taken for each other most, in per cent of all pixels."""
    square = np.zeros((256, 256))
    np.add.at(square, (truth, guess), 1)
    np.fill_diagonal(square, 0)
    codes = (0, *legend().codes())
    found = []
    for flat in np.argsort(-square, axis=None, kind="stable")[:count]:
        i, j = divmod(int(flat), 256)
        if square[i, j] == 0:
            break
        own = int((truth == i).sum())
        found.append(
            {
                "true": codes[i],
                "taken_for": codes[j],
                "of_all": round(100 * square[i, j] / len(truth), 2),
                "of_class": round(100 * square[i, j] / own, 1),
            }
        )
    return found


def _show(row: dict[str, Any]) -> None:
    print(
        f"\n{row['region']}: {row['train_pixels']} training, {row['test_pixels']} test pixels,"
        f" {row['seconds']:.0f} s"
    )
    for level in (1, 4):
        own = row[f"level_{level}"]
        low, high = own["oa_ci95"]
        interval = f" [{100 * low:.1f}, {100 * high:.1f}]" if low is not None else ""
        seeds = ", ".join(f"{100 * v:.1f}" for v in own["oa_by_seed"])
        print(
            f"  level {level}: OA {100 * own['oa']:.1f}{interval} (by seed {seeds}),"
            f" macro-F1 {100 * own['macro_f1']:.1f} of {own['classes']} classes"
        )
    names = legend().codes(1)
    print("  true\\taken for " + "".join(f"{n:>7}" for n in names))
    for code, cells in row["confusion_1"].items():
        print(f"  {code:>13}  " + "".join(f"{cells[str(n)]:>7.1f}" for n in names))
    for pair in row["confusions_4"]:
        print(
            f"  {pair['true']} {legend().name(pair['true'])[:34]:<34} → {pair['taken_for']}"
            f" {legend().name(pair['taken_for'])[:34]:<34}{pair['of_all']:>6.2f} % of all,"
            f" {pair['of_class']:.0f} % of its own"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure region by region and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", nargs="+", default=[], metavar="NAME", help="all by default")
    parser.add_argument("--size", type=float, default=3.0, metavar="KM")
    parser.add_argument("--train-seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--test-seeds", type=int, nargs="+", default=[11, 12])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if set(options.train_seeds) & set(options.test_seeds):
        parser.error("training and test seeds must differ")
    rows = []
    for name in landscapes(options.regions):
        rows.append(measure(name, options.size, options.train_seeds, options.test_seeds))
        if not options.json:
            _show(rows[-1])
    if options.json:
        print(json.dumps(rows))
        return
    print(f"\n{'region':<24}{'level 1':>24}{'level 4':>24}   macro-F1, level 4")
    for row in rows:
        cells = ""
        for level in (1, 4):
            low, high = row[f"level_{level}"]["oa_ci95"]
            text = f"{100 * row[f'level_{level}']['oa']:.1f}"
            text += f" [{100 * low:.1f}, {100 * high:.1f}]" if low is not None else ""
            cells += f"{text:>24}"
        print(f"{row['region']:<24}{cells}   {100 * row['level_4']['macro_f1']:.1f}")


if __name__ == "__main__":
    main()
