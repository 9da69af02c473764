"""Attributes of polygons beside their class: components, characteristics, layers, safety."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from bocage.cubes import load_dataset
from bocage.generalize import class_shares
from bocage.grid import FINE, NATIVE
from bocage.legend import Recode
from bocage.products import (
    CHARACTERISTICS,
    Delivery,
    component_shares,
    layer_means,
    mowing_events,
    water_persistence,
)
from bocage.rasters import geobox_of, read_onto, wrap
from bocage.workflow.rooms._parts import Area
from bocage.workflow.rooms._safe import Safety, safe_polygons
from bocage.workflow.rooms.decode import assemble_posterior

SAFE_LEVEL = "safe_level"
"""Attribute: deepest level of the map's legend that is safe in at least half of a polygon."""

_FROM_IMAGES: dict[str, Callable[[xr.Dataset], xr.DataArray | None]] = dict(
    zip(CHARACTERISTICS, (water_persistence, mowing_events), strict=True)
)


def attributes(delivery: Delivery) -> tuple[str, ...]:
    """Names of the attributes that a status layer of a delivery has beside its class."""
    fields = delivery.fields("status", delivery.years[0])
    return tuple(f.name for f in fields if f.role == "attribute")


def described(
    view: gpd.GeoDataFrame,
    year: int,
    area: Area,
    delivery: Delivery,
    components: Recode | None,
    rasters: dict[str, Path],
    safety: Safety | None,
) -> gpd.GeoDataFrame:
    """Add the attributes of a schema to the polygons of an area.

    Each is a component, a characteristic, the safe level, or the mean of the ancillary layer of
    its name; it is NaN where the layer, or the bands that it needs, are not there.

    Parameters
    ----------
    view
        Polygons of the year.
    year
        The status year.
    area
        What was made of their area.
    delivery
        Its schema says which attributes there are.
    components
        From the classes of the map to land cover.
    rasters
        Ancillary layers by name.
    safety
        Of that year, for the safe level.
    """
    if view.empty:
        return view.assign(**{name: np.empty(0) for name in attributes(delivery)})
    found: dict[str, NDArray[np.floating]] = {}
    if components is not None and delivery.schema.components is not None:
        shares = _shares(view, year, area, components)
        found |= component_shares(shares, components, delivery.schema.components.groups)
    if safety is not None and SAFE_LEVEL in attributes(delivery):
        found[SAFE_LEVEL] = safe_polygons(view, area, safety)
    grid = geobox_of(load_dataset(area.refined)).zoom_out(NATIVE / FINE)
    for name in attributes(delivery):
        if name in found:
            continue
        layer = _layer(name, year, area, grid, rasters)
        empty = np.full(len(view), np.nan)
        found[name] = empty if layer is None else layer_means(view, layer)
    return view.assign(**{name: np.round(values, 2) for name, values in found.items()})


def _shares(
    view: gpd.GeoDataFrame, year: int, area: Area, components: Recode
) -> NDArray[np.float32]:
    classes = load_dataset(area.refined)["class"].sel(year=year)
    posterior = assemble_posterior(area.posteriors[year], geobox_of(classes))
    # Which class the polygons have does not matter here, and it may be one of another legend.
    bare = view[[view.geometry.name]].assign(code=0)
    return class_shares(bare, classes, components.source, posterior=posterior)


def _layer(
    name: str, year: int, area: Area, grid: GeoBox, rasters: dict[str, Path]
) -> xr.DataArray | None:
    if name in rasters:
        return read_onto(
            rasters[name], grid, resampling="average", fill=np.nan, dtype="float32", what=name
        )
    if name not in _FROM_IMAGES:
        return None
    canvas = np.full(grid.shape, np.nan, np.float32)
    coords = xr_coords(grid)
    at = {"y": coords["y"].values, "x": coords["x"].values}
    for path in area.mosaics[year]:
        made = _FROM_IMAGES[name](load_dataset(path))
        if made is None:
            return None
        part = made.reindex(at, method="nearest", tolerance=1.0).values
        canvas = np.where(np.isnan(part), canvas, part)
    return wrap(canvas, grid)
