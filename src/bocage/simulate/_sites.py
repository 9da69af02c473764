"""Many sites from a few: divided by wandering borders, a strip along the river, tiny ones."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import polygonize, split, substring

from bocage.simulate._domain import Seed
from bocage.simulate._noise import curve
from bocage.simulate._terrain import blob

SITE_KM2 = 7.5
"""Square kilometres of land for each site."""

TINY_HA = (5.0, 20.0)
"""Smallest and largest area of a tiny site in hectares."""

TINY = 0.2
"""Share of the sites that are tiny."""

APART = 0.35
"""Share of the divisions that leave a strip of land between the sites."""

STRIP_M = (40.0, 110.0)
"""Least and largest width of that strip."""

LEAST_M2 = 150_000.0
"""A division leaves no smaller site."""

GRID_M = 0.1
"""Coordinates are multiples of it."""


def many_sites(
    parts: list[BaseGeometry], square: float, river: LineString | None, seed: Seed
) -> list[BaseGeometry]:
    """Divide sites until there are about as many as the area asks for.

    Parameters
    ----------
    parts
        Large sites in metres from the south-western corner; holes are filled.
    square
        Side of the area in metres.
    river
        A river in the same metres; None: no site follows it.

    Returns
    -------
    list
        Valid polygons that share borders exactly where they adjoin, the largest one first.
    """
    target = round(square**2 / 1e6 / SITE_KM2)
    tiny = round(TINY * target)
    whole: list[BaseGeometry] = [Polygon(shapely.get_exterior_ring(p)) for p in parts]
    strip = None if river is None else _strip(river, square, seed)
    if strip is not None:
        whole = _beside(whole, strip)
    whole = _divided(whole, target - tiny - (strip is not None), square, seed)
    if strip is not None:
        whole.append(strip)
    whole += _tiny(shapely.union_all(whole), tiny, square, seed)
    return sorted(_snapped(whole), key=lambda p: -p.area)


def _strip(river: LineString, square: float, seed: Seed) -> BaseGeometry | None:
    """A strip along some kilometres of the river, inside the square."""
    inside = river.intersection(shapely.box(0, 0, square, square))
    reaches = [p for p in shapely.get_parts(inside) if isinstance(p, LineString)]
    reach = max(reaches, key=lambda p: p.length, default=None)
    if reach is None or reach.length < 1500:
        return None
    start = float(seed.rng("sites", "river").uniform(0.05, 0.25))
    middle = substring(reach, start, start + 0.6, normalized=True)
    width = min(150.0, max(60.0, 0.012 * square))
    return Polygon(middle.simplify(5.0).buffer(width, quad_segs=3).exterior)


def _beside(parts: list[BaseGeometry], strip: BaseGeometry) -> list[BaseGeometry]:
    """What the strip leaves of the sites; slivers beside it are no longer in a site."""
    left = [p for part in parts for p in shapely.get_parts(part.difference(strip))]
    return [p for p in left if p.area >= LEAST_M2]


def _divided(
    parts: list[BaseGeometry], count: int, square: float, seed: Seed
) -> list[BaseGeometry]:
    """Divide the largest site until there are enough."""
    parts = list(parts)
    done: list[BaseGeometry] = []
    number = 0
    while parts and len(parts) + len(done) < count:
        parts.sort(key=lambda p: p.area)
        largest = parts.pop()
        pieces = _halves(largest, seed, number)
        number += 1
        if pieces:
            parts += pieces
        else:
            done.append(largest)
    return done + parts


def _halves(part: BaseGeometry, seed: Seed, number: int) -> list[BaseGeometry]:
    """Two or more pieces of a site, none if it cannot be divided well."""
    rng = seed.rng("sites", "divide", number)
    corners = shapely.get_coordinates(part.minimum_rotated_rectangle)[:4]
    sides = np.diff(np.vstack([corners, corners[:1]]), axis=0)[:2]
    longer = int(np.argmax(np.hypot(*sides.T)))
    along, across = sides[longer], sides[1 - longer]
    reach = float(np.hypot(*across))
    s = np.linspace(-0.15, 1.15, max(20, int(reach / 60)))
    for attempt in range(4):
        shape = curve((s - s[0]) * reach, reach / 2, seed.at("sites", "border", number, attempt), 4)
        at = rng.uniform(0.38, 0.62) + 0.05 * shape.astype(float)
        line = LineString(corners[0] + at[:, None] * along + s[:, None] * across)
        if rng.random() < APART:
            wide = line.buffer(rng.uniform(*STRIP_M) / 2, cap_style="flat")
            pieces = list(shapely.get_parts(part.difference(wide)))
            pieces = [p for p in pieces if p.area >= LEAST_M2]
        else:
            pieces = _joined(list(shapely.get_parts(split(part, line))))
        if len(pieces) > 1:
            return pieces
    return []


def _joined(pieces: list[BaseGeometry]) -> list[BaseGeometry]:
    """The larger pieces; each sliver joins the one that it has the longest border with."""
    kept = [p for p in pieces if p.area >= LEAST_M2]
    for sliver in pieces:
        if sliver.area < LEAST_M2 and kept:
            shared = [k.intersection(sliver).length for k in kept]
            best = int(np.argmax(shared))
            kept[best] = shapely.union_all([kept[best], sliver])
    return [max(shapely.get_parts(k), key=lambda p: p.area) for k in kept]


def _tiny(taken: BaseGeometry, count: int, square: float, seed: Seed) -> list[BaseGeometry]:
    """Small sites on land that is not in one, where there is room."""
    rng = seed.rng("sites", "tiny")
    found: list[BaseGeometry] = []
    shapely.prepare(taken)
    tries = rng.random((60 * count, 2)) * square
    sizes = 1e4 * np.exp(rng.uniform(math.log(TINY_HA[0]), math.log(TINY_HA[1]), len(tries)))
    for (x, y), area in zip(tries, sizes, strict=True):
        if len(found) == count:
            break
        radius = 1.4 * math.sqrt(area / math.pi)
        point = shapely.Point(x, y)
        edge = min(x, y, square - x, square - y)
        free = edge > radius and taken.distance(point) > radius + 40
        if free and all(f.distance(point) > radius + 80 for f in found):
            found.append(blob(x, y, float(area), rng, 0.25))
    return found


def _snapped(parts: list[BaseGeometry]) -> list[BaseGeometry]:
    """The same polygons with every shared border noded and on the grid."""
    lines = shapely.union_all([p.boundary for p in parts], grid_size=GRID_M)
    faces = np.array(list(polygonize(shapely.get_parts(lines))), object)
    tree = shapely.STRtree(parts)
    face, part = tree.query(shapely.point_on_surface(faces), predicate="intersects")
    found = []
    for number in range(len(parts)):
        own = faces[face[part == number]]
        if own.size:
            merged = shapely.get_parts(shapely.union_all(own, grid_size=GRID_M))
            found.append(max(merged, key=lambda p: p.area))
    return found
