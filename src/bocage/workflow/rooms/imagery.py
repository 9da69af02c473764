"""Monthly mosaics, block by block."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import shapely
from pystac import Item
from shapely.geometry.base import BaseGeometry

from bocage.cubes import save_dataset
from bocage.errors import RunError
from bocage.files import sha256, write_text
from bocage.grid import NATIVE, Block
from bocage.imagery import (
    ImagerySettings,
    Relief,
    items_digest,
    load_items,
    load_lighting,
    monthly_frames,
    monthly_mosaic,
    observed_months,
    require_angles,
    require_months,
    require_observed,
    save_items,
    save_lighting,
    search,
    survey_lighting,
)
from bocage.rasters import inside
from bocage.workflow._engine import Piece
from bocage.workflow._ledger import Ledger
from bocage.workflow._plan import Plan
from bocage.workflow.rooms._space import lonlat_bounds

ROOM = "imagery"


def find_images(plan: Plan) -> dict[int, list[Item]]:
    """Images of each status year.

    A static catalogue is read anew on every run, so that a changed image is noticed. An API is
    asked once and its answer kept beside the work, so that a run can be repeated.
    """
    found = {}
    for year in plan.project.years:
        store = plan.file("imagery", f"items_{year}.json")
        asked = plan.file("imagery", f"items_{year}.query.json")
        query = _query(plan, year)
        if isinstance(plan.catalog, str) and store.exists() and _same(asked, query):
            found[year] = load_items(store)
        else:
            found[year] = search(plan.catalog, plan.imagery, _bounds(plan), year)
            save_items(found[year], store)
            write_text(asked, query)
        require_months(found[year], plan.imagery, year)
        require_angles(found[year], plan.imagery)
    return found


def _bounds(plan: Plan) -> tuple[float, float, float, float]:
    west, south, east, north = plan.area.bounds
    return west, south, east, north


def check_months(plan: Plan, ledger: Ledger) -> None:
    """Every month was seen clear somewhere in the area, in every year.

    Raises
    ------
    InputError
        Naming the months that were not.
    """
    for year in plan.project.years:
        records = [ledger.find(ROOM, f"{year}/{block.id}") for block in plan.blocks]
        observed = [r.facts["months"] for r in records if r is not None]
        require_observed(observed, plan.imagery, year)


def _query(plan: Plan, year: int) -> str:
    settings = asdict(plan.imagery)
    bounds = list(plan.area.bounds)
    return json.dumps([str(plan.catalog), settings, bounds, year], sort_keys=True)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def pieces(plan: Plan, images: dict[int, list[Item]]) -> list[Piece]:
    """One mosaic per status year and block."""
    found = []
    for year, items in images.items():
        lighting = _survey(plan, year, items)
        found += [_piece(plan, year, block, items, lighting) for block in plan.blocks]
    return found


def _survey(plan: Plan, year: int, items: list[Item]) -> Path | None:
    """Where it is kept how light falls on the slopes of the area; None where nobody asks.

    One answer for all blocks, so that they fit together; it is found again when images, heights
    or settings have changed.
    """
    if plan.imagery.illumination == "none" or plan.heights is None:
        return None
    store = plan.file("imagery", f"lighting_{year}.json")
    asked = plan.file("imagery", f"lighting_{year}.query.json")
    query = json.dumps([_query(plan, year), items_digest(items), sha256(plan.heights)])
    if not (store.exists() and _same(asked, query)):
        found = survey_lighting(items, plan.heights, _bounds(plan), plan.imagery, year)
        save_lighting(found, store)
        write_text(asked, query)
    return store


def _piece(plan: Plan, year: int, block: Block, items: list[Item], lighting: Path | None) -> Piece:
    west, south, east, north = lonlat_bounds(block)
    near = [
        i
        for i in items
        if i.bbox and i.bbox[0] <= east and i.bbox[2] >= west and i.bbox[1] <= north
        and i.bbox[3] >= south
    ]  # fmt: skip
    out = mosaic_file(plan, year, block)
    frames = frames_file(out) if plan.project.superres.frames else None
    return Piece(
        room=ROOM,
        id=f"{year}/{block.id}",
        work=make_mosaic,
        arguments={
            "items": plan.file("imagery", f"items_{year}.json"),
            "ids": frozenset(i.id for i in near),
            "block": block,
            "settings": plan.imagery,
            "year": year,
            "area": shapely.intersection(plan.area, block.box()),
            "heights": plan.heights,
            "lighting": lighting,
            "out": out,
            "frames": frames,
        },
        outputs=(out, frames) if frames else (out,),
        settings={
            "images": items_digest(near),
            "imagery": asdict(plan.imagery),
            "block": block,
            **({"frames": True} if frames else {}),
        },
        inputs=(lighting, plan.heights) if lighting and plan.heights else (),
    )


def mosaic_file(plan: Plan, year: int, block: Block) -> Path:
    """Where the mosaic of a block lies."""
    return plan.file("imagery", year, f"{block.id}.nc")


def frames_file(mosaic: Path) -> Path:
    """Where the dates behind a mosaic lie."""
    return mosaic.with_name(f"{mosaic.stem}_frames.nc")


def make_mosaic(
    items: Path,
    ids: frozenset[str],
    block: Block,
    settings: ImagerySettings,
    year: int,
    area: BaseGeometry,
    heights: Path | None,
    lighting: Path | None,
    out: Path,
    frames: Path | None = None,
) -> dict[str, Any]:
    """Make and write the mosaic of one block with its halo, and its dates where asked for."""
    chosen = [i for i in load_items(items) if i.id in ids]
    relief = Relief(heights, load_lighting(lighting)) if heights and lighting else None
    mosaic = monthly_mosaic(chosen, block.geobox(NATIVE, halo=True), settings, year, relief)
    seen = (mosaic["valid"] > 0).any("month")
    wanted = inside(area, block.geobox(NATIVE, halo=True))
    if not (seen.values & wanted).any():
        raise RunError(
            f"block {block.id} of tile {block.tile}: no clear observation in {year}",
            remedy="add images, raise imagery.years_around, or leave the site out",
        )
    save_dataset(mosaic, out)
    if frames is not None:
        ground = block.geobox(NATIVE, halo=True)
        save_dataset(monthly_frames(chosen, ground, settings, year, relief), frames)
    return {
        "images": len(chosen),
        "months": observed_months(mosaic),
        "seen": float((seen.values & wanted).sum() / wanted.sum()),
        "observed": float(((mosaic["gap"] == 0).values & wanted).sum())
        / float(wanted.sum() * mosaic.sizes["month"]),
    }
