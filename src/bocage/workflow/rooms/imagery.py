"""Monthly mosaics, block by block."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
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
    load_shifts,
    monthly_frames,
    monthly_mosaic,
    observed_months,
    require_angles,
    require_months,
    require_observed,
    save_items,
    save_lighting,
    save_shifts,
    search,
    survey_lighting,
    survey_shifts,
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
        surveys = _Surveys(_lighting(plan, year, items), _shifts(plan, year, items))
        found += [_piece(plan, year, block, items, surveys) for block in plan.blocks]
    return found


@dataclass(frozen=True)
class _Surveys:
    """Where it is kept what was found once for the whole area, so that blocks fit together.

    None where nobody asks. It is found again when images or settings have changed.
    """

    lighting: Path | None
    shifts: Path | None


def _lighting(plan: Plan, year: int, items: list[Item]) -> Path | None:
    """How light falls on the slopes of the area."""
    heights = plan.heights
    if plan.imagery.illumination == "none" or heights is None:
        return None

    def find(store: Path) -> None:
        found = survey_lighting(items, heights, _bounds(plan), plan.imagery, year)
        save_lighting(found, store)

    query = [_query(plan, year), items_digest(items), sha256(heights)]
    return _survey(plan.file("imagery", f"lighting_{year}.json"), query, find)


def _shifts(plan: Plan, year: int, items: list[Item]) -> Path | None:
    """Where the images of each day lie, if they are to be put right."""
    if plan.imagery.coregister != "apply" and not plan.project.superres.frames:
        return None

    def find(store: Path) -> None:
        save_shifts(survey_shifts(items, plan.blocks, plan.imagery, year), store)

    blocks = [block.id for block in plan.blocks]
    query = [_query(plan, year), items_digest(items), blocks]
    return _survey(plan.file("imagery", f"shifts_{year}.json"), query, find)


def _survey(store: Path, query: list[Any], find: Callable[[Path], None]) -> Path:
    """A file that is found again only if the query is another."""
    asked = store.with_suffix(".query.json")
    text = json.dumps(query)
    if not (store.exists() and _same(asked, text)):
        find(store)
        write_text(asked, text)
    return store


def _piece(plan: Plan, year: int, block: Block, items: list[Item], surveys: _Surveys) -> Piece:
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
            "lighting": surveys.lighting,
            "shifts": surveys.shifts,
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
        inputs=(
            *((surveys.lighting, plan.heights) if surveys.lighting and plan.heights else ()),
            *((surveys.shifts,) if surveys.shifts else ()),
        ),
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
    shifts: Path | None,
    out: Path,
    frames: Path | None = None,
) -> dict[str, Any]:
    """Make and write the mosaic of one block with its halo, and its dates where asked for."""
    chosen = [i for i in load_items(items) if i.id in ids]
    relief = Relief(heights, load_lighting(lighting)) if heights and lighting else None
    moves = load_shifts(shifts) if shifts else None
    ground = block.geobox(NATIVE, halo=True)
    mosaic = monthly_mosaic(chosen, ground, settings, year, relief, moves)
    seen = (mosaic["valid"] > 0).any("month")
    wanted = inside(area, ground)
    if not (seen.values & wanted).any():
        raise RunError(
            f"block {block.id} of tile {block.tile}: no clear observation in {year}",
            remedy="add images, raise imagery.years_around, or leave the site out",
        )
    save_dataset(mosaic, out)
    if frames is not None:
        save_dataset(monthly_frames(chosen, ground, settings, year, relief, moves), frames)
    return {
        "images": len(chosen),
        "months": observed_months(mosaic),
        "seen": float((seen.values & wanted).sum() / wanted.sum()),
        "observed": float(((mosaic["gap"] == 0).values & wanted).sum())
        / float(wanted.sum() * mosaic.sizes["month"]),
    }
