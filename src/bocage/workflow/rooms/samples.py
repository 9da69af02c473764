"""Training samples and the chips that are cut around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from bocage.cubes import load_dataset
from bocage.errors import InputError
from bocage.grid import Block
from bocage.legend import Legend
from bocage.model import cut_chips, save_chips
from bocage.samples import (
    SamplingRules,
    Source,
    collect,
    draw_samples,
    read_samples,
    summary,
    write_samples,
)
from bocage.superres import superresolve
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow.rooms.imagery import mosaic_file


def sample_file(plan: Plan, block: Block) -> Path:
    """Where the samples of a block lie."""
    return plan.file("samples", f"{block.id}.parquet")


def pieces(plan: Plan) -> list[Piece]:
    """One draw per block."""
    return [
        Piece(
            room="samples",
            id=block.id,
            work=draw,
            arguments={
                "sources": plan.sources,
                "block": block,
                "area": shapely.intersection(plan.area, block.box()),
                "legend": plan.legend,
                "rules": plan.rules,
                "region": plan.regions[block.id],
                "seed": plan.project.seed,
                "exclude": plan.exclude,
                "out": sample_file(plan, block),
            },
            outputs=(sample_file(plan, block),),
            inputs=tuple(source.path for source in plan.sources),
            settings={
                "samples": plan.project.samples.model_dump(),
                "crosswalks": [sorted(s.crosswalk.allowed.items()) for s in plan.sources],
                "block": block,
                "area": shapely.intersection(plan.area, block.box()).wkb_hex,
                "exclude": plan.exclude.wkb_hex if plan.exclude is not None else None,
                "legend": plan.legend.fingerprint,
                "region": plan.regions[block.id],
                "seed": plan.project.seed,
            },
        )
        for block in plan.blocks
    ]


def draw(
    sources: tuple[Source, ...],
    block: Block,
    area: BaseGeometry,
    legend: Legend,
    rules: SamplingRules,
    region: str,
    seed: int,
    exclude: BaseGeometry | None,
    out: Path,
) -> dict[str, Any]:
    """Draw and write the samples of one block."""
    samples = draw_samples(
        sources, block, area, legend, rules, region=region, seed=seed, exclude=exclude
    )
    write_samples(samples, out)
    return {"samples": len(samples), "cubes": int(samples["cube"].nunique())}


def gather(plan: Plan) -> pd.DataFrame:
    """Number of samples per class over all blocks.

    Raises
    ------
    InputError
        If no sample was drawn, or the samples hold a single class.
    """
    samples = collect(read_samples(sample_file(plan, block)) for block in plan.blocks)
    kinds = samples["allowed"].nunique()
    if kinds < 2:
        raise InputError(
            f"the sources give {len(samples)} samples of {kinds} classes",
            remedy="check that the layers cover the sites and the crosswalks know their classes, "
            "or relax samples.centroid_border_m and samples.random_border_m",
        )
    return summary(samples, plan.legend)


def chip_file(plan: Plan, year: int, block: Block) -> Path:
    """Where the chips of a block lie."""
    return plan.file("superres", year, f"{block.id}.npz")


def chip_pieces(plan: Plan) -> list[Piece]:
    """Chips of the super-resolved series around the samples, per status year and block."""
    config = plan.project
    return [
        Piece(
            room="superres",
            id=f"{year}/{block.id}",
            work=cut,
            arguments={
                "mosaic": mosaic_file(plan, year, block),
                "samples": sample_file(plan, block),
                "legend": plan.legend,
                "backend": config.superres.backend,
                "chip_px": config.model.chip_px,
                "out": chip_file(plan, year, block),
            },
            outputs=(chip_file(plan, year, block),),
            inputs=(mosaic_file(plan, year, block), sample_file(plan, block)),
            settings={"backend": config.superres.backend, "chip_px": config.model.chip_px},
        )
        for year in config.years
        for block in plan.blocks
    ]


def cut(
    mosaic: Path, samples: Path, legend: Legend, backend: str, chip_px: int, out: Path
) -> dict[str, Any]:
    """Super-resolve one block and keep the chips that hold samples."""
    chips = cut_chips(
        superresolve(load_dataset(mosaic), backend), read_samples(samples), legend, chip_px
    )
    save_chips(chips, out)
    return {"chips": len(chips), "labels": chips.labels}
