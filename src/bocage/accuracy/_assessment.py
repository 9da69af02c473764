"""The accuracy of a map from pairs of map and reference codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bocage.accuracy._estimate import Design, Interval, normal, ratio, wilson
from bocage.accuracy._values import to_level
from bocage.errors import InputError
from bocage.legend import Legend

UNKNOWN = 0
"""Code of a place without a class."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Places at which map and reference are compared.

    Attributes
    ----------
    mapped, reference
        Codes of one level, int (n,); 0 in `mapped` is unclassified and counts as an error.
    weight
        Area in hectares (or number of units) that each row stands for; None: all the same.
    stratum
        Stratum of each row; None: one stratum.
    cluster
        Group of rows that were sampled together and are not independent; None: none are.
    count
        Number of places in each row; None: one.
    hectares
        Whether the weights are hectares, so that areas can be estimated.
    notes
        What a reader must know about the pairs.
    """

    mapped: NDArray[np.int64]
    reference: NDArray[np.int64]
    weight: NDArray[np.float64] | None = None
    stratum: NDArray[Any] | None = None
    cluster: NDArray[Any] | None = None
    count: NDArray[np.int64] | None = None
    hectares: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Assessment:
    """Accuracy of a map at one level of its legend.

    Attributes
    ----------
    level
        Level of the legend.
    n
        Number of places.
    confusion
        Number of places, rows map code, columns reference code; a row 0 holds unclassified ones.
    proportions
        Estimated share of the area in each cell of the confusion matrix.
    oa, oa_ci95
        Overall accuracy, 0 … 1, and its interval of 95 %.
    macro_f1
        Mean F1 over the classes that occur in the reference.
    per_class
        A row a class: ``code``, ``name``, ``n_map``, ``n_ref``, user's accuracy ``ua``,
        ``ua_low``, ``ua_high``, producer's accuracy ``pa``, ``pa_low``, ``pa_high``, ``f1``, and
        the estimated area ``area_ha``, ``area_low``, ``area_high``; NaN where there is none.
    estimator
        ``stratified``, ``weighted`` or ``simple`` (see `assess`).
    notes
        What was left out, and strata without a sample.
    """

    level: int
    n: int
    confusion: pd.DataFrame
    proportions: pd.DataFrame
    oa: float
    oa_ci95: Interval
    macro_f1: float
    per_class: pd.DataFrame
    estimator: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None where there is no number."""
        rows = self.per_class.to_dict(orient="records")
        return {
            "level": self.level,
            "n": self.n,
            "estimator": self.estimator,
            "oa": _plain(self.oa),
            "oa_ci95": [_plain(v) for v in self.oa_ci95],
            "macro_f1": _plain(self.macro_f1),
            "per_class": [{str(k): _plain(v) for k, v in row.items()} for row in rows],
            "confusion": {
                "map": [int(c) for c in self.confusion.index],
                "reference": [int(c) for c in self.confusion.columns],
                "counts": self.confusion.to_numpy().tolist(),
            },
            "notes": list(self.notes),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value


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

    Raises
    ------
    InputError
        If lengths differ, a code is not in the legend or too coarse for `level`, a
        sampled stratum has no area, or no place is left.
    """
    mapped, reference = _codes(map_codes), _codes(reference_codes)
    weight = None if weights is None else np.asarray(weights, dtype=float)
    stratum = None if strata is None else np.asarray(strata)
    if areas is not None and stratum is None:
        stratum, stratum_areas = _map_strata(mapped, areas, legend)
    elif stratum is not None and stratum_areas is None:
        raise InputError("strata without their areas", remedy="give stratum_areas, hectares")
    for name, array in (("reference", reference), ("strata", stratum), ("weights", weight)):
        if array is not None and array.shape != mapped.shape:
            raise InputError(
                f"{array.size} {name} values for {mapped.size} map codes",
                remedy="give one of each per place",
            )
    kept = reference != UNKNOWN
    dropped = int((~kept).sum())
    notes = [f"{dropped} places have no reference and were left out"] if dropped else []
    mapped, reference = mapped[kept], reference[kept]
    weight = None if weight is None else weight[kept]
    if stratum is not None and stratum_areas is not None:
        stratum = stratum[kept]
        weight = _expand(stratum, weight, stratum_areas)
        notes += _unsampled(stratum, stratum_areas)
    pairs = Pairs(
        mapped, reference, weight, stratum, hectares=weight is not None, notes=tuple(notes)
    )
    return assess_pairs(pairs, legend, level)


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


def assess_pairs(pairs: Pairs, legend: Legend, level: int | None = None) -> Assessment:
    """Estimate the accuracy of a map from pairs whose weights, strata and clusters are known.

    Parameters
    ----------
    pairs
        The places. Rows of a cluster are treated as one unit of the sample.
    legend
        Legend of the codes.
    level
        Level of the comparison; the leaves by default.

    Raises
    ------
    InputError
        As `assess`.
    """
    level = legend.levels if level is None else level
    mapped = to_level(pairs.mapped, legend, level, "map")
    reference = to_level(pairs.reference, legend, level, "reference")
    if mapped.size == 0:
        raise InputError(
            "no place has a map and a reference class",
            remedy="check that map and reference overlap and use one coordinate reference system",
        )
    count = np.ones(len(mapped), dtype=np.int64) if pairs.count is None else pairs.count
    codes = [c for c in legend.codes(level) if (mapped == c).any() or (reference == c).any()]
    rows = [*codes, UNKNOWN] if (mapped == UNKNOWN).any() else codes
    design, estimator = _design(pairs)
    intervals = _Intervals(design, count if estimator == "simple" else None)
    oa, low, high = intervals.share((mapped == reference).astype(float), np.ones(len(mapped)))
    per_class = pd.DataFrame([_class_row(c, mapped, reference, count, intervals) for c in codes])
    per_class.insert(1, "name", [legend.name(c, level) for c in codes])
    total = float(design.weight.sum()) if pairs.hectares else math.nan
    per_class[["area_ha", "area_low", "area_high"]] *= total
    confusion = _table(mapped, reference, count, rows, codes).astype(np.int64)
    return Assessment(
        level=level,
        n=int(count.sum()),
        confusion=confusion,
        proportions=_table(mapped, reference, design.weight / design.weight.sum(), rows, codes),
        oa=oa,
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
class _Intervals:
    """Shares with their intervals: Wilson's for a simple sample, else by the design."""

    design: Design
    count: NDArray[np.int64] | None

    def share(
        self, numerator: NDArray[np.float64], denominator: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        estimate, error = ratio(self.design, numerator, denominator)
        if self.count is not None:
            low, high = wilson(float(self.count @ numerator), float(self.count @ denominator))
        else:
            low, high = normal(estimate, error)
        return estimate, low, high


def _class_row(
    code: int,
    mapped: NDArray[np.int64],
    reference: NDArray[np.int64],
    count: NDArray[np.int64],
    intervals: _Intervals,
) -> dict[str, float]:
    in_map, in_ref = (mapped == code).astype(float), (reference == code).astype(float)
    both = in_map * in_ref
    row: dict[str, float] = {
        "code": code,
        "n_map": int(count @ in_map),
        "n_ref": int(count @ in_ref),
    }
    row["ua"], row["ua_low"], row["ua_high"] = intervals.share(both, in_map)
    row["pa"], row["pa_low"], row["pa_high"] = intervals.share(both, in_ref)
    weight = intervals.design.weight
    row["f1"] = 2 * float(weight @ both) / float(weight @ (in_map + in_ref))
    area = intervals.share(in_ref, np.ones(len(in_ref)))
    row["area_ha"], row["area_low"], row["area_high"] = area
    return row


def _table(
    mapped: NDArray[np.int64],
    reference: NDArray[np.int64],
    weight: NDArray[Any],
    rows: list[int],
    columns: list[int],
) -> pd.DataFrame:
    row = pd.Index(rows).get_indexer(pd.Index(mapped))
    column = pd.Index(columns).get_indexer(pd.Index(reference))
    cells = np.bincount(
        row * len(columns) + column, weight, minlength=len(rows) * len(columns)
    ).reshape(len(rows), len(columns))
    return pd.DataFrame(
        cells, index=pd.Index(rows, name="map"), columns=pd.Index(columns, name="reference")
    )
