"""Which polygons of which view are too small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools
from bocage.generalize._settings import CHANGE, STATUS, GeneralizeSettings
from bocage.legend import Legend

HECTARE = 10_000.0

CONTACT = 0.001
"""Changes that share no more than this, m, form no cluster."""


@dataclass(frozen=True)
class Exemption:
    """A rule with its legend conditions worked out per class index.

    Attributes
    ----------
    name
        Name of the rule.
    area
        Least area, m².
    at_rim
        Whether the polygon must touch the rim.
    own
        Class indices it holds for, shape (256,).
    neighbour
        Class indices of which a neighbour must have one, shape (256,), or None.
    cluster
        Least area of one of the clusters of changes that the polygon is in, m²; 0: none needed.
    """

    name: str
    area: float
    at_rim: bool
    own: Bools
    neighbour: Bools | None
    cluster: float = 0.0


@dataclass(frozen=True)
class View:
    """One of the layers that a coverage of class pairs is looked at.

    Attributes
    ----------
    years
        Positions of the years whose classes together name a polygon of the view.
    area
        Minimum mapping unit, m².
    exemptions
        The exceptions from it.
    """

    years: tuple[int, ...]
    area: float
    exemptions: tuple[Exemption, ...]

    @property
    def is_change(self) -> bool:
        """Whether only regions whose classes differ belong to the view."""
        return len(self.years) > 1


def views_of(
    years: int, legend: Legend, settings: GeneralizeSettings, *, margin: float
) -> tuple[View, ...]:
    """The views of one year (its status) or two (both statuses and the change).

    Parameters
    ----------
    years
        Number of years, 1 or 2.
    legend
        Names the flags and roles that the rules ask for.
    settings
        Mapping unit and rules.
    margin
        Share that is added to every threshold.
    """
    factor = HECTARE * (1.0 + margin)
    unit = settings.mmu_ha * factor
    kinds: list[tuple[tuple[int, ...], str]] = [((position,), STATUS) for position in range(years)]
    if years == 2:
        kinds.append(((0, 1), CHANGE))
    return tuple(View(of, unit, _exemptions(kind, legend, settings, factor)) for of, kind in kinds)


def _exemptions(
    kind: str, legend: Legend, settings: GeneralizeSettings, factor: float
) -> tuple[Exemption, ...]:
    found = []
    for rule in settings.rules.exceptions:
        if kind not in rule.views:
            continue
        own = np.ones(256, bool) if rule.flag is None else _mask(legend, legend.flagged(rule.flag))
        neighbour = None
        if rule.needs_neighbour:
            codes = [*legend.flagged(rule.neighbour_flag)] if rule.neighbour_flag else []
            codes += [legend.roles[r] for r in rule.neighbour_roles if r in legend.roles]
            neighbour = _mask(legend, codes)
        cluster = (rule.cluster_ha or 0.0) * factor
        least = rule.min_ha * factor
        found.append(Exemption(rule.name, least, rule.at_rim, own, neighbour, cluster))
    return tuple(found)


def _mask(legend: Legend, codes: Iterable[int]) -> Bools:
    mask = np.zeros(256, bool)
    mask[[legend.index(code) for code in codes]] = True
    return mask


def exemption(
    view: View,
    code: int,
    area: float,
    rim: float,
    neighbours: Iterator[int],
    cluster: float = 0.0,
) -> str | None:
    """Name of the exception that lets a polygon of a view stay, or None.

    Parameters
    ----------
    view
        The view.
    code
        Class index of the polygon in the last year of the view.
    area
        Its area, m².
    rim
        Length of its border with the rim, m; 0 when it does not count as touching.
    neighbours
        Class index, in the last year of the view, of every polygon of the view that shares
        an edge with it.
    cluster
        Area of the larger one of the clusters of changes it is in, m²; 0 where it is in none.
    """
    around: set[int] | None = None
    for rule in view.exemptions:
        if area < rule.area or not rule.own[code] or (rule.at_rim and rim <= 0.0):
            continue
        if cluster < rule.cluster:
            continue
        if rule.neighbour is None:
            return rule.name
        if around is None:
            around = set(neighbours)
        if any(rule.neighbour[c] for c in around):
            return rule.name
    return None


class ViewTable(NamedTuple):
    """Views as arrays, for compiled code; exemptions of view v are `start[v]:start[v + 1]`."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    area: NDArray[np.float64]
    start: NDArray[np.int64]
    least: NDArray[np.float64]
    at_rim: Bools
    own: Bools
    beside: Bools
    anything_beside: Bools
    cluster: NDArray[np.float64]


def view_table(views: tuple[View, ...]) -> ViewTable:
    """The views as arrays."""
    rules = [rule for view in views for rule in view.exemptions]
    none = np.zeros(256, bool)
    beside = [none if rule.neighbour is None else rule.neighbour for rule in rules]
    return ViewTable(
        first=np.array([view.years[0] for view in views], np.int64),
        last=np.array([view.years[-1] for view in views], np.int64),
        area=np.array([view.area for view in views]),
        start=np.cumsum([0, *(len(view.exemptions) for view in views)]).astype(np.int64),
        least=np.array([rule.area for rule in rules], dtype=np.float64),
        at_rim=np.array([rule.at_rim for rule in rules], dtype=bool),
        own=np.array([rule.own for rule in rules], dtype=bool).reshape(-1, 256),
        beside=np.array(beside, dtype=bool).reshape(-1, 256),
        anything_beside=np.array([rule.neighbour is None for rule in rules], dtype=bool),
        cluster=np.array([rule.cluster for rule in rules], dtype=np.float64),
    )


@numba.njit(cache=True)
def may_stay(
    views: ViewTable,
    view: int,
    code: int,
    area: float,
    rim: float,
    around: Bools,
    cluster: float,
) -> bool:
    """Whether an exception lets a polygon stay: `exemption` for compiled code.

    Parameters
    ----------
    views, view
        The views, and the position of one.
    code, area, rim, cluster
        As `exemption` has them.
    around
        Which class indices, in the last year of the view, its neighbours have, shape (256,).
    """
    for rule in range(views.start[view], views.start[view + 1]):
        if area < views.least[rule] or not views.own[rule, code]:
            continue
        if views.at_rim[rule] and rim <= 0.0:
            continue
        if cluster < views.cluster[rule]:
            continue
        if views.anything_beside[rule] or (views.beside[rule] & around).any():
            return True
    return False


@numba.njit(cache=True)
def cluster_wanted(views: ViewTable, view: int, area: float) -> tuple[float, float]:
    """Whether a cluster of changes may save a polygon.

    Returns
    -------
    wanted
        Area at which a cluster is large enough for any rule, m²; 0 where none would help.
    part
        Least area of a part for which a cluster counts, m².
    """
    wanted, part = 0.0, np.inf
    for rule in range(views.start[view], views.start[view + 1]):
        if views.cluster[rule] > 0.0 and area >= views.least[rule]:
            wanted = max(wanted, views.cluster[rule])
            part = min(part, views.least[rule])
    return wanted, part


@numba.njit(cache=True)
def has_clusters(views: ViewTable) -> bool:
    """Whether any rule asks for a cluster of changes."""
    return bool((views.cluster > 0.0).any())
