"""Roads, railways and watercourses from line layers, drawn into class rasters."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer

from bocage.errors import ConfigError, InputError
from bocage.files import existing
from bocage.legend import OUTSIDE, Legend
from bocage.rasters import geobox_of, wrap

RANKS = {"river": 1, "canal": 1, "road": 2, "rail": 3}
"""What is drawn over what at grade: rail over road over water."""

SLACK_M = 0.2
"""Added to the half width, so that a line of the least width keeps it as pixels."""

_NUMBER = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(m|meters?|metres?)?\s*", re.IGNORECASE)
_TUNNEL = re.compile(r'"tunnel"\s*=>\s*"(?!no")')


@dataclass(frozen=True)
class LineLayer:
    """A vector layer of lines that play one role.

    Attributes
    ----------
    path
        Any vector file with lines.
    role
        Role of the legend the lines play: ``road``, ``rail``, ``river``, ``canal``.
    code
        Leaf code to draw; the legend's code of the role when None.
    default_width_m
        Width in metres of lines that state neither a width nor a kind with a typical one.
    width_field
        Name of the attribute with the width in metres; it may be missing, or stand in a
        column ``other_tags`` as the OSM driver of GDAL writes it.
    rank
        Layers of a higher rank are drawn over those of a lower one; the role's rank when None
        (rail over road over water).
    layer
        Layer of the file; the first when None.
    where
        Condition on attributes in the words of OGR SQL, such as ``highway IS NOT NULL``; all
        features when None.
    narrow
        What happens to lines whose known width is below the minimum: ``drop`` leaves them out
        (narrower objects are not mapped), ``widen`` draws them with the minimum.
    """

    path: Path
    role: str
    code: int | None = None
    default_width_m: float = 10.0
    width_field: str = "width"
    rank: int | None = None
    layer: str | None = None
    where: str | None = None
    narrow: str = "drop"

    def __post_init__(self) -> None:
        if not self.default_width_m > 0:
            raise ConfigError(f"linear.{self.role}: default width {self.default_width_m} m")
        if self.narrow not in ("drop", "widen"):
            raise ConfigError(
                f"linear.{self.role}: narrow is '{self.narrow}'", remedy="use drop or widen"
            )

    def code_in(self, legend: Legend) -> int:
        """The leaf code that the lines are drawn with.

        Raises
        ------
        ConfigError
            If the legend has no class for the role and no code is given.
        """
        if self.code is not None:
            legend.index(self.code)
            return self.code
        if self.role not in legend.roles:
            raise ConfigError(
                f"the legend '{legend.id}' has no class for the role '{self.role}'",
                remedy=f"give a code; its roles are {', '.join(legend.roles) or 'none'}",
            )
        return legend.roles[self.role]

    def order(self) -> int:
        """The rank of the layer.

        Raises
        ------
        ConfigError
            If the role has no rank and none is given.
        """
        if self.rank is not None:
            return self.rank
        if self.role not in RANKS:
            raise ConfigError(
                f"linear.{self.role}: no rank is known for the role", remedy="give a rank"
            )
        return RANKS[self.role]


def line_layers(path: Path | str, legend: Legend, **options: object) -> tuple[LineLayer, ...]:
    """The line layers of one file with a layer per role (``roads``, ``rivers``, ``rail`` …).

    A layer, or the file itself when it has only one, is named after a role, in the singular
    or the plural.

    Parameters
    ----------
    path
        Any vector file.
    legend
        Knows the roles.
    options
        Other attributes of `LineLayer`.

    Raises
    ------
    InputError
        If the file cannot be read or no layer is named after a role of the legend.
    """
    path = existing(path, "linear")
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(path)]
    except pyogrio.errors.DataSourceError as error:
        raise InputError(f"{path} cannot be read as a vector file: {error}") from error
    found = []
    for name in names:
        titles = [name] if len(names) > 1 else [name, path.stem]
        role = next((r for r in legend.roles for t in titles if _plays(t, r)), None)
        if role is not None:
            found.append(replace(LineLayer(path, role, layer=name), **options))  # type: ignore[arg-type]
    if not found:
        raise InputError(
            f"{path}: no layer is named after a role ({', '.join(names)})",
            remedy=f"name layers after the roles {', '.join(legend.roles)}",
        )
    return tuple(found)


def _plays(title: str, role: str) -> bool:
    return title.lower() in (role, f"{role}s", f"{role}ways", f"{role}way")


def draw_lines(
    classes: xr.DataArray,
    layers: Sequence[LineLayer],
    legend: Legend,
    min_width_m: float = 10.0,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Draw line layers into class rasters.

    Every line is buffered to half of its width (its attribute, else what is typical of its
    kind, else the layer's default, at least `min_width_m`) and burnt into every year. Tunnels
    are left out, bridges are drawn; where lines cross, rail lies over road over water.

    Parameters
    ----------
    classes
        Class index, uint8, dims (year, y, x) or (y, x).
    layers
        The layers; they may be in any coordinate reference system.
    legend
        Knows the class of each role.
    min_width_m
        Least width of what is drawn, m.

    Returns
    -------
    xarray.DataArray
        The classes with the lines; pixels outside the area (255) are as they were.
    xarray.DataArray
        ``locked``, uint8 (y, x): class index of the line drawn, 0 where none.

    Raises
    ------
    ConfigError
        If the legend has no class for a role.
    InputError
        If a layer cannot be read, has no coordinate reference system or holds no lines.
    """
    box = geobox_of(classes, "the class raster")
    locked = np.zeros(classes.shape[-2:], np.uint8)
    for layer in sorted(layers, key=lambda item: (item.order(), str(item.path))):
        index = legend.index(layer.code_in(legend))
        burn_lines(locked, layer, index, box, min_width_m)
    values = classes.values
    outside = values == OUTSIDE
    drawn = np.where((locked > 0) & ~outside, locked, values).astype(np.uint8)
    years = tuple(range(values.ndim - 2))
    locked[outside.all(axis=years) if years else outside] = 0
    return classes.copy(data=drawn), wrap(locked, box)


def burn_lines(
    target: NDArray[np.uint8], layer: LineLayer, index: int, box: GeoBox, min_width_m: float
) -> None:
    """Burn one layer into an array, shape (y, x), in place."""
    lines = read_lines(layer, box)
    width = line_widths(lines, layer).fillna(typical_widths(lines))
    known = width.notna()
    wide = width.fillna(layer.default_width_m).clip(lower=min_width_m).to_numpy()
    if layer.narrow == "drop":
        kept = (~known | (width >= min_width_m)).to_numpy()
        lines, wide = lines[kept], wide[kept]
    shapes = shapely.buffer(lines.geometry.to_numpy(), wide / 2 + SLACK_M, quad_segs=4)
    shapes = shapes[~shapely.is_empty(shapes)]
    if len(shapes):
        rasterio.features.rasterize(
            [(shape, index) for shape in shapes],
            out=target,
            transform=Affine(*box.affine[:6]),
        )


def read_lines(layer: LineLayer, box: GeoBox) -> gpd.GeoDataFrame:
    """Lines of a layer near a pixel grid, in its coordinate reference system, without tunnels."""
    path = existing(layer.path, f"linear.{layer.role}")
    try:
        info = pyogrio.read_info(path, layer=layer.layer)
        bounds = _bounds_in(box, info["crs"], path)
        frame = pyogrio.read_dataframe(path, layer=layer.layer, bbox=bounds, where=layer.where)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        ValueError,  # a condition that names no attribute of the layer
    ) as error:
        raise InputError(f"{path} cannot be read as a vector file: {error}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{path} has no geometry", remedy="give a layer of lines")
    kinds = set(frame.geometry.geom_type.dropna()) - {"LineString", "MultiLineString"}
    if kinds:
        raise InputError(
            f"{path} holds {', '.join(sorted(kinds))}", remedy="a line layer holds lines only"
        )
    frame = frame[frame.geometry.notna()]
    frame = frame[~_tunnels(frame)].to_crs(str(box.crs))
    return frame.reset_index(drop=True)


def _bounds_in(box: GeoBox, crs: str | None, path: Path) -> tuple[float, float, float, float]:
    if crs is None:
        raise InputError(f"{path} has no coordinate reference system", remedy="set it")
    west, south, east, north = box.extent.boundingbox
    margin = 200.0  # beyond any half width, so that lines beside the raster are seen
    grown = (west - margin, south - margin, east + margin, north + margin)
    to_layer = Transformer.from_crs(CRS(str(box.crs)), CRS(crs), always_xy=True)
    found = to_layer.transform_bounds(*grown, densify_pts=21)
    return found[0], found[1], found[2], found[3]


def _tunnels(frame: gpd.GeoDataFrame) -> pd.Series[bool]:
    found = pd.Series(False, index=frame.index)
    if "tunnel" in frame:
        text = frame["tunnel"].astype("string").str.lower().fillna("")
        found |= ~text.isin(["", "no", "f", "0", "false"])
    if "other_tags" in frame:
        found |= frame["other_tags"].astype("string").fillna("").str.contains(_TUNNEL)
    return found.astype(bool)


@cache
def _typical() -> dict[str, dict[str, float]]:
    table = resources.files("bocage.refine") / "data" / "typical_widths.csv"
    widths: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        widths.setdefault(row["tag"], {})[row["value"]] = float(row["width_m"])
    return widths


def typical_widths(frame: gpd.GeoDataFrame) -> pd.Series[float]:
    """Width in metres that is typical of the kind of each line; NaN where the kind is not known.

    Kinds are the values of the tags ``highway``, ``railway`` and ``waterway`` of OpenStreetMap,
    the widths those of ``data/typical_widths.csv`` (round figures of ours, not measured).
    """
    found = pd.Series(np.nan, index=frame.index, dtype=float)
    for tag, widths in _typical().items():
        if tag in frame:
            found = found.fillna(frame[tag].astype("string").map(widths).astype(float))
    return found


def line_widths(frame: gpd.GeoDataFrame, layer: LineLayer) -> pd.Series[float]:
    """Known width of each line, m; NaN where the attribute is missing or is no width."""
    if layer.width_field in frame:
        column = frame[layer.width_field]
    elif "other_tags" in frame:
        tag = re.escape(layer.width_field)
        tags = frame["other_tags"].astype("string")
        column = tags.str.extract(rf'"{tag}"\s*=>\s*"([^"]*)"')[0]
    else:
        return pd.Series(np.nan, index=frame.index, dtype=float)
    if pd.api.types.is_numeric_dtype(column):
        number = column.astype(float)
    else:
        parts = column.astype("string").str.extract(_NUMBER.pattern, flags=re.IGNORECASE)[0]
        whole = column.astype("string").str.fullmatch(_NUMBER.pattern, flags=re.IGNORECASE)
        parts = parts.where(whole.fillna(False)).str.replace(",", ".", regex=False)
        number = pd.to_numeric(parts, errors="coerce").astype(float)
    widths: pd.Series[float] = number.where(number > 0)
    return widths
