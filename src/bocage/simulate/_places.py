"""The mapped area: irregular sites, some of them adjoining, one with a hole; delivery units."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from bocage.grid import CRS
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import curve
from bocage.simulate._sites import many_sites
from bocage.simulate._terrain import blob

COVERED = (0.73, 0.82)
"""Least and largest share of the square that the sites cover together."""

MANY_M = 6000
"""From this side of the square on there are more than three sites."""

RIM_M = 220.0
"""A delivery unit reaches so far beyond its sites."""


def make_sites(domain: Domain, seed: Seed, river: LineString | None = None) -> gpd.GeoDataFrame:
    """Sites in the square: adjoining ones, one with a hole, some that lie apart.

    Small squares have three. Larger ones have about one in `_sites.SITE_KM2`, with tiny ones
    among them and a strip along the river, as the real network has.

    Parameters
    ----------
    domain, seed
        The square, and the seed of the area.
    river
        The main river in local metres; None: no site follows it.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``site_id`` and ``geometry``: valid polygons in EPSG:3035, whole decimetres,
        the first one with a hole.
    """
    square = float(2 * domain.half)
    many = square >= MANY_M
    least, most = (COVERED[0] + 0.02, COVERED[1] - 0.02) if many else COVERED
    low, high = 0.0, 0.30
    parts: list[BaseGeometry] = []
    # The share falls as the border moves in: find the depth by halving.
    for _ in range(24):
        inset = (low + high) / 2
        parts = _cut(square, inset, seed)
        share = sum(p.area for p in parts) / square**2
        if least <= share <= most:
            break
        low, high = (inset, high) if share > most else (low, inset)
    if many:
        course = None if river is None else _in_square(river, domain)
        parts = many_sites(parts, square, course, seed)
        parts[0] = _holed(parts[0], 0.03 * parts[0].area, seed)
    corner = [domain.center[0] - domain.half, domain.center[1] - domain.half]
    moved = shapely.transform(np.array(parts, object), lambda xy: np.round(xy + corner, 1))
    for i in np.flatnonzero(~shapely.is_valid(moved)):  # rounding has folded a corner over
        moved[i] = _largest(shapely.set_precision(shapely.make_valid(moved[i]), 0.1), 1)[0]
    names = [f"site{i:05d}" for i in range(1, len(parts) + 1)]
    return gpd.GeoDataFrame({"site_id": names}, geometry=list(moved), crs=CRS)


def make_unit(sites: gpd.GeoDataFrame, unit: str, name: str) -> gpd.GeoDataFrame:
    """The delivery unit of the sites: one polygon around all of them.

    Parameters
    ----------
    sites
        Polygons in EPSG:3035.
    unit, name
        Code of the unit, and its name: letters of it are kept.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``du_id``, ``du_name`` and one valid polygon without holes in EPSG:3035.
    """
    # Wider first: the land between the sites belongs to the unit.
    wide: BaseGeometry = (
        shapely.union_all(sites.geometry.to_numpy()).buffer(2 * RIM_M).buffer(-RIM_M)
    )
    if shapely.get_num_geometries(wide) > 1:
        wide = wide.convex_hull
    ring = Polygon(shapely.get_exterior_ring(wide)).simplify(5.0)
    outline = shapely.set_precision(ring, 0.1)
    letters = "".join(c for c in name if c.isalpha())
    return gpd.GeoDataFrame({"du_id": [unit], "du_name": [letters]}, geometry=[outline], crs=CRS)


def _in_square(line: LineString, domain: Domain) -> LineString:
    """A line in local metres as one in metres from the south-western corner of the area."""
    square = 2 * domain.half
    moved: LineString = shapely.transform(
        line,
        lambda xy: np.column_stack([xy[:, 0] - domain.margin, square - xy[:, 1] + domain.margin]),
    )
    return moved


def _holed(part: BaseGeometry, area: float, seed: Seed) -> BaseGeometry:
    """A site with a hole where it is widest."""
    circle = shapely.maximum_inscribed_circle(np.array([part]), tolerance=20.0)[0]
    x, y = shapely.get_coordinates(circle)[0]
    hole = blob(x, y, area, seed.rng("sites", "hole"), 0.2)
    return _largest(part.difference(hole), 1)[0]


def _cut(square: float, inset: float, seed: Seed) -> list[BaseGeometry]:
    outline = _outline(square, inset, seed)
    rng = seed.rng("sites")
    s = np.linspace(-0.05, 1.05, 60) * square
    up = (0.60 + 0.1 * rng.random()) * square + 0.035 * square * curve(
        s - s[0], square / 3, seed.at("sites", "gap"), 4
    )
    # A strip of land outside all sites parts the north from the south.
    gap = LineString(np.column_stack([s, up])).buffer(0.011 * square, cap_style="flat")
    pieces = sorted(_largest(outline.difference(gap), 2), key=lambda p: p.centroid.y)
    across = (0.42 + 0.16 * rng.random()) * square + 0.03 * square * curve(
        s - s[0], square / 3, seed.at("sites", "border"), 4
    )
    border = LineString(np.column_stack([across, s]))
    halves = _largest(split(pieces[0], border), 2)
    halves.sort(key=lambda p: p.centroid.x)
    middle = shapely.get_coordinates(
        shapely.maximum_inscribed_circle(np.array([halves[0]]), tolerance=square / 200)
    )[0]
    hole = blob(middle[0], middle[1], 0.012 * square**2, seed.rng("sites", "hole"), 0.2)
    holed = max(shapely.get_parts(halves[0].difference(hole)), key=lambda p: p.area)
    return [holed, halves[1], pieces[1]]


def _largest(geometry: BaseGeometry, count: int) -> list[BaseGeometry]:
    parts = sorted(shapely.get_parts(geometry), key=lambda p: -p.area)
    return list(parts[:count])


def _outline(square: float, inset: float, seed: Seed) -> BaseGeometry:
    """A square whose sides wander inwards; its bounds reach almost the square's."""
    s = np.linspace(-0.02, 1.02, 72) * square
    shape: BaseGeometry = shapely.box(0, 0, square, square)
    for k in range(4):
        wander = curve(s - s[0], square / 2.5, seed.at("sites", k), 4).astype(float)
        wander = wander - wander.min()
        deep = square * (0.004 + inset * wander / wander.max())
        kept = np.vstack(
            [np.column_stack([s, deep]), [[s[-1], 1.1 * square], [s[0], 1.1 * square]]]
        )
        turned = [kept, kept[:, ::-1], square - kept, square - kept[:, ::-1]][k]
        shape = shape.intersection(Polygon(turned))
    return _largest(shape, 1)[0]
