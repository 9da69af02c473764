"""Layers that can be read on any window of a pixel grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.vrt import WarpedVRT

from bocage.accuracy._compare._grid import windows
from bocage.accuracy._layers import class_field, is_raster, read_frame, split_layer
from bocage.accuracy._values import distinct
from bocage.errors import InputError
from bocage.files import existing
from bocage.legend import OUTSIDE, Legend
from bocage.rasters import geobox_of, open_error


class Layer(Protocol):
    """A map of values."""

    @property
    def name(self) -> str:
        """What the layer is, for messages."""

    @property
    def raster(self) -> bool:
        """Whether its values are those of a raster."""

    @property
    def box(self) -> GeoBox | None:
        """Its own pixel grid; None for polygons."""

    @property
    def outline(self) -> gpd.GeoSeries:
        """Its bounding box with its CRS."""

    def texts(self, box: GeoBox) -> dict[int, str]:
        """The values that occur on a grid, and how they are written in a nomenclature."""

    def read(self, box: GeoBox) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values on a grid, (y, x), and where there are any."""


@dataclass(frozen=True, eq=False)
class FileRaster:
    """The first band of a raster file, read window by window."""

    path: Path
    name: str
    raster = True

    @cached_property
    def box(self) -> GeoBox:
        """Its own pixel grid."""
        try:
            with rasterio.open(existing(self.path, self.name)) as source:
                if source.crs is None:
                    raise InputError(
                        f"{self.name} {self.path} has no coordinate reference system",
                        remedy="assign one, for instance with rio edit-info --crs",
                    )
                return GeoBox.from_rio(source)
        except RasterioError as error:
            raise open_error(self.path, error) from error

    @property
    def outline(self) -> gpd.GeoSeries:
        """Its bounding box with its CRS."""
        return _outline(self.box.boundingbox.bbox, str(self.box.crs))

    def texts(self, box: GeoBox) -> dict[int, str]:
        """The values that occur on a grid."""
        return _texts(self, box)

    def read(self, box: GeoBox) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values on a grid (nearest pixel), and where there are any."""
        try:
            with rasterio.open(self.path) as source, _view(source, box) as view:
                values = view.read(1)
                alpha = source.nodata is None
                valid = (view.read(view.count) if alpha else view.read_masks(1)) > 0
        except RasterioError as error:
            raise open_error(self.path, error) from error
        return values, valid & _inside(values)


def _view(source: Any, box: GeoBox) -> WarpedVRT:
    return WarpedVRT(
        source,
        crs=str(box.crs),
        transform=Affine(*box.affine[:6]),
        height=box.shape.y,
        width=box.shape.x,
        resampling=Resampling.nearest,
        add_alpha=source.nodata is None,
    )


@dataclass(frozen=True, eq=False)
class ArrayRaster:
    """An array (y, x) on a pixel grid."""

    data: xr.DataArray
    name: str
    raster = True

    @cached_property
    def box(self) -> GeoBox:
        """Its own pixel grid."""
        return geobox_of(self.data, self.name)

    @property
    def outline(self) -> gpd.GeoSeries:
        """Its bounding box with its CRS."""
        return _outline(self.box.boundingbox.bbox, str(self.box.crs))

    def texts(self, box: GeoBox) -> dict[int, str]:
        """The values that occur on a grid."""
        return _texts(self, box)

    def read(self, box: GeoBox) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values on a part of its own grid, and where there are any."""
        own = np.asarray(self.data.values)
        row = round((box.affine.f - self.box.affine.f) / self.box.affine.e)
        column = round((box.affine.c - self.box.affine.c) / self.box.affine.a)
        height, width = box.shape.y, box.shape.x
        inner = own[max(row, 0) : max(row + height, 0), max(column, 0) : max(column + width, 0)]
        top, left = max(-row, 0), max(-column, 0)
        values = np.zeros((height, width), dtype=own.dtype)
        valid = np.zeros((height, width), dtype=bool)
        place = slice(top, top + inner.shape[0]), slice(left, left + inner.shape[1])
        values[place], valid[place] = inner, True
        nodata = self.data.attrs.get("nodata")
        if nodata is not None:
            valid &= values != nodata
        return values, valid & _inside(values)


class Polygons:
    """Polygons with a text each, drawn on the window that is asked for.

    Parameters
    ----------
    frame
        Polygons with a CRS.
    labels
        Text of each polygon.
    name
        What the layer is, for messages.
    """

    raster = False

    def __init__(self, frame: gpd.GeoDataFrame, labels: pd.Series, name: str) -> None:
        self.name = name
        words, number = np.unique(labels.to_numpy(dtype=str), return_inverse=True)
        self._words = [str(w) for w in words]
        self._number = number.astype(np.int32) + 1
        self._shapes = frame.geometry
        self._ready: tuple[str, NDArray[np.object_], shapely.STRtree] | None = None

    @property
    def box(self) -> None:
        """Polygons have no pixel grid."""
        return

    @property
    def outline(self) -> gpd.GeoSeries:
        """Bounding box with its CRS."""
        return _outline(self._shapes.total_bounds, self._shapes.crs)

    def texts(self, box: GeoBox | None = None) -> dict[int, str]:
        """All texts, by the numbers that `read` gives."""
        return dict(enumerate(self._words, start=1))

    def read(self, box: GeoBox) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Number of the text on a grid, and where there is a polygon."""
        crs = str(box.crs)
        if self._ready is None or self._ready[0] != crs:
            shapes = self._shapes.to_crs(crs).to_numpy()
            self._ready = (crs, shapes, shapely.STRtree(shapes))
        _, shapes, tree = self._ready
        near = np.sort(tree.query(shapely.box(*box.boundingbox.bbox)))
        shape = (box.shape.y, box.shape.x)
        if near.size == 0:
            return np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=bool)
        pairs = zip(shapes[near], self._number[near], strict=True)
        affine = Affine(*box.affine[:6])
        values = rasterize(pairs, shape, transform=affine, fill=0, dtype="int32")
        return values, values > 0


def open_layer(path: Path | str, field: str | None, legend: Legend | None, what: str) -> Layer:
    """A raster, or polygons with their class.

    Parameters
    ----------
    path
        The file; a layer of it is named as in QGIS, ``file.gpkg|layername=NAME``.
    field
        Attribute with the class; found by its name where there is one only.
    legend
        Its number of levels decides which ``code_n`` is meant; None: any.
    what
        What the layer is, for messages.
    """
    file, _ = split_layer(path)
    if is_raster(file):
        if field is not None:
            raise InputError(
                f"{what} {file} is a raster and has no attribute '{field}'",
                remedy="leave the class attribute out",
            )
        raster = FileRaster(existing(file, what), what)
        _ = raster.box  # a file that cannot be read is named at once
        return raster
    frame = polygons(path, what)
    name = field or class_field(list(frame.columns), legend, file)
    return Polygons(frame, text_column(frame, name, f"{what} {path}"), what)


def polygons(path: Path | str, what: str) -> gpd.GeoDataFrame:
    """Polygons of a file."""
    frame = read_frame(path, what)
    if not (shapely.get_dimensions(frame.geometry.to_numpy()) == 2).all():
        raise InputError(f"{what} {path} are no polygons", remedy="give polygons or a raster")
    return frame


def text_column(frame: gpd.GeoDataFrame, name: str, where: str) -> pd.Series:
    """An attribute as text, 311.0 as 311 and nothing as 0."""
    if name not in frame:
        raise InputError(
            f"{where} has no attribute '{name}'",
            remedy=f"it has {', '.join(c for c in frame if c != frame.geometry.name)}",
        )
    text = frame[name].astype("string").str.strip().str.replace(r"\.0+$", "", regex=True)
    tidy: pd.Series = text.fillna("").replace("", "0")
    return tidy


def _outline(bounds: Iterable[float], crs: Any) -> gpd.GeoSeries:
    west, south, east, north = bounds
    box = shapely.box(west, south, east, north)
    # Between its corners a border is curved in another CRS: points along it keep the ground.
    return gpd.GeoSeries([shapely.segmentize(box, box.length / 400)], crs=crs)


def _inside(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Values that are no mark of the outside: 255 in bytes, NaN in floats."""
    if values.dtype == np.uint8:
        return np.asarray(values != OUTSIDE)
    return (
        np.asarray(np.isfinite(values)) if values.dtype.kind == "f" else np.ones_like(values, bool)
    )


def _texts(layer: FileRaster | ArrayRaster, box: GeoBox) -> dict[int, str]:
    found: set[int] = set()
    for window in windows(box):
        values, valid = layer.read(box[window])
        some, _ = distinct(values[valid])
        if values.dtype.kind == "f" and (some != np.round(some)).any():
            raise InputError(f"{layer.name} holds fractions", remedy="give a raster of classes")
        found |= {int(v) for v in some}
    return {v: str(v) for v in sorted(found)}
