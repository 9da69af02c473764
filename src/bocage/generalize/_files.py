"""Any categorical raster file to a polygon file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.files import atomic_path, existing
from bocage.generalize._attributes import describe
from bocage.generalize._coverage import Coverage
from bocage.generalize._encode import open_any, read_any
from bocage.generalize._engine import generalize
from bocage.generalize._scales import generalize_scales
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._tiles import Tiling
from bocage.grid import read_sites
from bocage.legend import Legend
from bocage.rasters import geobox_of
from bocage.refine import LineLayer, draw_lines, line_layers
from bocage.tables import GEOPACKAGE, fixed_date

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DATE = "1970-01-01"  # GeoPackages note when they were written; ours must not differ


def generalize_files(
    first: Path | str,
    second: Path | str | None,
    out: Path | str,
    *,
    legend: Legend | None = None,
    settings: GeneralizeSettings | None = None,
    aoi: Path | str | None = None,
    linear: Path | str | Sequence[LineLayer] | None = None,
    scales: Sequence[float] | None = None,
    attributes: bool = False,
    tiles: Tiling | None = None,
    frozen: Path | str | None = None,
) -> dict[str, int]:
    """Generalise one categorical raster file, or two of the same place, to a GeoPackage.

    Parameters
    ----------
    first, second
        Single-band rasters in any projected coordinate reference system in metres, on the same
        grid. Their values are class indices or leaf codes of `legend`; without a legend every
        value is a class of its own. The nodata value is outside, 0 is unknown.
    out
        The GeoPackage. One raster gives the layer ``status`` (``code`` and ``code_1`` …
        ``code_n``); two give ``status_<a>``, ``status_<b>`` and ``change``, where a and b are the
        years in the file names, or ``first`` and ``second``.
    legend
        The nomenclature, or None.
    settings
        The defaults when None.
    aoi
        Polygons of the area, in any coordinate reference system; None maps all pixels.
    linear
        Line layers to draw first, or one file with a layer per role.
    scales
        Mapping units in hectares, each of which gives layers of its own, such as
        ``status_0p5ha`` and ``status_25ha``; None: that of the settings.
    attributes
        Whether the status layers get the columns of `bocage.generalize.describe`, for which
        the rasters are read as a whole.
    tiles
        How to cut rasters that are larger than memory; in one piece when None. Lines, too, are
        drawn into whole rasters.
    frozen
        Polygons that the map must have as they are, in the system of the rasters, with the leaf
        code in the column ``code`` or, for two rasters, in ``code_<a>`` and ``code_<b>``; not
        with `scales`. See `bocage.generalize.generalize`.

    Returns
    -------
    dict
        Number of polygons of each layer written.

    Raises
    ------
    InputError
        If a file cannot be read, the grids differ, or a value is in no legend.
    """
    paths = [Path(path) for path in (first, second) if path is not None]
    names, years = _names(paths)
    legend, classes = (read_any if tiles is None else open_any)(paths, legend, years)
    area = None if aoi is None else _read_area(aoi, str(geobox_of(classes).crs))
    locked, raw = None, classes
    layers = line_layers(linear, legend) if isinstance(linear, Path | str) else linear
    if layers:
        classes, locked = draw_lines(classes, layers, legend)
    kept = None if frozen is None else _read_frozen(frozen, names, years)
    if scales is None:
        coverage = generalize(
            classes, area, legend, settings, locked=locked, tiles=tiles, frozen=kept
        )
        coverages = {"": coverage}
    elif kept is not None:
        raise InputError(
            "coarser scales would unite frozen polygons", remedy="give one or the other"
        )
    else:
        found = generalize_scales(
            classes, area, legend, settings, scales, locked=locked, tiles=tiles
        )
        coverages = {f"_{unit:g}ha".replace(".", "p"): c for unit, c in found.items()}
    views: dict[str, gpd.GeoDataFrame] = {}
    for suffix, coverage in coverages.items():
        statuses = [coverage.status(year) for year in coverage.years]
        if attributes:
            statuses = [
                describe(frame, raw[n].compute(), legend, rim=area)
                for n, frame in enumerate(statuses)
            ]
        of_scale = _views(coverage, statuses, names, legend)
        views |= {f"{layer}{suffix}": frame for layer, frame in of_scale.items()}
    _write(Path(out), views)
    return {layer: len(view) for layer, view in views.items()}


def _names(paths: list[Path]) -> tuple[list[str], tuple[int, ...]]:
    found = [_YEAR.findall(path.stem) for path in paths]
    years = [int(f[-1]) for f in found if f]
    if len(years) == len(paths) and len(set(years)) == len(years):
        return [str(y) for y in years], tuple(years)
    return ["first", "second"][: len(paths)], tuple(range(1, len(paths) + 1))


def _read_area(path: Path | str, crs: str) -> BaseGeometry:
    sites = read_sites(path).to_crs(crs)
    area: BaseGeometry = shapely.union_all(sites.geometry.to_numpy())
    return area


def _read_frozen(path: Path | str, names: list[str], years: tuple[int, ...]) -> gpd.GeoDataFrame:
    """Polygons to keep, with the columns that `generalize` looks for."""
    path = existing(path, "frozen")
    try:
        frame = pyogrio.read_dataframe(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(f"{path} cannot be read as a vector file: {error}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{path} holds no polygons")
    # Many formats know layers of multipolygons only.
    frame = frame.explode(ignore_index=True)
    columns = {f"code_{n}": Coverage.column(y) for n, y in zip(names, years, strict=True)}
    return frame.rename(columns=columns)


def _views(
    coverage: Coverage, statuses: list[gpd.GeoDataFrame], names: list[str], legend: Legend
) -> dict[str, gpd.GeoDataFrame]:
    """The layers of one coverage by name."""
    views: dict[str, gpd.GeoDataFrame] = {}
    for name, frame in zip(names, statuses, strict=True):
        layer = "status" if len(names) == 1 else f"status_{name}"
        views[layer] = _with_levels(frame, {"code": "code"}, legend)
    if len(names) == 2:
        columns = {
            coverage.column(year): f"code_{name}"
            for name, year in zip(names, coverage.years, strict=True)
        }
        views["change"] = _with_levels(coverage.change(), columns, legend)
    return views


def _write(out: Path, views: dict[str, gpd.GeoDataFrame]) -> None:
    with atomic_path(out) as part, fixed_date(_DATE):
        for layer, frame in views.items():
            pyogrio.write_dataframe(
                frame,
                part,
                layer=layer,
                driver="GPKG",
                geometry_type="Polygon",
                append=part.exists(),
                dataset_options=GEOPACKAGE,
            )


def _with_levels(
    frame: gpd.GeoDataFrame, columns: dict[str, str], legend: Legend
) -> gpd.GeoDataFrame:
    """The frame with a column per level of each column of codes, renamed as asked."""
    found: dict[str, NDArray[Any]] = {}
    for column, name in columns.items():
        codes = frame[column].to_numpy()
        indices = legend.encode(codes)
        found[name] = codes
        stem, _, suffix = name.partition("_")
        for level in range(1, legend.levels + 1):
            label = f"{stem}_{level}_{suffix}" if suffix else f"{stem}_{level}"
            found[label] = legend.code_table(level)[indices]
    more = frame.drop(columns=[*columns, "geometry"])
    found |= {str(name): more[name].to_numpy() for name in more}
    return gpd.GeoDataFrame(found, geometry=frame.geometry.to_numpy(), crs=frame.crs)
