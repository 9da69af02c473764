"""Extremely randomised trees on single pixels, behind the interface of the field engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.model._alike import guide_of
from bocage.model._calibrate import calibrate_alone, soften
from bocage.model._facts import Answer, Facts, Run, read_facts, write_facts
from bocage.model._features import feature_names, with_indices
from bocage.model._pixels import Pixels, filled_seasons
from bocage.model._scales import Look
from bocage.model._settings import ModelSettings
from bocage.model._split import split_labels
from bocage.model._store import read_arrays, write_arrays
from bocage.model._targets import (
    Held,
    label_weights,
    labels_by_class,
    present_classes,
    usable,
)

_ARRAYS = "model.npz"
_LARGEST_SET = 8  # labels that allow more classes than this teach a tree nothing
_LEAF = 2


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

        def run(look: Look) -> Answer:
            shape = (len(facts.codes), *look.near.shape[-2:])
            shares = self.shares(np.nan_to_num(features_of(look, facts.bands)))
            found = soften(shares, facts.temperature).T
            return Answer(np.ascontiguousarray(found).reshape(shape))

        return run

    def shares(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean class shares of the leaves, float32 (pixel, class)."""
        return leaf_shares(self.arrays, features, len(self.facts.codes))


def leaf_shares(
    arrays: dict[str, NDArray[Any]], features: NDArray[np.float32], classes: int
) -> NDArray[np.float32]:
    """Mean class shares of the leaves of a forest, float32 (pixel, class)."""
    a = arrays
    out = np.zeros((len(features), classes), np.float32)
    _vote_compiled(
        np.ascontiguousarray(features, np.float32), a["root"], a["feature"], a["threshold"],
        a["left"], a["right"], a["start"], a["classes"], a["shares"], out,
    )  # fmt: skip
    out /= len(a["root"])
    return out


def train_trees(pixels: Pixels, legend: Legend, settings: ModelSettings) -> tuple[TreesModel, Held]:
    """Grow a forest on the labelled pixels; see `bocage.model.train`.

    Also what a forest that has not learned from the held-out labels says of them.
    """
    pixels.require(legend)
    pixels = usable(pixels)
    split, guide = split_labels(pixels, settings), guide_of(pixels, settings.seed)
    train, calibrate = split.train[pixels.labelled], split.calibrate[pixels.labelled]
    pixels = pixels.pick(pixels.labelled)
    features, present = _label_features(pixels), present_classes(pixels.allowed)
    metrics: dict[str, Any] = {"calibrated": False, "temperature": 1.0}
    held = Held.nothing(len(pixels.codes))
    if calibrate.any():
        which = np.flatnonzero(calibrate)
        trial = grow(pixels, features, train, present, settings)
        shares = TreesModel(_facts(pixels, present, settings), trial).shares(features[which])
        metrics, held = calibrate_alone(shares, which, pixels, split)
    metrics |= {"notes": list(split.notes), "labels": {"all": len(pixels)}}
    metrics["labels_by_class"] = labels_by_class(pixels)
    every = np.ones(len(pixels), bool)
    arrays = grow(pixels, features, every, present, settings)
    facts = replace(_facts(pixels, present, settings, metrics), guide=guide)
    return TreesModel(facts, arrays), held


def _label_features(pixels: Pixels) -> NDArray[np.float32]:
    """Features of pixels, (pixel, feature)."""
    return _features(pixels.near, pixels)


def features_at_scales(pixels: Pixels, scales: Sequence[int]) -> NDArray[np.float32]:
    """Features of pixels at some scales, and layers of the place, (pixel, feature).

    Parameters
    ----------
    pixels
        The pixels.
    scales
        0: the pixel itself, 1 …: its surroundings in the order of `WIDE_M`.
    """
    values = (pixels.near, *np.moveaxis(pixels.wide, 1, 0))
    found = [_features(values[scale], pixels) for scale in scales]
    return np.concatenate([*found, pixels.place], axis=1)


def _features(values: NDArray[np.float16], pixels: Pixels) -> NDArray[np.float32]:
    features = with_indices(filled_seasons(pixels, values), pixels.bands)
    return np.ascontiguousarray(features.reshape(-1, len(pixels)).T)


def features_of(look: Look, bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Features of all pixels of a window, (4y · 4x, feature), in the order of `feature_names`."""
    near = look.near.reshape(*look.near.shape[:2], -1)
    features = with_indices(near, bands)
    return np.ascontiguousarray(features.reshape(-1, near.shape[-1]).T)


def grow(
    pixels: Pixels,
    features: NDArray[np.float32],
    use: NDArray[np.bool_],
    present: NDArray[np.bool_],
    settings: ModelSettings,
) -> dict[str, NDArray[Any]]:
    """Grow the forest on some labels. A label of several classes counts as a part of each."""
    allowed = pixels.allowed & present
    size = allowed.sum(axis=1)
    use = use & (size <= _LARGEST_SET) & (size > 0)
    if not use.any():
        raise InputError(
            "no label is narrow enough for trees",
            remedy=f"give labels that allow {_LARGEST_SET} classes at most, or the field engine",
        )
    weight = label_weights(allowed[use], pixels.weight[use], present) / size[use]
    label, target = np.nonzero(allowed[use])
    forest = ExtraTreesClassifier(
        n_estimators=settings.trees,
        min_samples_leaf=_LEAF,
        random_state=settings.seed,
        n_jobs=settings.cores,
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


def _facts(
    pixels: Pixels,
    present: NDArray[np.bool_],
    settings: ModelSettings,
    metrics: dict[str, Any] | None = None,
) -> Facts:
    names = feature_names(pixels.bands, pixels.months)
    return Facts(
        engine="trees",
        legend_id=pixels.legend_id,
        codes=pixels.codes,
        bands=pixels.bands,
        resolutions=pixels.resolutions,
        months=pixels.months,
        mean=(0.0,) * len(pixels.bands),
        deviation=(1.0,) * len(pixels.bands),
        temperature=(metrics or {}).get("temperature", 1.0),
        absent=tuple(c for c, here in zip(pixels.codes, present, strict=True) if not here),
        layers=(),
        settings=settings,
        metrics={**(metrics or {}), "features": len(names)},
    )
