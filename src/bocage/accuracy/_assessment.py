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
from bocage.accuracy._weights import point_pairs
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
