"""How probable it is that one class turns into another."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError, InputError
from bocage.files import existing
from bocage.grid import FINE
from bocage.legend import Legend

Rule = tuple[str, str, float]


@dataclass(frozen=True)
class TransitionPrior:
    """Prior of a class in the second year given the class in the first.

    A pixel keeps its class with probability `stay`; the remainder is spread evenly over the
    other classes, scaled by the rules, and what the rules take away is given to staying.

    Attributes
    ----------
    stay
        Probability of no change between the two years, 0 … 1.
    rules
        Triples (from, to, factor) over leaf codes, where ``*`` stands for any digits: ``("1*",
        "*", 0.02)``. Of the rules that match a pair the last one holds.
    support_m
        Side in metres of the window whose pixels have a say in whether its middle changed.
    independent
        How many independent looks the window is worth; 1 with a window of one pixel is the
        decoding of each pixel by itself.
    sharpness
        The confidence of a stable class is its share in Σ (p₁ p₂) to this power: 1 if the two
        years erred independently, 0.5 (the geometric mean) if they shared all errors.
    """

    stay: float = 0.98
    rules: tuple[Rule, ...] = ()
    support_m: float = 32.5
    independent: float = 5.0
    sharpness: float = 0.7

    @property
    def window_px(self) -> int:
        """Side of the window in fine pixels, an odd number."""
        return 2 * int(self.support_m / FINE // 2) + 1

    def __post_init__(self) -> None:
        if not 0 < self.stay < 1:
            raise ConfigError(
                f"the probability of no change is {self.stay}",
                remedy="give a value between 0 and 1, such as 0.98",
            )
        if bad := [r for r in self.rules if not 0 <= r[2] <= 1]:
            raise ConfigError(
                f"the factor of the transition {bad[0][0]} → {bad[0][1]} is {bad[0][2]}",
                remedy="give a factor from 0 (impossible) to 1 (as probable as any other)",
            )

    @classmethod
    def for_legend(cls, legend: Legend, *, stay: float = 0.98) -> TransitionPrior:
        """The prior with the package's table for a legend; without rules where there is none."""
        table = resources.files("bocage.change") / "data" / f"improbable_{legend.id}.csv"
        if not table.is_file():
            return cls(stay)
        rules = _rules(table.read_text(encoding="utf-8").splitlines(), table.name)
        return cls(stay, rules)

    @classmethod
    def from_csv(cls, path: Path | str, *, stay: float = 0.98) -> TransitionPrior:
        """Read rules from a CSV file with the columns ``from``, ``to`` and ``factor``.

        Raises
        ------
        InputError
            If the file is missing, lacks a column or holds a factor that is no number.
        """
        path = existing(path, "transitions")
        return cls(stay, _rules(path.read_text(encoding="utf-8-sig").splitlines(), str(path)))

    def matrix(self, legend: Legend) -> NDArray[np.float64]:
        """Probability of the second class given the first, shape (n, n), rows add up to 1."""
        codes = [str(code) for code in legend.codes()]
        factor = np.ones((len(codes), len(codes)))
        for source, target, value in self.rules:
            rows = [fnmatchcase(code, source) for code in codes]
            columns = [fnmatchcase(code, target) for code in codes]
            factor[np.ix_(rows, columns)] = value
        factor *= (1 - self.stay) / max(len(codes) - 1, 1)
        np.fill_diagonal(factor, 0)
        np.fill_diagonal(factor, 1 - factor.sum(axis=1))
        return factor


def _rules(lines: Iterable[str], where: str) -> tuple[Rule, ...]:
    rows = list(csv.DictReader(lines))
    if not rows or not {"from", "to", "factor"} <= set(rows[0]):
        raise InputError(
            f"{where}: transitions need rows with the columns from, to and factor",
            remedy="add the header from,to,factor and one row a pair, such as 1*,*,0.02",
        )
    try:
        return tuple((r["from"].strip(), r["to"].strip(), float(r["factor"])) for r in rows)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}", remedy="a factor is a number from 0 to 1") from error
