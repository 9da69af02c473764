"""Settings of the generalisation, and its exceptions as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from bocage.errors import ConfigError
from bocage.files import existing

STATUS = "status"
CHANGE = "change"
_PACKAGED = ("pa", "plain")


@dataclass(frozen=True)
class ExceptionRule:
    """One reason for which a polygon below the minimum mapping unit may stay.

    Attributes
    ----------
    name
        Short name, used in reports.
    min_ha
        Least area in hectares.
    views
        The views it holds in: ``status``, ``change`` or both.
    at_rim
        Whether the polygon must touch the rim of the area along a line.
    flag
        Flag of the legend that the class of the polygon must carry; None: any class.
    neighbour_flag, neighbour_roles
        The polygon must share an edge with another whose class carries the flag or plays
        one of the roles. With neither, no neighbour is needed.
    cluster_ha
        The polygon must lie in a cluster of at least this area, in hectares: neighbouring
        polygons of the change view with the same class in the first year form one, those with
        the same class in the last year another. None: it may lie anywhere.
    """

    name: str
    min_ha: float
    views: tuple[str, ...] = (STATUS, CHANGE)
    at_rim: bool = False
    flag: str | None = None
    neighbour_flag: str | None = None
    neighbour_roles: tuple[str, ...] = ()
    cluster_ha: float | None = None

    @property
    def needs_neighbour(self) -> bool:
        """Whether the rule asks for a neighbour of a certain kind."""
        return self.neighbour_flag is not None or bool(self.neighbour_roles)


@dataclass(frozen=True)
class Rules:
    """The exceptions from the minimum mapping unit.

    Attributes
    ----------
    id
        Short name, such as ``pa``.
    exceptions
        Any one of them lets a polygon stay.
    """

    id: str
    exceptions: tuple[ExceptionRule, ...] = ()


def list_rules() -> tuple[str, ...]:
    """Names of the rules in the package."""
    return _PACKAGED


def load_rules(rules: str | Path) -> Rules:
    """Load rules by name or from a YAML file.

    Parameters
    ----------
    rules
        ``pa``, ``plain`` or the path of a YAML file with the keys ``id`` and ``exceptions``.

    Raises
    ------
    ConfigError
        If the file is no YAML or a key is unknown or wrongly typed.
    """
    if str(rules) in _PACKAGED:
        name = f"rules_{rules}.yaml"
        text = (resources.files("bocage.generalize") / "data" / name).read_text(encoding="utf-8")
        return _parse(text, name)
    if Path(rules).suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"there are no rules '{rules}'",
            remedy=f"use one of {', '.join(_PACKAGED)}, or the path of a YAML file",
        )
    path = existing(rules, "generalize.rules")
    return _parse(path.read_text(encoding="utf-8"), str(path))


def _parse(text: str, where: str) -> Rules:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is no YAML: {error}") from error
    if not isinstance(content, dict) or set(content) - {"id", "exceptions"}:
        raise ConfigError(f"{where}: rules have the keys id and exceptions, nothing else")
    entries = content.get("exceptions") or []
    if not isinstance(entries, list):
        raise ConfigError(f"{where}: exceptions is no list")
    found = tuple(_exception(entry, f"{where}, exception {n}") for n, entry in enumerate(entries))
    return Rules(str(content.get("id", Path(where).stem)), found)


def _exception(entry: Any, where: str) -> ExceptionRule:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} is no mapping", remedy="give name, min_ha and conditions")
    known = {f.name for f in fields(ExceptionRule)}
    if unknown := sorted(set(entry) - known):
        raise ConfigError(
            f"{where}: unknown key {unknown[0]}", remedy=f"known are {', '.join(sorted(known))}"
        )
    if missing := sorted({"name", "min_ha"} - set(entry)):
        raise ConfigError(f"{where}: {missing[0]} is missing")
    least, cluster = _hectares(entry, "min_ha", where), None
    views = tuple(entry.get("views", (STATUS, CHANGE)))
    if least < 0 or not views or set(views) - {STATUS, CHANGE}:
        raise ConfigError(
            f"{where}: min_ha is below 0 or views {list(views)} is unknown",
            remedy=f"views are {STATUS} and {CHANGE}",
        )
    if entry.get("cluster_ha") is not None:
        cluster = _hectares(entry, "cluster_ha", where)
        if cluster <= 0 or views != (CHANGE,):
            raise ConfigError(
                f"{where}: cluster_ha must be above 0, and only changes form clusters",
                remedy=f"write views: [{CHANGE}]",
            )
    return ExceptionRule(
        name=str(entry["name"]),
        min_ha=least,
        views=views,
        at_rim=bool(entry.get("at_rim", False)),
        flag=entry.get("flag"),
        neighbour_flag=entry.get("neighbour_flag"),
        neighbour_roles=tuple(entry.get("neighbour_roles", ())),
        cluster_ha=cluster,
    )


def _hectares(entry: Mapping[str, Any], key: str, where: str) -> float:
    try:
        return float(entry[key])
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {key} is no number: {entry[key]!r}") from error


@dataclass(frozen=True)
class GeneralizeSettings:
    """What the generalisation is asked for.

    Attributes
    ----------
    mmu_ha
        Minimum mapping unit in hectares; 0 keeps every region.
    mmw_m
        Minimum mapping width in metres: the erosion of a polygon by half of it leaves one
        part. 0 leaves narrow parts alone.
    rules
        Exceptions from the minimum mapping unit.
    tolerance_m
        Tolerance of the line simplification in metres: no vertex that is left out lay farther
        from the line.
    margin
        Share by which areas must exceed the thresholds on the raster, because smoothing and
        the exact site limit take some away again.
    reach_m
        How far labels are extended to pixels of the area without data, metres.
    """

    mmu_ha: float = 0.5
    mmw_m: float = 10.0
    rules: Rules = field(default_factory=lambda: load_rules("pa"))
    tolerance_m: float = 0.53
    margin: float = 0.04
    reach_m: float = 50.0

    def __post_init__(self) -> None:
        for name in ("mmu_ha", "mmw_m", "tolerance_m", "margin", "reach_m"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 <= value < float("inf")):
                raise ConfigError(
                    f"generalize.{name} is {value!r}", remedy="give a number that is not below 0"
                )
