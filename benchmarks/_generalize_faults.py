"""Faults of a polygon layer by the rules of the product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from benchmarks._generalize_layer import (
    CONTACT,
    HECTARE,
    MMU_HA,
    Bools,
    Geometries,
    Ints,
    Layer,
)
from bocage.generalize import load_rules
from bocage.legend import Legend

MMW_M = 10.0
SLIVER = 1e-6
"""Area that counts as an overlap, m²."""


@dataclass(frozen=True)
class Exemption:
    """A condition under which a polygon below the mapping unit may stay.

    Attributes
    ----------
    least_ha
        Area that it needs.
    own, beside
        Codes of which it must have one, and of which a neighbour must have one; None: any.
    at_rim
        Whether it must lie on the limit of the area.
    """

    least_ha: float
    own: tuple[int, ...] | None = None
    beside: tuple[int, ...] | None = None
    at_rim: bool = False


def official(legend: Legend) -> tuple[Exemption, ...]:
    """The exceptions of the product's own check, which is milder than the mapping guideline."""
    linear = legend.flagged("linear")
    ways = tuple(legend.roles[r] for r in ("road", "rail"))
    urban = legend.leaves(legend.parent(ways[0], 1), 1)
    others = tuple(c for c in legend.codes() if c not in urban)
    return (
        Exemption(0.1, at_rim=True),
        Exemption(0.1, linear, linear),
        Exemption(0.25, tuple(c for c in urban if c not in linear), ways),
        Exemption(0.05, others, linear),
    )


def packaged(legend: Legend, rules: str = "pa") -> tuple[Exemption, ...]:
    """The exceptions that `bocage.generalize` keeps to in a status layer."""
    found = []
    for rule in load_rules(rules).exceptions:
        if "status" not in rule.views:
            continue
        own = None if rule.flag is None else legend.flagged(rule.flag)
        beside = None
        if rule.needs_neighbour:
            flagged = legend.flagged(rule.neighbour_flag) if rule.neighbour_flag else ()
            roles = (legend.roles[r] for r in rule.neighbour_roles if r in legend.roles)
            beside = (*flagged, *roles)
        found.append(Exemption(rule.min_ha, own, beside, rule.at_rim))
    return tuple(found)


def faults(layer: Layer) -> dict[str, Any]:
    """Numbers of faults of every kind; areas in m²."""
    legend = layer.landscape.legend
    first, second, overlaps = _contacts(layer)
    small = shapely.area(layer.polygons) < MMU_HA * HECTARE
    excused, excused_strictly = (
        _excused(layer, first, second, rules) for rules in (official(legend), packaged(legend))
    )
    wrong_width = _wrong_width(layer.polygons)
    linear = np.isin(layer.codes, legend.flagged("linear"))
    return {
        "polygons": len(layer.polygons),
        "mmu": _count(small & ~excused),
        "below_by_exception": _count(small & excused),
        "mmu_strict": _count(small & ~excused_strictly),
        "mmw": _count(wrong_width & ~linear),
        "mmw_linear": _count(wrong_width & linear),
        "linear_polygons": _count(linear),
        **_fit(layer),
        "overlaps": len(overlaps),
        "overlap_m2": float(overlaps.sum()),
        "invalid": layer.invalid,
        "coverage_valid": layer.is_coverage,
        "equal_neighbours": _count(layer.codes[first] == layer.codes[second]),
        "multipart": layer.multipart,
    }


def _count(mask: Bools) -> int:
    return int(np.count_nonzero(mask))


def _contacts(layer: Layer) -> tuple[Ints, Ints, Any]:
    """Neighbours along a line (first, second), and the areas of all overlaps."""
    pairs = layer.segments.shared()
    if layer.is_coverage:
        return pairs[:, 0], pairs[:, 1], np.zeros(0)
    # Where vertices do not fit, neighbours have no segment in common: look at the shapes.
    shapes = layer.repaired
    suspects = np.arange(len(shapes))
    if not layer.invalid:
        suspects = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(shapes)))
    one, other = shapely.STRtree(shapes).query(shapes[suspects], predicate="intersects")
    met = np.column_stack([suspects[one], other])
    met = np.unique(np.sort(met[met[:, 0] != met[:, 1]], axis=1), axis=0)
    common = shapely.intersection(shapes[met[:, 0]], shapes[met[:, 1]])
    pairs = np.unique(np.vstack([pairs, met[shapely.length(common) > CONTACT]]), axis=0)
    area = shapely.area(common)
    return pairs[:, 0], pairs[:, 1], area[area > SLIVER]


def _fit(layer: Layer) -> dict[str, float]:
    """Area that no polygon covers, and that of polygons outside."""
    unite = shapely.coverage_union_all if layer.is_coverage else shapely.union_all
    covered, area = unite(layer.repaired), layer.landscape.area
    return {
        "gap_m2": float(shapely.area(shapely.difference(area, covered))),
        "outside_m2": float(shapely.area(shapely.difference(covered, area))),
    }


def _excused(layer: Layer, first: Ints, second: Ints, rules: Iterable[Exemption]) -> Bools:
    hectares = shapely.area(layer.polygons) / HECTARE
    found = np.zeros(len(hectares), bool)
    for rule in rules:
        holds = hectares >= rule.least_ha
        if rule.own is not None:
            holds &= np.isin(layer.codes, rule.own)
        if rule.at_rim:
            holds &= layer.rim > 0
        if rule.beside is not None:
            wanted = np.isin(layer.codes, rule.beside)
            near = np.zeros(len(hectares), bool)
            near[first[wanted[second]]] = True
            near[second[wanted[first]]] = True
            holds &= near
        found |= holds
    return found


def _wrong_width(polygons: Geometries) -> Bools:
    """Whether the inside, half a mapping width from the border, is not one part."""
    inner = shapely.buffer(polygons, -MMW_M / 2, quad_segs=8)
    parts = np.where(shapely.is_empty(inner), 0, shapely.get_num_geometries(inner))
    wrong: Bools = parts != 1
    return wrong
