"""Rasters as cloud-optimised GeoTIFF: classes, confidence, heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.files import write_text
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.products._cog import write_cog
from bocage.products._delivery import Delivery
from bocage.products._files import write_styles, write_zip
from bocage.products._metadata import metadata_xml
from bocage.products._schema import Kind
from bocage.products._style import (
    COARSE,
    index_categories,
    qml_palette,
    qml_raster_style,
    rgb,
    sld_palette,
    sld_raster_style,
)
from bocage.products._table import table_rows, write_tables
from bocage.rasters import geobox_of
from bocage.refine import LINEAGE
from bocage.tables import Style

_NODATA_RGB = (217, 217, 217)
_PERCENT = 100
_MIXED = 16  # pixels of 2.5 m in one of 10 m
_RULES = ("#d8e8d0", "#f0b060", "#505050")  # colours of the rules of the lineage
_LEVELS = ("#d7191c", "#fdae61", "#ffffbf", "#a6d96a", "#1a9641")  # none, then the safe levels


def write_class_raster(
    path: Path | str,
    classes: xr.DataArray | Iterable[xr.DataArray],
    legend: Legend,
    *,
    origin_m: float = 1000.0,
    grid: GeoBox | None = None,
) -> Path:
    """Write class indices as COG with colours, attribute tables and styles.

    Parameters
    ----------
    path
        The ``.tif``; beside it go ``.tif.aux.xml`` and ``.tif.vat.dbf`` (attribute table: value,
        count, area_km2, area_perc, class_name), and ``.qml`` and ``.sld`` for the leaves and,
        as ``_level1`` …, the coarse levels.
    classes
        Dims (y, x), uint8: 1 … n class index, 0 unclassified, 255 outside; or parts of it, of
        which one is in memory at a time.
    legend
        Names and colours.
    origin_m
        The raster is widened with 255 until its corners lie on multiples of this; 1000 m is
        the European reference grid that the delivery check asks for.
    grid
        Pixel grid of the file where parts are given.

    Raises
    ------
    InputError
        If an array is not uint8 (y, x) or holds an index that the legend does not have.
    """
    path = Path(path)
    parts, box = _parts_and_grid(classes, grid, "classes")
    box = _widened(box, origin_m)
    checked = (_indices(part, legend) for part in parts)
    counts = write_cog(
        path, checked, box, resampling="mode", description="class index",
        colors=class_colors(legend),
    )  # fmt: skip
    values = [(v, name, rgb(color)) for v, name, color in index_categories(legend)]
    write_tables(path, table_rows(counts, box, values))
    write_styles(path.with_suffix(""), raster_styles(legend))
    return path


def raster_styles(legend: Legend) -> dict[str, Style]:
    """The styles of a class raster by the suffix of their files, that of the leaves first."""
    coarse = [n for n in range(1, legend.levels) if n <= COARSE]
    found = {}
    for level in [legend.levels, *coarse]:
        style = Style(
            f"level {level}", qml_raster_style(legend, level), sld_raster_style(legend, level)
        )
        found["" if level == legend.levels else f"_level{level}"] = style
    return found


def write_confidence_raster(
    path: Path | str,
    confidence: xr.DataArray | Iterable[xr.DataArray],
    *,
    grid: GeoBox | None = None,
) -> Path:
    """Write confidences (dims (y, x), uint8 percent 0–100, 255 nodata) as COG.

    Parts and `grid` as in `write_class_raster`.
    """
    what = "confidence in percent"
    return _write_amounts(path, confidence, grid, "confidence", _PERCENT, what)


def write_heterogeneity_raster(
    path: Path | str,
    heterogeneity: xr.DataArray | Iterable[xr.DataArray],
    *,
    grid: GeoBox | None = None,
) -> Path:
    """Write the number of classes in each 10 m pixel (dims (y, x), uint8 1–16, 255) as COG.

    Parts and `grid` as in `write_class_raster`.
    """
    what = "number of classes"
    return _write_amounts(path, heterogeneity, grid, "heterogeneity", _MIXED, what)


def write_lineage_raster(
    path: Path | str,
    lineage: xr.DataArray | Iterable[xr.DataArray],
    *,
    grid: GeoBox | None = None,
) -> Path:
    """Write which rule gave each pixel its class (`bocage.refine.LINEAGE`) as COG.

    It has colours, attribute tables and styles. Parts and `grid` as in `write_class_raster`.
    """
    rules = [(v, name, _RULES[v]) for name, v in LINEAGE.items()]
    return _write_kinds(path, lineage, grid, "lineage", rules, "rule that gave the class")


def write_safe_level_raster(
    path: Path | str,
    safe_level: xr.DataArray | Iterable[xr.DataArray],
    legend: Legend,
    *,
    grid: GeoBox | None = None,
) -> Path:
    """Write the deepest level that is safe in each pixel (`Posterior.safe_level`) as COG.

    It has colours, attribute tables and styles. Parts and `grid` as in `write_class_raster`.
    """
    levels = [(0, "none", _LEVELS[0])]
    levels += [(n, f"level {n}", _LEVELS[n]) for n in range(1, legend.levels + 1)]
    return _write_kinds(path, safe_level, grid, "safe_level", levels, "deepest safe level")


def _write_kinds(
    path: Path | str,
    data: xr.DataArray | Iterable[xr.DataArray],
    grid: GeoBox | None,
    what: str,
    kinds: list[tuple[int, str, str]],
    description: str,
) -> Path:
    """Write a few values with a name and a colour each."""
    path = Path(path)
    parts, box = _parts_and_grid(data, grid, what)
    checked = (_checked(p, what, max(v for v, _, _ in kinds)) for p in parts)
    colors = {v: (*rgb(c), 255) for v, _, c in kinds}
    counts = write_cog(
        path, checked, box, resampling="mode", description=description,
        colors={**colors, OUTSIDE: (0, 0, 0, 0)},
    )  # fmt: skip
    write_tables(path, table_rows(counts, box, [(v, name, rgb(c)) for v, name, c in kinds]))
    style = Style(what, qml_palette(kinds), sld_palette(kinds, what))
    write_styles(path.with_suffix(""), {"": style})
    return path


def _write_amounts(
    path: Path | str,
    data: xr.DataArray | Iterable[xr.DataArray],
    grid: GeoBox | None,
    what: str,
    top: int,
    description: str,
) -> Path:
    parts, box = _parts_and_grid(data, grid, what)
    checked = (_checked(part, what, top) for part in parts)
    write_cog(Path(path), checked, box, resampling="average", description=description)
    return Path(path)


def _parts_and_grid(
    data: xr.DataArray | Iterable[xr.DataArray], grid: GeoBox | None, what: str
) -> tuple[Iterable[xr.DataArray], GeoBox]:
    """The parts, and the pixel grid: that of the array, or the one that is given."""
    if isinstance(data, xr.DataArray):
        return [data], geobox_of(data, what) if grid is None else grid
    if grid is None:
        raise InputError(f"{what}: parts without a pixel grid", remedy="give the grid of the file")
    return data, grid


def write_raster_metadata(path: Path | str, delivery: Delivery, kind: Kind, year: int) -> Path:
    """Write the metadata record of a raster beside it, as ``.xml``."""
    path = Path(path)
    with rasterio.open(path) as source:
        shape = (int(source.height), int(source.width))
        record = metadata_xml(delivery, kind, year, tuple(source.bounds), shape=shape)
    return write_text(path.with_suffix(".xml"), record)


def write_raster_zip(path: Path | str, folder: Path | str, delivery: Delivery, year: int) -> Path:
    """Write the archive of a class raster as the delivery check expects it.

    Parameters
    ----------
    path
        The raster that `write_class_raster` wrote; its metadata record is written beside it.
    folder
        Where ``<name>.zip`` goes.
    delivery, year
        Names and texts of the metadata record that goes in.
    """
    path, name = Path(path), delivery.name("raster", year)
    beside = [path.with_name(f"{path.name}{s}") for s in (".aux.xml", ".vat.dbf", ".vat.cpg")]
    return write_zip(
        Path(folder) / f"{name}.zip",
        {
            f"{name}.tif": path,
            **{f"{name}{side.name.removeprefix(path.stem)}": side for side in beside},
            f"metadata/{name}.xml": write_raster_metadata(path, delivery, "raster", year),
        },
    )


def class_colors(legend: Legend) -> dict[int, tuple[int, int, int, int]]:
    """Colour table of a class raster: value → red, green, blue, opacity."""
    table = {i: (*rgb(leaf.color), 255) for i, leaf in enumerate(legend.classes, start=1)}
    return {UNCLASSIFIED: (*_NODATA_RGB, 255), **table, OUTSIDE: (0, 0, 0, 0)}


def _indices(data: xr.DataArray, legend: Legend) -> xr.DataArray:
    values = _checked(data, "classes", OUTSIDE).values
    unknown = (values > len(legend)) & (values != OUTSIDE)
    if unknown.any():
        raise InputError(
            f"class index {int(values[unknown].min())} is not in the legend '{legend.id}'",
            remedy=f"indices run from 1 to {len(legend)}; 0 is unclassified, 255 outside",
        )
    return data


def _checked(data: xr.DataArray, what: str, top: int) -> xr.DataArray:
    if data.ndim != 2 or tuple(data.dims) != ("y", "x") or data.dtype != np.uint8:
        raise InputError(
            f"{what}: {data.dtype} with the dimensions {', '.join(map(str, data.dims))}",
            remedy="give uint8 with the dimensions y, x",
        )
    if ((data.values > top) & (data.values != OUTSIDE)).any():
        raise InputError(
            f"{what}: a value above {top} that is not {OUTSIDE}",
            remedy=f"values run to {top}; {OUTSIDE} is nodata",
        )
    return data


def _widened(box: GeoBox, step: float) -> GeoBox:
    """The pixel grid with its corners moved out to multiples of a step."""
    size = float(box.resolution.x)
    west, south, east, north = box.boundingbox.bbox
    edges = (
        math.floor(west / step) * step,
        math.floor(south / step) * step,
        math.ceil(east / step) * step,
        math.ceil(north / step) * step,
    )
    moved = [(a - b) / size for a, b in zip(edges, (west, south, east, north), strict=True)]
    if not np.allclose(moved, np.round(moved), atol=1e-6):
        raise InputError(
            f"pixels of {size} m at {west}, {north} do not fit a grid of {step} m",
            remedy="align the raster to multiples of its pixel size",
        )
    shape = (round((edges[3] - edges[1]) / size), round((edges[2] - edges[0]) / size))
    return GeoBox(shape, Affine(size, 0.0, edges[0], 0.0, -size, edges[3]), box.crs)
