"""The classifier on real declared parcels, beside forests, boosted trees and a TempCNN.

``python -m benchmarks.corsica [--seed N …] [--split clusters|strips] [--json]``

Corsica 2022: 12 months of Sentinel-2 as the mean of each of some 480 declared parcels, eleven
classes, terrain. Five spatial groups (clusters, or strips from south to north), each predicted by
models trained on the other four; clusters are parts of the island and much the harder. Overall
accuracy, macro-F1 and F1 of grassland with shrubs, mean over seeds; the intervals of 95 % are a
bootstrap over parcels of the mean over seeds. Parcels have no surroundings here: the network sees
the parcel at all of its scales.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import f1_score

from benchmarks._corsica import DATA, SHRUB, Parcels, read_parcels
from benchmarks._tempcnn import TempCnnSettings, fit_tempcnn
from bocage.legend import Legend, LegendClass
from bocage.model import ModelSettings, Pixels, predict_pixels, train
from bocage.model._features import fill_months, with_indices
from bocage.model._scales import WIDE_M

_DRAWS = 1000
_MONTHS = tuple(range(1, 13))

Guess = Callable[[Parcels, NDArray[np.bool_], int], NDArray[np.intp]]
"""Parcels, which of them are held out, a seed → classes of those."""


def filled(parcels: Parcels) -> NDArray[np.float32]:
    """Months without gaps, (month, band, parcel)."""
    values = np.ascontiguousarray(parcels.values.transpose(1, 2, 0))
    return fill_months(values, np.asarray(np.isfinite(values).all(axis=1)))


def flat(cube: NDArray[np.float32], parcels: Parcels) -> NDArray[np.float32]:
    """Features of all months and the terrain, (parcel, feature)."""
    return np.column_stack([cube.reshape(-1, cube.shape[-1]).T, parcels.terrain])


def forest(parcels: Parcels, held: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """A random forest on bands and terrain."""
    return _sklearn(RandomForestClassifier(300, random_state=seed, n_jobs=1), parcels, held, False)


def extra_trees(parcels: Parcels, held: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Extremely randomised trees on bands, indices and terrain."""
    model = ExtraTreesClassifier(500, min_samples_leaf=2, random_state=seed, n_jobs=1)
    return _sklearn(model, parcels, held, True)


def lightgbm(parcels: Parcels, held: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Boosted trees on bands, indices and terrain."""
    model = LGBMClassifier(
        n_estimators=150, learning_rate=0.06, num_leaves=15, min_child_samples=8,
        feature_fraction=0.4, random_state=seed, n_jobs=1, verbose=-1,
    )  # fmt: skip
    return _sklearn(model, parcels, held, True)


def _sklearn(
    model: Any, parcels: Parcels, held: NDArray[np.bool_], indices: bool
) -> NDArray[np.intp]:
    cube = filled(parcels)
    features = flat(with_indices(cube, parcels.bands) if indices else cube, parcels)
    model.fit(features[~held], parcels.label[~held])
    return np.asarray(model.predict(features[held]), np.intp)


def tempcnn(parcels: Parcels, held: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """A TempCNN on all bands."""
    series = np.ascontiguousarray(filled(parcels).transpose(2, 1, 0))
    weight = np.ones(int((~held).sum()))
    settings = TempCnnSettings(epochs=70, batch=32, seed=seed)
    model = fit_tempcnn(series[~held], parcels.label[~held], weight, settings)
    said = model.probabilities(series[held]).argmax(axis=1)
    return np.asarray(model.classes[said], np.intp)


def bocage(parcels: Parcels, held: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """The network of the `field` engine; the held-out parcels teach it without their labels."""
    pixels, legend = as_pixels(parcels, held)
    model = train(pixels, legend, ModelSettings(seed=seed))
    return np.asarray(predict_pixels(model, pixels)[held].argmax(axis=1), np.intp)


def as_pixels(parcels: Parcels, held: NDArray[np.bool_]) -> tuple[Pixels, Legend]:
    """Parcels as training data, those held out without a label, and the legend of their classes."""
    count = len(parcels.label)
    codes = tuple(range(1, len(parcels.names) + 1))
    legend = Legend("corsica", tuple(LegendClass((c,), (str(c),), "#808080") for c in codes))
    near = parcels.values.astype(np.float16)
    label = np.where(held, -1, parcels.label).astype(np.int32)
    pixels = Pixels(
        legend_id=legend.id,
        codes=codes,
        bands=parcels.bands,
        resolutions=(10,) * len(parcels.bands),
        months=_MONTHS,
        near=near,
        wide=near[:, None].repeat(len(WIDE_M), axis=1),
        observed=np.asarray(np.isfinite(parcels.values).all(axis=2)),
        x=parcels.xy[:, 0],
        y=parcels.xy[:, 1],
        label=label,
        weight=(~held).astype(np.float32),
        fold=np.where(held, -1, parcels.group).astype(np.int16),
        sample_id=np.where(held, "", np.arange(count).astype(str)),
        sets=np.eye(len(codes), dtype=bool),
        layers=("slope", "elevation"),
        place=parcels.terrain,
    )
    return pixels, legend


METHODS: dict[str, Guess] = {
    "bocage": bocage,
    "random_forest": forest,
    "extra_trees": extra_trees,
    "lightgbm": lightgbm,
    "tempcnn": tempcnn,
}


def measure(seeds: Sequence[int], split: str = "clusters") -> dict[str, Any]:
    """Scores of every method, per cent."""
    parcels = read_parcels(split)
    shrub = parcels.names.index(SHRUB)
    found: dict[str, Any] = {"parcels": len(parcels.label), "classes": len(parcels.names)}
    for name, guess in METHODS.items():
        said = np.stack([_held_out(parcels, guess, seed) for seed in seeds])
        draws = [
            np.random.default_rng(d).integers(len(parcels.label), size=len(parcels.label))
            for d in range(_DRAWS)
        ]
        scores = _scores(parcels.label, said, shrub)
        drawn = [_scores(parcels.label[at], said[:, at], shrub) for at in draws]
        found[name] = {
            key: [
                round(100 * value, 1),
                *(round(100 * float(v), 1) for v in np.percentile([d[key] for d in drawn],
                                                                  (2.5, 97.5))),
            ]
            for key, value in scores.items()
        }  # fmt: skip
    return found


def _held_out(parcels: Parcels, guess: Guess, seed: int) -> NDArray[np.intp]:
    said = np.zeros(len(parcels.label), np.intp)
    for group in np.unique(parcels.group):
        held = parcels.group == group
        said[held] = guess(parcels, held, seed)
    return said


def _scores(label: NDArray[np.intp], said: NDArray[np.intp], shrub: int) -> dict[str, float]:
    classes = np.unique(label)
    each = [f1_score(label, s, labels=classes, average=None, zero_division=0) for s in said]
    f1 = np.mean(each, axis=0)
    return {
        "oa": float((said == label).mean()),
        "macro_f1": float(f1.mean()),
        "shrub_f1": float(f1[classes == shrub].mean()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--split", choices=("clusters", "strips"), default="clusters")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        parser.error(f"the parcels are not at {DATA}")
    result = measure(options.seed, options.split)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['parcels']} parcels, {result['classes']} classes, five {options.split}")
    best = max(result[m]["oa"][0] for m in METHODS if m != "bocage")
    for name in METHODS:
        row = result[name]
        text = "  ".join(
            f"{k} {v:.1f} [{low:.1f}, {high:.1f}]" for k, (v, low, high) in row.items()
        )
        print(f"  {name:<14} {text}  ratio to the best peer {row['oa'][0] / best:.3f}")


if __name__ == "__main__":
    main()
