"""Training, and the posterior of every block and year."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bocage.grid import FINE, Block, geobox
from bocage.legend import Legend
from bocage.model import ModelSettings, concatenate, load_model, load_pixels, predict, train
from bocage.model import model_files as names_of
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow._project import SuperresConfig
from bocage.workflow.rooms._fine import make_series, series_files, series_settings
from bocage.workflow.rooms._space import place_of
from bocage.workflow.rooms.samples import height_files, pixel_file, told

CONTEXT_M = 40  # posteriors reach this far beyond a block: change is decoded with neighbours


def model_files(plan: Plan) -> tuple[Path, ...]:
    """The files of the trained model."""
    return tuple(plan.file("model", name) for name in names_of(plan.project.model.engine))


def model_settings(plan: Plan) -> ModelSettings:
    """Settings of the network, from the project file."""
    config = plan.project.model
    return ModelSettings(
        engine=config.engine,
        epochs=config.epochs,
        seed=config.seed + plan.project.seed,
        width=config.width,
        unlabelled=config.unlabelled,
    )


def train_piece(plan: Plan) -> Piece:
    """The training, one piece for all years and blocks."""
    pixels = tuple(pixel_file(plan, y, b) for y in plan.project.years for b in plan.blocks)
    config = plan.project.model.model_dump()
    return Piece(
        room="model",
        id="train",
        work=fit,
        arguments={
            "pixels": pixels,
            "legend": plan.legend,
            "settings": model_settings(plan),
            "out": plan.file("model"),
        },
        outputs=model_files(plan),
        inputs=pixels,
        settings={"model": config, "seed": plan.project.seed, "legend": plan.legend.fingerprint},
    )


def fit(
    pixels: tuple[Path, ...], legend: Legend, settings: ModelSettings, out: Path
) -> dict[str, Any]:
    """Train on all pixels and write the model."""
    data = concatenate([load_pixels(path) for path in pixels])
    model = train(data, legend, settings, unfinished=out / "unfinished")
    model.save(out)
    return {"metrics": dict(model.facts.metrics)}


def posterior_file(plan: Plan, year: int, block: Block) -> Path:
    """Where the posterior of a block lies."""
    return plan.file("posterior", year, f"{block.id}.nc")


def posterior_pieces(plan: Plan) -> list[Piece]:
    """Class probabilities at 2.5 m, per status year and block."""
    return [
        Piece(
            room="posterior",
            id=f"{year}/{block.id}",
            work=classify,
            arguments={
                "images": series_files(plan, year, block),
                "model": plan.file("model"),
                "superres": plan.project.superres,
                "block": block,
                "heights": plan.heights,
                "membership": plan.membership(block),
                "out": posterior_file(plan, year, block),
            },
            outputs=(posterior_file(plan, year, block),),
            inputs=(*series_files(plan, year, block), *model_files(plan), *height_files(plan)),
            settings={
                **series_settings(plan),
                "membership": told(plan.membership(block)),
            },
        )
        for year in plan.project.years
        for block in plan.blocks
    ]


def classify(
    images: tuple[Path, ...],
    model: Path,
    superres: SuperresConfig,
    block: Block,
    heights: Path | None,
    membership: xr.DataArray | None,
    out: Path,
) -> None:
    """Super-resolve and classify one block with its halo; keep the core and a margin."""
    series = make_series(images, superres)
    posterior = predict(load_model(model), series, place=place_of(block, heights, membership))
    west, south, east, north = block.bounds
    kept = min(CONTEXT_M, block.halo)
    grid = geobox((west - kept, south - kept, east + kept, north + kept), FINE)
    posterior.crop(grid).save(out)
