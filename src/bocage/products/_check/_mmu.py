"""The minimum mapping unit and its exceptions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bocage.products._check._attributes import accepted_comment
from bocage.products._check._finding import Step, step
from bocage.products._check._geometry import Ground
from bocage.products._check._shapes import Positions, cluster_areas
from bocage.products._schema import MmuException


def mmu(ground: Ground) -> Step:
    """No polygon is below the minimum mapping unit without an exception (stated area)."""
    return _mmu_step(ground, "mmu", ground.stated_ha)


def _mmu_step(ground: Ground, name: str, areas: NDArray[np.float64]) -> Step:
    excused, error = _mmu_sets(ground, areas, guideline=False)
    findings = ground.found(f"below {ground.definition.mmu_ha} ha", error)
    for label, where in excused.items():
        message = f"below {ground.definition.mmu_ha} ha but excused ({label})"
        findings += ground.found(message, where, fault=False)
    return step(name, findings)


def _mmu_sets(
    ground: Ground, areas: NDArray[np.float64], *, guideline: bool
) -> tuple[dict[str, Positions], Positions]:
    """Small features by the exception that holds first, and those without one."""
    small = np.flatnonzero(~(areas >= ground.definition.mmu_ha))
    left = np.ones(len(small), dtype=bool)
    excused: dict[str, Positions] = {}
    for exception in ground.definition.exceptions:
        least = exception.guideline_ha if guideline and exception.guideline_ha else exception.min_ha
        holds = left & ((areas[small] >= least) | exception.comment)
        holds[holds] = _condition(ground, exception, small[holds], areas)
        if holds.any():
            excused[exception.name] = small[holds]
        left &= ~holds
    return excused, small[left]


def _condition(
    ground: Ground, exception: MmuException, where: Positions, areas: NDArray[np.float64]
) -> NDArray[np.bool_]:
    holds = np.ones(len(where), dtype=bool)
    code = ground.final[where]
    top = _top(ground)[where]
    if exception.codes:
        holds &= np.isin(code, exception.codes)
    if exception.not_codes:
        holds &= ~np.isin(code, exception.not_codes)
    if exception.top:
        holds &= np.isin(top, exception.top)
    if exception.not_top:
        holds &= ~np.isin(top, exception.not_top) & ~np.isnan(top)
    if exception.comment:
        holds &= accepted_comment(ground.layer, ground.definition)[where]
    if exception.touching:
        holds &= _touches(ground, exception.touching)[where]
    if exception.cluster_ha is not None:
        sizes = cluster_areas(ground.code(0), ground.final, areas, ground.topology.neighbours)
        holds &= sizes[where] >= exception.cluster_ha
    if exception.marginal and holds.any():
        holds[holds] = ground.topology.marginal(where[holds])
    return holds


def _top(ground: Ground) -> NDArray[np.float64]:
    """Code of level 1 of the last year, from the coarsest code that the layer has."""
    last = ground.definition.years - 1
    field = next(f for f in ground.definition.fields if f.role == "code" and f.position == last)
    tops = {chain[field.level - 1]: chain[0] for chain in ground.definition.chains}
    codes, inverse = np.unique(ground.layer.numbers(field.name.lower()), return_inverse=True)
    return np.array([tops.get(code, code) for code in codes], dtype=np.float64)[inverse]


def _touches(ground: Ground, codes: tuple[Any, ...]) -> NDArray[np.bool_]:
    """Which features have a neighbour with one of some codes."""
    left, right = ground.topology.neighbours
    member = np.isin(ground.final, codes)
    found = np.zeros(len(ground.layer), dtype=bool)
    found[left[member[right]]] = True
    found[right[member[left]]] = True
    return found


def _known_ha(ground: Ground) -> NDArray[np.float64]:
    # A feature without geometry is a fault of its own, not a small one.
    return np.where(np.isnan(ground.true_ha), np.inf, ground.true_ha)


def strict_mmu(ground: Ground) -> Step:
    """As the minimum mapping unit, with the area of the geometry."""
    return _mmu_step(ground, "strict:mmu", _known_ha(ground))


def guideline_mmu(ground: Ground) -> Step:
    """Information: what the stricter thresholds of the mapping guideline would refuse."""
    _, error = _mmu_sets(ground, _known_ha(ground), guideline=True)
    found = ground.found("below the thresholds of the guideline", error, fault=False)
    return step("strict:mmu-guideline", found)
