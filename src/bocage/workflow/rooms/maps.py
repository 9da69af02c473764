"""From corrected rasters to polygons, rasters and their delivery."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from bocage.cubes import load_dataset
from bocage.generalize import (
    Coverage,
    GeneralizeSettings,
    Tiling,
    generalize,
    load_rules,
    undersized,
)
from bocage.grid import FINE, NATIVE, geobox
from bocage.legend import OUTSIDE, Legend
from bocage.products import (
    Delivery,
    Kind,
    change_layer,
    status_layer,
    write_boundary,
    write_catalog,
    write_class_raster,
    write_confidence_raster,
    write_heterogeneity_raster,
    write_inventory,
    write_layer,
    write_raster_zip,
)
from bocage.rasters import geobox_of, inside, wrap
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow.rooms.decode import (
    assemble_posterior,
    heterogeneity_file,
    refined_file,
)
from bocage.workflow.rooms.model import posterior_file

RASTER_ORIGIN_M = 1000  # rasters start on whole kilometres (spec: the tool's default grid)

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
                    "generalize": plan.project.generalize.model_dump(),
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


@dataclass(frozen=True)
class Rasters:
    """Files of the areas: corrected rasters at 2.5 m, and number of classes at 10 m."""

    refined: tuple[Path, ...]
    heterogeneity: tuple[Path, ...]


def products_piece(plan: Plan) -> Piece:
    """The whole delivery, one piece."""
    coverages = tuple(coverage_file(plan, a) for a in plan.areas["cluster"])
    refined = tuple(refined_file(plan, a) for a in plan.areas["cluster"])
    mixed = tuple(heterogeneity_file(plan, a) for a in plan.areas["cluster"])
    return Piece(
        room="products",
        id="deliver",
        work=deliver,
        arguments={
            "coverages": coverages,
            "rasters": Rasters(refined, mixed),
            "areas": plan.areas,
            "delivery": plan.delivery,
            "settings": settings_of(plan),
            "out": plan.products,
        },
        outputs=(plan.products / "inventory.csv",),
        inputs=(*coverages, *refined, *mixed),
        settings={
            "products": plan.project.products.model_dump(),
            "unit": plan.delivery.unit,
        },
    )


def deliver(
    coverages: tuple[Path, ...],
    rasters: Rasters,
    areas: gpd.GeoDataFrame,
    delivery: Delivery,
    settings: GeneralizeSettings,
    out: Path,
) -> dict[str, Any]:
    """Write every product of the delivery unit."""
    coverage = _joined([Coverage.load(path) for path in coverages])
    small = undersized(coverage, delivery.legend, settings)
    small = small[small["exception"] == ""]
    counts: dict[str, int] = {}
    for year in delivery.years:
        view = _commented(coverage.status(year), small[small["view"] == f"status_{year}"], delivery)
        layer = status_layer(view, year, delivery)
        counts[delivery.folder("status", year)] = len(layer)
        write_layer(layer, out, delivery, "status", year)
    if len(delivery.years) == 2:
        layer = change_layer(coverage.change(), delivery)
        counts[delivery.folder("change")] = len(layer)
        write_layer(layer, out, delivery, "change")
    _write_rasters(rasters, areas, delivery, out)
    outline = shapely.union_all(areas.geometry.to_numpy())
    write_boundary(outline, delivery.unit, out, date=delivery.iso_date)
    write_catalog(out, delivery)
    write_inventory(out, delivery)
    return {"polygons": counts}


def _commented(view: gpd.GeoDataFrame, small: pd.DataFrame, delivery: Delivery) -> gpd.GeoDataFrame:
    """Say in the layer why polygons below the minimum mapping unit are there.

    Only sites that are smaller than the unit themselves leave such polygons.
    """
    comments = delivery.schema.layers["status"].comments
    if small.empty or not comments:
        return view
    tree = shapely.STRtree(view.geometry.to_numpy())
    _, found = tree.query(shapely.points(small["x"], small["y"]), predicate="within")
    comment = np.full(len(view), None, dtype=object)
    comment[found] = comments[0]
    return view.assign(comment=comment)


def _joined(parts: list[Coverage]) -> Coverage:
    frame = pd.concat([p.frame for p in parts], ignore_index=True)
    return Coverage(gpd.GeoDataFrame(frame, crs=parts[0].frame.crs), parts[0].years)


def _write_rasters(
    rasters: Rasters, areas: gpd.GeoDataFrame, delivery: Delivery, out: Path
) -> None:
    west, south, east, north = areas.total_bounds
    whole = geobox((west, south, east, north), RASTER_ORIGIN_M)
    fine = whole.zoom_out(FINE / RASTER_ORIGIN_M)
    native = whole.zoom_out(NATIVE / RASTER_ORIGIN_M)
    for year in delivery.years:
        classes = _mosaic(rasters.refined, "class", year, areas, fine)
        path = raster_file(delivery, "raster", year, out)
        write_class_raster(path, classes, delivery.legend)
        write_raster_zip(path, out, delivery, year)
        confidence = _mosaic(rasters.refined, "confidence", year, areas, fine)
        write_confidence_raster(raster_file(delivery, "confidence", year, out), confidence)
        mixed = _mosaic(rasters.heterogeneity, "heterogeneity", year, areas, native)
        write_heterogeneity_raster(raster_file(delivery, "heterogeneity", year, out), mixed)


def _mosaic(
    files: tuple[Path, ...], name: str, year: int, areas: gpd.GeoDataFrame, grid: GeoBox
) -> xr.DataArray:
    canvas = np.full(grid.shape, OUTSIDE, dtype=np.uint8)
    for path, outline in zip(files, areas.geometry, strict=True):
        part = load_dataset(path)[name].sel(year=year)
        box = geobox_of(part)
        column = round((box.affine.c - grid.affine.c) / grid.affine.a)
        row = round((grid.affine.f - box.affine.f) / grid.affine.a)
        # Only the area itself is written: it lies on the canvas whatever its margin does.
        rows, columns = np.nonzero(inside(outline, box))
        canvas[rows + row, columns + column] = part.values[rows, columns]
    return wrap(canvas, grid)


def raster_file(delivery: Delivery, kind: Kind, year: int, out: Path) -> Path:
    """Where a raster of the delivery lies."""
    return out / delivery.folder(kind, year) / f"{delivery.name(kind, year)}.tif"
