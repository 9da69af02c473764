"""Steps on geometry: the official chain and our stricter tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.products._check._boundary import Boundary
from bocage.products._check._definition import ProductDefinition
from bocage.products._check._finding import Finding, Step, box_of, features, places, step
from bocage.products._check._read import Layer
from bocage.products._check._shapes import (
    Positions,
    outside,
    too_narrow,
    uncovered,
    valid,
)
from bocage.products._check._topology import Topology

AREA_TOLERANCE_HA = 0.5
STRICT_AREA_HA = 1e-4
FAR_M = 1e9  # no system has such coordinates


@dataclass(frozen=True)
class Ground:
    """A layer with valid single polygons, its definition and its boundary."""

    layer: Layer
    definition: ProductDefinition
    boundary: Boundary | None

    @cached_property
    def shapes(self) -> NDArray[np.object_]:
        """Single polygons, shape (n,); None where a feature has no geometry."""
        shapes = self.layer.shapes.copy()
        multi = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOLYGON
        shapes[multi] = shapely.get_geometry(shapes[multi], 0)
        return shapes

    @cached_property
    def topology(self) -> Topology:
        """Relations between the polygons."""
        return Topology(self.shapes)

    @cached_property
    def true_ha(self) -> NDArray[np.float64]:
        """Area of the geometries in hectares, NaN where there is none."""
        return np.asarray(shapely.area(self.shapes) / 10_000, dtype=np.float64)

    @cached_property
    def stated_ha(self) -> NDArray[np.float64]:
        """Area as the attribute states it."""
        names = self.definition.named("area")
        return self.layer.numbers(names[0]) if names else self.true_ha

    def code(self, position: int) -> NDArray[np.float64]:
        """Finest code of one of the two years."""
        return self.layer.numbers(self.definition.leaves[position])

    @cached_property
    def final(self) -> NDArray[np.float64]:
        """Finest code of the last year."""
        return self.code(self.definition.years - 1)

    def found(self, message: str, where: Positions, *, fault: bool = True) -> list[Finding]:
        """A finding about some features."""
        return features(message, where, self.layer.uids, self.shapes, fault=fault)


def singlepart(layer: Layer) -> Step:
    """Polygons have one part."""
    many = np.flatnonzero(shapely.get_num_geometries(layer.shapes) > 1)
    found = features("more than one part", many, layer.uids, layer.shapes)
    return step("singlepart", found, "aborted")


def geometry(layer: Layer) -> Step:
    """Polygons are valid in the sense of OGC, and their coordinates lie on the Earth."""
    present = ~shapely.is_missing(layer.shapes)
    bounds = shapely.bounds(layer.shapes)
    far = present & ~(np.abs(bounds) < FAR_M).all(axis=1)
    bad = np.flatnonzero(present & ~far & ~valid(layer.shapes))
    drawn = np.full(len(layer), None, dtype=object)
    drawn[bad] = [box_of(s) for s in layer.shapes[bad]]
    reasons = ", ".join(
        sorted({str(r).split("[")[0] for r in shapely.is_valid_reason(layer.shapes[bad])})
    )
    found = features(f"invalid ({reasons})", bad, layer.uids, drawn)
    found += features("coordinates out of range", np.flatnonzero(far), layer.uids, drawn)
    return step("geometry", found, "aborted")


def area(ground: Ground) -> Step:
    """The stated area is that of the geometry within 0.5 ha."""
    wrong = np.flatnonzero(np.abs(ground.stated_ha - ground.true_ha) > AREA_TOLERANCE_HA)
    return step("area", ground.found("the area is wrong by more than 0.5 ha", wrong))


def gap(ground: Ground) -> Step:
    """The features fill the boundary of each delivery unit that occurs in the layer."""
    boundary = ground.boundary
    if boundary is None:
        reason = Finding(
            "no boundary was given; the official check fails without it", 0, fault=False
        )
        return Step("gap", "cancelled", (reason,))
    findings: list[Finding] = []
    shapes = boundary.shapes
    names = ground.definition.named("unit")
    if names:
        units = ground.layer.texts(names[0])
        known = np.isin(boundary.units.astype(str), [str(u) for u in units if u is not None])
        strange = np.flatnonzero([u is not None and u not in boundary.units for u in units])
        findings += ground.found("the boundary does not know the delivery unit", strange)
        shapes = shapes[known]
    holes = uncovered(shapes, ground.topology.union)
    findings += places("gaps inside the boundary", holes)
    return step("gap", findings)


def mmw(ground: Ground) -> Step:
    """Classes of the official width test keep their width everywhere (information only)."""
    where = np.flatnonzero(np.isin(ground.final, list(ground.definition.mmw_codes)))
    return step("mmw", _narrow(ground, where))


def _narrow(ground: Ground, where: Positions) -> list[Finding]:
    where = where[~shapely.is_missing(ground.shapes[where])]
    narrow = where[too_narrow(ground.shapes[where], ground.definition.mmw_m)]
    message = f"narrower than {ground.definition.mmw_m:g} m in places"
    return ground.found(message, narrow, fault=False)


def neighbour(ground: Ground) -> Step:
    """No two features that share a line have the same code (in both years)."""
    left, right = ground.topology.neighbours
    same = np.ones(len(left), dtype=bool)
    for position in range(ground.definition.years):
        code = ground.code(position)
        same &= code[left] == code[right]
    return step("neighbour", _pairs(ground, "neighbours with equal codes", left[same], right[same]))


def _pairs(
    ground: Ground, message: str, left: Positions, right: Positions, shapes: Any = None
) -> list[Finding]:
    if len(left) == 0:
        return []
    uids = ground.layer.uids
    names = tuple(f"{uids[a]} {uids[b]}" for a, b in zip(left, right, strict=True))
    if shapes is None:
        shapes = shapely.intersection(ground.shapes[left], ground.shapes[right])
    some = ", ".join(f"({n})" for n in names[:10])
    rest = f" and {len(names) - 10} others" if len(names) > 10 else ""
    return [Finding(f"{message}: {some}{rest}", len(names), names, tuple(shapes))]


def overlap(ground: Ground) -> Step:
    """No two features have an area in common, contained and doubled polygons included."""
    left, right, shapes = ground.topology.overlaps
    return step("overlap", _pairs(ground, "overlaps", left, right, shapes))


def strict_features(ground: Ground) -> Step:
    """A status layer has features, and every feature a geometry."""
    findings = []
    if len(ground.layer) == 0 and ground.definition.kind == "status":
        findings.append(Finding("the layer has no feature"))
    lost = np.flatnonzero(shapely.is_missing(ground.shapes))
    findings += ground.found("no geometry", lost)
    return step("strict:features", findings)


def strict_area(ground: Ground) -> Step:
    """The stated area is that of the geometry within 1 m²."""
    apart = np.abs(ground.stated_ha - ground.true_ha)
    wrong = np.flatnonzero((apart > STRICT_AREA_HA) | np.isnan(ground.stated_ha))
    return step("strict:area", ground.found("the area is not that of the geometry", wrong))


def strict_boundary(ground: Ground) -> Step:
    """Nothing lies outside the boundary."""
    if ground.boundary is None:
        reason = Finding("no boundary was given", 0, fault=False)
        return Step("strict:boundary", "skipped", (reason,))
    beyond = outside(ground.boundary.shapes, ground.topology.union)
    return step("strict:boundary", places("ground outside the boundary", beyond))


def strict_mmw(ground: Ground) -> Step:
    """Information: width of the classes that the official test leaves out."""
    where = np.flatnonzero(~np.isin(ground.final, list(ground.definition.mmw_codes)))
    return step("strict:mmw", _narrow(ground, where))
