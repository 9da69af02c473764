"""The map in the classes and rules of another schema."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from bocage.cubes import load_array, load_dataset
from bocage.files import write_text
from bocage.generalize import Coverage, GeneralizeSettings, class_shares, load_rules
from bocage.grid import FINE, NATIVE
from bocage.legend import Legend, Recode
from bocage.products import (
    CROSSWALK,
    Delivery,
    coarser_raster,
    fit_rules,
    joined_reports,
    layer_means,
    recode_coverage,
    recode_raster,
    write_class_raster,
    write_raster_zip,
)
from bocage.rasters import geobox_of, read_onto
from bocage.workflow.rooms._attributes import attributes, described
from bocage.workflow.rooms._parts import Area, cut, raster_grid, total_bounds, write_layers
from bocage.workflow.rooms._safe import Safety
from bocage.workflow.rooms.decode import assemble_posterior


@dataclass(frozen=True)
class Recoding:
    """How the classes of the map become those of a further delivery.

    Attributes
    ----------
    recode
        The table; None: the classes are the same.
    layers
        Rasters that help where a class becomes one of several, by name.
    components
        From the classes of the map to land cover, where polygons get components.
    safety
        Of the map: its legend, and the folder of the model, where polygons get a safe level.
    """

    recode: Recode | None
    layers: dict[str, Path]
    components: Recode | None = None
    safety: tuple[Legend, Path] | None = None


def write_further(
    delivery: Delivery,
    recoding: Recoding,
    areas: tuple[Area, ...],
    settings: GeneralizeSettings,
    out: Path,
    *,
    flatgeobuf: bool,
) -> dict[str, Any]:
    """Write the layers and class rasters of a further delivery, and how they came about.

    Parameters
    ----------
    delivery
        Names, schema and legend.
    recoding
        How classes change.
    areas
        What was made of the map.
    settings
        What its polygons were made with.
    out
        Folder of the delivery.
    flatgeobuf
        Whether to write FlatGeobuf, too.

    Returns
    -------
    dict
        ``polygons`` of each layer, ``left_out_ha`` and, where classes change,
        ``decided_by_ha``.
    """
    kinds = {kind for kind, _ in delivery.products()}
    facts: dict[str, Any] = {"polygons": {}}
    reports: list[pd.DataFrame] = []
    if kinds & {"status", "change"}:
        with tempfile.TemporaryDirectory(dir=_made(out), prefix=".areas.") as folder:
            made, left_out, reports = _coverages(delivery, recoding, areas, settings, Path(folder))
            own = _settings_of(delivery, settings)
            components, layers = recoding.components, recoding.layers
            safe: dict[int, Safety] = {}
            if recoding.safety is not None:
                legend, model = recoding.safety
                safe = {year: Safety.of(areas, model, legend, year) for year in delivery.years}

            def describe(number: int, year: int, view: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
                area = made[number][1]
                return described(view, year, area, delivery, components, layers, safe.get(year))

            facts["polygons"] = write_layers(
                delivery,
                [path for path, _ in made],
                own,
                out,
                flatgeobuf=flatgeobuf,
                describe=describe if attributes(delivery) else None,
                # Where all land is below the mapping unit, the layer is empty.
                bounds=total_bounds(areas),
            )
        facts["left_out_ha"] = round(left_out, 4)
    if "raster" in kinds:
        of_pixels = [
            report
            for year in delivery.years
            for report in _write_raster(delivery, recoding, areas, year, out)
        ]
        # Polygons and pixels cover the same ground: it counts once.
        reports = reports or of_pixels
    return facts | _write_report(recoding.recode, reports, out)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settings_of(delivery: Delivery, settings: GeneralizeSettings) -> GeneralizeSettings:
    """What the polygons of the delivery keep to."""
    schema = delivery.schema
    rules = load_rules(schema.rules)
    return replace(settings, mmu_ha=schema.mmu_ha, mmw_m=schema.mmw_m, rules=rules)


def _coverages(
    delivery: Delivery,
    recoding: Recoding,
    areas: tuple[Area, ...],
    settings: GeneralizeSettings,
    folder: Path,
) -> tuple[list[tuple[Path, Area]], float, list[pd.DataFrame]]:
    """The polygons of each area as they are delivered; area left out; how classes changed."""
    schema, left_out = delivery.schema, 0.0
    made: list[tuple[Path, Area]] = []
    reports: list[pd.DataFrame] = []
    for number, area in enumerate(areas):
        coverage = Coverage.load(area.coverage)
        if recoding.recode is not None:
            coverage, report = _recoded(coverage, area, recoding.recode, recoding.layers)
            reports.append(report)
        coverage, gone = fit_rules(coverage, delivery.legend, schema, settings)
        left_out += gone
        made.append((coverage.save(folder / f"{number}.parquet"), area))
    return made, left_out, reports


def _recoded(
    coverage: Coverage, area: Area, recode: Recode, rasters: dict[str, Path]
) -> tuple[Coverage, pd.DataFrame]:
    """The coverage in other classes, with what the classifier and the layers say."""
    if not recode.splits:
        return recode_coverage(coverage, recode)
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
        name: layer_means(coverage.frame, _layer(name, path, coarse))
        for name, path in rasters.items()
    }
    return recode_coverage(coverage, recode, shares, layers)


def _layer(name: str, path: Path, grid: GeoBox) -> xr.DataArray:
    return read_onto(path, grid, resampling="average", fill=np.nan, dtype="float32", what=name)


def _write_raster(
    delivery: Delivery, recoding: Recoding, areas: tuple[Area, ...], year: int, out: Path
) -> list[pd.DataFrame]:
    """Write the class raster of a year in other classes; how they came about."""
    size = delivery.schema.raster.pixel_m
    grid, fine = raster_grid(areas, size), raster_grid(areas, FINE)
    factor = round(size / FINE)
    reports: list[pd.DataFrame] = []

    def parts() -> Iterator[xr.DataArray]:
        for area in areas:
            classes = cut(load_array(area.refined, "class", year=year), area, fine, size)
            if recoding.recode is None:
                yield coarser_raster(classes, factor)
                continue
            posterior, box = None, geobox_of(classes)
            if recoding.recode.splits:
                posterior = assemble_posterior(area.posteriors[year], box)
            layers = {n: _layer(n, recoding.layers[n], box) for n in recoding.recode.layers
                      if n in recoding.layers}  # fmt: skip
            made, report = recode_raster(
                classes, recoding.recode, year, posterior=posterior, layers=layers, factor=factor
            )
            reports.append(report)
            yield made

    path = delivery.path(out, "raster", year, ".tif")
    origin = delivery.schema.raster.origin_m
    write_class_raster(path, parts(), delivery.legend, grid=grid, origin_m=origin)
    write_raster_zip(path, out, delivery, year)
    return reports


def _write_report(recode: Recode | None, reports: list[pd.DataFrame], out: Path) -> dict[str, Any]:
    """Write how classes were recoded; hectares by what decided, for the facts of the piece."""
    if recode is None:
        write_text(out / CROSSWALK, "year,code,target,decided_by,count,area_ha\n")
        return {}
    table = joined_reports(reports)
    table["name"] = [recode.source.name(c) for c in table["code"]]
    table["notation"] = [recode.target.notation(c) for c in table["target"]]
    table["target_name"] = [recode.target.name(c) for c in table["target"]]
    write_text(out / CROSSWALK, table.round({"area_ha": 4}).to_csv(index=False))
    by = table.groupby("decided_by")["area_ha"].sum()
    return {"decided_by_ha": {str(k): round(float(v), 4) for k, v in by.items()}}
