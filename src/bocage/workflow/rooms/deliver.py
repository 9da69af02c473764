"""The delivery of the map: layers, rasters, catalogue and lists, in one schema or several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from bocage.cubes import load_dataset
from bocage.errors import InputError
from bocage.files import write_text
from bocage.generalize import Coverage, GeneralizeSettings, class_shares, load_rules, undersized
from bocage.grid import FINE, NATIVE, geobox
from bocage.legend import OUTSIDE, Recode
from bocage.products import (
    Delivery,
    change_layer,
    fit_rules,
    joined_reports,
    layer_means,
    recode_coverage,
    recode_raster,
    status_layer,
    write_boundary,
    write_catalog,
    write_checksums,
    write_class_raster,
    write_confidence_raster,
    write_heterogeneity_raster,
    write_inventory,
    write_layer,
    write_lineage_raster,
    write_raster_zip,
)
from bocage.rasters import geobox_of, inside, read_onto, wrap
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Further, Plan
from bocage.workflow.rooms.decode import assemble_posterior, heterogeneity_file, refined_file
from bocage.workflow.rooms.maps import coverage_file, settings_of
from bocage.workflow.rooms.model import posterior_file

RASTER_ORIGIN_M = 1000  # rasters start on whole kilometres (spec: the tool's default grid)
CROSSWALK = "crosswalk.csv"
"""How the classes of the map became those of a further delivery."""


@dataclass(frozen=True)
class Area:
    """What was made of an area: its outline and files.

    Attributes
    ----------
    outline
        Its polygon.
    coverage, refined, heterogeneity
        Polygons, corrected rasters at 2.5 m, number of classes at 10 m.
    posteriors
        Class probabilities of each year, by block.
    """

    outline: BaseGeometry
    coverage: Path
    refined: Path
    heterogeneity: Path
    posteriors: dict[int, tuple[Path, ...]]


@dataclass(frozen=True)
class Target:
    """One delivery of the map.

    Attributes
    ----------
    delivery
        Names, legend and schema.
    recode
        How the classes of the map become those of the delivery; None: they are the same.
    layers
        Rasters that help where a class becomes one of several, by name.
    flatgeobuf
        Whether layers are written as FlatGeobuf, too.
    """

    delivery: Delivery
    recode: Recode | None = None
    layers: dict[str, Path] | None = None
    flatgeobuf: bool = False


def products_pieces(plan: Plan) -> list[Piece]:
    """The delivery, and each further one in a folder of its own."""
    return [main_piece(plan), *(_further_piece(plan, further) for further in plan.further)]


def main_piece(plan: Plan) -> Piece:
    """The delivery in the schema of the project."""
    areas = _areas(plan, posteriors=False)
    rasters = [path for a in areas for path in (a.refined, a.heterogeneity)]
    fgb = "fgb" in plan.project.products.formats
    return Piece(
        room="products",
        id="deliver",
        work=deliver,
        arguments={
            "target": Target(plan.delivery, flatgeobuf=fgb),
            "areas": areas,
            "settings": settings_of(plan),
            "out": plan.products,
        },
        outputs=(plan.products / "inventory.csv",),
        inputs=(*(a.coverage for a in areas), *rasters),
        settings=_settings(plan),
    )


def _further_piece(plan: Plan, further: Further) -> Piece:
    areas = _areas(plan, posteriors=further.recode is not None)
    out = further_folder(plan, further)
    used = further.recode.layers if further.recode is not None else ()
    layers = {name: path for name, path in plan.layers.items() if name in used}
    posteriors = [p for a in areas for files in a.posteriors.values() for p in files]
    fgb = "fgb" in plan.project.products.formats
    return Piece(
        room="products",
        id=f"deliver-{further.name}",
        work=deliver_further,
        arguments={
            "target": Target(further.delivery, further.recode, layers, fgb),
            "areas": areas,
            "settings": settings_of(plan),
            "out": out,
        },
        outputs=(out / "inventory.csv", out / CROSSWALK),
        inputs=(
            *(a.coverage for a in areas),
            *(a.refined for a in areas),
            *posteriors,
            *layers.values(),
        ),
        settings={**_settings(plan), "schema": further.fingerprint},
    )


def further_folder(plan: Plan, further: Further) -> Path:
    """Where a further delivery lies."""
    return plan.products / further.name


def _settings(plan: Plan) -> dict[str, Any]:
    # Another list of further deliveries, or of layers for them, leaves the rest as it is.
    config = plan.project.products.model_dump(exclude={"schemas", "layers"})
    return {"products": config, "unit": plan.delivery.unit, "legend": plan.legend.fingerprint}


def _areas(plan: Plan, *, posteriors: bool) -> tuple[Area, ...]:
    """The areas from north to south, which is the order of their polygons in the layers."""
    made = [
        Area(
            outline=outline,
            coverage=coverage_file(plan, name),
            refined=refined_file(plan, name),
            heterogeneity=heterogeneity_file(plan, name),
            posteriors={
                year: tuple(posterior_file(plan, year, b) for b in plan.blocks_of(outline))
                for year in plan.project.years
            }
            if posteriors
            else {},
        )
        for name, outline in zip(plan.areas["cluster"], plan.areas.geometry, strict=True)
    ]
    return tuple(sorted(made, key=lambda a: (-a.outline.bounds[3], a.outline.bounds[0])))


def deliver(
    target: Target, areas: tuple[Area, ...], settings: GeneralizeSettings, out: Path
) -> dict[str, Any]:
    """Write every product of the delivery unit, one area in memory at a time."""
    delivery = target.delivery
    coverages = [area.coverage for area in areas]
    counts = _write_layers(target, coverages, settings, out)
    grid = _grid(areas, FINE)
    for kind, year in delivery.products():
        if year is None or kind in ("status", "change"):
            continue
        path = delivery.path(out, kind, year, ".tif")
        if kind == "raster":
            parts = _parts(areas, "class", year, grid)
            write_class_raster(path, parts, delivery.legend, grid=grid)
            write_raster_zip(path, out, delivery, year)
        elif kind == "confidence":
            write_confidence_raster(path, _parts(areas, kind, year, grid), grid=grid)
        elif kind == "lineage":
            write_lineage_raster(path, _parts(areas, kind, year, grid), grid=grid)
        else:
            native = _grid(areas, NATIVE)
            parts = _parts(areas, kind, year, native)
            write_heterogeneity_raster(path, parts, grid=native)
    _finish(delivery, areas, out)
    return {"polygons": counts}


def deliver_further(
    target: Target, areas: tuple[Area, ...], settings: GeneralizeSettings, out: Path
) -> dict[str, Any]:
    """Write the map in the classes and rules of another schema."""
    delivery, schema = target.delivery, target.delivery.schema
    reports: list[pd.DataFrame] = []
    left_out, counts = 0.0, {}
    vector = any(kind in ("status", "change") for kind, _ in delivery.products())
    if vector:
        made = []
        for number, area in enumerate(areas):
            coverage = Coverage.load(area.coverage)
            if target.recode is not None:
                coverage, report = _recoded(coverage, area, target, target.recode)
                reports.append(report)
            coverage, gone = fit_rules(coverage, delivery.legend, schema, settings)
            left_out += gone
            if not coverage.frame.empty:
                made.append(coverage.save(out / f".area_{number}.parquet"))
        if not made:
            raise InputError(
                f"{schema.id}: no land is as large as its mapping unit, {schema.mmu_ha} ha",
                remedy="take the schema out of products.schemas",
            )
        own = GeneralizeSettings(
            mmu_ha=schema.mmu_ha, mmw_m=schema.mmw_m, rules=load_rules(schema.rules)
        )
        try:
            counts = _write_layers(target, made, own, out)
        finally:
            for path in made:
                path.unlink()
    for kind, year in delivery.products():
        if kind == "raster" and year is not None:
            reports += _write_recoded_raster(target, areas, year, out)
    _finish(delivery, areas, out)
    facts = {"polygons": counts, "left_out_ha": round(left_out, 4)}
    return facts | _write_report(target, reports, out)


def _finish(delivery: Delivery, areas: tuple[Area, ...], out: Path) -> None:
    outline = shapely.union_all([area.outline for area in areas])
    write_boundary(outline, delivery.unit, out, date=delivery.iso_date)
    write_catalog(out, delivery)
    write_inventory(out, delivery)
    write_checksums(out, delivery)


def _write_layers(
    target: Target, coverages: list[Path], settings: GeneralizeSettings, out: Path
) -> dict[str, int]:
    """Write the layers; polygons are numbered through all areas."""
    delivery, counts = target.delivery, {}
    for kind, year in delivery.products():
        if kind not in ("status", "change"):
            continue
        parts = _layer_parts(coverages, delivery, year, settings)
        files = write_layer(parts, out, delivery, kind, year, flatgeobuf=target.flatgeobuf)
        counts[delivery.folder(kind, year)] = files.facts.rows
    return counts


def _layer_parts(
    coverages: list[Path], delivery: Delivery, year: int | None, settings: GeneralizeSettings
) -> Iterator[gpd.GeoDataFrame]:
    """The layer of a year, or of the change, area by area."""
    first = 1
    for path in coverages:
        coverage = Coverage.load(path)
        if year is None:
            part = change_layer(coverage.change(), delivery, first=first)
        else:
            view = _commented(coverage, year, delivery, settings)
            part = status_layer(view, year, delivery, first=first)
        first += len(part)
        yield part


def _commented(
    coverage: Coverage, year: int, delivery: Delivery, settings: GeneralizeSettings
) -> gpd.GeoDataFrame:
    """A status view that says why polygons below the minimum mapping unit are there.

    Only sites that are smaller than the unit themselves leave such polygons.
    """
    view = coverage.status(year)
    comments = delivery.schema.layers["status"].comments
    if not comments or view.empty:
        return view
    legend = delivery.legend.only(int(c) for c in np.unique(view["code"]) if c)
    alone = Coverage(view.rename(columns={"code": Coverage.column(year)}), (year,))
    small = undersized(alone, legend, settings)
    small = small[small["exception"] == ""]
    if small.empty:
        return view
    tree = shapely.STRtree(view.geometry.to_numpy())
    _, found = tree.query(shapely.points(small["x"], small["y"]), predicate="within")
    comment = np.full(len(view), None, dtype=object)
    comment[found] = comments[0]
    return view.assign(comment=comment)


def _recoded(
    coverage: Coverage, area: Area, target: Target, recode: Recode
) -> tuple[Coverage, pd.DataFrame]:
    """The coverage in other classes, with what the classifier and the layers say."""
    refined = load_dataset(area.refined)
    grid = geobox_of(refined)
    shares = []
    for year in coverage.years:
        posterior = assemble_posterior(area.posteriors[year], grid)
        classes = refined["class"].sel(year=year)
        column = coverage.column(year)
        shares.append(
            class_shares(coverage.frame, classes, recode.source, posterior=posterior, column=column)
        )
    coarse = grid.zoom_out(NATIVE / FINE)
    layers = {
        name: layer_means(
            coverage.frame,
            read_onto(path, coarse, resampling="average", fill=np.nan, dtype="float32", what=name),
        )
        for name, path in (target.layers or {}).items()
    }
    return recode_coverage(coverage, recode, shares, layers)


def _write_recoded_raster(
    target: Target, areas: tuple[Area, ...], year: int, out: Path
) -> list[pd.DataFrame]:
    """Write the class raster of a year in other classes; how they came about."""
    delivery = target.delivery
    size = delivery.schema.raster.pixel_m
    grid, fine = _grid(areas, size), _grid(areas, FINE)
    reports: list[pd.DataFrame] = []

    def parts() -> Iterator[xr.DataArray]:
        for area in areas:
            classes = _cut(load_dataset(area.refined)["class"].sel(year=year), area, fine, size)
            if target.recode is None:
                yield classes
                continue
            posterior = assemble_posterior(area.posteriors[year], geobox_of(classes))
            made, report = recode_raster(
                classes, target.recode, year, posterior=posterior, factor=round(size / FINE)
            )
            reports.append(report)
            yield made

    path = delivery.path(out, "raster", year, ".tif")
    origin = delivery.schema.raster.origin_m
    write_class_raster(path, parts(), delivery.legend, grid=grid, origin_m=origin)
    write_raster_zip(path, out, delivery, year)
    return reports


def _write_report(target: Target, reports: list[pd.DataFrame], out: Path) -> dict[str, Any]:
    """Write how classes were recoded; what could not be decided, in sum."""
    if target.recode is None or not reports:
        write_text(out / CROSSWALK, "year,code,target,decided_by,count,area_ha\n")
        return {}
    table, recode = joined_reports(reports), target.recode
    table["name"] = [recode.source.name(c) for c in table["code"]]
    table["notation"] = [recode.target.notation(c) for c in table["target"]]
    table["target_name"] = [recode.target.name(c) for c in table["target"]]
    write_text(out / CROSSWALK, table.round({"area_ha": 4}).to_csv(index=False))
    by = table.groupby("decided_by")["area_ha"].sum()
    return {"decided_by_ha": {str(k): round(float(v), 4) for k, v in by.items()}}


def _grid(areas: tuple[Area, ...], size: float) -> GeoBox:
    """Pixels of a size over all areas, from whole kilometres to whole kilometres."""
    west, south, east, north = shapely.total_bounds([area.outline for area in areas])
    whole = geobox((west, south, east, north), RASTER_ORIGIN_M)
    return whole.zoom_out(size / RASTER_ORIGIN_M)


def _parts(areas: tuple[Area, ...], name: str, year: int, grid: GeoBox) -> Iterator[xr.DataArray]:
    """A variable of a year, area by area."""
    for area in areas:
        file = area.heterogeneity if name == "heterogeneity" else area.refined
        yield _cut(load_dataset(file)[name].sel(year=year), area, grid, float(grid.affine.a))


def _cut(data: xr.DataArray, area: Area, grid: GeoBox, step: float) -> xr.DataArray:
    """The pixels of an area, 255 around it, in a window of the grid on multiples of a step."""
    box, size = geobox_of(data), float(grid.affine.a)
    mask = inside(area.outline, box)
    values = np.where(mask, data.values, np.uint8(OUTSIDE))
    west, south, east, north = area.outline.bounds
    left = np.floor((west - grid.affine.c) / step) * step + grid.affine.c
    top = grid.affine.f - np.floor((grid.affine.f - north) / step) * step
    columns = int(np.ceil((east - left) / step) * round(step / size))
    rows = int(np.ceil((top - south) / step) * round(step / size))
    window = GeoBox((rows, columns), Affine(size, 0.0, left, 0.0, -size, top), box.crs)
    made = np.full((rows, columns), OUTSIDE, np.uint8)
    row, column = round((top - box.affine.f) / size), round((left - box.affine.c) / size)
    low, side = max(row, 0), max(column, 0)
    high = min(row + rows, values.shape[0])
    far = min(column + columns, values.shape[1])
    made[low - row : high - row, side - column : far - column] = values[low:high, side:far]
    return wrap(made, window)
