"""The accuracy of a map from pairs of map and reference codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bocage.accuracy._estimate import Design, normal, ratio, wilson
from bocage.accuracy._result import UNKNOWN, Assessment, Pairs
from bocage.accuracy._values import to_level
from bocage.errors import InputError
from bocage.legend import Legend


def assess(
    map_codes: ArrayLike,
    reference_codes: ArrayLike,
    legend: Legend,
    *,
    level: int | None = None,
    areas: Mapping[int, float] | None = None,
    strata: ArrayLike | None = None,
    stratum_areas: Mapping[Any, float] | None = None,
    weights: ArrayLike | None = None,
    within: ArrayLike | None = None,
) -> Assessment:
    """Estimate the accuracy of a map from sample places.

    The estimator follows from what is given:

    - `areas`: the strata (or post-strata) are the map classes that `areas` names, at its own
      level, which may be finer than `level`; Olofsson et al. (2014);
    - `strata` and `stratum_areas`: strata of any kind; Stehman (2014);
    - `weights` alone: unequal inclusion, one stratum;
    - nothing: a simple random sample, with Wilson's intervals.

    Intervals other than Wilson's are normal approximations; they have no width where
    every place of a stratum is right.

    Parameters
    ----------
    map_codes, reference_codes
        Codes at each place, shape (n,), of `level` or a deeper one. Places with the reference
        code 0 are left out; the map code 0 (unclassified) counts as an error.
    legend
        Legend of the codes.
    level
        Level of the comparison; the leaves by default.
    areas
        Mapped area of each class, hectares.
    strata
        Stratum of each place, shape (n,).
    stratum_areas
        Area of each stratum, hectares.
    weights
        Area in hectares that each place stands for, shape (n,). With strata it is scaled to
        the area of each stratum.
    within
        Places, bool (n,), that lie in the region of interest. All places still say how the
        sample was drawn; the estimates are those of the region (domain estimation).

    Raises
    ------
    InputError
        If lengths differ, a code is not in the legend or too coarse for `level`, a
        sampled stratum has no area, or no place is left.
    """
    pairs = point_pairs(
        map_codes,
        reference_codes,
        legend,
        areas=areas,
        strata=strata,
        stratum_areas=stratum_areas,
        weights=weights,
        groups={} if within is None else {"within": np.asarray(within, dtype=bool)},
    )
    return assess_pairs(pairs, legend, level, within=pairs.groups.get("within"))


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


def assess_pairs(
    pairs: Pairs,
    legend: Legend,
    level: int | None = None,
    *,
    within: NDArray[np.bool_] | None = None,
) -> Assessment:
    """Estimate the accuracy of a map from pairs whose weights, strata and clusters are known.

    Parameters
    ----------
    pairs
        The places. Rows of a cluster are treated as one unit of the sample.
    legend
        Legend of the codes.
    level
        Level of the comparison; the leaves by default.
    within
        Rows, bool (n,), of the region that is assessed; all by default.

    Raises
    ------
    InputError
        As `assess`.
    """
    level = legend.levels if level is None else level
    mapped = to_level(pairs.mapped, legend, level, "map")
    reference = to_level(pairs.reference, legend, level, "reference")
    inside = np.ones(len(mapped), dtype=bool) if within is None else pairs.confined(within)
    if not inside.any():
        raise InputError(
            "no place has a map and a reference class",
            remedy="check that map and reference overlap and use one coordinate reference system",
        )
    count = np.ones(len(mapped), dtype=np.int64) if pairs.count is None else pairs.count
    design, estimator = _design(pairs)
    region = _Region(design, inside, count * inside, mapped, reference, score=estimator == "simple")
    present = set(mapped[inside].tolist()) | set(reference[inside].tolist())
    codes = [c for c in legend.codes(level) if c in present]
    oa, error, low, high = region.share(mapped == reference, inside)
    per_class = pd.DataFrame([region.row(c) for c in codes])
    per_class.insert(1, "name", [legend.name(c, level) for c in codes])
    areas = ["map_ha", "area_ha", "area_se", "area_low", "area_high"]
    per_class[areas] *= float(design.weight.sum()) if pairs.hectares else math.nan
    rows = [*codes, UNKNOWN] if UNKNOWN in present else codes
    weight = design.weight * inside
    return Assessment(
        level=level,
        n=int(region.count.sum()),
        confusion=_table(region, region.count, rows, codes).astype(np.int64),
        proportions=_table(region, weight / weight.sum(), rows, codes),
        oa=oa,
        oa_se=error,
        oa_ci95=(low, high),
        macro_f1=float(per_class.loc[per_class["n_ref"] > 0, "f1"].mean()),
        per_class=per_class,
        estimator=estimator,
        notes=pairs.notes,
    )


def _design(pairs: Pairs) -> tuple[Design, str]:
    n = len(pairs.mapped)
    count = np.ones(n) if pairs.count is None else pairs.count.astype(float)
    weight = count if pairs.weight is None else pairs.weight
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise InputError("a weight is not above 0", remedy="give positive finite weights")
    stratum = np.zeros(n, np.intp) if pairs.stratum is None else _number(pairs.stratum)
    cluster = np.arange(n) if pairs.cluster is None else _number(pairs.cluster)
    if pairs.cluster is not None:
        # A cluster that reaches into two strata is one cluster in each of them.
        cluster = _number(cluster * (int(stratum.max(initial=0)) + 1) + stratum)
    if pairs.stratum is not None:
        estimator = "stratified"
    elif pairs.weight is None and pairs.cluster is None and pairs.count is None:
        estimator = "simple"
    else:
        estimator = "weighted"
    return Design(weight, stratum, cluster), estimator


def _number(values: NDArray[Any]) -> NDArray[np.intp]:
    return np.unique(values, return_inverse=True)[1].astype(np.intp)


@dataclass(frozen=True, eq=False)
class _Region:
    """The rows of a region, and the design of the whole sample that they belong to."""

    design: Design
    inside: NDArray[np.bool_]
    count: NDArray[np.int64]
    mapped: NDArray[np.int64]
    reference: NDArray[np.int64]
    score: bool
    """Whether the sample is simple random, so that Wilson's interval holds."""

    def share(
        self, numerator: NDArray[np.bool_], denominator: NDArray[np.bool_]
    ) -> tuple[float, float, float, float]:
        """A share with its standard error and interval: Wilson's, else by the design."""
        above = (numerator & self.inside).astype(float)
        below = denominator.astype(float)
        estimate, error = ratio(self.design, above, below)
        if self.score:
            low, high = wilson(float(self.count @ above), float(below.sum()))
        else:
            low, high = normal(estimate, error)
        return estimate, error, low, high

    def row(self, code: int) -> dict[str, float]:
        """Accuracies and shares of the area of a class."""
        in_map = (self.mapped == code) & self.inside
        in_ref = (self.reference == code) & self.inside
        both = in_map & in_ref
        everywhere = np.ones(len(in_map), dtype=bool)
        weight = self.design.weight
        row: dict[str, float] = {
            "code": code,
            "n_map": int(self.count @ in_map),
            "n_ref": int(self.count @ in_ref),
        }
        row["ua"], row["ua_se"], row["ua_low"], row["ua_high"] = self.share(both, in_map)
        row["pa"], row["pa_se"], row["pa_low"], row["pa_high"] = self.share(both, in_ref)
        row["f1"] = 2 * float(weight @ both) / float(weight @ in_map + weight @ in_ref)
        row["map_ha"] = float(weight @ in_map) / float(weight.sum())
        area = self.share(in_ref, everywhere)
        row["area_ha"], row["area_se"], row["area_low"], row["area_high"] = area
        return row


def _table(
    region: _Region, weight: NDArray[Any], rows: list[int], columns: list[int]
) -> pd.DataFrame:
    inside = region.inside
    row = pd.Index(rows).get_indexer(pd.Index(region.mapped[inside]))
    column = pd.Index(columns).get_indexer(pd.Index(region.reference[inside]))
    cells = np.bincount(
        row * len(columns) + column, weight[inside], minlength=len(rows) * len(columns)
    ).reshape(len(rows), len(columns))
    return pd.DataFrame(
        cells, index=pd.Index(rows, name="map"), columns=pd.Index(columns, name="reference")
    )
