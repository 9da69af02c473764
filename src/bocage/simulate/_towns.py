"""Towns, and the roads and the railway that join them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes
from scipy import ndimage
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial.distance import cdist
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from bocage.simulate._domain import COARSE, Domain, Seed
from bocage.simulate._noise import FloatArray, curve
from bocage.simulate._streams import STEP, smooth
from bocage.simulate._tables import Region
from bocage.simulate._terrain import Terrain

BRIDGE_M = 180.0
"""The longest bridge over an arm of the sea."""


STEEP, MOST_STEEP = 0.22, 0.35
"""Slope that railways and motorways avoid, and the share of their length that tunnels may take."""


@dataclass(frozen=True)
class Town:
    """A town, village or hamlet: centre and radius in local metres, direction of its streets."""

    x: float
    y: float
    radius: float
    angle: float


@dataclass(frozen=True)
class Way:
    """A road or railway in local metres: its kind in words of OpenStreetMap, and its width."""

    line: LineString
    kind: str
    width: float


def place_towns(domain: Domain, region: Region, terrain: Terrain, seed: Seed) -> tuple[Town, ...]:
    """Towns on gentle ground near water, big ones first and apart from each other."""
    rng = seed.rng("towns")
    slope = ndimage.gaussian_filter(terrain.features["slope"], 4)
    score = -1.4 * slope + 0.5 * ndimage.gaussian_filter(terrain.features["water"], 8)
    score = score + ndimage.gaussian_filter(rng.normal(0, 1, score.shape), 5) * 10
    wet = wide_water(domain, terrain, STEP)
    shore = ndimage.distance_transform_edt(~wet) * STEP
    villages = max(1, round(region.villages * domain.area_km2))
    hamlets = max(1, round(region.hamlets * domain.area_km2))
    radii = [330.0, *rng.uniform(140, 300, villages), *rng.uniform(40, 85, hamlets)]
    if domain.side < 2600:
        radii[0] = 210.0
    found: list[Town] = []
    for radius in radii:
        allowed = np.where(shore > (0.35 * radius if radius > 100 else 0), score, -1e9)
        row, column = np.unravel_index(int(np.argmax(allowed)), score.shape)
        if allowed[row, column] < -1e8:
            break
        y, x = (float(row) + 0.5) * STEP, (float(column) + 0.5) * STEP
        found.append(Town(x, y, radius, float(rng.uniform(0, math.pi / 2))))
        gap = int((2.4 * radius + 160) / STEP)
        score[max(0, row - gap) : row + gap + 1, max(0, column - gap) : column + gap + 1] = -1e9
    return tuple(found)


def wide_water(domain: Domain, terrain: Terrain, step: float) -> NDArray[np.bool_]:
    """Where the sea, lakes and the main river lie, on pixels of `step` metres."""
    shapes = [*terrain.lakes, *(s.line.buffer(s.width / 2) for s in terrain.streams if s.main)]
    size = domain.count(step)
    times = round(step / STEP)
    sea = np.asarray(terrain.sea.reshape(size, times, size, times).any(axis=(1, 3)))
    if not shapes:
        return sea
    drawn = rasterize(
        shapes, (size, size), transform=domain.local_affine(step), all_touched=True, dtype="uint8"
    )
    return np.asarray(drawn > 0) | sea


def build_ways(
    domain: Domain,
    region: Region,
    terrain: Terrain,
    towns: tuple[Town, ...],
    closed: Polygon | None,
    seed: Seed,
) -> tuple[Way, ...]:
    """Roads between the towns and out of the square, a railway and a few farm tracks.

    Parameters
    ----------
    closed
        Ground that ways go around.
    """
    cost = _cost(domain, region, terrain, closed)
    rng = seed.rng("ways")
    large = [t for t in towns if t.radius > 100]
    sea = sea_outline(domain, terrain)
    gates = [g for g in _gates(domain, rng) if not sea.contains(Point(g))]
    places = np.array([[t.x, t.y] for t in large] + gates)
    ways: list[Way] = []
    graph, size = _graph(cost), cost.shape[0]
    away = cdist(places, places[: len(large)])
    joined = minimum_spanning_tree(csr_matrix(away[: len(large)])).tocoo()
    pairs = sorted(zip(joined.row.tolist(), joined.col.tolist(), strict=True))
    # Roads out of the square start at the nearest town, not along the edge.
    pairs += [(int(np.argmin(away[g])), g) for g in range(len(large), len(places))]
    for i, j in pairs:
        main = i == 0 or j == 0 or max(i, j) >= len(large)
        line = _path(graph, size, places[i], places[j])
        if line is not None:
            ways.append(Way(line, "primary" if main else "secondary", 12.5 if main else 8.0))
    for town in towns:
        if town.radius <= 100:
            others = places[np.argsort(np.hypot(*(places - [town.x, town.y]).T))[:1]]
            line = _path(graph, size, np.array([town.x, town.y]), others[0])
            if line is not None:
                ways.append(Way(line, "tertiary", 5.5))
    for name, kind, width in (("railway", "rail", 12.0), ("motorway", "motorway", 26.0)):
        line = _best_sweep(domain, terrain, towns, seed, name)
        if line is not None and (kind == "rail" or domain.side > 3000):
            ways.append(Way(line, kind, width))
    return tuple(
        replace(way, line=piece)
        for way in ways
        for piece in ashore(way.line, sea)
        if piece.length > 30
    )


def sea_outline(domain: Domain, terrain: Terrain) -> BaseGeometry:
    """Outline of the sea in local metres; empty inland."""
    if not terrain.sea.any():
        return Polygon()
    traced = shapes(
        terrain.sea.astype(np.uint8), mask=terrain.sea, transform=domain.local_affine(STEP)
    )
    whole: BaseGeometry = shapely.union_all([shapely.geometry.shape(g) for g, _ in traced])
    return whole


def ashore(line: LineString, sea: BaseGeometry) -> list[LineString]:
    """The pieces of a line on land, and its bridges over arms of the sea."""
    if sea.is_empty:
        return [line]
    ends = shapely.points(shapely.get_coordinates(line)[[0, -1]])
    over = [
        part
        for part in shapely.get_parts(line.intersection(sea))
        if part.length > BRIDGE_M or shapely.distance(part, ends).min() < STEP
    ]
    parts = shapely.get_parts(line.difference(shapely.union_all(over)))
    return [p for p in parts if isinstance(p, LineString)]


def _cost(domain: Domain, region: Region, terrain: Terrain, closed: Polygon | None) -> FloatArray:
    down, right = np.gradient(ndimage.gaussian_filter(terrain.height, 1.5), STEP)
    slope = np.hypot(down, right)
    size = domain.count(COARSE)
    coarse = slope.reshape(size, 2, size, 2).mean(axis=(1, 3))
    water = wide_water(domain, terrain, COARSE)
    cost: FloatArray = (1 + (coarse / 0.06) ** 1.5 + 14 * water).astype(np.float32)
    if closed is not None:
        taken = rasterize(
            [closed], cost.shape, transform=domain.local_affine(COARSE), all_touched=True
        )
        cost += 30 * taken.astype(np.float32)
    return cost


def _gates(domain: Domain, rng: np.random.Generator) -> list[list[float]]:
    """Places where roads leave the square, one or two a side."""
    side = float(domain.side)
    many = 1 if side < 6000 else 2
    gates: list[list[float]] = []
    for k in range(many):
        a, b, c, d = (float(v) for v in (k + rng.uniform(0.2, 0.8, 4)) / many * side)
        gates += [[a, 20.0], [b, side - 20], [20.0, c], [side - 20, d]]
    return gates


def _graph(cost: FloatArray) -> csr_matrix:
    size = cost.shape[0]
    index = np.arange(size * size).reshape(size, size)
    rows, columns, values = [], [], []
    for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, size - dr), slice(max(0, -dc), size - max(0, dc)))
        there = (slice(dr, size), slice(max(0, dc), size + min(0, dc)))
        rows.append(index[here].ravel())
        columns.append(index[there].ravel())
        values.append(((cost[here] + cost[there]) / 2 * math.hypot(dr, dc)).ravel())
    return csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(size * size, size * size),
    )


def _path(
    graph: csr_matrix, size: int, start: NDArray[np.float64], end: NDArray[np.float64]
) -> LineString | None:
    """The cheapest way between two places, smoothed."""
    cells = [
        int(np.clip(p[1] // COARSE, 0, size - 1)) * size + int(np.clip(p[0] // COARSE, 0, size - 1))
        for p in (start, end)
    ]
    if cells[0] == cells[1]:
        return None
    reach = 3.0 * float(np.hypot(*(end - start))) / COARSE + 200
    _, before = dijkstra(
        graph, directed=False, indices=cells[0], return_predecessors=True, limit=reach * 3
    )
    path, cell = [cells[1]], cells[1]
    while cell != cells[0]:
        cell = int(before[cell])
        if cell < 0:
            return None
        path.append(cell)
    cells_xy = np.array(path)
    points = np.column_stack([cells_xy % size, cells_xy // size]).astype(float) * COARSE
    points += COARSE / 2
    if len(points) > 6:
        points = ndimage.gaussian_filter1d(points, 1.6, axis=0, mode="nearest")
    # Roads meet where paths share cells, so the ends stay on the cells' centres.
    return LineString(smooth(points[:: 2 if len(points) > 8 else 1], 3))


def _best_sweep(
    domain: Domain, terrain: Terrain, towns: tuple[Town, ...], seed: Seed, name: str
) -> LineString | None:
    """Of several lines across the square the one that spares lakes, towns and slopes.

    None where all of them would climb.
    """
    square = shapely.box(0, 0, domain.side, domain.side)
    lakes = shapely.union_all(list(terrain.lakes))
    houses = shapely.union_all([Point(t.x, t.y).buffer(t.radius) for t in towns])
    river = shapely.union_all([s.line for s in terrain.streams if s.main])
    town = towns[0] if name == "railway" else None
    rise = np.hypot(*np.gradient(ndimage.gaussian_filter(terrain.height, 4), STEP))
    best, least = None, math.inf
    for number in range(12):
        line = _sweep(domain, seed, f"{name}{number}", town)
        inside = line.intersection(square)
        crossed = shapely.get_num_geometries(inside.intersection(river))
        steep = _steep(inside, rise)
        harm = (
            12 * steep * inside.length
            + 4 * inside.intersection(lakes).length
            + inside.intersection(houses).length
            + 120 * int(crossed)
            - 0.1 * inside.length
        )
        if harm < least and steep < MOST_STEEP:
            best, least = line, harm
    return best


def _steep(line: BaseGeometry, rise: NDArray[np.floating]) -> float:
    """Share of a line on slopes steeper than `STEEP`."""
    points = shapely.get_coordinates(shapely.segmentize(line, 2 * STEP))
    if len(points) == 0:
        return 0.0
    index = np.clip((points // STEP).astype(int), 0, rise.shape[0] - 1)
    return float((rise[index[:, 1], index[:, 0]] > STEEP).mean())


def _sweep(domain: Domain, seed: Seed, name: str, town: Town | None) -> LineString:
    """A line of wide curves across the square, past the edge of a town."""
    rng = seed.rng("ways", name)
    s = np.arange(-1.6 * domain.side, 1.6 * domain.side, 25.0)
    course = rng.uniform(0, math.pi)
    side = 170 * curve(s - s[0], 2400, seed.at("ways", name), 2)
    if town is None:
        middle = domain.side / 2 + rng.uniform(-0.33, 0.33, 2) * domain.side
    else:
        offset = 0.8 * town.radius
        middle = np.array([town.x - math.sin(course) * offset, town.y + math.cos(course) * offset])
    x = middle[0] + s * math.cos(course) - side * math.sin(course)
    y = middle[1] + s * math.sin(course) + side * math.cos(course)
    return LineString(np.column_stack([x, y]))
