"""Pairs of map and reference codes, and the accuracy that follows from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.accuracy._estimate import Interval
from bocage.errors import InputError

UNKNOWN = 0
"""Code of a place without a class."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Places at which map and reference are compared.

    Attributes
    ----------
    mapped, reference
        Codes of the level of the comparison or deeper ones, int (n,); 0 in `mapped` is
        unclassified and counts as an error.
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
    groups
        Regions, sites … by name: a label of each row, "" where it lies in none.
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
    groups: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def confined(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The mask itself, once its length is known to be right."""
        if rows.dtype != np.bool_ or rows.shape != self.mapped.shape:
            raise InputError(
                f"a mask of {rows.size} for {self.mapped.size} places", remedy="give one of each"
            )
        return rows


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
    oa, oa_se, oa_ci95
        Overall accuracy, 0 … 1, its standard error and its interval of 95 %.
    macro_f1
        Mean F1 over the classes that occur in the reference.
    per_class
        A row a class: ``code``, ``name``, ``n_map``, ``n_ref``, user's accuracy ``ua``, its
        standard error ``ua_se`` and interval ``ua_low``, ``ua_high``, the same of the producer's
        accuracy ``pa``, ``f1``, the mapped area ``map_ha`` (under strata that are not the
        classes of the map, and in regions, an estimate from the sample), and the area estimated
        from the reference, which is free of the bias of the map: ``area_ha``, ``area_se``,
        ``area_low``, ``area_high``; NaN where there is none.
    estimator
        ``stratified``, ``weighted`` or ``simple`` (see `assess`).
    protocol
        How the reference was made: ``blind`` (without seeing the map), ``plausibility`` (the
        map's class was shown and accepted or not), or None where it is not said. Estimates
        of two protocols are never mixed.
    notes
        What was left out, and strata without a sample.
    """

    level: int
    n: int
    confusion: pd.DataFrame
    proportions: pd.DataFrame
    oa: float
    oa_se: float
    oa_ci95: Interval
    macro_f1: float
    per_class: pd.DataFrame
    estimator: str
    protocol: str | None = None
    notes: tuple[str, ...] = ()

    def noted(self, *notes: str) -> Assessment:
        """The same with more to tell the reader."""
        return replace(self, notes=(*notes, *self.notes))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None where there is no number."""
        rows = self.per_class.to_dict(orient="records")
        return {
            "level": self.level,
            "n": self.n,
            "estimator": self.estimator,
            "protocol": self.protocol,
            "oa": plain(self.oa),
            "oa_se": plain(self.oa_se),
            "oa_ci95": [plain(v) for v in self.oa_ci95],
            "macro_f1": plain(self.macro_f1),
            "per_class": [{str(k): plain(v) for k, v in row.items()} for row in rows],
            "confusion": {
                "map": [int(c) for c in self.confusion.index],
                "reference": [int(c) for c in self.confusion.columns],
                "counts": self.confusion.to_numpy().tolist(),
            },
            "notes": list(self.notes),
        }


def plain(value: Any) -> Any:
    """A value as JSON knows it; None for NaN."""
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value
