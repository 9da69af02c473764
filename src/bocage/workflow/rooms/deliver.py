"""The delivery of the map: layers, rasters, catalogue and lists, in one schema or several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from bocage.generalize import GeneralizeSettings
from bocage.grid import FINE, NATIVE, Block
from bocage.products import (
    CHARACTERISTICS,
    CHECKSUMS,
    CROSSWALK,
    INVENTORY,
    Delivery,
    write_boundary,
    write_catalog,
    write_checksums,
    write_class_raster,
    write_confidence_raster,
    write_heterogeneity_raster,
    write_inventory,
    write_lineage_raster,
    write_raster_metadata,
    write_raster_zip,
    write_safe_level_raster,
)
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Further, Plan
from bocage.workflow.rooms._attributes import SAFE_LEVEL, attributes
from bocage.workflow.rooms._further import Recoding, write_further
from bocage.workflow.rooms._parts import Area, raster_grid, raster_parts, write_layers
from bocage.workflow.rooms._safe import Safety, safe_parts
from bocage.workflow.rooms.decode import heterogeneity_file, refined_file
from bocage.workflow.rooms.imagery import mosaic_file
from bocage.workflow.rooms.maps import coverage_file, settings_of
from bocage.workflow.rooms.model import model_files, posterior_file

_ARCHIVED = ("status", "change", "raster")


def products_pieces(plan: Plan) -> list[Piece]:
    """The delivery, and each further one in a folder of its own."""
    return [main_piece(plan), *(_further_piece(plan, further) for further in plan.further)]


def main_piece(plan: Plan) -> Piece:
    """The delivery in the schema of the project."""
    safe = "safe_level" in plan.delivery.schema.products
    areas = _areas(plan, posteriors=safe)
    rasters = [path for a in areas for path in (a.refined, a.heterogeneity)]
    beside = [path for a in areas for files in a.posteriors.values() for path in files]
    fgb = "fgb" in plan.project.products.formats
    return Piece(
        room="products",
        id="deliver",
        work=deliver,
        arguments={
            "delivery": plan.delivery,
            "areas": areas,
            "settings": settings_of(plan),
            "model": plan.file("model"),
            "out": plan.products,
            "flatgeobuf": fgb,
        },
        outputs=_outputs(plan.delivery, plan.products),
        inputs=(
            *(a.coverage for a in areas),
            *rasters,
            *beside,
            *(model_files(plan) if safe else ()),
        ),
        settings={**_settings(plan), "schema": repr(plan.delivery.schema)},
    )


def _further_piece(plan: Plan, further: Further) -> Piece:
    named = attributes(further.delivery) if "status" in further.delivery.schema.products else ()
    splits = further.recode is not None and further.recode.splits
    areas = _areas(
        plan,
        posteriors=splits or further.components is not None or SAFE_LEVEL in named,
        mosaics=bool({*named} & {*CHARACTERISTICS}),
    )
    out = further_folder(plan, further)
    used = {*named, *(further.recode.layers if further.recode is not None else ())}
    layers = {name: path for name, path in plan.layers.items() if name in used}
    safety = (plan.legend, plan.file("model")) if SAFE_LEVEL in named else None
    beside = [
        path
        for a in areas
        for of_years in (a.posteriors, a.mosaics)
        for files in of_years.values()
        for path in files
    ]
    fgb = "fgb" in plan.project.products.formats
    return Piece(
        room="products",
        id=f"deliver-{further.name}",
        work=deliver_further,
        arguments={
            "delivery": further.delivery,
            "recoding": Recoding(further.recode, layers, further.components, safety),
            "areas": areas,
            "settings": settings_of(plan),
            "out": out,
            "flatgeobuf": fgb,
        },
        outputs=(*_outputs(further.delivery, out), out / CROSSWALK),
        inputs=(
            *(a.coverage for a in areas),
            *(a.refined for a in areas),
            *beside,
            *layers.values(),
            *(model_files(plan) if safety is not None else ()),
        ),
        settings={**_settings(plan), "schema": further.fingerprint},
    )


def further_folder(plan: Plan, further: Further) -> Path:
    """Where a further delivery lies."""
    return plan.products / further.name


def _settings(plan: Plan) -> dict[str, Any]:
    # Another list of further deliveries, or of layers for them, leaves the rest as it is.
    config = plan.project.products.model_dump(exclude={"schemas", "layers"})
    return {
        "products": config,
        "generalize": repr(settings_of(plan)),
        "unit": plan.delivery.unit,
        "legend": plan.legend.fingerprint,
    }


def _outputs(delivery: Delivery, out: Path) -> tuple[Path, ...]:
    """The lists of a delivery, and the main file and archive of each product."""
    found = [out / INVENTORY, out / CHECKSUMS]
    for kind, year in delivery.products():
        suffix = ".gpkg" if kind in ("status", "change") else ".tif"
        found.append(delivery.path(out, kind, year, suffix))
        if kind in _ARCHIVED:
            found.append(out / f"{delivery.name(kind, year)}.zip")
    return tuple(found)


def _areas(plan: Plan, *, posteriors: bool, mosaics: bool = False) -> tuple[Area, ...]:
    """The areas from north to south, which is the order of their polygons in the layers."""
    made = [
        Area(
            outline=outline,
            coverage=coverage_file(plan, name),
            refined=refined_file(plan, name),
            heterogeneity=heterogeneity_file(plan, name),
            posteriors=_of_blocks(plan, outline, posterior_file) if posteriors else {},
            mosaics=_of_blocks(plan, outline, mosaic_file) if mosaics else {},
        )
        for name, outline in zip(plan.areas["cluster"], plan.areas.geometry, strict=True)
    ]
    return tuple(sorted(made, key=lambda a: (-a.outline.bounds[3], a.outline.bounds[0])))


def _of_blocks(
    plan: Plan, outline: BaseGeometry, file: Callable[[Plan, int, Block], Path]
) -> dict[int, tuple[Path, ...]]:
    """A file of each block of an area, by year."""
    blocks = plan.blocks_of(outline)
    return {year: tuple(file(plan, year, b) for b in blocks) for year in plan.project.years}


def deliver(
    delivery: Delivery,
    areas: tuple[Area, ...],
    settings: GeneralizeSettings,
    model: Path,
    out: Path,
    *,
    flatgeobuf: bool,
) -> dict[str, Any]:
    """Write every product of the delivery unit, one area in memory at a time."""
    coverages = [area.coverage for area in areas]
    counts = write_layers(delivery, coverages, settings, out, flatgeobuf=flatgeobuf)
    grid = raster_grid(areas, FINE)
    for kind, year in delivery.products():
        if year is None or kind in ("status", "change"):
            continue
        path = delivery.path(out, kind, year, ".tif")
        if kind == "raster":
            parts = raster_parts(areas, "class", year, grid)
            write_class_raster(path, parts, delivery.legend, grid=grid)
            write_raster_zip(path, out, delivery, year)  # and the metadata
            continue
        if kind == "confidence":
            write_confidence_raster(path, raster_parts(areas, kind, year, grid), grid=grid)
        elif kind == "lineage":
            write_lineage_raster(path, raster_parts(areas, kind, year, grid), grid=grid)
        elif kind == "safe_level":
            parts = safe_parts(areas, Safety.of(areas, model, delivery.legend, year), grid)
            write_safe_level_raster(path, parts, delivery.legend, grid=grid)
        else:
            native = raster_grid(areas, NATIVE)
            parts = raster_parts(areas, kind, year, native)
            write_heterogeneity_raster(path, parts, grid=native)
        write_raster_metadata(path, delivery, kind, year)
    _finish(delivery, areas, out)
    return {"polygons": counts}


def deliver_further(
    delivery: Delivery,
    recoding: Recoding,
    areas: tuple[Area, ...],
    settings: GeneralizeSettings,
    out: Path,
    *,
    flatgeobuf: bool,
) -> dict[str, Any]:
    """Write the map in the classes and rules of another schema."""
    facts = write_further(delivery, recoding, areas, settings, out, flatgeobuf=flatgeobuf)
    _finish(delivery, areas, out)
    return facts


def _finish(delivery: Delivery, areas: tuple[Area, ...], out: Path) -> None:
    outline = shapely.union_all([area.outline for area in areas])
    write_boundary(outline, delivery.unit, out, date=delivery.iso_date)
    write_catalog(out, delivery)
    write_inventory(out, delivery)
    write_checksums(out, delivery)
