"""Running water: the main river, and the brooks that follow from the relief."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray
from shapely import LineString

from bocage.simulate._coast import Shore
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import curve
from bocage.simulate._tables import Region

STEP = 20
"""Pixel size of the relief in metres."""

BROOK_KM2 = 0.30
"""Catchment at which a brook begins."""

MAIN_ORDER = 5
"""Stream order of the main river: it comes from far outside the square."""


@dataclass(frozen=True)
class Stream:
    """A piece of running water in local metres; the main river, or a canal.

    Attributes
    ----------
    line, width
        Its course, and its width in metres.
    order
        Stream order (Strahler 1957).
    """

    line: LineString
    width: float
    order: int = 1
    main: bool = False
    canal: bool = False


def main_river(domain: Domain, region: Region, shore: Shore | None, seed: Seed) -> Stream | None:
    """A meandering line across the square (sine-generated curve, Langbein and Leopold 1966).

    On a coast it runs to the sea.
    """
    if region.river_m <= 0:
        return None
    rng = seed.rng("river")
    step = 8.0
    s = np.arange(0, domain.side * 2.6, step)
    loop = 15 * region.river_m + 160
    swing = 0.75 + 0.3 * curve(s, loop * 3, seed.at("river", "swing"), 2)
    phase = 2 * math.pi * s / loop + 1.2 * curve(s, loop * 2, seed.at("river", "phase"), 2)
    straight = rng.uniform(0, math.pi) if shore is None else shore.course
    course = straight + 0.30 * curve(s, 2600, seed.at("river", "course"), 3)
    angle = course + swing * np.sin(phase) * min(1.0, 80 / region.relief_m + 0.45)
    x, y = np.cumsum(np.cos(angle)) * step, np.cumsum(np.sin(angle)) * step
    center = domain.side / 2 + rng.uniform(-0.13, 0.13, 2) * domain.side
    middle = len(s) // 2
    points = np.column_stack([x - x[middle] + center[0], y - y[middle] + center[1]])
    return Stream(LineString(points), region.river_m, MAIN_ORDER, main=True)


@njit(cache=True)
def flow(
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


def brooks(
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
    order = _orders(receiver, wet[np.argsort(area[wet], kind="stable")])
    rng = seed.rng("brooks")
    found: list[Stream] = []
    for spring in springs:
        path, cell = [int(spring)], int(spring)
        while not taken[cell] and receiver[cell] >= 0:
            taken[cell] = True
            cell = int(receiver[cell])
            path.append(cell)
        if len(path) > 4:
            found += _cut(np.array(path), area, order, columns, rng)
    return found


@njit(cache=True)
def _orders(receiver: NDArray[np.int64], wet: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Stream order of cells (Strahler 1957), from the springs down.

    Parameters
    ----------
    receiver
        Next cell downstream of every cell, -1 at outlets.
    wet
        Cells of streams by rising catchment.
    """
    order = np.zeros(receiver.size, np.uint8)
    highest = np.zeros(receiver.size, np.uint8)
    times = np.zeros(receiver.size, np.uint8)
    for cell in wet:
        own = max(1, highest[cell])
        if times[cell] > 1:
            own += 1
        order[cell] = own
        down = receiver[cell]
        if down >= 0:
            if own > highest[down]:
                highest[down] = own
                times[down] = 1
            elif own == highest[down]:
                times[down] += 1
    return order


def _cut(
    path: NDArray[np.int64],
    area: NDArray[np.float64],
    order: NDArray[np.uint8],
    columns: int,
    rng: np.random.Generator,
) -> list[Stream]:
    points = np.column_stack([path % columns, path // columns]).astype(float) * STEP + STEP / 2
    points[1:-1] += rng.uniform(-7, 7, (len(path) - 2, 2))
    width = np.clip(3.6 * np.sqrt(area[path]), 2.0, 16.0)
    width[-1] = width[-2]
    rank = np.maximum(order[path].astype(np.int64), 1)
    rank[-1] = rank[-2]
    group = np.digitize(width, [4.0, 7.0, 10.0]) + 10 * rank
    breaks = [0, *(np.flatnonzero(np.diff(group)) + 1), len(path) - 1]
    pieces = []
    for first, last in pairwise(breaks):
        if last > first:
            line = LineString(smooth(points[first : last + 1]))
            pieces.append(Stream(line, float(np.median(width[first : last + 1])), int(rank[first])))
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
