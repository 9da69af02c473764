"""Relief, the main river and the brooks that follow from both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString, Polygon

from bocage.simulate._coast import Shore, find_shore, inland, rise
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray, fractal
from bocage.simulate._streams import STEP, Stream, brooks, flow, main_river
from bocage.simulate._tables import FEATURES, Region, lands


@dataclass(frozen=True)
class Terrain:
    """Relief on the grid of `STEP` metres, and the water in it (local metres).

    Attributes
    ----------
    height
        Metres above the sea, shape (y, x).
    features
        Each of ``_tables.FEATURES`` but ``town``, about 0 in the mean with standard deviation 1.
    streams
        Running water with its width.
    lakes
        Outlines of natural lakes.
    sea
        Where the sea is, shape (y, x).
    shore
        The coastline; None inland.
    """

    height: FloatArray
    features: dict[str, FloatArray]
    streams: tuple[Stream, ...]
    lakes: tuple[Polygon, ...]
    sea: NDArray[np.bool_]
    shore: Shore | None


def build_terrain(domain: Domain, region: Region, seed: Seed) -> Terrain:
    """Relief with a main valley, a coast, lakes in its hollows and brooks down its slopes."""
    height = _relief(domain, region, seed)
    shore = find_shore(domain, region.coast, STEP, seed) if region.coast else None
    away = _from_sea(domain, region, shore, seed)
    river = main_river(domain, region, shore, seed)
    distance = _distance(domain, [river.line] if river else [], STEP)
    if river:
        height = height + region.valley_m * (1 - np.exp(-((distance / 900) ** 1.3)))
        floor = np.exp(-((distance / 160) ** 2))
        height = height * (1 - 0.7 * floor) + floor * 0.7 * float(np.percentile(height, 4))
    if region.coast:
        height = (height - float(height.min())) * rise(away, region.coast) + away / 400
    sea = away < 0
    lakes = _lakes(domain, region, height, np.minimum(distance, away), seed)
    height = np.where(sea, away / 400, _dig(domain, height, lakes))
    ground: FloatArray = (height + _level(region, height)).astype(np.float32)
    seeds = (distance < STEP if river else np.zeros(height.shape, bool)) | sea
    receiver, area = flow(ground.astype(np.float64), seeds, STEP)
    becks = brooks(domain, receiver, area, seeds, seed)
    streams = (*([river] if river else []), *becks)
    features = _features(domain, ground, streams, lakes)
    return Terrain(ground, features, streams, lakes, sea, shore)


def _relief(domain: Domain, region: Region, seed: Seed) -> NDArray[np.floating]:
    axis = domain.axis(STEP)
    ridges = fractal(axis, axis, 2600, seed.at("relief"), octaves=6, gain=0.46)
    # Mountains have sharp crests and open valleys: fold part of the field.
    sharp = min(1.0, region.relief_m / 300)
    crests = 1.2 - 1.7 * np.abs(fractal(axis, axis, 2400, seed.at("crests"), octaves=5, gain=0.45))
    return region.relief_m * ((1 - 0.7 * sharp) * ridges + 0.7 * sharp * crests)


def _from_sea(domain: Domain, region: Region, shore: Shore | None, seed: Seed) -> FloatArray:
    """Metres from the coastline on the grid of the relief, far away inland."""
    if region.coast is None or shore is None:
        return np.full((domain.count(STEP),) * 2, 1e5, np.float32)
    return inland(domain, region.coast, shore, STEP, seed)


def _level(region: Region, height: NDArray[np.floating]) -> float:
    """What to add to heights so that they are metres above the sea."""
    if region.coast:
        return 0.0
    belts = {land.key: land.belt for land in lands()}
    total = sum(region.shares.values())
    alpine = sum(share for key, share in region.shares.items() if belts[key] > 0) / total
    if alpine <= 0:
        return region.level_m - float(height.min())
    # Bare ground shares the heights with what grows above the limit only.
    bare = sum(region.shares.get(key, 0) for key in ("rock", "scree", "sparse")) / total
    return region.treeline_m - float(np.quantile(height, 1 - 1.15 * (alpine + bare)))


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
    clear: FloatArray,
    seed: Seed,
) -> tuple[Polygon, ...]:
    """Outlines of lakes at low and flat places clear of other water, big ones first."""
    rng = seed.rng("lakes")
    target = region.shares.get("lake", 0) / 100 * domain.side**2
    rows, columns = np.gradient(ndimage.gaussian_filter(height, 4), STEP)
    score = -np.hypot(rows, columns) / 0.05 - ndimage.gaussian_filter(height, 4) / max(
        region.relief_m, 10
    )
    score = score + rng.normal(0, 0.4, score.shape)
    score[clear < 200] = -1e9
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
