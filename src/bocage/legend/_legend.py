"""The class tree of a nomenclature as a frozen value."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import existing
from bocage.legend._classes import LegendClass, some
from bocage.legend._tables import MAX_LEVELS, classes_of, read_table

UNCLASSIFIED = 0
"""Class index of a pixel inside the area whose class is not known (cloud, no image)."""

OUTSIDE = 255
"""Class index of a pixel outside the area."""

_COLOR = re.compile(r"#[0-9a-f]{6}")
_LARGEST = 2**31 - 1  # codes are 32-bit integers in layers
_CONFUSED = 0.5  # similarity of classes that the legend says are commonly confused


@dataclass(frozen=True)
class Legend:
    """A nomenclature with 1 to 4 levels.

    The order of `classes` is the dense index: the class at position ``i`` has the
    class index ``i + 1`` in rasters, 0 is unclassified and 255 outside.

    Attributes
    ----------
    id
        Short name, such as ``pa``.
    classes
        The leaves in order.
    roles
        What automatic editing needs to know, such as ``{"road": 1210}``: a legend
        says which of its leaves plays a role; no code names a class.
    level_colors
        Colours of codes above the leaf level, where the legend gives them.
    """

    id: str
    classes: tuple[LegendClass, ...]
    roles: Mapping[str, int] = field(default_factory=dict)
    level_colors: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", MappingProxyType(dict(self.roles)))
        object.__setattr__(self, "level_colors", MappingProxyType(dict(self.level_colors)))
        _validate(self)

    def __reduce__(self) -> tuple[object, ...]:
        # Read-only views of mappings cannot be pickled; a legend crosses process borders.
        return (Legend, (self.id, self.classes, dict(self.roles), dict(self.level_colors)))

    def __hash__(self) -> int:
        return hash((self.id, self.classes))

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def levels(self) -> int:
        """Number of levels, 1 to 4."""
        return len(self.classes[0].codes)

    def codes(self, level: int | None = None) -> tuple[int, ...]:
        """Distinct codes of a level (1 is the coarsest; the leaves by default), in order."""
        position = self._position(level)
        return tuple(dict.fromkeys(c.codes[position] for c in self.classes))

    def index(self, code: int) -> int:
        """Class index (1 … n) of a leaf code."""
        try:
            return self._indices[int(code)]
        except KeyError:
            raise InputError(
                f"class {code} is not in the legend '{self.id}'",
                remedy=f"use one of its leaf codes: {some(self.codes())}",
            ) from None

    def __getitem__(self, code: int) -> LegendClass:
        """The leaf with this code."""
        return self.classes[self.index(code) - 1]

    def parent(self, code: int, level: int) -> int:
        """Code at `level` of the leaf `code`."""
        return self[code].codes[self._position(level)]

    def leaves(self, code: int, level: int | None = None) -> tuple[int, ...]:
        """Leaf codes under `code`, which may stand at any level.

        Parameters
        ----------
        code
            A code of any level.
        level
            Its level; when it is not given the deepest level that has the code is used.
        """
        positions = [self._position(level)] if level is not None else range(self.levels - 1, -1, -1)
        for position in positions:
            found = tuple(c.code for c in self.classes if c.codes[position] == code)
            if found:
                return found
        raise InputError(
            f"no class {code} at any level of the legend '{self.id}'",
            remedy=f"codes of level 1 are {some(self.codes(1))}",
        )

    def name(self, code: int, level: int | None = None) -> str:
        """Name of a code at a level (the leaves by default)."""
        position = self._position(level)
        return self[self.leaves(code, position + 1)[0]].names[position]

    def notation(self, code: int, level: int | None = None) -> str:
        """Code at a level (the leaves by default) as the nomenclature writes it."""
        position = self._position(level)
        written = self[self.leaves(code, position + 1)[0]].notations
        return written[position] if written else str(code)

    def only(self, codes: Iterable[int]) -> Legend:
        """The same legend with some of its leaves, in their order."""
        kept = frozenset(codes)
        classes = tuple(
            replace(c, confusions=tuple(o for o in c.confusions if o in kept))
            for c in self.classes
            if c.code in kept
        )
        roles = {role: code for role, code in self.roles.items() if code in kept}
        return Legend(self.id, classes, roles, self.level_colors)

    def color(self, code: int, level: int | None = None) -> str:
        """Colour of a code; above the leaves the legend's own, else that of its first leaf."""
        position = self._position(level)
        if position == self.levels - 1:
            return self[code].color
        given = self.level_colors.get((position + 1, code))
        return given or self[self.leaves(code, position + 1)[0]].color

    def flagged(self, flag: str) -> tuple[int, ...]:
        """Leaf codes that carry a flag, such as ``linear``."""
        return tuple(c.code for c in self.classes if flag in c.flags)

    def code_table(self, level: int | None = None) -> NDArray[np.int32]:
        """Look-up table, shape (256,): class index → code at a level; 0 where there is none."""
        position = self._position(level)
        self._fits_a_byte()
        table = np.zeros(256, dtype=np.int32)
        table[1 : len(self) + 1] = [c.codes[position] for c in self.classes]
        return table

    def encode(self, codes: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Turn an array of leaf codes into class indices; code 0 stays 0.

        Raises
        ------
        InputError
            If the array holds a code that is not a leaf of this legend, or the legend has
            more classes than a byte can index.
        """
        self._fits_a_byte()
        values, inverse = np.unique(codes, return_inverse=True)
        table = np.array([0 if v == 0 else self.index(int(v)) for v in values], dtype=np.uint8)
        return table[inverse].reshape(np.shape(codes))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything the legend says, the same in every process."""
        said = [
            (c.codes, c.names, c.color, c.confusions, sorted(c.flags), c.definition)
            + ((c.notations,) if c.notations else ())
            for c in self.classes
        ]
        text = json.dumps([self.id, said, sorted(self.roles.items())])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def similarity(self) -> NDArray[np.float32]:
        """Similarity of each pair of leaves, shape (n, n), 0 … 1, 1 on the diagonal.

        The share of common ancestors among all levels, raised to at least 0.5 for
        pairs that the legend lists as commonly confused.
        """
        codes = np.array([c.codes for c in self.classes])
        same = codes[:, None, :] == codes[None, :, :]
        matrix: NDArray[np.float32] = same.mean(axis=2).astype(np.float32)
        for i, leaf in enumerate(self.classes):
            for code in leaf.confusions:
                j = self.index(code) - 1
                matrix[i, j] = matrix[j, i] = max(matrix[i, j], _CONFUSED)
        matrix.setflags(write=False)
        return matrix

    @cached_property
    def _indices(self) -> dict[int, int]:
        return {c.code: i for i, c in enumerate(self.classes, start=1)}

    def _fits_a_byte(self) -> None:
        if len(self) >= OUTSIDE:
            raise InputError(
                f"the legend '{self.id}' has {len(self)} classes, a raster index holds 254",
                remedy="map at a coarser level",
            )

    def _position(self, level: int | None) -> int:
        if level is None:
            return self.levels - 1
        if not 1 <= level <= self.levels:
            raise InputError(
                f"the legend '{self.id}' has no level {level}",
                remedy=f"its levels are 1 to {self.levels}",
            )
        return level - 1

    @classmethod
    def from_csv(cls, path: Path | str, id: str | None = None) -> Legend:
        """Read a legend from a CSV file.

        Columns ``code_1 … code_n`` and ``name_1 … name_n`` (n from 1 to 4) are needed.
        Optional: ``color`` (``#rrggbb``), ``definition``, ``confusions`` (leaf codes joined by
        ``;``), ``role``; a column whose values are all 0 or 1 is a flag. Colours that are not
        given are spread over the colour circle.

        Raises
        ------
        InputError
            If a column is missing, a code is no positive integer or occurs twice, or a
            code has two parents.
        """
        path = existing(path, "legend")
        return cls(id or path.stem, *classes_of(read_table(path), str(path)))


def _validate(legend: Legend) -> None:
    where = f"legend '{legend.id}'"
    if not legend.classes:
        raise InputError(f"{where} has no class", remedy="add a class")
    levels = {len(c.codes) for c in legend.classes}
    if len(levels) != 1 or not 1 <= max(levels) <= MAX_LEVELS:
        raise InputError(f"{where}: classes differ in depth", remedy="give every class all levels")
    leaves = [c.code for c in legend.classes]
    if twice := sorted({c for c in leaves if leaves.count(c) > 1}):
        raise InputError(
            f"{where}: duplicate code {some(twice)}", remedy="give each class a code of its own"
        )
    if large := sorted({c for leaf in legend.classes for c in leaf.codes if c > _LARGEST}):
        raise InputError(
            f"{where}: code {some(large)} is too large", remedy=f"codes run to {_LARGEST}"
        )
    for position in range(1, max(levels)):
        parents: dict[int, tuple[int, ...]] = {}
        for leaf in legend.classes:
            code, above = leaf.codes[position], leaf.codes[:position]
            if parents.setdefault(code, above) != above:
                raise InputError(
                    f"{where}: code {code} of level {position + 1} has two parents",
                    remedy="a code stands under one parent only",
                )
    for leaf in legend.classes:
        if not _COLOR.fullmatch(leaf.color):
            raise InputError(
                f"{where}: '{leaf.color}' of class {leaf.code} is no colour",
                remedy="write colours as #rrggbb",
            )
    known = set(leaves)
    unknown = {c for leaf in legend.classes for c in leaf.confusions if c not in known}
    unknown |= {c for c in legend.roles.values() if c not in known}
    if unknown:
        raise InputError(
            f"{where}: {some(sorted(unknown))} named as a confusion or role is no class of it",
            remedy="name leaf codes of the same legend",
        )
