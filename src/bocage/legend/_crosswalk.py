"""Correspondences between two nomenclatures."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import existing
from bocage.legend._classes import some
from bocage.legend._legend import Legend
from bocage.legend._tables import read_table

_PACKAGED = (
    "clc", "clcplus", "cz2018", "euet", "eunis", "lulucf", "maes", "n2k2018", "rz2018",
    "ua2021", "worldcover",
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """When a pair of a crosswalk holds: a layer lies in ``least <= value < most``.

    Attributes
    ----------
    layer
        Name of an ancillary layer, such as ``imperviousness``.
    least, most
        Limits in the unit of the layer.
    """

    layer: str
    least: float = -math.inf
    most: float = math.inf

    def holds(self, values: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether it holds at each value of the layer; NaN says nothing against it."""
        return ~((values < self.least) | (values >= self.most))


@dataclass(frozen=True)
class Crosswalk:
    """Which leaves of a legend may stand behind each code of another nomenclature.

    Attributes
    ----------
    id
        Short name, such as ``clcplus``.
    allowed
        Source code → leaf codes of the legend. One leaf: the pair is 1:1 or n:1.
        Several leaves: the source code alone does not decide (1:n, ambiguous).
        No leaf: the source code is left out on purpose, its objects have no label.
    preferred
        Leaf code of the legend → source code, for an automatic recode of the map.
    names
        Source code → name, where known.
    primary
        The pairs (leaf code, source code) that a recode may choose without evidence.
    conditions
        What ancillary layers say about pairs (leaf code, source code): all of it must hold.
    """

    id: str
    allowed: Mapping[str, tuple[int, ...]]
    preferred: Mapping[int, str]
    names: Mapping[str, str]
    primary: frozenset[tuple[int, str]] = frozenset()
    conditions: Mapping[tuple[int, str], tuple[Condition, ...]] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        """Ancillary layers that it can use."""
        return tuple(sorted({c.layer for said in self.conditions.values() for c in said}))

    def to_legend(self, source_code: str | int) -> tuple[int, ...]:
        """Leaf codes that a source code allows; none where it is left out on purpose.

        Raises
        ------
        InputError
            If the crosswalk does not know the source code.
        """
        try:
            return self.allowed[str(source_code)]
        except KeyError:
            raise InputError(
                f"class {source_code} is not in the crosswalk '{self.id}'",
                remedy=f"it knows {some(sorted(self.allowed))}; add the class to a crosswalk CSV",
            ) from None

    def knows(self, source_code: str | int) -> bool:
        """Whether the crosswalk has the source code."""
        return str(source_code) in self.allowed

    def from_legend(self, code: int) -> str | None:
        """Source code that a leaf of the legend is recoded to; None where no pair is preferred."""
        return self.preferred.get(code)

    def relation(self, source_code: str | int) -> str:
        """``1:1``, ``n:1`` or ``ambiguous``, read from the table in the direction of the legend.

        ``out``: the source code is left out on purpose.
        """
        leaves = self.to_legend(source_code)
        if not leaves:
            return "out"
        if len(leaves) > 1:
            return "ambiguous"
        shared = [s for s, targets in self.allowed.items() if targets == leaves]
        return "1:1" if len(shared) == 1 else "n:1"


def list_crosswalks() -> tuple[str, ...]:
    """Ids of the crosswalks in the package (from the PA legend)."""
    return _PACKAGED


def load_crosswalk(
    crosswalk: str | Path, legend: Legend, *, folder: Path | None = None
) -> Crosswalk:
    """Load a crosswalk to a legend.

    Parameters
    ----------
    crosswalk
        ``identity`` (the source uses the legend's own codes, of any level), ``index`` (it
        holds class indices of the legend, as our own rasters do), an id of `list_crosswalks`,
        or the path of a CSV file with the columns ``source_code`` and ``code`` (one row a pair),
        where a code of a higher level stands for all its leaves, and 0 leaves the source code
        out. Further columns, all optional: ``source_name``; ``primary`` (1, or 0 for a pair that
        needs evidence); ``layer``, ``least`` and ``most`` (the pair holds where the ancillary
        layer has such a value; of several rows of a pair all must hold).
    legend
        The legend that the crosswalk leads to.
    folder
        Where a relative path starts.

    Raises
    ------
    InputError
        If there is no such crosswalk or it names a class that the legend does not have.
    """
    if str(crosswalk) == "identity":
        return _identity(legend)
    if str(crosswalk) == "index":
        rows = [
            {"source_code": str(i), "code": str(c.code), "source_name": c.name}
            for i, c in enumerate(legend.classes, start=1)
        ]
        return _from_rows("index", rows, legend)
    if str(crosswalk) in _PACKAGED:
        data = resources.files("bocage.legend") / "data" / "crosswalks" / f"pa_{crosswalk}.csv"
        rows = [
            {**r, "source_code": r["other_code"], "code": r["pa_code"],
             "source_name": r["other_name"]}
            for r in csv.DictReader(data.read_text(encoding="utf-8").splitlines())
        ]  # fmt: skip
    elif str(crosswalk).endswith(".csv"):
        path = existing((folder or Path()) / crosswalk, "crosswalk")
        rows = read_table(path)
        if not rows or not {"source_code", "code"} <= set(rows[0]):
            raise InputError(
                f"{path}: a crosswalk needs rows with the columns source_code and code",
                remedy="add the header source_code,code and one row a pair",
            )
    else:
        raise InputError(
            f"there is no crosswalk '{crosswalk}'",
            remedy=f"use identity, index, one of {some(_PACKAGED, 20)}, or a CSV file",
        )
    return _from_rows(str(crosswalk), rows, legend)


def _from_rows(id: str, rows: list[dict[str, str]], legend: Legend) -> Crosswalk:
    allowed: dict[str, list[int]] = {}
    preferred: dict[int, str] = {}
    names: dict[str, str] = {}
    primary: set[tuple[int, str]] = set()
    conditions: dict[tuple[int, str], tuple[Condition, ...]] = {}
    left_out: set[str] = set()
    for row in rows:
        source, code = row["source_code"].strip(), row["code"].strip()
        if not code.isdigit():
            raise InputError(
                f"crosswalk '{id}': '{code}' is no class code", remedy="codes are whole numbers"
            )
        names.setdefault(source, row.get("source_name") or "")
        condition, primary_pair = _condition(row, id), _is_primary(row, id)
        leaves = allowed.setdefault(source, [])
        if int(code) == 0:
            if condition is not None:
                raise InputError(
                    f"crosswalk '{id}': {source} is left out (code 0) by the layer "
                    f"{condition.layer}",
                    remedy="give the layer with the classes: where none of them holds there is "
                    "no label",
                )
            left_out.add(source)
            continue
        for leaf in legend.leaves(int(code)):
            leaves.append(leaf)
            if primary_pair:
                preferred.setdefault(leaf, source)
                primary.add((leaf, source))
            if condition is not None:
                conditions[leaf, source] = (*conditions.get((leaf, source), ()), condition)
    if both := sorted(source for source in left_out if allowed[source]):
        raise InputError(
            f"crosswalk '{id}': {some(both)} is left out (code 0) and has classes, too",
            remedy="give it code 0 in a single row, or its classes alone",
        )
    frozen = {s: tuple(dict.fromkeys(leaves)) for s, leaves in allowed.items()}
    return Crosswalk(id, frozen, preferred, names, frozenset(primary), conditions)


def _is_primary(row: Mapping[str, str], id: str) -> bool:
    word = (row.get("primary") or "").strip()
    if word not in ("", "0", "1"):
        raise InputError(
            f"crosswalk '{id}': primary is '{word}'",
            remedy="write 1, or 0 for a pair that needs evidence",
        )
    return word != "0"


def _condition(row: Mapping[str, str], id: str) -> Condition | None:
    layer = (row.get("layer") or "").strip()
    if not layer:
        return None
    limits = {key: (row.get(key) or "").strip() for key in ("least", "most")}
    try:
        return Condition(layer, **{key: float(text) for key, text in limits.items() if text})
    except ValueError:
        raise InputError(
            f"crosswalk '{id}': least '{limits['least']}' or most '{limits['most']}' of the layer "
            f"{layer} is no number",
            remedy="leave it empty where there is no limit",
        ) from None


def _identity(legend: Legend) -> Crosswalk:
    allowed = {
        str(code): legend.leaves(code, level)
        for level in range(1, legend.levels + 1)
        for code in legend.codes(level)
    }
    names = {str(c.code): c.name for c in legend.classes}
    preferred = {c.code: str(c.code) for c in legend.classes}
    return Crosswalk("identity", allowed, preferred, names, frozenset(preferred.items()))
