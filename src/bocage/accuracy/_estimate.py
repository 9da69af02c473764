"""Estimators of proportions and ratios from samples with strata, weights and clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
"""Standard normal deviate of a two-sided interval of 95 %."""

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Design:
    """How a sample stands for the area.

    Attributes
    ----------
    weight
        float64 (n,): area (or number of units) that each row stands for.
    stratum
        intp (n,): number of the stratum, from 0.
    cluster
        intp (n,): number of the cluster, from 0; a cluster lies in one stratum, and rows
        of a cluster are not taken as independent.
    """

    weight: NDArray[np.float64]
    stratum: NDArray[np.intp]
    cluster: NDArray[np.intp]


def ratio(
    design: Design, numerator: NDArray[np.floating], denominator: NDArray[np.floating]
) -> tuple[float, float]:
    """Estimate the ratio of two totals and its standard error.

    With one weight a stratum this is the combined ratio estimator of Stehman (2014, eq. 27 and
    28) without the finite population correction; where the strata are the map classes it
    equals Olofsson et al. (2014, eq. 2 to 11). Rows of a cluster are summed first (ultimate
    clusters). A stratum with a single cluster shows no variance: it takes the largest that
    a proportion can have, 1/4, unless its rows do not take part.

    Parameters
    ----------
    design
        Weights, strata and clusters of the n rows.
    numerator, denominator
        Values of the rows, shape (n,), 0 … 1.

    Returns
    -------
    estimate, standard_error
        NaN where the denominator's total is 0.

    References
    ----------
    Stehman, S. V. (2014). Estimating area and map accuracy for stratified random sampling when
    the strata are different from the map classes. Int. J. Remote Sens. 35, 4923-4939.
    Olofsson, P. et al. (2014). Good practices for estimating area and assessing accuracy
    of land change. Remote Sens. Environ. 148, 42-57.
    """
    total = float(design.weight @ denominator)
    if total <= 0:
        return math.nan, math.nan
    estimate = float(design.weight @ numerator) / total
    residual = design.weight * (numerator - estimate * denominator)
    return estimate, math.sqrt(_variance(design, residual, denominator)) / total


def _variance(
    design: Design, values: NDArray[np.float64], denominator: NDArray[np.floating]
) -> float:
    """Variance of the total of values over clusters within strata."""
    sums = np.bincount(design.cluster, values)
    stratum = np.zeros(len(sums), dtype=np.intp)
    stratum[design.cluster] = design.stratum
    used = np.bincount(design.cluster) > 0
    sums, stratum = sums[used], stratum[used]
    clusters = np.bincount(stratum)
    mean = np.bincount(stratum, sums) / np.maximum(clusters, 1)
    squares = np.bincount(stratum, (sums - mean[stratum]) ** 2)
    variance = np.where(clusters > 1, clusters / np.maximum(clusters - 1, 1) * squares, 0.0)
    size = np.bincount(design.stratum, design.weight, minlength=len(clusters))
    part = np.bincount(design.stratum, denominator, minlength=len(clusters)) > 0
    lonely = (clusters == 1) & part
    return float(np.where(lonely, size**2 / 4, variance).sum())


def normal(estimate: float, error: float) -> Interval:
    """Interval of 95 % of a share by the normal approximation, cut to 0 … 1."""
    if math.isnan(estimate):
        return math.nan, math.nan
    return max(0.0, estimate - Z95 * error), min(1.0, estimate + Z95 * error)


def wilson(successes: float, n: float) -> Interval:
    """Score interval of 95 % of a share in a simple random sample (Wilson 1927)."""
    if n <= 0:
        return math.nan, math.nan
    share = successes / n
    centre = share + Z95**2 / (2 * n)
    spread = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    scale = 1 + Z95**2 / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
