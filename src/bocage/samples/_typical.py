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
    features: NDArray[np.floating],
    count: int,
    *,
    known: NDArray[np.integer] | None = None,
    weight: NDArray[np.floating] | None = None,
    free: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> NDArray[np.intp]:
    """Typical points that are unlike each other: the densest point of each cluster.

    There are as many clusters as points known and wanted; the largest clusters without a known
    point come first. With doubt as the weight these are the clusters in which most is in
    doubt, and neither outliers nor the edges between classes are picked, as single doubtful
    samples often are.

    Parameters
    ----------
    features
        (sample, feature), on one scale (`reduce_features`).
    count
        Points wanted.
    known
        Samples that are labelled already.
    weight
        (sample,): what a sample adds to the size of its cluster; 1 by default.
    free
        (sample,): samples that may be picked; all but the known ones by default.
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
    known = np.zeros(0, np.intp) if known is None else np.asarray(known, np.intp)
    free = np.ones(len(features), bool) if free is None else free.copy()
    free[known] = False
    if count > free.sum():
        raise InputError(
            f"{count} points are wanted of {int(free.sum())} without a label",
            remedy="ask for fewer",
        )
    weight = np.ones(len(features)) if weight is None else np.asarray(weight, np.float64)
    clusters = min(len(known) + count, _MOST_CLUSTERS)
    model = KMeans(clusters, n_init=1, random_state=seed).fit(np.asarray(features, float))
    holding = np.bincount(model.labels_[known], minlength=clusters)
    chosen: list[int] = []
    while len(chosen) < count:
        left = np.bincount(model.labels_[free], minlength=clusters)
        size = np.bincount(model.labels_[free], weight[free], minlength=clusters)
        # Fewest labels first, then the largest cluster; empty ones last.
        order = np.lexsort((-size, np.where(left > 0, holding, len(features))))
        cluster = int(order[0])
        members = np.flatnonzero((model.labels_ == cluster) & free)
        best = int(members[typicality(features[members]).argmax()])
        chosen.append(best)
        free[best] = False
        holding[cluster] += 1
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
