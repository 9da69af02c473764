"""Small spatial helpers shared by the rooms' pieces."""

from __future__ import annotations

from pathlib import Path

import shapely
import xarray as xr
from odc.geo.geom import box as odc_box

from bocage.grid import CRS, NATIVE, Block
from bocage.model import terrain
from bocage.rasters import read_onto


def lonlat_bounds(block: Block) -> tuple[float, float, float, float]:
    """West, south, east, north of a block with its halo in degrees."""
    west, south, east, north = shapely.bounds(block.box(halo=True))
    outline = odc_box(west, south, east, north, crs=CRS)
    bounds = outline.to_crs("EPSG:4326", resolution=500).boundingbox
    return bounds.left, bounds.bottom, bounds.right, bounds.top


def place_of(
    block: Block, heights: Path | None, membership: xr.DataArray | None
) -> xr.DataArray | None:
    """What is known of a block beside its series, dims (layer, y, x): terrain, regions."""
    if heights is None:
        return membership
    grid = block.geobox(NATIVE, halo=True)
    layers = terrain(read_onto(heights, grid, resampling="bilinear", what="imagery.terrain"))
    if membership is None:
        return layers
    within = {
        name: layers[name].clip(float(membership[name].min()), float(membership[name].max()))
        for name in ("y", "x")
    }
    shares = membership.interp(within).assign_coords(y=layers["y"], x=layers["x"])
    return xr.concat([layers, shares.astype("float32")], "layer")
