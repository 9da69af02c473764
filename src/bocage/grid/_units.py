"""Delivery units and biogeographical regions as data."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import ConfigError, InputError
from bocage.files import existing
from bocage.grid._tiles import CRS

_UNIT = re.compile(r"[0-9a-z]{6}")
_NAME = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class DeliveryUnit:
    """A unit that is delivered as one layer: its code (such as ``du0014``) and name."""

    id: str
    name: str

    def __post_init__(self) -> None:
        if not _UNIT.fullmatch(self.id):
            raise ConfigError(
                f"'{self.id}' is no delivery unit code",
                remedy="six lower-case letters and digits, such as du0014",
            )
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"'{self.name}' is no delivery unit name",
                remedy="lower-case letters only: no digit, blank, hyphen or accent",
            )


@cache
def _table(name: str) -> tuple[dict[str, str], ...]:
    text = (resources.files("bocage.grid") / "data" / name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def load_delivery_unit(id: str, name: str | None = None) -> DeliveryUnit:
    """The delivery unit `id`; its name comes from the package's table unless it is given."""
    known = {row["du_id"]: row["name"] for row in _table("delivery_units.csv")}
    if name is None:
        name = known.get(id, "")
        if not name:
            raise ConfigError(
                f"the name of delivery unit '{id}' is not published",
                remedy="give aoi.delivery_name",
            )
    return DeliveryUnit(id, name)


def list_regions() -> tuple[str, ...]:
    """Names of the biogeographical regions known to the package."""
    return tuple(row["region"] for row in _table("regions.csv"))


def region_membership(
    x: NDArray[np.floating], y: NDArray[np.floating], regions: str | Path, blend_m: float = 0.0
) -> pd.DataFrame:
    """Share of each region at points.

    Parameters
    ----------
    x, y
        Coordinates in metres, EPSG:3035, shape (n,).
    regions
        The name of one region that covers everything, or a file of polygons with a
        column ``region``.
    blend_m
        Width in metres of the strip along a border of two regions in which the shares pass
        from one to the other along a straight line; 0 for a sharp border.

    Returns
    -------
    pandas.DataFrame
        One row a point, one column a region, rows add up to 1.

    Raises
    ------
    InputError
        If the name is not known, the file has no such column, or a point lies in no region.
    """
    if str(regions) in list_regions():
        return pd.DataFrame({str(regions): np.ones(len(x))})
    path = existing(regions, "aoi.region (neither a known region nor a file)")
    try:
        frame = pyogrio.read_dataframe(path)
    except pyogrio.errors.DataSourceError as error:
        raise InputError(f"{path} cannot be read as a vector file: {error}") from error
    if frame.crs is None:
        raise InputError(
            f"{path} has no coordinate reference system", remedy="set it, EPSG:3035 is best"
        )
    frame = frame.to_crs(CRS)
    if "region" not in frame:
        raise InputError(f"{path} has no column 'region'", remedy="name the region of each polygon")
    points = np.asarray(shapely.points(x, y))
    outlines = frame.geometry.groupby(frame["region"].astype(str)).agg(shapely.union_all)
    shares = pd.DataFrame(
        {name: _share(points, outline, blend_m) for name, outline in outlines.items()}
    )
    total = shares.sum(axis=1)
    if (total == 0).any():
        raise InputError(
            f"{path}: {int((total == 0).sum())} points lie in no region",
            remedy="let the regions cover the sites",
        )
    return shares.div(total, axis=0)


def _share(
    points: NDArray[np.object_], outline: BaseGeometry, blend_m: float
) -> NDArray[np.float64]:
    """1 well inside an outline, 0 well outside, and a straight line across its limit."""
    shapely.prepare(outline)
    inside = shapely.intersects(outline, points)
    if not blend_m:
        return inside.astype(np.float64)
    limit = shapely.distance(points, shapely.boundary(outline))
    found: NDArray[np.float64] = np.clip(0.5 + np.where(inside, limit, -limit) / blend_m, 0, 1)
    return found
