"""Where to look first, when nothing is labelled yet: the typical places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from bocage.errors import InputError

_NEIGHBOURS = 20  # of Hacohen et al.
_MOST_CLUSTERS = 500


def share_out(count: int, region: NDArray[np.generic]) -> dict[object, int]:
    """Share `count` out among regions in proportion to their samples (largest remainders).

    Parameters
    ----------
    count
        What is shared out; no region gets more than it has samples.
    region
        (sample,): names.
    """
    names, size = np.unique(region, return_counts=True)
    count = min(count, len(region))
    exact = count * size / size.sum()
    share = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - share), kind="stable")[: count - share.sum()]
    share[rest] += 1
    return dict(zip(names.tolist(), share.tolist(), strict=True))


def typical_points(
    features: NDArray[np.floating], count: int, *, seed: int = 0
) -> NDArray[np.intp]:
    """Typical points that are unlike each other: the densest point of each cluster.

    Parameters
    ----------
    features
        (sample, feature), on one scale (`reduce_features`).
    count
        Points wanted, and number of clusters (500 at most, which then give several).
    seed
        Of the clustering.

    Returns
    -------
    numpy.ndarray
        intp (count,): positions, the largest cluster's first.

    Raises
    ------
    InputError
        If there are not as many samples to pick from.

    References
    ----------
    Hacohen, G., Dekel, A. and Weinshall, D. (2022): Active learning on a budget: opposite
    strategies suit high and low budgets. ICML (TypiClust).
    """
    if count > len(features):
        raise InputError(
            f"{count} points are wanted of {len(features)} without a label",
            remedy="ask for fewer",
        )
    clusters = min(count, _MOST_CLUSTERS)
    model = KMeans(clusters, n_init=1, random_state=seed).fit(np.asarray(features, float))
    free = np.ones(len(features), bool)
    given = np.zeros(clusters, int)
    chosen: list[int] = []
    while len(chosen) < count:
        left = np.bincount(model.labels_[free], minlength=clusters)
        # Fewest picks first, then the largest cluster; empty ones last.
        order = np.lexsort((-left, np.where(left > 0, given, len(features))))
        cluster = int(order[0])
        members = np.flatnonzero((model.labels_ == cluster) & free)
        best = int(members[typicality(features[members]).argmax()])
        chosen.append(best)
        free[best] = False
        given[cluster] += 1
    return np.array(chosen, np.intp)


def typicality(
    features: NDArray[np.floating], neighbours: int = _NEIGHBOURS
) -> NDArray[np.float64]:
    """Inverse mean distance of each point to its nearest neighbours, float64 (sample,).

    Parameters
    ----------
    features
        (sample, feature).
    neighbours
        Number of neighbours, itself not counted.
    """
    count = min(neighbours, len(features) - 1)
    if count < 1:
        return np.ones(len(features))
    near = NearestNeighbors(n_neighbors=count + 1, algorithm="brute").fit(features)
    distance, _ = near.kneighbors(features)
    return np.asarray(1 / np.maximum(distance[:, 1:].mean(axis=1), 1e-9), np.float64)
