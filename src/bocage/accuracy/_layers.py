"""Map and reference files: rasters of classes, polygons or points with a class attribute."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyogrio.errors import DataLayerError, DataSourceError

from bocage.accuracy._values import raster_codes, values_at, values_at_polygons
from bocage.errors import InputError
from bocage.files import existing
from bocage.legend import Legend
from bocage.rasters import geobox_of, read_raster, wrap

_RASTERS = {".tif", ".tiff", ".vrt", ".img", ".jp2", ".nc"}


@dataclass(frozen=True, eq=False)
class Vector:
    """Polygons or points with an integer class.

    Attributes
    ----------
    path
        The file.
    frame
        Column ``code`` (int64; 0 without a class) and geometry.
    kind
        ``polygons`` or ``points``.
    """

    path: Path
    frame: gpd.GeoDataFrame
    kind: str


def is_raster(path: Path) -> bool:
    """Whether a file is read as a raster, by its suffix."""
    return split_layer(path)[0].suffix.lower() in _RASTERS


def read_frame(path: Path | str, what: str) -> gpd.GeoDataFrame:
    """Read a layer of points or polygons.

    Parameters
    ----------
    path
        The file: GeoParquet, GeoPackage or another vector format; the first of its layers, or the
        one that is named as in QGIS, ``file.gpkg|layername=NAME``.
    what
        What the file is, for messages.
    """
    path, layer = split_layer(path)
    existing(path, what)
    try:
        if path.suffix.lower() in {".parquet", ".geoparquet"}:
            frame = gpd.read_parquet(path)
        else:
            # Named, for a GeoPackage with styles in it has a second layer.
            named = layer or pyogrio.list_layers(path)[0, 0]
            frame = pyogrio.read_dataframe(path, layer=named)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise InputError(
            f"{what} {path} cannot be read: {error}", remedy="give a raster or vector file"
        ) from error
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty or frame.crs is None:
        raise InputError(
            f"{what} {path} has no geometry or no coordinate reference system",
            remedy="give points or polygons with a CRS",
        )
    return frame[~frame.geometry.isna()].reset_index(drop=True)


def split_layer(path: Path | str) -> tuple[Path, str | None]:
    """A file and the layer that is named behind it (``file.gpkg|layername=NAME``)."""
    file, _, layer = str(path).partition("|layername=")
    return Path(file), layer or None


def read_vector(
    path: Path, field: str | None, legend: Legend | None, what: str, *, also: Sequence[str] = ()
) -> Vector:
    """Read polygons or points with their class.

    Parameters
    ----------
    path
        The file, as `read_frame`.
    field
        Attribute with the class; by default found by its name (``code``, ``class``,
        ``code_4_21`` …).
    legend
        Its number of levels decides which ``code_n`` is meant; None: any.
    what
        What the file is, for messages.
    also
        Further attributes to keep where the file has them.
    """
    frame = read_frame(path, what)
    dimensions = set(np.unique(shapely.get_dimensions(frame.geometry.to_numpy())).tolist())
    if dimensions not in ({0}, {2}):
        raise InputError(
            f"{what} {path} mixes kinds of geometry or holds lines",
            remedy="give points or polygons",
        )
    name = field or class_field(list(frame.columns), legend, path)
    if name not in frame:
        raise InputError(
            f"{what} {path} has no attribute '{name}'",
            remedy=f"it has {', '.join(c for c in frame if c != frame.geometry.name)}",
        )
    values = {c: frame[c] for c in also if c in frame}
    values["code"] = _integers(frame[name], path, name)
    tidy = gpd.GeoDataFrame(values, geometry=frame.geometry)
    if dimensions == {0}:
        tidy = tidy.explode(ignore_index=True)
    return Vector(path, tidy, "points" if dimensions == {0} else "polygons")


def read_regions(path: Path | str, field: str | None) -> gpd.GeoDataFrame:
    """Read regions or sites: polygons with a column ``region`` (text).

    Parameters
    ----------
    path
        The file, as `read_frame`.
    field
        Attribute with the name; by default ``region``, ``site``, ``sitecode`` or ``site_id`` (any
        case), or the only attribute.
    """
    return tidy_regions(read_frame(path, "regions"), field, f"regions {path}")


def tidy_regions(frame: gpd.GeoDataFrame, field: str | None, where: str) -> gpd.GeoDataFrame:
    """Polygons with a column ``region`` only (text), whatever the name of the attribute was."""
    if frame.crs is None:
        raise InputError(f"{where} have no coordinate reference system", remedy="assign one")
    names = [c for c in frame.columns if c != frame.geometry.name]
    usual = [c for c in names if c.lower() in ("region", "site", "sitecode", "site_id")]
    name = field or (usual if len(usual) == 1 else names if len(names) == 1 else [""])[0]
    if name not in names:
        raise InputError(
            f"{where}: {f'no attribute {name!r}' if name else 'which one is the name?'}",
            remedy=f"name one of {', '.join(names)}",
        )
    if not (shapely.get_dimensions(frame.geometry.to_numpy()) == 2).all():
        raise InputError(f"{where} are no polygons", remedy="give polygons")
    text = frame[name].astype("string").fillna("")
    return gpd.GeoDataFrame({"region": text.to_numpy(dtype=object)}, geometry=frame.geometry)


def class_field(columns: list[str], legend: Legend | None, path: Path) -> str:
    """The attribute that holds the class, by its name, or an `InputError`."""
    level = legend.levels if legend is not None else r"\d"
    exact = [c for c in columns if c.lower() in ("code", "class", "stratum")]
    leaf = [c for c in columns if re.fullmatch(rf"code_{level}(_\d+)?", c.lower())]
    begins = [c for c in columns if c.lower().startswith(("code", "class"))]
    for found in (exact, leaf, begins):
        if len(found) == 1:
            return found[0]
    raise InputError(
        f"{path}: which attribute is the class?",
        remedy=f"name one of {', '.join(c for c in columns if c != 'geometry')}",
    )


def _integers(values: pd.Series, path: Path, name: str) -> NDArray[np.int64]:
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = values[(numbers.isna() & values.notna()) | (numbers % 1 != 0) & numbers.notna()]
    if len(wrong):
        raise InputError(
            f"{path}: '{wrong.iloc[0]}' in {name} is no class code",
            remedy="codes are whole numbers",
        )
    return np.asarray(numbers.fillna(0).to_numpy(), dtype=np.int64)


def reference_codes(
    points: gpd.GeoDataFrame, layer: Path | str, legend: Legend, *, field: str | None = None
) -> NDArray[np.int64]:
    """Codes that a reference layer gives at points.

    Parameters
    ----------
    points
        Points in any CRS, n rows.
    layer
        A raster of class indices or codes, or polygons.
    legend
        Legend of the layer.
    field
        Attribute of the polygons that holds the class code.

    Returns
    -------
    numpy.ndarray
        int64 (n,); 0 where the layer gives no class.

    Raises
    ------
    InputError
        If the layer cannot be read or its values are not of the legend.
    """
    path = existing(layer, "reference")
    if not is_raster(path):
        vector = read_vector(path, field, legend, "reference")
        if vector.kind != "polygons":
            raise InputError(f"{path} holds points", remedy="give polygons or a raster")
        return values_at_polygons(points, vector.frame, "code").astype(np.int64)
    found = read_classes(path, legend).at(points)
    return np.where(found > 0, found, 0)


@dataclass(frozen=True, eq=False)
class ClassRaster:
    """A raster of codes.

    Attributes
    ----------
    path
        The file.
    codes
        int32 (y, x): 0 unclassified, -1 outside.
    """

    path: Path
    codes: xr.DataArray

    @property
    def box(self) -> GeoBox:
        """Pixel grid."""
        return geobox_of(self.codes, str(self.path))

    @property
    def pixel_ha(self) -> float:
        """Area of a pixel, hectares."""
        if self.box.crs is None or not self.box.crs.projected:
            raise InputError(
                f"{self.path} is in degrees, its pixels have no common area",
                remedy="reproject it to EPSG:3035",
            )
        return float(abs(self.box.affine.a * self.box.affine.e)) / 10_000

    def areas(self) -> dict[int, float]:
        """Mapped area of each code, hectares; 0 holds the unclassified."""
        values, counts = np.unique(self.codes.values, return_counts=True)
        pairs = zip(values.tolist(), counts.tolist(), strict=True)
        return {int(v): c * self.pixel_ha for v, c in pairs if v >= 0}

    def at(self, points: gpd.GeoDataFrame) -> NDArray[np.int64]:
        """Codes at points, int64 (n,); -1 outside."""
        return values_at(points, self.codes, fill=-1).astype(np.int64)


def read_classes(path: Path, legend: Legend) -> ClassRaster:
    """Read the first band of a class raster as codes."""
    data = read_raster(path, what="class raster")[0]
    codes = raster_codes(data.values, legend, nodata=data.attrs.get("nodata"), where=str(path))
    return ClassRaster(path, wrap(codes, geobox_of(data)))


Layer = ClassRaster | Vector
"""A map or a reference."""
