"""Training samples and the pixels under them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.grid import Block
from bocage.legend import Legend
from bocage.model import read_pixels, save_pixels
from bocage.samples import (
    SamplingRules,
    Source,
    answered,
    collect,
    draw_samples,
    of_year,
    read_samples,
    summary,
    with_labels,
    write_samples,
)
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow._project import SuperresConfig
from bocage.workflow.rooms._fine import make_series, series_files, series_settings
from bocage.workflow.rooms._space import place_of


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
                "layers": plan.sample_layers,
                "labels": labels_in(plan, block),
                "out": sample_file(plan, block),
            },
            outputs=(sample_file(plan, block),),
            inputs=(*(source.path for source in plan.sources), *plan.sample_layers.values()),
            settings={
                "samples": plan.project.samples.model_dump(exclude={"labels", "layers"}),
                "layers": {name: plan.project.samples.layers[name] for name in plan.sample_layers},
                "labels": _said(labels_in(plan, block)),
                "crosswalks": [sorted(s.crosswalk.allowed.items()) for s in plan.sources],
                "conditions": [sorted(s.crosswalk.conditions.items()) for s in plan.sources],
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
    layers: dict[str, Path],
    labels: gpd.GeoDataFrame,
    out: Path,
) -> dict[str, Any]:
    """Draw and write the samples of one block, with what people have answered there."""
    drawn = draw_samples(
        sources, block, area, legend, rules, region=region, seed=seed, exclude=exclude,
        layers=layers,
    )  # fmt: skip
    samples = with_labels(drawn, labels, block, legend, rules, region=region, exclude=exclude)
    write_samples(samples, out)
    return {"samples": len(samples), "cubes": int(samples["cube"].nunique())}


def labels_in(plan: Plan, block: Block) -> gpd.GeoDataFrame:
    """What people have answered in a block."""
    said = answered(plan.labels)
    return said[said.geometry.intersects(block.box())].reset_index(drop=True)


def _said(labels: gpd.GeoDataFrame) -> list[tuple[float, float, int, int]]:
    """Answers as settings of a piece: where, when, what."""
    years, codes = labels["year"].fillna(0).astype(int), labels["code"].astype(int)
    return sorted(zip(labels.geometry.x, labels.geometry.y, years, codes, strict=True))


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


def pixel_file(plan: Plan, year: int, block: Block) -> Path:
    """Where the training pixels of a block lie."""
    return plan.file("superres", year, f"{block.id}.npz")


def pixel_pieces(plan: Plan) -> list[Piece]:
    """Super-resolved pixels to learn from, per status year and block."""
    config = plan.project
    each = math.ceil(config.model.unlabelled / (len(config.years) * len(plan.blocks)))
    return [
        Piece(
            room="superres",
            id=f"{year}/{block.id}",
            work=look_up,
            arguments={
                "images": series_files(plan, year, block),
                "samples": sample_file(plan, block),
                "year": year,
                "legend": plan.legend,
                "superres": config.superres,
                "block": block,
                "area": shapely.intersection(plan.area, block.box()),
                "unlabelled": each,
                "heights": plan.heights,
                "membership": plan.membership(block),
                "seed": config.seed,
                "out": pixel_file(plan, year, block),
            },
            outputs=(pixel_file(plan, year, block),),
            inputs=(
                *series_files(plan, year, block),
                sample_file(plan, block),
                *height_files(plan),
            ),
            settings={
                **series_settings(plan),
                "unlabelled": each,
                "membership": told(plan.membership(block)),
                "seed": config.seed,
            },
        )
        for year in config.years
        for block in plan.blocks
    ]


def height_files(plan: Plan) -> tuple[Path, ...]:
    """The raster of heights as inputs of a piece."""
    return (plan.heights,) if plan.heights is not None else ()


def told(membership: xr.DataArray | None) -> dict[str, Any] | None:
    """A membership as settings of a piece."""
    return None if membership is None else membership.to_dict()


def look_up(
    images: tuple[Path, ...],
    samples: Path,
    year: int,
    legend: Legend,
    superres: SuperresConfig,
    block: Block,
    area: BaseGeometry,
    unlabelled: int,
    heights: Path | None,
    membership: xr.DataArray | None,
    seed: int,
    out: Path,
) -> dict[str, Any]:
    """Super-resolve one block and keep the pixels under samples, and some without labels."""
    series = make_series(images, superres)
    table = of_year(read_samples(samples), year)
    pixels = read_pixels(
        series,
        table,
        legend,
        area=area,
        unlabelled=unlabelled,
        place=place_of(block, heights, membership),
        seed=seed,
    )
    save_pixels(pixels, out)
    return {"pixels": len(pixels), "labels": int(pixels.labelled.sum())}
