"""How many validation points, and how they are shared among the strata."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bocage.accuracy._estimate import Z95
from bocage.errors import InputError


def sample_size(
    areas: Mapping[Any, float], users_accuracy: Mapping[Any, float] | float, standard_error: float
) -> int:
    """Points of a stratified random sample that give the overall accuracy an expected error.

    Olofsson et al. (2014, eq. 13, after Cochran 1977, eq. 5.25 for large areas):
    n = (Σ W_i S_i / S(O))² with S_i = √(U_i (1 - U_i)).

    Parameters
    ----------
    areas
        Area (or number of pixels) of each stratum.
    users_accuracy
        Expected user's accuracy, 0 … 1, of each stratum or of all.
    standard_error
        Wanted standard error S(O) of the overall accuracy; half an interval of 95 % is 1.96 times
        as wide.

    Returns
    -------
    int
        Number of points, rounded up.

    References
    ----------
    Olofsson, P. et al. (2014). Good practices for estimating area and assessing accuracy
    of land change. Remote Sens. Environ. 148, 42-57.
    Cochran, W. G. (1977). Sampling techniques. 3rd ed., Wiley.
    """
    _between(standard_error, 0, 1, "the standard error")
    size = np.array([float(v) for v in areas.values()])
    spread = _spread(list(areas), users_accuracy)
    if size.size == 0 or not (size > 0).all():
        raise InputError("a stratum has no area", remedy="give strata with an area above 0")
    return math.ceil((float(size @ spread) / float(size.sum()) / standard_error) ** 2 - 1e-9)


def sample_size_simple(
    share: float = 0.5, half_width: float = 0.05, *, population: int | None = None
) -> int:
    """Points of a simple random sample for a share with an interval of 95 %.

    Cochran (1977, eq. 4.1 and 4.2): n₀ = z² p (1 - p) / d², n = n₀ / (1 + (n₀ - 1) / N).

    Parameters
    ----------
    share
        Expected share, 0 … 1; 0.5 is the safe choice. For one class it is its expected
        user's accuracy, and the result the number of points in that class.
    half_width
        Half of the wanted interval.
    population
        Number of units that there are; None: far more than points.
    """
    _between(half_width, 0, 1, "the half width")
    if not 0 <= share <= 1:
        raise InputError(f"a share of {share:g}", remedy="give a share within 0 … 1")
    wanted = Z95**2 * share * (1 - share) / half_width**2
    if population is not None:
        wanted /= 1 + (wanted - 1) / population
    return max(1, math.ceil(wanted - 1e-9))


def allocate(
    sizes: ArrayLike,
    n: int,
    method: str = "proportional",
    *,
    minimum: int = 0,
    expected: Sequence[float] | float = 0.85,
) -> NDArray[np.intp]:
    """Share points among strata.

    ``proportional`` to the size, ``equal``, ``optimal`` (Neyman: to size times √(U (1 - U)), which
    gives the overall accuracy its smallest error) or ``power`` (to the square root of
    the size, between equal and proportional). Every stratum gets `minimum` points (at least one),
    the same smaller number where `n` is too small for that; none gets more than it has units.

    Parameters
    ----------
    sizes
        Number of units (pixels) of each stratum, shape (k,), above 0.
    n
        Number of points.
    method
        One of the four words.
    minimum
        Points that each stratum gets.
    expected
        Expected user's accuracy U of each stratum or of all, 0 … 1 (``optimal`` only).

    Returns
    -------
    numpy.ndarray
        Points of each stratum, intp (k,), that sum to n or to the number of units.

    Raises
    ------
    InputError
        If the method is unknown or there are fewer points than strata.
    """
    units = np.asarray(sizes, dtype=np.intp)
    if method not in METHODS:
        raise InputError(
            f"there is no allocation '{method}'", remedy=f"use one of {', '.join(METHODS)}"
        )
    if units.size == 0 or (units < 1).any():
        raise InputError("a stratum is empty", remedy="leave strata without a pixel out")
    if n < units.size:
        raise InputError(
            f"{n} points for {units.size} strata", remedy="draw at least one point a stratum"
        )
    spread = _spread(list(range(units.size)), expected)
    return _fill(units, METHODS[method](units.astype(float), spread), n, minimum)


METHODS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "proportional": lambda size, _: size,
    "equal": lambda size, _: np.ones_like(size),
    "optimal": lambda size, spread: size * spread,
    "power": lambda size, _: np.sqrt(size),
}
"""Target shares of the allocations, from the sizes and the expected spreads of the strata."""


def _fill(
    sizes: NDArray[np.intp], target: NDArray[np.float64], n: int, minimum: int
) -> NDArray[np.intp]:
    """The minimum each, the rest towards the targets, never more than there are units."""
    n = min(n, int(sizes.sum()))
    shares = np.minimum(sizes, max(1, min(minimum, n // len(sizes))))
    aim = n * target / target.sum() if target.sum() > 0 else np.full(len(sizes), n / len(sizes))
    while (rest := n - int(shares.sum())) > 0:
        wanted = np.maximum(aim - shares, 0)
        wanted[shares >= sizes] = 0
        if wanted.sum() == 0:
            wanted = (sizes - shares).astype(float)
        more = np.floor(wanted / wanted.sum() * rest).astype(np.intp)
        more = np.minimum(more, sizes - shares)
        if more.sum() == 0:
            more[int(np.argmax(wanted))] = 1
        shares = shares + more
    return np.asarray(shares, dtype=np.intp)


def _spread(
    names: list[Any], accuracy: Mapping[Any, float] | Sequence[float] | float
) -> NDArray[np.float64]:
    """Standard deviation of being right, of each stratum."""
    if isinstance(accuracy, int | float):
        share = np.full(len(names), float(accuracy))
    elif isinstance(accuracy, Mapping):
        if missing := [n for n in names if n not in accuracy]:
            raise InputError(
                f"no expected accuracy of the stratum {', '.join(map(str, missing[:5]))}",
                remedy="give one of each stratum, or one number for all",
            )
        share = np.array([float(accuracy[n]) for n in names])
    else:
        share = np.asarray(accuracy, dtype=float)
        if share.shape != (len(names),):
            raise InputError(
                f"{share.size} expected accuracies for {len(names)} strata",
                remedy="give one of each, or one number for all",
            )
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError("an expected accuracy is not within 0 … 1", remedy="give shares")
    return np.asarray(np.sqrt(share * (1 - share)), dtype=np.float64)


def _between(value: float, low: float, high: float, what: str) -> None:
    if not low < value < high:
        raise InputError(
            f"{what} is {value:g}", remedy=f"give a share above {low:g} and below {high:g}"
        )
