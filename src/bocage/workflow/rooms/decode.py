"""Joint decoding of the years per block, and the corrected rasters per area."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from bocage.change import TransitionPrior, decode
from bocage.cubes import load_dataset, save_dataset
from bocage.grid import FINE, NATIVE, Block, geobox
from bocage.legend import OUTSIDE, Legend
from bocage.posterior import Posterior
from bocage.rasters import crop, geobox_of, wrap
from bocage.refine import LineLayer, refine
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow.rooms.model import posterior_file

RIM_M = 50.0  # the rasters of an area reach this far beyond its limit


def decoded_file(plan: Plan, block: Block) -> Path:
    """Where the decoded classes of a block lie."""
    return plan.file("change", f"{block.id}.nc")


def change_pieces(plan: Plan) -> list[Piece]:
    """The class pair of every pixel, per block."""
    prior = TransitionPrior.for_legend(plan.legend, stay=plan.project.change.stay)
    years = plan.project.years
    return [
        Piece(
            room="change",
            id=block.id,
            work=decode_block,
            arguments={
                "posteriors": {y: posterior_file(plan, y, block) for y in years},
                "prior": prior,
                "legend": plan.legend,
                "block": block,
                "out": decoded_file(plan, block),
            },
            outputs=(decoded_file(plan, block),),
            inputs=tuple(posterior_file(plan, y, block) for y in years),
            settings={"change": plan.project.change.model_dump(), "years": years},
        )
        for block in plan.blocks
    ]


def decode_block(
    posteriors: dict[int, Path], prior: TransitionPrior, legend: Legend, block: Block, out: Path
) -> dict[str, Any]:
    """Decode the years of one block together, with what lies around it, and keep the core."""
    loaded = {year: Posterior.load(path) for year, path in posteriors.items()}
    decoded = crop(decode(loaded, prior, legend), block.geobox(FINE))
    save_dataset(decoded, out)
    if len(posteriors) < 2:
        return {}
    first, second = decoded["class"].values
    known = (first > 0) & (second > 0)
    return {"changed": float((first != second)[known].mean()) if known.any() else 0.0}


def refined_file(plan: Plan, area: str) -> Path:
    """Where the corrected rasters of an area lie."""
    return plan.file("refine", f"{area}.nc")


def heterogeneity_file(plan: Plan, area: str) -> Path:
    """Where the number of classes of each 10 m pixel of an area lies."""
    return plan.file("refine", f"{area}_heterogeneity.nc")


def refine_pieces(plan: Plan) -> list[Piece]:
    """Corrected rasters of every area."""
    made = []
    for name, outline in zip(plan.areas["cluster"], plan.areas.geometry, strict=True):
        blocks = plan.blocks_of(outline)
        files = tuple(decoded_file(plan, b) for b in blocks)
        lines = tuple(layer.path for layer in plan.lines)
        made.append(
            Piece(
                room="refine",
                id=name,
                work=refine_area,
                arguments={
                    "files": files,
                    "bounds": shapely.buffer(outline, RIM_M).bounds,
                    "lines": plan.lines,
                    "legend": plan.legend,
                    "out": refined_file(plan, name),
                    "beside": heterogeneity_file(plan, name),
                },
                outputs=(refined_file(plan, name), heterogeneity_file(plan, name)),
                inputs=(*files, *lines),
                settings={
                    "linear": plan.project.linear.model_dump(),
                    "bounds": list(outline.bounds),
                },
            )
        )
    return made


def refine_area(
    files: tuple[Path, ...],
    bounds: tuple[float, float, float, float],
    lines: tuple[LineLayer, ...],
    legend: Legend,
    out: Path,
    beside: Path,
) -> dict[str, Any]:
    """Sieve specks, draw the lines, and count the classes of each 10 m pixel."""
    grid = geobox(bounds, NATIVE).zoom_out(FINE / NATIVE)
    refined = refine(assemble(files, grid), legend, lines)
    save_dataset(refined.rasters, out)
    save_dataset(refined.heterogeneity.to_dataset(name="heterogeneity"), beside)
    return {"touched": {rule: dict(years) for rule, years in refined.touched.items()}}


def assemble(files: tuple[Path, ...], grid: GeoBox) -> xr.Dataset:
    """Paste the decoded blocks on one grid; what no block covers is outside (255)."""
    return paste_all((load_dataset(path) for path in files), grid)


def assemble_posterior(files: tuple[Path, ...], grid: GeoBox) -> Posterior:
    """Paste the posteriors of blocks on one grid; what no block covers has no class."""
    canvas = paste_all((Posterior.load(path).data for path in files), grid)
    index, probability = canvas["index"].values, canvas["probability"].values
    probability[index == OUTSIDE] = 0
    index[index == OUTSIDE] = 0
    # The numbers of the classes that are kept are no places, and products have no such dimension.
    return Posterior(canvas.drop_vars("k"))


def paste_all(blocks: Iterable[xr.Dataset], grid: GeoBox) -> xr.Dataset:
    """Paste blocks on one grid, one in memory at a time; what none covers is 255."""
    canvas: xr.Dataset | None = None
    for block in blocks:
        canvas = _blank(block, grid) if canvas is None else canvas
        _paste(canvas, block)
    if canvas is None:
        raise ValueError("no block to paste")
    return canvas


def _blank(like: xr.Dataset, grid: GeoBox) -> xr.Dataset:
    made = {}
    for name, data in like.data_vars.items():
        if not {"y", "x"} <= set(data.dims):
            continue
        leading = data.shape[:-2]
        full = np.full((*leading, *grid.shape), OUTSIDE, dtype=data.dtype)
        extra = {str(d): like[d].values for d in data.dims[:-2]}
        made[name] = wrap(full, grid, dims=tuple(map(str, data.dims)), **extra)
    return xr.Dataset(made, attrs=like.attrs)


def _paste(canvas: xr.Dataset, block: xr.Dataset) -> None:
    target, source = geobox_of(canvas), geobox_of(block)
    column = round((source.affine.c - target.affine.c) / FINE)
    row = round((target.affine.f - source.affine.f) / FINE)
    rows = slice(max(row, 0), min(row + source.shape.y, target.shape.y))
    columns = slice(max(column, 0), min(column + source.shape.x, target.shape.x))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    taken = (
        slice(rows.start - row, rows.stop - row),
        slice(columns.start - column, columns.stop - column),
    )
    for name in canvas.data_vars:
        canvas[name].values[..., rows, columns] = block[name].values[..., taken[0], taken[1]]
