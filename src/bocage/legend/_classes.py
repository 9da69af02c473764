"""One class of a nomenclature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LegendClass:
    """One leaf of a legend with its ancestors.

    Attributes
    ----------
    codes
        The code at each level, coarse to fine; the last one is the leaf's.
    names
        The name at each level.
    color
        Colour of the leaf as ``#rrggbb``.
    definition
        What belongs to the class, in prose.
    confusions
        Leaf codes that are commonly confused with this class.
    flags
        Names of the flag columns set to 1 (such as ``linear``).
    notations
        The code at each level as the nomenclature writes it, where that is no whole number
        (such as ``J2``); empty where codes are numbers.
    """

    codes: tuple[int, ...]
    names: tuple[str, ...]
    color: str
    definition: str = ""
    confusions: tuple[int, ...] = ()
    flags: frozenset[str] = frozenset()
    notations: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        """The code of the leaf."""
        return self.codes[-1]

    @property
    def name(self) -> str:
        """The name of the leaf."""
        return self.names[-1]


def some(values: Iterable[object], most: int = 8) -> str:
    """The first of some values, as a text."""
    texts = [str(v) for v in values]
    return ", ".join(texts[:most]) + (" …" if len(texts) > most else "")
