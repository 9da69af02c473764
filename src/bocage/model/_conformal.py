"""Sets of classes that hold the true one as often as is asked for, at every level."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bocage.legend import Legend

COVERAGE = 0.9
"""Share of the sets that shall hold the true class."""

_LEAST = 50  # labels below which nothing is promised
_ROUNDING = 1e-9


def level_sums(values: NDArray[np.floating], legend: Legend, level: int) -> NDArray[np.floating]:
    """Sums over the leaves of each class of a level, (n, leaf) → (n, class of the level)."""
    codes = legend.code_table(level)[1 : len(legend) + 1]
    _, upper = np.unique(codes, return_inverse=True)
    found = np.zeros((len(values), int(upper.max()) + 1), values.dtype)
    for leaf, group in enumerate(upper):
        found[:, group] += values[:, leaf]
    return found


def conformal_thresholds(
    probability: NDArray[np.floating],
    allowed: NDArray[np.bool_],
    legend: Legend,
    coverage: float = COVERAGE,
    places: int | None = None,
) -> dict[str, float]:
    """Least probability that puts a class into the set of a pixel, by level.

    Least ambiguous sets (Sadinle et al. 2019, J. Am. Stat. Assoc.): over labels like the
    held-out ones, the classes at or above the threshold hold the true class with the
    coverage that is asked for.

    Parameters
    ----------
    probability
        Calibrated, of held-out labels, (n, leaf).
    allowed
        Leaves that each label allows, bool (n, leaf). At a level only those labels count that
        name one of its classes.
    legend
        Of the leaves.
    coverage
        Share of the sets that shall hold the true class.
    places
        Number of places that the labels come from, when those of one place are alike; each label
        is a place of its own by default. Nothing is promised from too few: nine for 90 %.

    Returns
    -------
    dict
        Thresholds by level, ``"1"`` …; levels with too few labels are left out.
    """
    found = {}
    for level in range(1, legend.levels + 1):
        named = level_sums(allowed.astype(np.float32), legend, level) > 0
        single = named.sum(axis=1) == 1
        count = int(single.sum())
        if count < _LEAST:
            continue
        sums = level_sums(probability[single], legend, level)
        own = np.sort((sums * named[single]).sum(axis=1))
        apart = min(places or count, count)
        rank = math.floor(count / apart * math.floor((apart + 1) * (1 - coverage) + _ROUNDING))
        if rank:
            found[str(level)] = _down(float(own[rank - 1]))
    return found


def expected_coverage(
    probability: NDArray[np.floating], legend: Legend, thresholds: Mapping[str, float]
) -> dict[str, float]:
    """Share of the sets that hold the true class where probabilities are right, by level.

    Parameters
    ----------
    probability
        (n, leaf).
    legend
        Of the leaves.
    thresholds
        By level.
    """
    found = {}
    for level, least in thresholds.items():
        sums = level_sums(probability, legend, int(level))
        found[level] = round(float((sums * (sums >= least)).sum() / max(len(sums), 1)), 6)
    return found


def map_thresholds(
    probability: NDArray[np.floating], legend: Legend, expected: Mapping[str, float]
) -> dict[str, float]:
    """Thresholds for a map, whose probabilities are peaked otherwise than those of labels.

    On a map borders are doubtful and averages over like pixels are flat, so the threshold of
    labels, which lie inside parcels, promises something else there. What carries over is how
    often sets hold the true class by the probabilities themselves (the plug-in estimate of
    Sadinle et al. 2019): the threshold of each level is the highest at which the sets of the map
    are expected to hold it as often as those of the held-out labels were.

    Parameters
    ----------
    probability
        Of pixels of the map, (n, leaf).
    legend
        Of the leaves.
    expected
        Of the held-out labels, by level, see `expected_coverage`.

    Returns
    -------
    dict
        Least probability that puts a class into the set of a pixel, by level; nothing for a map
        without pixels.
    """
    found: dict[str, float] = {}
    for level, share in expected.items() if len(probability) else ():
        sums = np.sort(level_sums(probability, legend, int(level)), axis=None)[::-1]
        reached = np.cumsum(sums, dtype=np.float64) / len(probability)
        at = min(int(np.searchsorted(reached, share - _ROUNDING)), len(sums) - 1)
        found[level] = _down(float(sums[at]))
    return found


def _down(value: float) -> float:
    """A threshold with few digits that what it was taken from still reaches."""
    return math.floor(value * 1e6) / 1e6
