"""Relief, the main river and the brooks that follow from both."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString, Polygon

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray, curve, fractal
from bocage.simulate._tables import FEATURES, Region

STEP = 20
"""Pixel size of the relief in metres."""

BROOK_KM2 = 0.30
"""Catchment at which a brook begins."""


@dataclass(frozen=True)
class Stream:
    """A piece of running water in local metres; the main river, or a canal."""

    line: LineString
    width: float
    main: bool = False
    canal: bool = False


@dataclass(frozen=True)
class Terrain:
    """Relief on the grid of `STEP` metres, and the water in it (local metres).

    Attributes
    ----------
    height
        Metres above an arbitrary level, shape (y, x).
    features
        Each of ``_tables.FEATURES`` but ``town``, about 0 in the mean with standard deviation 1.
    streams
        Running water with its width.
    lakes
        Outlines of natural lakes.
    """

    height: FloatArray
    features: dict[str, FloatArray]
    streams: tuple[Stream, ...]
    lakes: tuple[Polygon, ...]


def build_terrain(domain: Domain, region: Region, seed: Seed) -> Terrain:
    """Relief with a main valley, lakes in its hollows and brooks down its slopes."""
    axis = domain.axis(STEP)
    ridges = fractal(axis, axis, 2600, seed.at("relief"), octaves=6, gain=0.46)
    # Mountains have sharp crests and open valleys: fold part of the field.
    sharp = min(1.0, region.relief_m / 300)
    crests = 1.2 - 1.7 * np.abs(fractal(axis, axis, 2400, seed.at("crests"), octaves=5, gain=0.45))
    height: NDArray[np.floating] = region.relief_m * (
        (1 - 0.7 * sharp) * ridges + 0.7 * sharp * crests
    )
    river = _main_river(domain, region, seed)
    distance = _distance(domain, [river.line] if river else [], STEP)
    if river:
        height = height + region.valley_m * (1 - np.exp(-((distance / 900) ** 1.3)))
        floor = np.exp(-((distance / 160) ** 2))
        height = height * (1 - 0.7 * floor) + floor * 0.7 * float(np.percentile(height, 4))
    lakes = _lakes(domain, region, height, distance, seed)
    height = _dig(domain, height, lakes)
    ground: FloatArray = height.astype(np.float32)
    seeds = distance < STEP if river else np.zeros(height.shape, bool)
    receiver, area = _flow(ground.astype(np.float64), seeds, STEP)
    brooks = _brooks(domain, receiver, area, seeds, seed)
    streams = (*([river] if river else []), *brooks)
    features = _features(domain, ground, streams, lakes)
    return Terrain(ground, features, streams, lakes)


def _main_river(domain: Domain, region: Region, seed: Seed) -> Stream | None:
    """A meandering line across the square (sine-generated curve, Langbein and Leopold 1966)."""
    if region.river_m <= 0:
        return None
    rng = seed.rng("river")
    step = 8.0
    s = np.arange(0, domain.side * 2.6, step)
    loop = 15 * region.river_m + 160
    swing = 0.75 + 0.3 * curve(s, loop * 3, seed.at("river", "swing"), 2)
    phase = 2 * math.pi * s / loop + 1.2 * curve(s, loop * 2, seed.at("river", "phase"), 2)
    course = rng.uniform(0, math.pi) + 0.30 * curve(s, 2600, seed.at("river", "course"), 3)
    angle = course + swing * np.sin(phase) * min(1.0, 80 / region.relief_m + 0.45)
    x, y = np.cumsum(np.cos(angle)) * step, np.cumsum(np.sin(angle)) * step
    center = domain.side / 2 + rng.uniform(-0.13, 0.13, 2) * domain.side
    middle = len(s) // 2
    points = np.column_stack([x - x[middle] + center[0], y - y[middle] + center[1]])
    return Stream(LineString(points), region.river_m, main=True)


def _distance(domain: Domain, lines: list[LineString], step: float) -> FloatArray:
    """Metres to the nearest line, far away where there is none."""
    shape = (domain.count(step), domain.count(step))
    if not lines:
        return np.full(shape, 1e5, np.float32)
    drawn = rasterize(
        lines, shape, transform=domain.local_affine(step), all_touched=True, dtype="uint8"
    )
    if not drawn.any():
        return np.full(shape, 1e5, np.float32)
    far = ndimage.distance_transform_edt(drawn == 0) * step
    result: FloatArray = far.astype(np.float32)
    return result


def _lakes(
    domain: Domain,
    region: Region,
    height: NDArray[np.floating],
    river: FloatArray,
    seed: Seed,
) -> tuple[Polygon, ...]:
    """Outlines of lakes at low and flat places, big ones first."""
    rng = seed.rng("lakes")
    target = region.shares.get("lake", 0) / 100 * domain.side**2
    rows, columns = np.gradient(ndimage.gaussian_filter(height, 4), STEP)
    score = -np.hypot(rows, columns) / 0.05 - ndimage.gaussian_filter(height, 4) / max(
        region.relief_m, 10
    )
    score = score + rng.normal(0, 0.4, score.shape)
    score[river < 200] = -1e9
    found: list[Polygon] = []
    done = 0.0
    largest = min(0.45 * target, 0.12e6 + 0.02 * domain.side**2)
    while done < 0.93 * target and len(found) < 400:
        area = min(target - done, max(5000.0, largest * rng.uniform(0.25, 1.0)))
        largest = max(6000.0, largest * 0.85)
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] < -1e8:
            break
        x, y = (float(column) + 0.5) * STEP, (float(row) + 0.5) * STEP
        lake = blob(x, y, area, rng)
        found.append(lake)
        done += lake.area
        radius = int(2.6 * math.sqrt(area / math.pi) / STEP) + 6
        score[
            max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ] = -1e9
    return tuple(found)


def blob(x: float, y: float, area: float, rng: np.random.Generator, rough: float = 0.3) -> Polygon:
    """A rounded shape of about a given area in square metres."""
    angle = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    radius = np.ones_like(angle)
    for order in range(2, 9):
        radius += (
            rough * rng.normal() / order**1.1 * np.cos(order * angle + rng.uniform(0, 2 * math.pi))
        )
    radius = np.maximum(radius, 0.25)
    long = math.sqrt(rng.uniform(1.0, 2.4))
    turn = rng.uniform(0, math.pi)
    u, v = radius * np.cos(angle) * long, radius * np.sin(angle) / long
    points = np.column_stack(
        [u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)]
    )
    scale = math.sqrt(area / Polygon(points).area)
    return Polygon(points * scale + [x, y])


def _dig(
    domain: Domain, height: NDArray[np.floating], lakes: tuple[Polygon, ...]
) -> NDArray[np.floating]:
    if not lakes:
        return height
    drawn = rasterize(
        [(lake, i) for i, lake in enumerate(lakes, start=1)],
        height.shape,
        transform=domain.local_affine(STEP),
        all_touched=True,
        dtype="int32",
    )
    floor = ndimage.minimum(height, drawn, np.arange(1, len(lakes) + 1))
    shore = ndimage.distance_transform_edt(drawn == 0, return_indices=True)
    near, (rows, columns) = shore
    level = np.asarray(floor)[np.maximum(drawn[rows, columns] - 1, 0)]
    pull = np.exp(-((near * STEP / 120) ** 2))
    lowered: NDArray[np.floating] = np.where(
        drawn > 0, level - 1.0, height * (1 - 0.6 * pull) + level * 0.6 * pull
    )
    return lowered


@njit(cache=True)
def _flow(
    height: NDArray[np.float64], seeds: NDArray[np.bool_], step: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Receiver of each cell and its catchment in km², by priority flood (Barnes et al. 2014)."""
    rows, columns = height.shape
    receiver = np.full(rows * columns, -1, np.int64)
    done = np.zeros((rows, columns), np.bool_)
    order = np.empty(rows * columns, np.int64)
    heap = [(0.0, np.int64(-1))]
    heap.pop()
    for r in range(rows):
        for c in range(columns):
            if seeds[r, c] or r == 0 or c == 0 or r == rows - 1 or c == columns - 1:
                done[r, c] = True
                heapq.heappush(heap, (height[r, c], np.int64(r * columns + c)))
    count = 0
    while len(heap) > 0:
        level, cell = heapq.heappop(heap)
        order[count] = cell
        count += 1
        r, c = cell // columns, cell % columns
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                rr, cc = r + dr, c + dc
                if 0 <= rr < rows and 0 <= cc < columns and not done[rr, cc]:
                    done[rr, cc] = True
                    receiver[rr * columns + cc] = cell
                    up = max(height[rr, cc], level + 1e-4)
                    heapq.heappush(heap, (up, np.int64(rr * columns + cc)))
    area = np.full(rows * columns, step * step / 1e6)
    for i in range(count - 1, -1, -1):
        if receiver[order[i]] >= 0:
            area[receiver[order[i]]] += area[order[i]]
    return receiver, area


def _brooks(
    domain: Domain,
    receiver: NDArray[np.int64],
    area: NDArray[np.float64],
    main: NDArray[np.bool_],
    seed: Seed,
) -> list[Stream]:
    """Lines of brooks from their springs to the next water, cut where their width changes."""
    columns = domain.count(STEP)
    wet = np.flatnonzero((area > BROOK_KM2) & ~main.ravel())
    fed = np.zeros(area.size, bool)
    fed[receiver[wet][receiver[wet] >= 0]] = True
    springs = wet[~fed[wet]]
    springs = springs[np.argsort(area[springs], kind="stable")]
    taken = np.zeros(area.size, bool)
    rng = seed.rng("brooks")
    found: list[Stream] = []
    for spring in springs:
        path, cell = [int(spring)], int(spring)
        while not taken[cell] and receiver[cell] >= 0:
            taken[cell] = True
            cell = int(receiver[cell])
            path.append(cell)
        if len(path) > 4:
            found += _cut(np.array(path), area, columns, rng)
    return found


def _cut(
    path: NDArray[np.int64],
    area: NDArray[np.float64],
    columns: int,
    rng: np.random.Generator,
) -> list[Stream]:
    points = np.column_stack([path % columns, path // columns]).astype(float) * STEP + STEP / 2
    points[1:-1] += rng.uniform(-7, 7, (len(path) - 2, 2))
    width = np.clip(3.6 * np.sqrt(area[path]), 2.0, 16.0)
    width[-1] = width[-2]
    group = np.digitize(width, [4.0, 7.0, 10.0])
    breaks = [0, *(np.flatnonzero(np.diff(group)) + 1), len(path) - 1]
    pieces = []
    for first, last in pairwise(breaks):
        if last > first:
            line = LineString(smooth(points[first : last + 1]))
            pieces.append(Stream(line, float(np.median(width[first : last + 1]))))
    return pieces


def smooth(points: NDArray[np.float64], times: int = 3) -> NDArray[np.float64]:
    """Round the corners of a line, its ends fixed (Chaikin 1974)."""
    for _ in range(times):
        if len(points) < 3:
            break
        near = 0.75 * points[:-1] + 0.25 * points[1:]
        far = 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([near, far], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], inner[1:-1], points[-1:]])
    return points


def _features(
    domain: Domain, height: FloatArray, streams: tuple[Stream, ...], lakes: tuple[Polygon, ...]
) -> dict[str, FloatArray]:
    broad = ndimage.gaussian_filter(height, 2)
    down, right = np.gradient(broad, STEP)
    slope = np.hypot(down, right)
    water = _distance(
        domain, [s.line for s in streams if s.width >= 4] + [p.exterior for p in lakes], STEP
    )
    brook = _distance(domain, [s.line for s in streams], STEP)
    hollow = ndimage.gaussian_filter(height, 14) - broad
    wet = (
        np.exp(-brook / 120) * 1.3
        + hollow / max(float(hollow.std()), 0.3)
        - slope / max(float(slope.mean()), 0.01)
    )
    values = {
        "slope": np.sqrt(slope),
        "wet": wet,
        "height": broad,
        # Rows grow to the south: ground that falls that way faces the sun.
        "south": -down / np.maximum(slope, 0.01) * np.minimum(1, slope / 0.06),
        "water": np.exp(-water / 140),
    }
    return {name: _standard(values[name]) for name in FEATURES if name in values}


def _standard(values: NDArray[np.floating]) -> FloatArray:
    result: FloatArray = ((values - values.mean()) / max(float(values.std()), 1e-6)).astype(
        np.float32
    )
    return result
