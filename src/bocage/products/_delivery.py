"""A delivery: which unit, which version, and the names that follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bocage.errors import ConfigError
from bocage.grid import DeliveryUnit
from bocage.legend import Legend
from bocage.products._schema import Field, Kind, Schema, year_words


@dataclass(frozen=True)
class Delivery:
    """One version of the products of a delivery unit.

    Attributes
    ----------
    unit
        The delivery unit.
    version, revision
        Such as ``v01`` and ``r01``.
    date
        Date of the delivery, ``yyyymmdd``; the only date that goes into files.
    project
        Name of the project.
    legend
        Nomenclature of the map.
    schema
        Names, attributes and rules.
    years
        One status year, or two in order.
    """

    unit: DeliveryUnit
    version: str
    revision: str
    date: str
    project: str
    legend: Legend
    schema: Schema
    years: tuple[int, ...]

    def __post_init__(self) -> None:
        _demand(r"v\d{2}", self.version, "version", "v01")
        _demand(r"r\d{2}", self.revision, "revision", "r01")
        _demand(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", self.date, "date", "20261122")
        if not 1 <= len(self.years) <= 2 or list(self.years) != sorted(set(self.years)):
            raise ConfigError(
                f"a delivery of the years {list(self.years)}",
                remedy="give one status year, or two different ones in order",
            )

    @property
    def iso_date(self) -> str:
        """Date of the delivery as ``yyyy-mm-dd``."""
        return f"{self.date[:4]}-{self.date[4:6]}-{self.date[6:]}"

    @property
    def project_name(self) -> str:
        """The project's name in lower-case letters, digits, hyphens and underscores."""
        return re.sub(r"[^a-z0-9_-]+", "_", self.project.lower())

    def words(self, years: tuple[int, ...]) -> dict[str, str]:
        """What the placeholders of the schema's texts and names stand for."""
        return {
            "unit": self.unit.id,
            "unit_name": self.unit.name,
            "epsg": f"{self.schema.epsg:05d}",
            "version": self.version,
            "revision": self.revision,
            "date": self.date,
            "project": self.project_name,
            **year_words(years),
        }

    def years_of(self, kind: Kind, year: int | None = None) -> tuple[int, ...]:
        """Status years of a product: both for a change layer, else `year`.

        Raises
        ------
        ConfigError
            If the delivery has no such product.
        """
        if kind == "change":
            if len(self.years) == 2 and year is None:
                return self.years
            raise ConfigError(
                "a change layer needs a delivery of two years and no single year",
                remedy="give both status years",
            )
        if year not in self.years:
            raise ConfigError(
                f"{year} is no status year of this delivery",
                remedy=f"its years are {', '.join(map(str, self.years))}",
            )
        return (year,)

    def name(self, kind: Kind, year: int | None = None) -> str:
        """Name of a layer or raster (without suffix)."""
        return self.schema.names[kind].format(**self.words(self.years_of(kind, year)))

    def folder(self, kind: Kind, year: int | None = None) -> str:
        """Folder of a product, such as ``status_2021`` or ``change_2021-2024``."""
        return f"{kind}_{'-'.join(map(str, self.years_of(kind, year)))}"

    def path(
        self, folder: Path | str, kind: Kind, year: int | None = None, suffix: str = ".gpkg"
    ) -> Path:
        """Where the file of a product lies in the folder of the deliveries."""
        return Path(folder) / self.folder(kind, year) / f"{self.name(kind, year)}{suffix}"

    def fields(self, kind: Kind, year: int | None = None) -> tuple[Field, ...]:
        """Attributes of a status or change layer, in order."""
        return self.schema.fields(kind, self.years_of(kind, year), self.legend.levels)

    def products(self) -> Iterator[tuple[Kind, int | None]]:
        """All products that the schema delivers of these years, in order."""
        for kind in self.schema.products:
            if kind != "change":
                yield from ((kind, year) for year in self.years)
            elif len(self.years) == 2:
                yield "change", None


def _demand(pattern: str, text: str, what: str, example: str) -> None:
    if not re.fullmatch(pattern, text):
        raise ConfigError(f"'{text}' is no {what} of a delivery", remedy=f"write it as {example}")
