"""Scores of a method at the points, with intervals, and differences between methods."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._accuracy_area import Answer
from benchmarks._calibration_chance import error_by_chance
from bocage.accuracy import assess, reliability
from bocage.legend import Legend
from bocage.model._conformal import level_sums

DRAWS = 400
TOGETHER_M = 100.0
"""Points of the same mapped class in a square of this side may be wrong together."""

_GROUPS = Path(__file__).parent / "data" / "class_groups.csv"

Scores = dict[str, float]


def class_groups(legend: Legend) -> dict[str, frozenset[int]]:
    """Leaf codes of the groups of classes that are looked at on their own."""
    found: dict[str, set[int]] = {}
    with _GROUPS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            leaves = legend.leaves(int(row["code"]), int(row["level"]))
            found.setdefault(row["group"], set()).update(leaves)
    return {name: frozenset(leaves) for name, leaves in found.items()}


@dataclass(frozen=True, eq=False)
class Judge:
    """The points and the legend that all methods are measured with.

    Attributes
    ----------
    legend
        Legend of the codes.
    stratum
        Stratum of each point, int (n,): its true class.
    weight
        Hectares that each point stands for (n,).
    reference
        True leaf codes (n,).
    areas
        Hectares of each stratum.
    xy
        Where the points lie, metres (n, 2).
    """

    legend: Legend
    stratum: NDArray[np.integer]
    weight: NDArray[np.float64]
    reference: NDArray[np.int64]
    areas: Mapping[int, float]
    xy: NDArray[np.float64]

    @cached_property
    def groups(self) -> dict[str, frozenset[int]]:
        """See `class_groups`."""
        return class_groups(self.legend)

    def levels(self, answer: Answer) -> dict[str, dict[str, Any]]:
        """Scores at every level, by its number.

        The groups have one F1 each, of the group as one class at levels 1 and 2, and the mean
        F1 of its classes that occur at the deeper ones; None where the group does not occur.
        """
        table = self._draws()
        found = {}
        for level in range(1, self.legend.levels + 1):
            whole = assess(
                answer.code,
                self.reference,
                self.legend,
                level=level,
                strata=self.stratum,
                weights=self.weight,
                stratum_areas=self.areas,
            )
            pair = _Pair.of(self, answer, level)
            each = pair.scores(self.weight)
            drawn = [pair.scores(w) for w in table]
            row: dict[str, Any] = {
                "oa": _round(whole.oa),
                "oa_ci95": [_round(v) for v in whole.oa_ci95],
                "macro_f1": _round(whole.macro_f1),
                "macro_f1_ci95": interval([d["macro_f1"] for d in drawn]),
            }
            for name in self.groups:
                row[name] = _round(each[name])
                row[f"{name}_ci95"] = interval([d[name] for d in drawn])
            found[str(level)] = row | self._calibration(answer, level)
        return found

    def sets(
        self, probability: NDArray[np.floating], thresholds: Mapping[str, float]
    ) -> dict[str, dict[str, float | None]]:
        """How often the conformal sets of a level hold the true class, and their mean size."""
        truth = np.zeros_like(probability)
        truth[np.arange(len(truth)), [self.legend.index(int(c)) - 1 for c in self.reference]] = 1
        found = {}
        for level, least in thresholds.items():
            inside = level_sums(probability, self.legend, int(level)) >= least
            held = (inside & (level_sums(truth, self.legend, int(level)) > 0)).any(axis=1)
            found[level] = {
                "coverage": _round(float(np.average(held, weights=self.weight))),
                "size": _round(float(np.average(inside.sum(axis=1), weights=self.weight))),
            }
        return found

    def difference(self, one: Answer, other: Answer) -> dict[str, dict[str, list[float | None]]]:
        """Scores of one method less those of another, each with an interval of 95 %.

        Paired bootstrap: both are scored on the same draws of points within the strata.
        """
        table = self._draws()
        found = {}
        for level in range(1, self.legend.levels + 1):
            pairs = [_Pair.of(self, a, level) for a in (one, other)]
            now = [p.scores(self.weight) for p in pairs]
            drawn = [[p.scores(w) for p in pairs] for w in table]
            found[str(level)] = {
                name: [
                    _round(now[0][name] - now[1][name]),
                    *interval([a[name] - b[name] for a, b in drawn]),
                ]
                for name in now[0]
            }
        return found

    def _draws(self) -> list[NDArray[np.float64]]:
        """Weights of the points in draws with replacement within each stratum."""
        rng = np.random.default_rng(0)
        members = [np.flatnonzero(self.stratum == s) for s in np.unique(self.stratum)]
        found = []
        for _ in range(DRAWS):
            times = np.zeros(len(self.stratum))
            for own in members:
                times[own] = np.bincount(rng.integers(len(own), size=len(own)), minlength=len(own))
            found.append(self.weight * times)
        return found

    def _calibration(self, answer: Answer, level: int) -> dict[str, Any]:
        """Calibration error of the mapped class, weighted by area, and that of chance.

        The confidence of a class of an upper level is the sum over its leaves. Chance: every
        point for itself, and points of a class that lie close together, as parcels do.
        """
        parents = np.array([c.codes[level - 1] for c in self.legend.classes])
        mapped = _to_level(answer.code, self.legend, level)
        sums = (answer.probability * (parents[None] == mapped[:, None])).sum(axis=1)
        confidence = 100 * np.clip(sums, 0, 1)
        right = mapped == _to_level(self.reference, self.legend, level)
        places = np.column_stack([self.xy // TOGETHER_M, mapped])
        parcel = np.unique(places, axis=0, return_inverse=True)[1].reshape(-1)
        groups = {"points": np.arange(len(mapped)), "parcels": parcel}
        chance = error_by_chance(confidence, self.weight, groups)
        return {
            "ece": _round(reliability(confidence, right, weights=self.weight)[0]),
            "ece_by_chance": {name: _round(value) for name, value in chance.items()},
        }


@dataclass(frozen=True, eq=False)
class _Pair:
    """Map and reference at a level as numbers, and what the group scores are made of."""

    mapped: NDArray[np.intp]
    reference: NDArray[np.intp]
    size: int
    occurring: NDArray[np.intp]
    members: Mapping[str, NDArray[np.intp] | tuple[NDArray[np.bool_], NDArray[np.bool_]]]

    @classmethod
    def of(cls, judge: Judge, answer: Answer, level: int) -> _Pair:
        codes = judge.legend.codes(level)
        number = {0: 0} | {c: i for i, c in enumerate(codes, start=1)}
        mapped, reference = (
            np.array([number[int(c)] for c in _to_level(v, judge.legend, level)])
            for v in (answer.code, judge.reference)
        )
        occurring = np.unique(reference)
        members: dict[str, Any] = {}
        for name, leaves in judge.groups.items():
            if level <= 2:
                own = list(leaves)
                members[name] = (np.isin(answer.code, own), np.isin(judge.reference, own))
            else:
                whole = [c for c in codes if set(judge.legend.leaves(c, level)) <= leaves]
                members[name] = np.intersect1d([number[c] for c in whole], occurring)
        return cls(mapped, reference, len(codes) + 1, occurring, members)

    def scores(self, weight: NDArray[np.float64]) -> Scores:
        cells = np.bincount(self.reference * self.size + self.mapped, weight, self.size**2)
        table = cells.reshape(self.size, self.size)
        both, total = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
        f1 = 2 * both / np.where(total > 0, total, 1)
        found = {"oa": float(both.sum() / weight.sum())}
        found["macro_f1"] = float(f1[self.occurring].mean())
        for name, members in self.members.items():
            if isinstance(members, tuple):
                mapped, true = (weight @ m for m in members)
                hit = weight @ (members[0] & members[1])
                found[name] = float(2 * hit / (mapped + true)) if true > 0 else np.nan
            else:
                found[name] = float(f1[members].mean()) if len(members) else np.nan
        return found


def _to_level(codes: NDArray[np.integer], legend: Legend, level: int) -> NDArray[np.int64]:
    parents = {c.code: c.codes[level - 1] for c in legend.classes} | {0: 0}
    return np.array([parents[int(c)] for c in codes], np.int64)


def interval(values: list[float]) -> list[float | None]:
    """Percentiles 2.5 and 97.5; None where there is no number."""
    array = np.asarray(values)
    array = array[np.isfinite(array)]
    if not len(array):
        return [None, None]
    low, high = np.percentile(array, (2.5, 97.5))
    return [_round(low), _round(high)]


def _round(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
