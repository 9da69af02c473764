"""Sample places weighed by the strata they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bocage.accuracy._result import UNKNOWN, Pairs
from bocage.accuracy._values import to_level
from bocage.errors import InputError
from bocage.legend import Legend


def point_pairs(
    map_codes: ArrayLike,
    reference_codes: ArrayLike,
    legend: Legend,
    *,
    areas: Mapping[int, float] | None = None,
    strata: ArrayLike | None = None,
    stratum_areas: Mapping[Any, float] | None = None,
    weights: ArrayLike | None = None,
    groups: Mapping[str, NDArray[Any]] | None = None,
) -> Pairs:
    """Weigh sample places for `assess_pairs`; parameters as `assess`, and `groups` of places."""
    mapped, reference = _codes(map_codes), _codes(reference_codes)
    weight = None if weights is None else np.asarray(weights, dtype=float)
    stratum = None if strata is None else np.asarray(strata)
    if areas is not None and stratum is None:
        stratum, stratum_areas = _map_strata(mapped, areas, legend)
    elif stratum is not None and stratum_areas is None:
        raise InputError("strata without their areas", remedy="give stratum_areas, hectares")
    named = {"reference": reference, "strata": stratum, "weights": weight, **(groups or {})}
    for name, array in named.items():
        if array is not None and array.shape != mapped.shape:
            raise InputError(
                f"{array.size} {name} values for {mapped.size} map codes",
                remedy="give one of each per place",
            )
    kept = reference != UNKNOWN
    dropped = int((~kept).sum())
    notes = [f"{dropped} places have no reference and were left out"] if dropped else []
    weight = None if weight is None else weight[kept]
    if stratum is not None and stratum_areas is not None:
        stratum = stratum[kept]
        weight = _expand(stratum, weight, stratum_areas)
        notes += _unsampled(stratum, stratum_areas)
    return Pairs(
        mapped[kept],
        reference[kept],
        weight,
        stratum,
        hectares=weight is not None,
        groups={k: v[kept] for k, v in (groups or {}).items()},
        notes=tuple(notes),
    )


def _codes(values: ArrayLike) -> NDArray[np.int64]:
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise InputError(f"codes have the shape {array.shape}", remedy="give one code per place")
    return array.astype(np.int64)


def _map_strata(
    mapped: NDArray[np.int64], areas: Mapping[int, float], legend: Legend
) -> tuple[NDArray[np.int64], dict[int, float]]:
    """Map classes as strata, at the deepest level that has all classes of `areas`."""
    named = {int(code) for code in areas} - {UNKNOWN}
    for level in range(legend.levels, 0, -1):
        if named <= set(legend.codes(level)):
            strata = to_level(mapped, legend, level, "map")
            return strata, {int(code): float(area) for code, area in areas.items()}
    unknown = sorted(named - set(legend.codes()))
    raise InputError(
        f"areas: {', '.join(map(str, unknown))} are no codes of one level of '{legend.id}'",
        remedy="give the mapped area per class, all of one level",
    )


def _expand(
    stratum: NDArray[Any], weight: NDArray[np.float64] | None, areas: Mapping[Any, float]
) -> NDArray[np.float64]:
    """Weights that sum to the area of each sampled stratum."""
    values, number = np.unique(stratum, return_inverse=True)
    if missing := [v for v in values.tolist() if v not in areas]:
        raise InputError(
            f"no area for the sampled stratum {', '.join(map(str, missing))}",
            remedy="give the area of every stratum that holds a sample place",
        )
    sizes = np.array([float(areas[v]) for v in values.tolist()])
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise InputError("the area of a sampled stratum is not above 0", remedy="correct the areas")
    base = np.ones(len(stratum)) if weight is None else weight
    return np.asarray(base * (sizes / np.bincount(number, base))[number], dtype=np.float64)


def _unsampled(stratum: NDArray[Any], areas: Mapping[Any, float]) -> list[str]:
    sampled = set(np.unique(stratum).tolist())
    left = {k: v for k, v in areas.items() if k not in sampled and v > 0}
    if not left:
        return []
    share = sum(left.values()) / sum(areas.values())
    return [
        f"strata without a sample place are not assessed ({share:.2%} of the area): "
        f"{', '.join(map(str, sorted(left, key=str)))}"
    ]
