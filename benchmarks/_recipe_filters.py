"""The official recipe's filters of its own samples: maps of series, confident learning, caps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

_ROUNDS = 30
_TREES = 100
_WIDEST, _NARROWEST = 0.3, 0.6  # neighbourhood of a map's unit: share of the side, and units


def map_support(
    features: NDArray[np.floating], codes: NDArray[np.integer], seed: int
) -> NDArray[np.float64]:
    """Share of the samples in the own unit of a self-organising map that have the own label.

    Classes count alike whatever their number of samples, so that a rare class is not taken for
    the error of a common one. The map is a square of about 5 √n units (Vesanto and Alhoniemi
    2000), trained in batches; the measure follows Santos et al. (2021).

    Parameters
    ----------
    features
        (n, feature).
    codes
        Labels (n,).
    seed
        Of the first state of the map.

    Returns
    -------
    numpy.ndarray
        float64 (n,), 0 … 1.

    References
    ----------
    Kohonen, T. (2013). Essentials of the self-organizing map. Neural Networks 37, 52-65.
    Santos, L. A. et al. (2021). Quality control and class noise reduction of satellite image time
    series. ISPRS J. Photogramm. 177, 75-88.
    """
    spread = features.std(axis=0)
    data = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    unit = _self_organise(np.asarray(data, np.float32), np.random.default_rng(seed))
    _, own = np.unique(codes, return_inverse=True)
    table = np.zeros((unit.max() + 1, own.max() + 1))
    np.add.at(table, (unit, own), 1.0)
    table /= table.sum(axis=0)
    found: NDArray[np.float64] = table[unit, own] / table[unit].sum(axis=1)
    return found


def _self_organise(data: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """The unit of each row in a trained map."""
    side = max(2, round(np.sqrt(5 * np.sqrt(len(data)))))
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    apart = ((place[:, None] - place[None]) ** 2).sum(axis=-1)
    units = data[rng.integers(len(data), size=side * side)]
    for turn in range(_ROUNDS):
        radius = max(_WIDEST * side, _NARROWEST) * (
            _NARROWEST / max(_WIDEST * side, _NARROWEST)
        ) ** (turn / (_ROUNDS - 1))
        near = np.exp(-apart / (2 * radius**2)).astype(np.float32)
        unit = _nearest(data, units)
        sums = np.zeros_like(units)
        np.add.at(sums, unit, data)
        count = near @ np.bincount(unit, minlength=len(units)).astype(np.float32)
        units = np.where(count[:, None] > 1e-6, (near @ sums) / np.maximum(count, 1e-6)[:, None],
                         units)  # fmt: skip
    return _nearest(data, units)


def _nearest(data: NDArray[np.float32], units: NDArray[np.float32]) -> NDArray[np.intp]:
    found: NDArray[np.intp] = ((units**2).sum(axis=1) - 2 * data @ units.T).argmin(axis=1)
    return found


def out_of_fold(
    features: NDArray[np.floating],
    codes: NDArray[np.integer],
    fold: NDArray[np.integer],
    seed: int,
) -> NDArray[np.float64]:
    """Class probabilities of each sample from a forest that saw the other spatial folds only.

    Returns
    -------
    numpy.ndarray
        float64 (n, class), columns are the rising codes; NaN in the rows whose class no other
        fold has, which nothing can be said about.
    """
    classes, target = np.unique(codes, return_inverse=True)
    found = np.full((len(codes), len(classes)), np.nan)
    for own in np.unique(fold):
        test = fold == own
        if test.all():
            continue
        forest = RandomForestClassifier(_TREES, min_samples_leaf=2, random_state=seed, n_jobs=1)
        forest.fit(features[~test], target[~test])
        judged = test & np.isin(target, forest.classes_)
        if judged.any():
            rows = np.zeros((int(judged.sum()), len(classes)))
            rows[:, forest.classes_] = forest.predict_proba(features[judged])
            found[judged] = rows
    return found


def label_issues(
    probability: NDArray[np.floating], codes: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Samples that confident learning takes for another class (Northcutt et al. 2021, JAIR 70).

    A sample counts for the likeliest class among those whose probability reaches the mean
    probability of the samples so labelled; it is an issue when that is not its own.

    Parameters
    ----------
    probability
        (n, class) from models that did not see the sample, columns are the rising codes; rows of
        NaN are never an issue.
    codes
        Labels (n,).
    """
    _, own = np.unique(codes, return_inverse=True)
    judged = np.isfinite(probability).all(axis=1)
    filled = np.where(judged[:, None], probability, 0)
    mine = np.take_along_axis(filled, own[:, None], axis=1)[:, 0]
    count = np.bincount(own, judged)
    threshold = np.bincount(own, mine * judged) / np.maximum(count, 1)
    reached = (filled >= threshold) & (count > 0)
    said = np.where(reached, filled, -1).argmax(axis=1)
    return judged & reached.any(axis=1) & (said != own)


@dataclass(frozen=True)
class Caps:
    """What the filters may take.

    Attributes
    ----------
    protected
        Codes of heterogeneous classes, which lose contradictions only, with the largest share of
        their samples that they may lose.
    others
        Largest share that any other class may lose.
    """

    protected: Mapping[int, float]
    others: float = 0.5

    def share(self, code: int) -> float:
        """Largest share of its samples that a class may lose."""
        return self.protected.get(code, self.others)


def remove(
    suspect: NDArray[np.bool_],
    strength: NDArray[np.floating],
    codes: NDArray[np.integer],
    lost: NDArray[np.bool_],
    caps: Caps,
) -> NDArray[np.bool_]:
    """Take suspects away, the strongest first, until a class has lost its share.

    Parameters
    ----------
    suspect
        bool (n,).
    strength
        (n,): how strongly each is suspected.
    codes
        Labels (n,).
    lost
        bool (n,): what is gone already; it counts.
    caps
        The largest shares.

    Returns
    -------
    numpy.ndarray
        bool (n,): all that is gone now.
    """
    gone = lost.copy()
    for code in np.unique(codes[suspect]):
        own = codes == code
        room = int(caps.share(int(code)) * own.sum()) - int(gone[own].sum())
        here = np.flatnonzero(own & suspect & ~gone)
        order = here[np.argsort(-strength[here], kind="stable")]
        gone[order[: max(room, 0)]] = True
    return gone
