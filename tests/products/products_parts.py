"""A tiny delivery that the tests break on purpose."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from bocage.grid import DeliveryUnit
from bocage.legend import Legend, LegendClass, load_legend
from bocage.products import Delivery, load_schema, status_layer

X0, Y0 = 4_321_000, 3_210_000
CODES = (
    (1110, 3110, 4211, 3120),
    (3110, 2110, 3120, 5100),
    (1110, 3210, 2110, 3110),
    (4100, 1120, 1110, 7110),
)
AREA = shapely.box(X0, Y0, X0 + 400, Y0 + 400)
PRODUCT = "pa-status-2021"


def delivery(years: tuple[int, ...] = (2021, 2024), schema: str = "pa") -> Delivery:
    return Delivery(
        unit=DeliveryUnit("du0014", "blacksea"),
        version="v01",
        revision="r01",
        date="20261122",
        project="My Site",
        legend=load_legend("pa"),
        schema=load_schema(schema),
        years=years,
    )


def small_legend() -> Legend:
    return Legend(
        "small",
        (
            LegendClass((1, 11), ("land", "field"), "#aabb00"),
            LegendClass((1, 12), ("land", "wood"), "#00aa00", flags=frozenset({"linear"})),
            LegendClass((2, 21), ("water", "lake"), "#0000aa"),
        ),
    )


def square(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A rectangle in units of 100 m."""
    west, south = X0 + 100 * column, Y0 + 100 * row
    return shapely.box(west, south, west + 100 * width, south + 100 * height)


def view() -> gpd.GeoDataFrame:
    """Sixteen squares of 1 ha, no equal neighbours."""
    shapes = [square(i, j) for j in range(4) for i in range(4)]
    return gpd.GeoDataFrame({"code": np.ravel(CODES)}, geometry=shapes, crs=3035)


def layer() -> gpd.GeoDataFrame:
    return status_layer(view(), 2021, delivery())


def with_shapes(frame: gpd.GeoDataFrame, changes: dict[int, object]) -> gpd.GeoDataFrame:
    """Replace geometries by row, and set the area to the new truth."""
    shapes = frame.geometry.to_numpy().copy()
    for row, shape in changes.items():
        shapes[row] = shape
    new = frame.copy()
    new["geometry"] = gpd.GeoSeries(shapes, crs=frame.crs)
    new["area_ha"] = shapely.area(shapes) / 10_000
    return new


def row_at(frame: gpd.GeoDataFrame, column: int, row: int) -> int:
    """Row of the square that covers the middle of a cell."""
    middle = square(column, row).centroid
    return int(np.flatnonzero(frame.contains(middle))[0])


def save(
    frame: gpd.GeoDataFrame,
    folder: Path,
    name: str | None = None,
    driver: str = "GPKG",
    **options: object,
) -> Path:
    name = name or delivery().name("status", 2021)
    suffix = {"GPKG": ".gpkg", "FlatGeobuf": ".fgb"}[driver]
    path = folder / f"{name}{suffix}"
    pyogrio.write_dataframe(frame, path, layer=name, driver=driver, **options)
    return path
