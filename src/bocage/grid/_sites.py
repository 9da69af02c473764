"""Site polygons: reading, repairing nothing in silence, and grouping what adjoins."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyproj import CRS as ProjCRS  # noqa: N811  it is a class
from pyproj.exceptions import CRSError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bocage.errors import InputError
from bocage.files import existing
from bocage.grid._tiles import CRS

PRECISION = 0.001
"""Grid on which site limits are snapped, metres."""


def read_sites(path: Path | str, *, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read site polygons from any vector file.

    Parameters
    ----------
    path
        Polygons in any coordinate reference system. A column ``site_id`` or
        ``sitecode`` (any case) names the sites; else they are numbered.
    layer
        Layer of the file, the first by default.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``site_id`` (str) and ``geometry`` (valid polygons in EPSG:3035 with
        coordinates on a 1 mm grid), one row a site.

    Raises
    ------
    InputError
        If the file has no polygon, no coordinate reference system, or a polygon is invalid.
    """
    path = existing(path, "sites")
    try:
        frame = pyogrio.read_dataframe(path, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(f"{path} cannot be read as a vector file: {error}") from error
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise InputError(f"{path} holds no site", remedy="give a layer with at least one polygon")
    if frame.crs is None:
        raise InputError(
            f"{path} has no coordinate reference system", remedy="set it, EPSG:3035 is best"
        )
    kinds = set(frame.geometry.geom_type.dropna()) - {"Polygon", "MultiPolygon"}
    if kinds or frame.geometry.isna().any():
        raise InputError(
            f"{path} holds {', '.join(sorted(kinds)) or 'empty geometries'}",
            remedy="sites are polygons",
        )
    column = next((c for c in frame.columns if c.lower() in ("site_id", "sitecode")), None)
    names = frame[column].astype(str) if column else [f"site{i:05d}" for i in range(len(frame))]
    return _tidy(gpd.GeoDataFrame({"site_id": list(names)}, geometry=frame.geometry), str(path))


def sites_from_bbox(
    bbox: tuple[float, float, float, float], crs: str = CRS, site_id: str = "site00000"
) -> gpd.GeoDataFrame:
    """One rectangular site from west, south, east, north in a coordinate reference system.

    Returns
    -------
    geopandas.GeoDataFrame
        As `read_sites`.
    """
    west, south, east, north = bbox
    if not (west < east and south < north):
        raise InputError(
            f"bbox {list(bbox)} is empty", remedy="give [west, south, east, north] in this order"
        )
    try:
        known = ProjCRS.from_user_input(crs)
    except CRSError as error:
        raise InputError(f"'{crs}' is no coordinate reference system: {error}") from error
    # Densified, so that a rectangle in degrees keeps its curved outline in metres.
    outline = shapely.segmentize(shapely.box(*bbox), max(east - west, north - south) / 64)
    square = shapely.box(*bbox) if known == ProjCRS.from_user_input(CRS) else outline
    return _tidy(gpd.GeoDataFrame({"site_id": [site_id]}, geometry=[square], crs=known), "bbox")


def _tidy(frame: gpd.GeoDataFrame, where: str) -> gpd.GeoDataFrame:
    bad = ~frame.geometry.is_valid
    if bad.any():
        reason = shapely.is_valid_reason(frame.geometry[bad].iloc[0])
        raise InputError(
            f"{where}: site {frame.site_id[bad].iloc[0]} is invalid: {reason}",
            remedy="repair it, for instance with shapely.make_valid or QGIS 'Fix geometries'",
        )
    frame = frame.to_crs(CRS)
    snapped = shapely.set_precision(shapely.force_2d(frame.geometry.to_numpy()), PRECISION)
    if shapely.is_empty(snapped).any() or not np.isfinite(shapely.bounds(snapped)).all():
        raise InputError(
            f"{where}: a site has no extent in {CRS}",
            remedy="check its coordinate reference system; the product covers Europe",
        )
    return gpd.GeoDataFrame({"site_id": frame.site_id.to_numpy()}, geometry=snapped, crs=CRS)


def clusters(sites: gpd.GeoDataFrame, *, distance: float = 20.0) -> gpd.GeoDataFrame:
    """Group sites that adjoin into areas that share no border with another area.

    Adjoining sites are mapped as one (polygons of the same class on either side of
    the common limit would be equal neighbours), so an area is the unit of generalisation.
    Gaps and slivers between the sites of an area narrower than `distance` stay outside.

    Parameters
    ----------
    sites
        As `read_sites` gives them.
    distance
        Polygons at most this many metres apart belong together.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``cluster`` (str, in the order of the lower left corner) and ``geometry``
        (polygon or multipolygon, EPSG:3035, 1 mm grid).
    """
    # Part by part: the parts of one site may lie far from each other.
    parts = shapely.get_parts(sites.geometry.to_numpy())
    one, other = shapely.STRtree(parts).query(parts, predicate="dwithin", distance=distance)
    links = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(parts),) * 2)
    count, member = connected_components(links, directed=False)
    groups = [
        shapely.set_precision(shapely.union_all(parts[member == n]), PRECISION)
        for n in range(count)
    ]
    groups.sort(key=lambda g: g.bounds)
    return gpd.GeoDataFrame(
        {"cluster": [f"area{i:05d}" for i in range(len(groups))]}, geometry=groups, crs=sites.crs
    )
