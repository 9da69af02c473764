"""Extremely randomised trees on single pixels, behind the interface of the field engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from bocage.errors import InputError
from bocage.grid import GRID_RATIO
from bocage.legend import Legend
from bocage.model._calibrate import fit_temperature, scores
from bocage.model._chips import Chips
from bocage.model._facts import Facts, Run, read_facts, write_facts
from bocage.model._features import feature_names, fill_months, pixel_features_of, with_indices
from bocage.model._season import statistics
from bocage.model._settings import ModelSettings
from bocage.model._store import read_arrays, write_arrays
from bocage.model._targets import Held, label_weights, present_classes, split_labels, usable

_ARRAYS = "model.npz"
_LARGEST_SET = 8  # labels that allow more classes than this teach a tree nothing
_LEAF = 2
_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class TreesModel:
    """A forest as plain arrays.

    Attributes
    ----------
    facts
        Legend, bands, months, metrics …
    arrays
        ``root`` (tree,), and per node ``feature`` (−1: leaf), ``threshold``, ``left``, ``right``;
        the class shares of a leaf lie in ``classes`` and ``shares`` from ``start[node]`` to
        ``start[node + 1]``.
    """

    facts: Facts
    arrays: dict[str, NDArray[Any]]

    def save(self, folder: Path | str) -> Path:
        """Write ``model.npz`` and ``model.json``; return the folder."""
        folder = Path(folder)
        write_arrays(folder / _ARRAYS, self.arrays, {"engine": "trees"})
        write_facts(folder, self.facts, (_ARRAYS,))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> TreesModel:
        """Read a folder that `save` has written; nothing in it is executed as code."""
        facts = read_facts(folder)
        arrays, _ = read_arrays(Path(folder) / _ARRAYS, "model")
        return cls(facts, arrays)

    def runner(self, threads: int = 1) -> Run:
        """A function from one window of a series to class probabilities at 2.5 m.

        It runs on one thread whatever `threads` says.
        """
        facts = self.facts

        def run(
            reflectance: NDArray[np.float32], seen: NDArray[np.bool_], months: tuple[int, ...]
        ) -> NDArray[np.float32]:
            at = [facts.months.index(m) for m in months]
            features = pixel_features_of(reflectance, seen, facts.bands, at, len(facts.months))
            shares = self.shares(np.nan_to_num(features))
            shape = (len(facts.codes), *reflectance.shape[-2:])
            return np.ascontiguousarray(soften(shares, facts.temperature).T).reshape(shape)

        return run

    def shares(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean class shares of the leaves, float32 (pixel, class)."""
        a = self.arrays
        out = np.zeros((len(features), len(self.facts.codes)), np.float32)
        _vote_compiled(
            np.ascontiguousarray(features, np.float32), a["root"], a["feature"], a["threshold"],
            a["left"], a["right"], a["start"], a["classes"], a["shares"], out,
        )  # fmt: skip
        out /= len(a["root"])
        return out


def train_trees(chips: Chips, legend: Legend, settings: ModelSettings) -> tuple[TreesModel, Held]:
    """Grow a forest on the labelled pixels; see `bocage.model.train`.

    Also what a forest without the calibration fold says of the labels of that fold.
    """
    chips.require(legend)
    chips = usable(chips)
    features, allowed = _label_features(chips), chips.allowed
    present = present_classes(allowed)
    split = split_labels(chips, settings)
    temperature, metrics = 1.0, dict[str, Any](calibrated=False)
    held_out = Held.nothing(len(chips.codes))
    if split.calibrate.any():
        trial = _grow(chips, features, split.train, present, settings)
        shares = TreesModel(_facts(chips, present, settings), trial).shares(
            features[split.calibrate]
        )
        log_shares = np.log(np.maximum(shares, _TINY))
        held = allowed[split.calibrate]
        temperature = fit_temperature(log_shares, held, chips.weight[split.calibrate])
        calibrated = soften(shares, temperature)
        before, after = scores(shares, held), scores(calibrated, held)
        where = np.flatnonzero(split.calibrate)
        held_out = Held(where, calibrated, held, chips.weight[split.calibrate])
        metrics = {"calibrated": True, "calibration": {**after, "ece_before": before["ece"]}}
    metrics["temperature"] = temperature
    metrics["notes"] = list(split.notes)
    every = np.ones(chips.labels, bool)
    arrays = _grow(chips, features, every, present, settings)
    return TreesModel(_facts(chips, present, settings, temperature, metrics), arrays), held_out


def _label_features(chips: Chips) -> NDArray[np.float32]:
    """Features of the labelled pixels, (label, feature)."""
    y, x = chips.row // GRID_RATIO, chips.column // GRID_RATIO
    values = chips.reflectance[chips.chip, :, :, chips.row, chips.column]
    seen = chips.observed[chips.chip, :, y, x]
    filled = fill_months(values.transpose(1, 2, 0).astype(np.float32), np.ascontiguousarray(seen.T))
    features = with_indices(filled, chips.bands)
    return np.ascontiguousarray(features.reshape(-1, chips.labels).T)


def _grow(
    chips: Chips,
    features: NDArray[np.float32],
    use: NDArray[np.bool_],
    present: NDArray[np.bool_],
    settings: ModelSettings,
) -> dict[str, NDArray[Any]]:
    """Grow the forest on some labels. A label of several classes counts as a part of each."""
    allowed = chips.allowed & present
    size = allowed.sum(axis=1)
    use = use & (size <= _LARGEST_SET) & (size > 0)
    if not use.any():
        raise InputError(
            "no label is narrow enough for trees",
            remedy=f"give labels that allow {_LARGEST_SET} classes at most, or the field engine",
        )
    weight = label_weights(allowed[use], chips.weight[use], present) / size[use]
    label, target = np.nonzero(allowed[use])
    forest = ExtraTreesClassifier(
        n_estimators=settings.trees, min_samples_leaf=_LEAF, random_state=settings.seed, n_jobs=1
    )
    forest.fit(features[use][label], target, sample_weight=weight[label])
    return _flatten(forest)


def _flatten(forest: ExtraTreesClassifier) -> dict[str, NDArray[Any]]:
    """The trees of a fitted forest, one after the other."""
    parts: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("feature", "threshold", "left", "right", "count", "classes", "shares")
    }
    root, nodes = [], 0
    for estimator in forest.estimators_:
        tree = estimator.tree_
        leaf = tree.children_left < 0
        values = tree.value[:, 0, :] / np.maximum(tree.value[:, 0, :].sum(axis=1), 1e-30)[:, None]
        values[~leaf] = 0
        node, column = np.nonzero(values > 0)
        parts["feature"].append(np.where(leaf, -1, tree.feature).astype(np.int32))
        parts["threshold"].append(tree.threshold)
        parts["left"].append((tree.children_left + nodes).astype(np.int32))
        parts["right"].append((tree.children_right + nodes).astype(np.int32))
        parts["count"].append(np.bincount(node, minlength=tree.node_count))
        parts["classes"].append(forest.classes_[column].astype(np.int16))
        parts["shares"].append(values[node, column].astype(np.float32))
        root.append(nodes)
        nodes += tree.node_count
    arrays = {name: np.concatenate(values) for name, values in parts.items()}
    start = np.concatenate([[0], np.cumsum(arrays.pop("count"))]).astype(np.int64)
    return {**arrays, "start": start, "root": np.array(root, np.int32)}


def _vote(
    features: NDArray[np.float32],
    root: NDArray[np.int32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    start: NDArray[np.int64],
    classes: NDArray[np.int16],
    shares: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    for tree in range(len(root)):
        for pixel in range(len(features)):
            node = root[tree]
            while feature[node] >= 0:
                if features[pixel, feature[node]] <= threshold[node]:
                    node = left[node]
                else:
                    node = right[node]
            for at in range(start[node], start[node + 1]):
                out[pixel, classes[at]] += shares[at]


_vote_compiled = njit(cache=True, nogil=True)(_vote)


def soften(shares: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Divide log-shares by the temperature; classes without any share stay near 0."""
    powers = np.maximum(shares, _TINY) ** np.float32(1 / temperature)
    found: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return found


def _facts(
    chips: Chips,
    present: NDArray[np.bool_],
    settings: ModelSettings,
    temperature: float = 1.0,
    metrics: dict[str, Any] | None = None,
) -> Facts:
    mean, deviation = statistics(chips.reflectance, chips.observed)
    names = feature_names(chips.bands, chips.months)
    return Facts(
        engine="trees",
        legend_id=chips.legend_id,
        codes=chips.codes,
        bands=chips.bands,
        resolutions=chips.resolutions,
        months=chips.months,
        mean=tuple(float(v) for v in mean),
        deviation=tuple(float(v) for v in deviation),
        temperature=temperature,
        absent=tuple(c for c, here in zip(chips.codes, present, strict=True) if not here),
        settings=settings,
        metrics={**(metrics or {}), "features": len(names)},
    )
