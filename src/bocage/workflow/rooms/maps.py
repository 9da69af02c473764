"""From corrected rasters to polygons."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from bocage.cubes import load_dataset
from bocage.generalize import GeneralizeSettings, Tiling, generalize, load_rules
from bocage.legend import Legend
from bocage.rasters import geobox_of
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow.rooms.decode import assemble_posterior, refined_file
from bocage.workflow.rooms.model import posterior_file

LARGE = 6000
"""Pixels a side from which on an area is generalised in tiles, in less memory."""


def coverage_file(plan: Plan, area: str) -> Path:
    """Where the polygons of an area lie."""
    return plan.file("generalize", f"{area}.parquet")


def settings_of(plan: Plan) -> GeneralizeSettings:
    """Settings of the generalisation, from the project file."""
    config = plan.project.generalize
    named = config.rules
    rules = load_rules(plan.project.path(named) if named.endswith((".yaml", ".yml")) else named)
    return GeneralizeSettings(mmu_ha=config.mmu_ha, mmw_m=config.mmw_m, rules=rules)


def generalize_pieces(plan: Plan) -> list[Piece]:
    """One coverage per area."""
    settings = settings_of(plan)
    made = []
    for name, outline in zip(plan.areas["cluster"], plan.areas.geometry, strict=True):
        posteriors = {
            year: tuple(posterior_file(plan, year, block) for block in plan.blocks_of(outline))
            for year in plan.project.years
        }
        made.append(
            Piece(
                room="generalize",
                id=name,
                work=draw_polygons,
                arguments={
                    "refined": refined_file(plan, name),
                    "posteriors": posteriors,
                    "area": outline,
                    "legend": plan.legend,
                    "settings": settings,
                    "out": coverage_file(plan, name),
                },
                outputs=(coverage_file(plan, name),),
                inputs=(refined_file(plan, name), *chain(*posteriors.values())),
                settings={
                    "generalize": repr(settings),  # with what its file of rules says
                    "area": outline.wkb_hex,
                    "legend": plan.legend.fingerprint,
                },
            )
        )
    return made


def draw_polygons(
    refined: Path,
    posteriors: dict[int, tuple[Path, ...]],
    area: BaseGeometry,
    legend: Legend,
    settings: GeneralizeSettings,
    out: Path,
) -> dict[str, Any]:
    """Generalise the class pairs of one area, with the probabilities of their blocks."""
    data = load_dataset(refined)
    grid = geobox_of(data)
    beliefs = [assemble_posterior(posteriors[int(year)], grid) for year in data["year"].values]
    coverage = generalize(
        data["class"],
        area,
        legend,
        settings,
        locked=data["locked"],
        posteriors=beliefs,
        tiles=Tiling() if max(grid.shape) >= LARGE else None,
    )
    coverage.save(out)
    return {"polygons": len(coverage.frame)}
