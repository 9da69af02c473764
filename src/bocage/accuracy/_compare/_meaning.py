"""What the values of two maps mean in one legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.accuracy._compare._layers import Layer
from bocage.accuracy._values import reading
from bocage.errors import InputError
from bocage.legend import (
    Crosswalk,
    Legend,
    LegendClass,
    list_crosswalks,
    list_legends,
    load_crosswalk,
    load_legend,
)

VALUES = "values"
"""Nomenclature without a legend: a class per value."""

SAME, COARSER, AMBIGUOUS = 1, 2, 3
"""How two values that can mean the same class agree; 0 where they cannot."""

MOST_VALUES = 1000
"""Values beyond which a layer is taken for something else than a map of classes."""

_GOLDEN = 0.618034


@dataclass(frozen=True, eq=False)
class Meaning:
    """The values of a map in the shared legend.

    Attributes
    ----------
    id
        Name of the nomenclature.
    values
        The values that occur, as text; the number of a value is its position, from 1.
    names
        Their names, "" where unknown.
    allowed
        bool (n, leaves): classes of the shared legend that each may mean.
    raw
        Values in the layer, sorted, and the number of each (0: unclassified).
    """

    id: str
    values: tuple[str, ...]
    names: tuple[str, ...]
    allowed: NDArray[np.bool_]
    raw: tuple[NDArray[np.int64], NDArray[np.int16]]

    def numbers(self, values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.int16]:
        """Numbers of raw values, int16: -1 outside, 0 unclassified, else from 1."""
        known, number = self.raw
        if known.size == 0:
            return np.full(values.shape, -1, dtype=np.int16)
        # What lies outside may hold any value, NaN too.
        whole = np.where(valid, values, known[0]).astype(np.int64)
        place = np.minimum(np.searchsorted(known, whole), known.size - 1)
        # Beyond the rim of the compared area there may be values that occur nowhere in it.
        there = valid & (known[place] == whole)
        return np.where(there, number[place], np.int16(-1)).astype(np.int16)

    def lifted(self, legend: Legend, level: int) -> NDArray[np.bool_]:
        """`allowed` at a level, bool (n, codes of the level)."""
        codes = legend.codes(level)
        column = [codes.index(c.codes[level - 1]) for c in legend.classes]
        table = np.zeros((len(self.values), len(codes)), dtype=bool)
        for leaf, code in enumerate(column):
            table[:, code] |= self.allowed[:, leaf]
        return table


def relations(a: Meaning, b: Meaning, legend: Legend) -> NDArray[np.uint8]:
    """How each pair of values agrees, uint8 (n_a + 1, n_b + 1); row and column 0 are unclassified.

    `SAME`: both mean the same classes. `COARSER`: one is a class of a higher level of the legend
    that holds the other. `AMBIGUOUS`: they share a class, but one of them is wider than any
    class of the legend, or both overlap only. 0: they share none.
    """
    nodes = {
        tuple(np.isin(legend.codes(), legend.leaves(code, level)).tolist())
        for level in range(1, legend.levels + 1)
        for code in legend.codes(level)
    }
    size_a, size_b = a.allowed.sum(axis=1)[:, None], b.allowed.sum(axis=1)[None, :]
    node_a, node_b = (
        np.array([tuple(row) in nodes for row in m.allowed.tolist()], dtype=bool) for m in (a, b)
    )
    common = a.allowed.astype(np.int32) @ b.allowed.T.astype(np.int32)
    within = (common == size_a) | (common == size_b)
    wider_is_node = np.where(size_a > size_b, node_a[:, None], node_b[None, :])
    table = np.zeros((len(a.values) + 1, len(b.values) + 1), dtype=np.uint8)
    inner = table[1:, 1:]
    inner[common > 0] = AMBIGUOUS
    inner[(common > 0) & within & wider_is_node] = COARSER
    inner[(common == size_a) & (common == size_b)] = SAME
    return table


@dataclass(frozen=True, eq=False)
class Nomenclature:
    """How values are read: a legend, or a crosswalk to the shared legend."""

    id: str
    shared: Legend
    crosswalk: Crosswalk | None = None
    own: Legend | None = None
    """Legend of the values of a raster, where a crosswalk leads from its codes."""

    def codes(self, text: str) -> tuple[int, ...]:
        """Leaves of the shared legend that a code allows."""
        if self.crosswalk is not None:
            return self.crosswalk.to_legend(text)
        if not text.isdigit():
            raise InputError(
                f"'{text}' is no code of the legend '{self.shared.id}'",
                remedy="name the attribute that holds the class code",
            )
        return self.shared.leaves(int(text))

    def name(self, text: str) -> str:
        """Name of a value."""
        if self.crosswalk is not None:
            return self.crosswalk.names.get(text, "")
        for level in range(self.shared.levels, 0, -1):
            if text.isdigit() and int(text) in self.shared.codes(level):
                return self.shared.name(int(text), level)
        return ""

    def meaning(self, layer: Layer, box: GeoBox) -> Meaning:
        """What the values of a layer on a grid mean.

        Raises
        ------
        InputError
            If a value is not of the nomenclature, or nothing is classified.
        """
        raw = layer.texts(box)
        known = self.crosswalk is not None and self.crosswalk.knows("0")
        spoken = {v: t for v, t in raw.items() if t != "0" or known}
        if not spoken:
            raise InputError(f"{layer.name} holds no class", remedy="give a classified map")
        own = self.shared if self.crosswalk is None else self.own
        if layer.raster and own is not None:
            # A raster of ours holds positions in the legend, not codes.
            table = reading(set(spoken) - {0}, own, layer.name)
            spoken = {v: str(table.get(v, 0)) for v in spoken}
        order = tuple(sorted(set(spoken.values()), key=_numeric))
        if len(order) > MOST_VALUES:
            raise InputError(
                f"{layer.name} holds {len(order)} different values",
                remedy="give a map of classes, and name the attribute with the class",
            )
        try:
            sets = [self.codes(t) for t in order]
        except InputError as error:
            raise InputError(f"{layer.name}: {error.message}", remedy=error.remedy) from error
        # What a crosswalk leaves out on purpose is unclassified.
        order = tuple(t for t, leaves in zip(order, sets, strict=True) if leaves)
        sets = [leaves for leaves in sets if leaves]
        if not order:
            raise InputError(f"{layer.name} holds no class", remedy="give a classified map")
        number = {t: i for i, t in enumerate(order, start=1)}
        values = np.array(sorted(raw), dtype=np.int64)
        return Meaning(
            id=self.id,
            values=order,
            names=tuple(self.name(t) for t in order),
            allowed=np.array([np.isin(self.shared.codes(), s) for s in sets], dtype=bool),
            raw=(
                values,
                np.array([number.get(spoken.get(v, ""), 0) for v in values.tolist()], np.int16),
            ),
        )


def _numeric(text: str) -> tuple[bool, int, str]:
    return (not text.isdigit(), int(text) if text.isdigit() else 0, text)


LegendLike = Legend | str | Path


def nomenclatures(
    layers: Sequence[Layer],
    box: GeoBox,
    legend_a: LegendLike,
    legend_b: LegendLike | None,
    crosswalk: str | Path | None,
) -> tuple[Nomenclature, Nomenclature]:
    """How the two maps are read in one legend.

    The shared legend is that of A where it is a legend (an id, a CSV file), else that of B, else
    the one that the packaged crosswalks lead to. Two maps of one other nomenclature are compared
    in it, one class a code.

    Parameters
    ----------
    layers, box
        The two maps, and the grid that they are compared on.
    legend_a, legend_b
        A legend, the id or CSV file of one, the id of a packaged crosswalk, or ``values``. B has
        that of A by default.
    crosswalk
        From B's codes to the legend of A (to the one A's packaged crosswalk leads to, where A has
        one): id or CSV file (``source_code``, ``code``; one row a pair). A legend B given beside
        it says what the class indices of a raster B are.

    Raises
    ------
    InputError
        If a nomenclature is unknown, or nothing leads from one to the other.
    """
    packaged = list_legends()[0]
    if crosswalk is not None:
        found = _legend(legend_a)
        shared = found or load_legend(packaged)
        pairs = load_crosswalk(crosswalk, shared)
        own = None if legend_b is None else _legend(legend_b)
        return _lead(legend_a, found, shared), Nomenclature(pairs.id, shared, pairs, own)
    second = legend_a if legend_b is None else legend_b
    found_a, found_b = _legend(legend_a), _legend(second)
    if found_a is not None and found_b is not None:
        if found_a.id != found_b.id or found_a.classes != found_b.classes:
            raise InputError(
                f"nothing leads from the legend '{found_b.id}' to '{found_a.id}'",
                remedy="give a crosswalk",
            )
        return Nomenclature(found_a.id, found_a), Nomenclature(found_a.id, found_a)
    if found_a is None and found_b is None and str(legend_a) == str(second):
        flat = _flat(str(legend_a), layers, box)
        return flat, flat
    shared = found_a or found_b or load_legend(packaged)
    return _lead(legend_a, found_a, shared), _lead(second, found_b, shared)


def _legend(given: LegendLike) -> Legend | None:
    """The legend itself; None for the id of a crosswalk or for values."""
    if isinstance(given, Legend):
        return given
    if str(given) == VALUES or str(given) in list_crosswalks():
        return None
    return load_legend(given)


def _lead(given: LegendLike, found: Legend | None, shared: Legend) -> Nomenclature:
    if found is not None:
        return Nomenclature(found.id, shared)
    if str(given) == VALUES:
        raise InputError(
            f"nothing says what the values of one map mean in the legend '{shared.id}'",
            remedy="give its legend or a crosswalk",
        )
    if shared.id not in list_legends():
        raise InputError(
            f"nothing leads from '{given}' to the legend '{shared.id}'", remedy="give a crosswalk"
        )
    return Nomenclature(str(given), shared, load_crosswalk(str(given), shared))


def _flat(id: str, layers: Sequence[Layer], box: GeoBox) -> Nomenclature:
    """One class for each value that occurs in either map."""
    texts = sorted({t for layer in layers for t in layer.texts(box).values()} - {"0"}, key=_numeric)
    if len(texts) > MOST_VALUES:
        raise InputError(
            f"the maps hold {len(texts)} different values", remedy="give maps of classes"
        )
    if not texts:
        raise InputError("neither map holds a class", remedy="give classified maps")
    names: dict[str, str] = {}
    if id != VALUES:
        packaged = load_crosswalk(id, load_legend(list_legends()[0]))
        if strange := [t for t in texts if not packaged.knows(t)]:
            raise InputError(
                f"class {', '.join(strange[:8])} is not in the nomenclature '{id}'",
                remedy="mark it as nodata in the file, or give a legend CSV",
            )
        names = dict(packaged.names)
    codes = {t: int(t) if t.isdigit() else i for i, t in enumerate(texts, start=1)}
    if len(set(codes.values())) < len(codes):
        codes = {t: i for i, t in enumerate(texts, start=1)}
    leaves = tuple(
        LegendClass((codes[t],), (names.get(t) or t,), _color(i)) for i, t in enumerate(texts)
    )
    pairs = {t: (codes[t],) for t in texts}
    return Nomenclature(
        id, Legend(id, leaves), Crosswalk(id, pairs, {c: t for t, c in codes.items()}, names)
    )


def _color(position: int) -> str:
    import colorsys

    red, green, blue = colorsys.hsv_to_rgb(position * _GOLDEN % 1.0, 0.55, 0.9)
    return "#" + "".join(f"{round(255 * v):02x}" for v in (red, green, blue))
