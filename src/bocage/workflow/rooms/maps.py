"""From corrected rasters to polygons, rasters and their delivery."""

from __future__ import annotations

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
from bocage.generalize import Coverage, GeneralizeSettings, generalize, load_rules
from bocage.grid import FINE, geobox
from bocage.legend import OUTSIDE, Legend
from bocage.products import (
    Delivery,
    change_layer,
    status_layer,
    write_boundary,
    write_catalog,
    write_class_raster,
    write_confidence_raster,
    write_heterogeneity_raster,
    write_inventory,
    write_layer,
)
from bocage.rasters import geobox_of, wrap
from bocage.refine import heterogeneity
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow.rooms._space import inside
from bocage.workflow.rooms.decode import refined_file

RASTER_ORIGIN_M = 1000  # rasters start on whole kilometres (spec: the tool's default grid)


def coverage_file(plan: Plan, area: str) -> Path:
    """Where the polygons of an area lie."""
    return plan.file("generalize", f"{area}.parquet")


def generalize_pieces(plan: Plan) -> list[Piece]:
    """One coverage per area."""
    config = plan.project.generalize
    rules = config.rules
    settings = GeneralizeSettings(
        mmu_ha=config.mmu_ha,
        mmw_m=config.mmw_m,
        rules=load_rules(plan.project.path(rules) if rules.endswith((".yaml", ".yml")) else rules),
    )
    return [
        Piece(
            room="generalize",
            id=name,
            work=draw_polygons,
            arguments={
                "refined": refined_file(plan, name),
                "area": outline,
                "legend": plan.legend,
                "settings": settings,
                "out": coverage_file(plan, name),
            },
            outputs=(coverage_file(plan, name),),
            inputs=(refined_file(plan, name),),
            settings={
                "generalize": config.model_dump(),
                "area": outline.wkb_hex,
                "legend": plan.legend.fingerprint,
            },
        )
        for name, outline in zip(plan.areas["cluster"], plan.areas.geometry, strict=True)
    ]


def draw_polygons(
    refined: Path, area: BaseGeometry, legend: Legend, settings: GeneralizeSettings, out: Path
) -> dict[str, Any]:
    """Generalise the class pairs of one area."""
    data = load_dataset(refined)
    coverage = generalize(data["class"], area, legend, settings, locked=data["locked"])
    coverage.save(out)
    return {"polygons": len(coverage.frame)}


def products_piece(plan: Plan) -> Piece:
    """The whole delivery, one piece."""
    coverages = tuple(coverage_file(plan, a) for a in plan.areas["cluster"])
    refined = tuple(refined_file(plan, a) for a in plan.areas["cluster"])
    return Piece(
        room="products",
        id="deliver",
        work=deliver,
        arguments={
            "coverages": coverages,
            "refined": refined,
            "areas": plan.areas,
            "delivery": plan.delivery,
            "out": plan.products,
        },
        outputs=(plan.products / "inventory.csv",),
        inputs=(*coverages, *refined),
        settings={
            "products": plan.project.products.model_dump(),
            "unit": plan.delivery.unit,
        },
    )


def deliver(
    coverages: tuple[Path, ...],
    refined: tuple[Path, ...],
    areas: gpd.GeoDataFrame,
    delivery: Delivery,
    out: Path,
) -> dict[str, Any]:
    """Write every product of the delivery unit."""
    coverage = _joined([Coverage.load(path) for path in coverages])
    counts: dict[str, int] = {}
    for year in delivery.years:
        layer = status_layer(coverage.status(year), year, delivery)
        counts[f"status_{year}"] = len(layer)
        name = delivery.status_name(year)
        write_layer(layer, out / f"status_{year}", name, delivery)
    if len(delivery.years) == 2:
        first, second = delivery.years
        layer = change_layer(coverage.change(), delivery)
        counts[f"change_{first}-{second}"] = len(layer)
        folder = out / f"change_{first}-{second}"
        write_layer(layer, folder, delivery.change_name(), delivery)
    _write_rasters(refined, areas, delivery, out)
    write_boundary(shapely.union_all(areas.geometry.to_numpy()), delivery.unit, out)
    write_catalog(out, delivery)
    write_inventory(out, delivery)
    return {"polygons": counts}


def _joined(parts: list[Coverage]) -> Coverage:
    frame = pd.concat([p.frame for p in parts], ignore_index=True)
    return Coverage(gpd.GeoDataFrame(frame, crs=parts[0].frame.crs), parts[0].years)


def _write_rasters(
    refined: tuple[Path, ...], areas: gpd.GeoDataFrame, delivery: Delivery, out: Path
) -> None:
    canvas = geobox(tuple(areas.total_bounds), RASTER_ORIGIN_M).zoom_out(FINE / RASTER_ORIGIN_M)
    for year in delivery.years:
        classes = np.full(canvas.shape, OUTSIDE, dtype=np.uint8)
        confidence = np.full(canvas.shape, OUTSIDE, dtype=np.uint8)
        for path, outline in zip(refined, areas.geometry, strict=True):
            data = load_dataset(path)
            part = data.sel(year=year)
            within = inside(outline, geobox_of(data))
            _put(classes, canvas, part["class"], within)
            _put(confidence, canvas, part["confidence"], within)
        mapped = wrap(classes, canvas)
        write_class_raster(
            out / f"raster_{year}" / f"{delivery.raster_name(year)}.tif", mapped, delivery.legend
        )
        write_confidence_raster(
            out / f"confidence_{year}" / f"{delivery.confidence_name(year)}.tif",
            wrap(confidence, canvas),
        )
        write_heterogeneity_raster(
            out / f"heterogeneity_{year}" / f"{delivery.heterogeneity_name(year)}.tif",
            heterogeneity(mapped),
        )


def _put(target: np.ndarray, grid: GeoBox, part: xr.DataArray, within: np.ndarray) -> None:
    box = geobox_of(part)
    column = round((box.affine.c - grid.affine.c) / FINE)
    row = round((grid.affine.f - box.affine.f) / FINE)
    # Only the area itself is written, and it lies on the canvas whatever its margin does.
    rows, columns = np.nonzero(within)
    target[rows + row, columns + column] = part.values[rows, columns]
