"""The delivery check, and accuracy against a reference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.accuracy import (
    allocate,
    assess,
    draw_points,
    reliability,
    values_at,
    values_at_polygons,
)
from bocage.cubes import load_dataset
from bocage.errors import InputError
from bocage.files import write_text
from bocage.generalize import Coverage
from bocage.grid import Block
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.model import fit_predict, pixel_features
from bocage.products import BOUNDARY, Delivery, Kind, check, definition_for
from bocage.rasters import geobox_of, inside, wrap
from bocage.samples import Source, label_raster, of_year, read_samples
from bocage.workflow._engine import Piece
from bocage.workflow._plan import Plan
from bocage.workflow.rooms.decode import refined_file
from bocage.workflow.rooms.imagery import mosaic_file
from bocage.workflow.rooms.maps import coverage_file
from bocage.workflow.rooms.samples import sample_file

Pixels = NDArray[np.intp]

CHECKED = ("status", "change", "raster")
"""Kinds of products that have a delivery check."""

_PIXEL_HA = 6.25e-4
_LEAST = 10  # points of each class, as far as it has pixels


def check_pieces(plan: Plan) -> list[Piece]:
    """The delivery check of every layer and raster, of further deliveries, too."""
    found = _checks_of(plan, plan.delivery, plan.products, "")
    for further in plan.further:
        folder = plan.products / further.name
        found += _checks_of(plan, further.delivery, folder, f"{further.name}_")
    return found


def _checks_of(plan: Plan, delivery: Delivery, out: Path, prefix: str) -> list[Piece]:
    found = []
    layers = [out / f"{delivery.name(k, y)}.zip" for k, y in delivery.products() if k == "status"]
    for kind, year in delivery.products():
        if kind not in CHECKED:
            continue
        name = f"{delivery.name(kind, year)}.zip"
        file = delivery.path(out, kind, year, ".tif") if kind == "raster" else out / name
        statuses = tuple(layers) if kind == "change" else ()
        report = plan.file("check", f"{prefix}{delivery.folder(kind, year)}.json")
        boundary = out / f"{BOUNDARY}.gpkg"
        found.append(
            Piece(
                room="check",
                id=f"{prefix}{delivery.folder(kind, year)}",
                work=check_product,
                arguments={
                    "delivery": delivery,
                    "kind": kind,
                    "year": year,
                    "file": file,
                    "boundary": boundary,
                    "statuses": statuses,
                    "out": report,
                },
                outputs=(report,),
                inputs=(file, boundary, *statuses),
                settings={"definition": repr(definition_for(delivery, kind, year))},
            )
        )
    return found


def check_product(
    delivery: Delivery,
    kind: Kind,
    year: int | None,
    file: Path,
    boundary: Path,
    statuses: tuple[Path, ...],
    out: Path,
) -> dict[str, Any]:
    """Check one product, a change layer against both status layers, and keep the report."""
    definition = definition_for(delivery, kind, year)
    report = check([file], definition, boundary=boundary, statuses=statuses)
    write_text(out, json.dumps(report.to_dict(), indent=1))
    return {"passed": report.passed}


def check_results(plan: Plan) -> dict[str, Any]:
    """The reports of a finished delivery check, by product."""
    return {p.id: _read(p.outputs[0]) for p in check_pieces(plan)}


def accuracy_results(plan: Plan) -> dict[str, Any]:
    """What finished accuracy pieces have found, by year."""
    return {
        str(year): _read(plan.file("accuracy", f"{year}.json"))
        for year in plan.project.accuracy.reference
    }


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Comparison:
    """What the map of one year is compared with, where, and beside which other methods."""

    year: int
    reference: Source
    legend: Legend
    refined: tuple[Path, ...]
    coverages: tuple[Path, ...]
    outlines: tuple[BaseGeometry, ...]
    points: int
    seed: int
    baselines: tuple[str, ...]
    mosaics: dict[Block, Path]
    samples: tuple[Path, ...]


def accuracy_pieces(plan: Plan) -> list[Piece]:
    """The accuracy of every year that has a reference."""
    return [_accuracy_piece(plan, year) for year in plan.references]


def _accuracy_piece(plan: Plan, year: int) -> Piece:
    config, areas = plan.project.accuracy, list(plan.areas["cluster"])
    blocks = plan.blocks if config.baselines else ()
    comparison = Comparison(
        year=year,
        reference=plan.references[year],
        legend=plan.legend,
        refined=tuple(refined_file(plan, a) for a in areas),
        coverages=tuple(coverage_file(plan, a) for a in areas),
        outlines=tuple(_measured(plan, outline) for outline in plan.areas.geometry),
        points=config.points,
        seed=plan.project.seed,
        baselines=config.baselines,
        mosaics={b: mosaic_file(plan, year, b) for b in blocks},
        samples=tuple(sample_file(plan, b) for b in blocks),
    )
    out = plan.file("accuracy", f"{year}.json")
    return Piece(
        room="accuracy",
        id=str(year),
        work=measure,
        arguments={"comparison": comparison, "out": out},
        outputs=(out,),
        inputs=(
            comparison.reference.path,
            *comparison.refined,
            *comparison.coverages,
            *comparison.mosaics.values(),
            *comparison.samples,
        ),
        settings={
            "accuracy": config.model_dump(),
            "crosswalk": sorted(comparison.reference.crosswalk.allowed.items()),
            "outlines": [o.wkb_hex for o in comparison.outlines],
            "seed": comparison.seed,
            "legend": plan.legend.fingerprint,
        },
    )


def _measured(plan: Plan, outline: BaseGeometry) -> BaseGeometry:
    test = plan.test_area
    return outline if test is None else shapely.intersection(outline, test)


def measure(comparison: Comparison, out: Path) -> None:
    """Compare raster, polygons and baselines with the reference at the same points.

    Points are drawn per class of the 2.5 m map where the reference knows the class, so the
    strata are the classes of that map in all areas and their sizes are known (Stehman 2014).
    """
    c = comparison
    rasters = [_measurable(p, o, c) for p, o in zip(c.refined, c.outlines, strict=True)]
    pixels = _class_pixels(rasters)
    points = _points(rasters, pixels, c)
    frames = [Coverage.load(path).frame for path in c.coverages]
    polygons = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)
    on_polygons = values_at_polygons(points, polygons, f"code_{c.year}")
    areas = _class_areas(pixels, c.legend)
    right = points["map"].to_numpy() == points["reference"].to_numpy()
    ece, curve = reliability(
        points["confidence"].to_numpy(), right, weights=points["weight"].to_numpy()
    )
    result: dict[str, Any] = {
        "year": c.year,
        "points": len(points),
        "raster": _levels(points["map"], points, areas, c.legend),
        "polygons": _levels(on_polygons, points, areas, c.legend),
        "ece": ece,
        "reliability": curve.to_dict(orient="records"),
    }
    for name in c.baselines:
        result[name] = _levels(_baseline(name, points, c), points, areas, c.legend)
    write_text(out, json.dumps(result, indent=1))


def _measurable(path: Path, outline: BaseGeometry, c: Comparison) -> xr.Dataset:
    """Class, confidence and reference of one area; outside where any of them is missing."""
    data = load_dataset(path).sel(year=c.year)
    grid = geobox_of(data)
    labels = label_raster(c.reference, grid, c.legend)
    # A label that allows several leaves cannot say whether a leaf is right.
    codes = np.array([0] + [s[0] if len(s) == 1 else 0 for s in labels.sets], dtype=np.int32)
    reference = codes[labels.ids]
    usable = inside(outline, grid) & (reference > 0) & (data["class"].values > UNCLASSIFIED)
    data["class"].values[~usable] = OUTSIDE
    return data.assign(reference=wrap(reference, grid))


def _class_pixels(rasters: list[xr.Dataset]) -> Pixels:
    """Pixels that may be sampled by area and class index, shape (area, 256)."""
    counts = [np.bincount(data["class"].values.ravel(), minlength=256) for data in rasters]
    pixels = np.stack(counts)
    pixels[:, [UNCLASSIFIED, OUTSIDE]] = 0
    return pixels


def _points(rasters: list[xr.Dataset], pixels: Pixels, c: Comparison) -> gpd.GeoDataFrame:
    """Points in every class of the map, with what map and reference say there.

    Each class gets its points in all areas together and an area a random share of them, as if
    the areas were one raster: every pixel of a class is as likely to be drawn as any other.
    """
    sizes = pixels.sum(axis=0)
    classes = np.flatnonzero(sizes)
    if classes.size == 0:
        raise InputError(
            f"accuracy.reference.{c.year}: {c.reference.path} knows no class where the map does",
            remedy="check its place, its classes and accuracy.area",
        )
    shares = allocate(sizes[classes], max(c.points, classes.size), minimum=_LEAST)
    rng = np.random.default_rng(c.seed)
    plan = np.stack([_split(pixels[:, k], n, rng) for k, n in zip(classes, shares, strict=True)])
    weight = dict(zip(classes.tolist(), sizes[classes] / shares * _PIXEL_HA, strict=True))
    table = c.legend.code_table()
    parts = []
    for i, data in enumerate(rasters):
        if not plan[:, i].any():
            continue
        wanted = dict(zip(classes.tolist(), plan[:, i].tolist(), strict=True))
        found = draw_points(data["class"], wanted, c.seed + i)
        found["weight"] = found["stratum"].map(weight)
        found["map"] = table[values_at(found, data["class"])]
        found["confidence"] = values_at(found, data["confidence"])
        found["reference"] = values_at(found, data["reference"])
        parts.append(found)
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=parts[0].crs)


def _split(pixels: Pixels, points: int, rng: np.random.Generator) -> Pixels:
    """Points of a class in each area, drawn without replacement from its pixels there."""
    # Places in one long row of pixels: NumPy's hypergeometric draw ends at 10^9 of them.
    drawn = rng.choice(int(pixels.sum()), size=points, replace=False, shuffle=False)
    area = np.searchsorted(np.cumsum(pixels), drawn, side="right")
    return np.bincount(area, minlength=len(pixels))


def _class_areas(pixels: Pixels, legend: Legend) -> dict[int, float]:
    counts, table = pixels.sum(axis=0), legend.code_table()
    return {int(table[i]): float(counts[i]) * _PIXEL_HA for i in np.flatnonzero(counts)}


def _levels(
    mapped: Any, points: gpd.GeoDataFrame, areas: dict[int, float], legend: Legend
) -> dict[str, Any]:
    return {
        str(level): assess(
            np.asarray(mapped),
            points["reference"].to_numpy(),
            legend,
            level=level,
            strata=points["map"].to_numpy(),
            weights=points["weight"].to_numpy(),
            stratum_areas=areas,
        ).to_dict()
        for level in range(1, legend.levels + 1)
    }


def _baseline(name: str, points: gpd.GeoDataFrame, c: Comparison) -> NDArray[np.int64]:
    table = of_year(pd.concat([read_samples(p) for p in c.samples], ignore_index=True), c.year)
    train = gpd.GeoDataFrame(table[table["code"] > 0].reset_index(drop=True), crs=points.crs)
    codes, _, _ = fit_predict(
        name,
        _features(train, c.mosaics),
        train["code"].to_numpy(),
        train["weight"].to_numpy(),
        _features(points, c.mosaics),
        c.seed,
    )
    return codes


def _features(points: gpd.GeoDataFrame, mosaics: dict[Block, Path]) -> NDArray[np.float32]:
    parts = []
    for block, path in mosaics.items():
        west, south, east, north = block.bounds
        x, y = points.geometry.x, points.geometry.y
        here = points[(x >= west) & (x < east) & (y > south) & (y <= north)]
        if len(here):
            found = pixel_features(load_dataset(path), here)
            found.index = here.index
            parts.append(found)
    return pd.concat(parts).reindex(points.index).to_numpy(np.float32)
