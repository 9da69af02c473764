"""What the comparison of two maps finds, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bocage.accuracy._compare._meaning import AMBIGUOUS, COARSER, SAME, Meaning
from bocage.accuracy._compare._outcome import (
    COMPARED,
    ONLY_A,
    ONLY_B,
    OUTCOMES,
)
from bocage.accuracy._result import plain
from bocage.legend import Legend

_KEYS = {o.value: o.key for o in OUTCOMES}


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two maps agree.

    Attributes
    ----------
    legend
        The legend that both are read in.
    a, b
        What the values of each mean in it.
    cells
        Area by value of A and of B (number from 1, 0 unclassified), ``outcome``
        (`bocage.accuracy` documents the values), ``confidence`` (lower edge of its class of
        10 %; -1 unknown), ``region`` (text), ``pixels`` and ``ha``.
    level
        Level of the legend that classes are reported at.
    tolerance_m
        How far apart two borders may lie to count as one.
    unsure
        Confidence, percent, below which A is unsure.
    notes
        What a reader must know.
    map
        Outcome of each pixel, uint8 (y, x), 255 outside; None where it was written to a file.
    """

    legend: Legend
    a: Meaning
    b: Meaning
    cells: pd.DataFrame
    level: int
    tolerance_m: float
    unsure: float = 50.0
    notes: tuple[str, ...] = ()
    map: xr.DataArray | None = None

    @property
    def compared(self) -> pd.DataFrame:
        """Cells where both maps have a class."""
        return self.cells[self.cells["outcome"].isin(COMPARED)]

    @cached_property
    def summary(self) -> dict[str, float]:
        """Area of each outcome, hectares (``same_ha`` …), and shares of the compared area.

        ``agreement``: same, coarser or ambiguous; ``certain``: without the ambiguous;
        ``by_chance``: the agreement if the values of each map, in their shares, lay anywhere, which
        tells how much an open crosswalk lets pass.
        """
        area = self.cells.groupby("outcome")["ha"].sum()
        found = {f"{o.key}_ha": float(area.get(o.value, 0.0)) for o in OUTCOMES}
        shares = {**_shares(self.compared), "by_chance": self._by_chance()}
        return {"compared_ha": float(self.compared["ha"].sum()), **found, **shares}

    def _by_chance(self) -> float:
        meets, _ = self._meeting(self.legend.levels)
        first, second = (
            np.bincount(self.compared[side] - 1, self.compared["pixels"], minlength=count)
            for side, count in zip(("a", "b"), meets.shape, strict=True)
        )
        return float(first @ meets @ second / (first.sum() * second.sum()))

    @cached_property
    def per_level(self) -> pd.DataFrame:
        """Agreement at each level of the legend: ``level``, ``agreement``, ``certain``.

        Certain is a place where both maps allow the same single class of the level.
        """
        cells, rows = self.compared, []
        for level in range(1, self.legend.levels + 1):
            meets, equal = self._meeting(level)
            pair = (cells["a"].to_numpy() - 1, cells["b"].to_numpy() - 1)
            count = cells["pixels"].to_numpy()
            total = count.sum()
            rows.append((level, count @ meets[pair] / total, count @ equal[pair] / total))
        return pd.DataFrame(rows, columns=["level", "agreement", "certain"])

    def _meeting(self, level: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Pairs of values that share a class of a level, and that both mean one and the same."""
        first, second = (m.lifted(self.legend, level) for m in (self.a, self.b))
        meets = (first.astype(np.int32) @ second.T.astype(np.int32)) > 0
        single = (first.sum(axis=1) == 1)[:, None] & (second.sum(axis=1) == 1)
        return meets, meets & single

    @cached_property
    def per_class(self) -> pd.DataFrame:
        """Agreement of each class of the level that either map is sure to mean.

        ``code``, ``name``; ``a_ha``, ``b_ha``: area of values that mean this class only;
        ``both_ha``: of both; ``a_in_b``: share of A's area where B allows the class, ``b_in_a``
        the other way; ``f1``: their harmonic mean, ``iou`` = f1 / (2 - f1). Where the crosswalk is
        one to one these are the usual figures, 2 both / (a + b) and both / (a + b - both).
        """
        cells = self.compared
        first, second = (m.lifted(self.legend, self.level) for m in (self.a, self.b))
        meets, _ = self._meeting(self.level)
        i, j = cells["a"].to_numpy() - 1, cells["b"].to_numpy() - 1
        count = cells["pixels"].to_numpy()
        pixel_ha = float(cells["ha"].sum() / count.sum())
        agree = meets[i, j]
        rows = []
        for column, code in enumerate(self.legend.codes(self.level)):
            in_a = (first[i, column]) & (first[i].sum(axis=1) == 1)
            in_b = (second[j, column]) & (second[j].sum(axis=1) == 1)
            n_a, n_b = int(count @ in_a), int(count @ in_b)
            if n_a == 0 and n_b == 0:
                continue
            a_in_b = _part(count @ (in_a & agree), n_a)
            b_in_a = _part(count @ (in_b & agree), n_b)
            f1 = _part(2 * a_in_b * b_in_a, a_in_b + b_in_a)
            if a_in_b + b_in_a == 0:
                f1 = 0.0
            rows.append(
                {
                    "code": code,
                    "name": self.legend.name(code, self.level),
                    "a_ha": n_a * pixel_ha,
                    "b_ha": n_b * pixel_ha,
                    "both_ha": int(count @ (in_a & in_b)) * pixel_ha,
                    "a_in_b": a_in_b,
                    "b_in_a": b_in_a,
                    "f1": f1,
                    "iou": f1 / (2 - f1),
                }
            )
        names = ["code", "name", "a_ha", "b_ha", "both_ha", "a_in_b", "b_in_a", "f1", "iou"]
        return pd.DataFrame(rows, columns=names)

    def per_value(self, side: str) -> pd.DataFrame:
        """What the other map says where this one (``a`` or ``b``) has a value of its own.

        ``value``, ``name``, ``classes`` (codes of the shared legend), ``ha``, and the shares
        ``agreement``, ``certain``, ``border``, ``temporal``, ``thematic``.
        """
        meaning = self.a if side == "a" else self.b
        codes = np.array(self.legend.codes())
        rows = []
        for number, cells in self.compared.groupby(side):
            place = int(str(number)) - 1
            rows.append(
                {
                    "value": meaning.values[place],
                    "name": meaning.names[place],
                    "classes": codes[meaning.allowed[place]].tolist(),
                    "ha": float(cells["ha"].sum()),
                    **_shares(cells),
                }
            )
        return pd.DataFrame(rows)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Area of each pair of values: ``a``, ``b``, their names, ``relation`` and ``ha``."""
        said = {SAME: "same", COARSER: "coarser", AMBIGUOUS: "ambiguous"}
        grouped = self.compared.assign(
            relation=[said.get(o, "different") for o in self.compared["outcome"]]
        )
        table = _areas(grouped, ["a", "b", "relation"])
        for side, meaning in (("a", self.a), ("b", self.b)):
            place = table[side].to_numpy() - 1
            table[f"name_{side}"] = [meaning.names[k] for k in place]
            table[side] = [meaning.values[k] for k in place]
        order = ["a", "name_a", "b", "name_b", "relation", "ha"]
        return table[order]

    @cached_property
    def per_confidence(self) -> pd.DataFrame:
        """Agreement per class of A's confidence: ``low``, ``high`` (percent), ``ha``, shares."""
        cells = self.compared[self.compared["confidence"] >= 0]
        rows = [
            {"low": low, "high": int(str(low)) + 10, "ha": float(c["ha"].sum()), **_shares(c)}
            for low, c in cells.groupby("confidence")
        ]
        return pd.DataFrame(rows)

    @cached_property
    def per_region(self) -> pd.DataFrame:
        """Agreement per region: ``region``, ``ha``, shares."""
        cells = self.compared[self.compared["region"] != ""]
        rows = [
            {"region": region, "ha": float(c["ha"].sum()), **_shares(c)}
            for region, c in cells.groupby("region")
        ]
        return pd.DataFrame(rows)

    @cached_property
    def complement(self) -> dict[str, Any]:
        """Where one map knows more than the other, hectares.

        ``only_a_ha``, ``only_b_ha``: only this one has a class. ``a_deeper_ha``, ``b_deeper_ha``:
        both agree and this one allows fewer classes. ``a_unsure_ha``: the confidence of A is below
        the limit; of it ``b_agrees_ha`` and ``b_differs_ha``. ``b_adds``: the values of A
        that B makes more precise, and ``a_adds`` the other way.
        """
        cells = self.cells
        both = self.compared
        i, j = both["a"].to_numpy() - 1, both["b"].to_numpy() - 1
        first, second = self.a.allowed[i], self.b.allowed[j]
        common = (first & second).sum(axis=1)
        a_deeper = (common == first.sum(axis=1)) & (second.sum(axis=1) > common)
        b_deeper = (common == second.sum(axis=1)) & (first.sum(axis=1) > common)
        unsure = both[(both["confidence"] >= 0) & (both["confidence"] + 10 <= self.unsure)]
        agrees = unsure["outcome"] <= AMBIGUOUS
        return {
            "only_a_ha": float(cells.loc[cells["outcome"] == ONLY_A, "ha"].sum()),
            "only_b_ha": float(cells.loc[cells["outcome"] == ONLY_B, "ha"].sum()),
            "a_deeper_ha": float(both.loc[a_deeper, "ha"].sum()),
            "b_deeper_ha": float(both.loc[b_deeper, "ha"].sum()),
            "a_unsure_ha": float(unsure["ha"].sum()),
            "b_agrees_ha": float(unsure.loc[agrees, "ha"].sum()),
            "b_differs_ha": float(unsure.loc[~agrees, "ha"].sum()),
            "b_adds": self._adds(both[b_deeper]),
            "a_adds": self._adds(both[a_deeper]),
        }

    def _adds(self, cells: pd.DataFrame) -> list[dict[str, Any]]:
        rows = _areas(cells, ["a", "b"]).to_numpy()
        return [
            {"a": self.a.values[int(i) - 1], "b": self.b.values[int(j) - 1], "ha": float(ha)}
            for i, j, ha in rows
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None where there is no number."""
        return {
            "legend": self.legend.id,
            "a": self.a.id,
            "b": self.b.id,
            "level": self.level,
            "tolerance_m": self.tolerance_m,
            **{k: plain(v) for k, v in self.summary.items()},
            "levels": _records(self.per_level),
            "per_class": _records(self.per_class),
            "per_value_a": _records(self.per_value("a")),
            "per_value_b": _records(self.per_value("b")),
            "per_confidence": _records(self.per_confidence),
            "per_region": _records(self.per_region),
            "pairs": _records(self.pairs),
            "complement": self.complement,
            "notes": list(self.notes),
        }


def _areas(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Area of each combination, the largest first."""
    table = cells.groupby(keys)["ha"].sum().reset_index()
    return pd.DataFrame(table.sort_values("ha", ascending=False, ignore_index=True))


def _shares(cells: pd.DataFrame) -> dict[str, float]:
    """Shares of the area of cells where both maps have a class."""
    total = int(cells["pixels"].sum())
    count = cells.groupby("outcome")["pixels"].sum()
    agree = sum(int(count.get(v, 0)) for v in (SAME, COARSER, AMBIGUOUS))
    shares = {_KEYS[v]: _part(int(count.get(v, 0)), total) for v in COMPARED if v > AMBIGUOUS}
    certain = agree - int(count.get(AMBIGUOUS, 0))
    return {"agreement": _part(agree, total), "certain": _part(certain, total), **shares}


def _part(above: float, below: float) -> float:
    return float(above) / float(below) if below > 0 else float("nan")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): plain(v) for k, v in row.items()} for row in table.to_dict(orient="records")]
