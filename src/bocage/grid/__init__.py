"""Where pixels lie: sites, tiles of the EEA reference grid, blocks and their pixel grids."""

from bocage.grid._sites import clusters, read_sites, sites_from_bbox
from bocage.grid._tiles import (
    CRS,
    FINE,
    GRID_RATIO,
    NATIVE,
    Block,
    Tile,
    geobox,
    plan_tiles,
    tile_code,
)
from bocage.grid._units import DeliveryUnit, list_regions, load_delivery_unit, region_membership

__all__ = [
    "CRS",
    "FINE",
    "GRID_RATIO",
    "NATIVE",
    "Block",
    "DeliveryUnit",
    "Tile",
    "clusters",
    "geobox",
    "list_regions",
    "load_delivery_unit",
    "plan_tiles",
    "read_sites",
    "region_membership",
    "sites_from_bbox",
    "tile_code",
]
