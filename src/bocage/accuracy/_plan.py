"""A validation survey planned from a map: strata, number of points, the points themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from bocage.accuracy._design import allocate, sample_size
from bocage.accuracy._files import BLIND, PROTOCOL, read_layer
from bocage.accuracy._layers import ClassRaster, Layer, read_regions
from bocage.accuracy._pixels import burn, grid_of_map, on_grid
from bocage.accuracy._points import LUCAS_M, draw_points
from bocage.accuracy._strata import combine_strata
from bocage.accuracy._values import to_level
from bocage.errors import InputError
from bocage.files import atomic_path, write_text
from bocage.legend import Legend, load_legend
from bocage.rasters import wrap, write_geotiff
from bocage.tables import GEOPACKAGE, fixed_date

_DATE = "2000-01-01"  # a GeoPackage notes when it was written: equal points, equal bytes

PLAUSIBILITY = "plausibility"
"""The protocol in which the interpreter sees the class of the map."""


@dataclass(frozen=True, eq=False)
class SurveyPlan:
    """Points to interpret.

    Attributes
    ----------
    points
        ``point_id``, ``protocol``, ``code`` (0, to be filled in) and points; in the plausibility
        protocol also ``map_code``. Blind points do not tell their stratum.
    strata
        A row a stratum: ``stratum``, ``class``, ``change``, ``region`` as far as they are used,
        ``pixels``, ``area_ha`` and ``points``.
    raster
        Number of the stratum, int32 (y, x), 0 outside.
    wanted
        Points that the wanted error needs; None where the number was given.
    """

    points: gpd.GeoDataFrame
    strata: pd.DataFrame
    raster: xr.DataArray
    wanted: int | None

    def write(self, folder: Path | str) -> dict[str, Path]:
        """Write ``points.gpkg``, ``strata.tif`` and ``strata.csv``."""
        folder = Path(folder)
        out = {k: folder / k for k in ("points.gpkg", "strata.tif", "strata.csv")}
        with atomic_path(out["points.gpkg"]) as part, fixed_date(_DATE):
            self.points.to_file(part, layer="points", driver="GPKG", dataset_options=GEOPACKAGE)
        write_geotiff(out["strata.tif"], self.raster, nodata=0)
        write_text(out["strata.csv"], self.strata.to_csv(index=False, lineterminator="\n"))
        return out


def plan_survey(
    map: Path | str,
    *,
    map_class: str | None = None,
    second: Path | str | None = None,
    regions: Path | str | None = None,
    region_field: str | None = None,
    legend: Legend | str | Path = "pa",
    level: int | None = None,
    n: int | None = None,
    standard_error: float = 0.01,
    allocation: str = "proportional",
    minimum: int = 20,
    expected: float | Mapping[int, float] = 0.85,
    design: str = "random",
    step_m: float = LUCAS_M,
    protocol: str = BLIND,
    seed: int = 0,
) -> SurveyPlan:
    """Plan a validation survey of a map.

    Parameters
    ----------
    map
        Raster of class indices or codes, or polygons; its classes are strata.
    map_class
        Attribute of polygons with the class.
    second
        The map of another year: places that changed are strata of their own.
    regions, region_field
        Polygons whose regions are strata of their own, and the attribute with their name.
    legend, level
        Legend of the map, and the level of its classes that are strata (the leaves by default).
    n
        Number of points; by default what `standard_error` needs (`sample_size`), and at
        least `minimum` a stratum.
    standard_error
        Wanted standard error of the overall accuracy.
    allocation, minimum
        As `allocate`.
    expected
        Expected user's accuracy of all strata, or by code of the class (such as an earlier
        survey found them).
    design, step_m
        ``random``, or ``systematic`` on a square frame (2 km: the LUCAS frame).
    protocol
        ``blind``, or ``plausibility``: then the points carry the class of the map.
    seed
        Seed of the draw.

    Raises
    ------
    InputError
        If a file cannot be read, or a stratum has fewer places than points.
    """
    if protocol not in (BLIND, PLAUSIBILITY):
        raise InputError(
            f"there is no protocol '{protocol}'", remedy=f"use {BLIND} or {PLAUSIBILITY}"
        )
    known = legend if isinstance(legend, Legend) else load_legend(legend)
    depth = known.levels if level is None else level
    mapped = _layer(Path(map), map_class, known)
    box = grid_of_map(mapped, mapped)
    codes = on_grid(mapped, box)
    classes = np.where(codes > 0, to_level(np.maximum(codes, 0), known, depth, "map"), 0)
    layers = {"class": wrap(classes.astype(np.int32), box)}
    if second is not None:
        after = on_grid(_layer(Path(second), map_class, known), box)
        moved = to_level(np.maximum(after, 0), known, depth, "the second map")
        layers["change"] = wrap(np.where(after > 0, moved != classes, 0).astype(np.int32), box)
    if regions is not None:
        frame = read_regions(regions, region_field)
        names, number = np.unique(frame["region"].to_numpy(dtype=str), return_inverse=True)
        layers["region"] = wrap(burn(frame, number, box, -1), box)
    raster, table = combine_strata(layers)
    if regions is not None:
        table["region"] = names[table["region"].to_numpy()]
    wanted, hoped = None, _hoped(expected, table["class"])
    if n is None:
        areas, users = (
            dict(zip(table["stratum"].tolist(), column, strict=True))
            for column in (table["area_ha"], hoped)
        )
        wanted = sample_size(areas, users, standard_error)
        n = max(wanted, minimum * len(table))
    shares = allocate(table["pixels"], n, allocation, minimum=minimum, expected=hoped)
    table["points"] = shares
    plan = dict(zip(table["stratum"].tolist(), shares.tolist(), strict=True))
    drawn = draw_points(raster, plan, seed, design=design, step_m=step_m)
    columns = {"point_id": drawn["point_id"], PROTOCOL: protocol, "code": np.int32(0)}
    if protocol == PLAUSIBILITY:
        by_stratum = table.set_index("stratum")["class"]
        columns["map_code"] = by_stratum.loc[drawn["stratum"]].to_numpy(dtype=np.int32)
    points = gpd.GeoDataFrame(columns, geometry=drawn.geometry, crs=drawn.crs)
    return SurveyPlan(points, table, raster, wanted)


def _hoped(expected: float | Mapping[int, float], classes: pd.Series) -> list[float]:
    """Expected user's accuracy of each stratum."""
    if not isinstance(expected, Mapping):
        return [float(expected)] * len(classes)
    if missing := sorted(set(classes.tolist()) - set(expected)):
        raise InputError(
            f"no expected accuracy of the class {', '.join(map(str, missing[:5]))}",
            remedy="give one of each class of the map, or one number for all",
        )
    return [float(expected[c]) for c in classes.tolist()]


def _layer(path: Path, field: str | None, legend: Legend) -> Layer:
    layer = read_layer(path, field, legend, "map")
    if isinstance(layer, ClassRaster):
        return layer
    if layer.kind != "polygons":
        raise InputError(f"the map {path} holds points", remedy="give a raster or polygons")
    return layer
