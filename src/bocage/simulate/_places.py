"""The mapped area: irregular sites, two of them adjoining, one with a hole."""

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
from bocage.simulate._terrain import blob

COVERED = (0.73, 0.82)
"""Least and largest share of the square that the sites cover together."""


def make_sites(domain: Domain, seed: Seed) -> gpd.GeoDataFrame:
    """Three sites in the square: two adjoin, one of them has a hole, the third lies apart.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``site_id`` and ``geometry``: valid polygons in EPSG:3035, whole millimetres.
    """
    square = float(2 * domain.half)
    low, high = 0.0, 0.30
    parts: list[BaseGeometry] = []
    # The share falls as the border moves in: find the depth by halving.
    for _ in range(24):
        inset = (low + high) / 2
        parts = _cut(square, inset, seed)
        share = sum(p.area for p in parts) / square**2
        if COVERED[0] <= share <= COVERED[1]:
            break
        low, high = (inset, high) if share > COVERED[1] else (low, inset)
    corner = [domain.center[0] - domain.half, domain.center[1] - domain.half]
    moved = shapely.transform(np.array(parts, object), lambda xy: np.round(xy + corner, 1))
    names = [f"site{i:05d}" for i in range(1, len(parts) + 1)]
    return gpd.GeoDataFrame({"site_id": names}, geometry=list(moved), crs=CRS)


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
