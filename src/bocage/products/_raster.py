"""Rasters as cloud-optimised GeoTIFF: classes, confidence, heterogeneity."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.files import atomic_path, write_text
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.products._delivery import Delivery
from bocage.products._files import write_zip
from bocage.products._metadata import metadata_xml
from bocage.products._style import qml_raster_style, rgb
from bocage.rasters import geobox_of

BLOCK = 512
_NODATA_RGB = (217, 217, 217)
_PERCENT = 100


def write_class_raster(
    path: Path | str, classes: xr.DataArray, legend: Legend, *, origin_m: float = 1000.0
) -> Path:
    """Write class indices as COG with colours, an attribute table and a style.

    Parameters
    ----------
    path
        The ``.tif``; beside it go ``.tif.aux.xml`` (attribute table: value, count, area_km2,
        area_perc, class_name) and ``.qml``.
    classes
        Dims (y, x), uint8: 1 … n class index, 0 unclassified, 255 outside.
    legend
        Names and colours.
    origin_m
        The raster is widened with 255 until its corners lie on multiples of this; 1000 m is
        the European reference grid that the delivery check asks for.

    Raises
    ------
    InputError
        If the array is not uint8 (y, x) or holds an index that the legend does not have.
    """
    values = _checked(classes, "classes", top=None)
    unknown = (values > len(legend)) & (values != OUTSIDE)
    if unknown.any():
        raise InputError(
            f"class index {int(values[unknown].min())} is not in the legend '{legend.id}'",
            remedy=f"indices run from 1 to {len(legend)}; 0 is unclassified, 255 outside",
        )
    path = Path(path)
    values, box = _widen(values, geobox_of(classes, "classes"), origin_m)
    _write_cog(path, values, box, "mode", "class index", class_colors(legend))
    write_text(path.with_name(f"{path.name}.aux.xml"), _attribute_table(values, box, legend))
    write_text(path.with_suffix(".qml"), qml_raster_style(legend))
    return path


def write_confidence_raster(path: Path | str, confidence: xr.DataArray) -> Path:
    """Write confidences (dims (y, x), uint8 percent 0–100, 255 nodata) as COG."""
    values = _checked(confidence, "confidence", top=_PERCENT)
    box = geobox_of(confidence, "confidence")
    _write_cog(Path(path), values, box, "average", "confidence in percent", None)
    return Path(path)


def write_heterogeneity_raster(path: Path | str, heterogeneity: xr.DataArray) -> Path:
    """Write the number of classes in each 10 m pixel (dims (y, x), uint8 1–16, 255) as COG."""
    values = _checked(heterogeneity, "heterogeneity", top=16)
    box = geobox_of(heterogeneity, "heterogeneity")
    _write_cog(Path(path), values, box, "average", "number of classes", None)
    return Path(path)


def write_raster_zip(path: Path | str, folder: Path | str, delivery: Delivery, year: int) -> Path:
    """Write the archive of a class raster as the delivery check expects it.

    Parameters
    ----------
    path
        The raster that `write_class_raster` wrote.
    folder
        Where ``<name>.zip`` goes.
    delivery, year
        Names and texts of the metadata record that goes in.
    """
    path, name = Path(path), delivery.name("raster", year)
    with rasterio.open(path) as source:
        record = metadata_xml(delivery, "raster", year, tuple(source.bounds))
    side = path.with_name(f"{path.name}.aux.xml")
    return write_zip(
        Path(folder) / f"{name}.zip",
        {
            f"{name}.tif": path,
            f"{name}.tif.aux.xml": side,
            f"metadata/{name}.xml": record.encode(),
        },
    )


def class_colors(legend: Legend) -> dict[int, tuple[int, int, int, int]]:
    """Colour table of a class raster: value → red, green, blue, opacity."""
    table = {i: (*rgb(leaf.color), 255) for i, leaf in enumerate(legend.classes, start=1)}
    return {UNCLASSIFIED: (*_NODATA_RGB, 255), **table, OUTSIDE: (0, 0, 0, 0)}


def _checked(data: xr.DataArray, what: str, *, top: int | None) -> NDArray[np.uint8]:
    if data.ndim != 2 or tuple(data.dims) != ("y", "x") or data.dtype != np.uint8:
        raise InputError(
            f"{what}: {data.dtype} with the dimensions {', '.join(map(str, data.dims))}",
            remedy="give uint8 with the dimensions y, x",
        )
    values: NDArray[np.uint8] = data.to_numpy()
    if top is not None and ((values > top) & (values != OUTSIDE)).any():
        raise InputError(
            f"{what}: a value above {top} that is not {OUTSIDE}",
            remedy=f"values run to {top}; {OUTSIDE} is nodata",
        )
    return values


def _widen(values: NDArray[np.uint8], box: GeoBox, step: float) -> tuple[NDArray[np.uint8], GeoBox]:
    size = float(box.resolution.x)
    west, south, east, north = box.boundingbox.bbox
    margins = (
        west - math.floor(west / step) * step,
        south - math.floor(south / step) * step,
        math.ceil(east / step) * step - east,
        math.ceil(north / step) * step - north,
    )
    left, bottom, right, top = (round(m / size) for m in margins)
    if not np.allclose([m / size for m in margins], (left, bottom, right, top), atol=1e-6):
        raise InputError(
            f"pixels of {size} m at {west}, {north} do not fit a grid of {step} m",
            remedy="align the raster to multiples of its pixel size",
        )
    wide = np.pad(values, ((top, bottom), (left, right)), constant_values=OUTSIDE)
    affine = Affine(size, 0.0, west - left * size, 0.0, -size, north + top * size)
    return wide, GeoBox(wide.shape, affine, box.crs)


def _write_cog(
    path: Path,
    values: NDArray[np.uint8],
    box: GeoBox,
    resampling: str,
    description: str,
    colors: dict[int, tuple[int, int, int, int]] | None,
) -> None:
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": box.shape.y,
        "width": box.shape.x,
        "dtype": "uint8",
        "crs": str(box.crs),
        "transform": Affine(*box.affine[:6]),
        "nodata": OUTSIDE,
        "tiled": True,
        "compress": "lzw",
    }
    with tempfile.TemporaryDirectory() as folder, atomic_path(path) as part:
        plain = Path(folder) / "plain.tif"
        with rasterio.open(plain, "w", **profile) as target:
            target.write(values, 1)
            target.set_band_description(1, description)
            if colors is not None:
                target.write_colormap(1, colors)
        rasterio.shutil.copy(
            plain, part, driver="COG", compress="lzw", blocksize=BLOCK, bigtiff="if_safer",
            overview_compress="lzw", overview_resampling=resampling,
        )  # fmt: skip


def _attribute_table(values: NDArray[np.uint8], box: GeoBox, legend: Legend) -> str:
    counts = np.bincount(values.ravel(), minlength=256)
    inside = max(int(counts.sum() - counts[OUTSIDE]), 1)
    pixel = abs(float(box.resolution.x) * float(box.resolution.y)) / 1e6
    root = ET.Element("PAMDataset")
    band = ET.SubElement(root, "PAMRasterBand", band="1")
    table = ET.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    columns = (
        ("value", 0, 5), ("count", 1, 1), ("area_km2", 1, 0), ("area_perc", 1, 0),
        ("class_name", 2, 2), ("red", 0, 6), ("green", 0, 7), ("blue", 0, 8),
    )  # fmt: skip
    for position, (name, kind, usage) in enumerate(columns):
        column = ET.SubElement(table, "FieldDefn", index=str(position))
        for key, value in (("Name", name), ("Type", kind), ("Usage", usage)):
            ET.SubElement(column, key).text = str(value)
    names = {0: "No data", **{i: f"{c.code} {c.name}" for i, c in enumerate(legend.classes, 1)}}
    colors = class_colors(legend)
    rows = [v for v in names if v > 0 or counts[0] > 0]
    for position, value in enumerate(rows):
        row = ET.SubElement(table, "Row", index=str(position))
        count = int(counts[value])
        cells = (
            value, count, f"{count * pixel:.9g}", f"{100 * count / inside:.9g}", names[value],
            *colors[value][:3],
        )  # fmt: skip
        for cell in cells:
            ET.SubElement(row, "F").text = str(cell)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"
