"""What lies singly in the land: copses, ponds, farmsteads and an airfield."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from shapely import Point, Polygon

from bocage.simulate._canvas import Canvas
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._streams import STEP
from bocage.simulate._tables import Region, Speck, cover_index, lands, specks
from bocage.simulate._terrain import Terrain, blob
from bocage.simulate._towns import Town, wide_water
from bocage.simulate._water import draw

RUNWAY_M = 40.0
"""Width of a runway."""


def paint_specks(canvas: Canvas, domain: Domain, region: Region, seed: Seed) -> None:
    """Scatter small objects, many of them under the minimum mapping unit (``specks.csv``)."""
    kinds = lands()
    for speck in specks():
        if region.shares.get(speck.needs, 0) <= 0:
            continue
        drawn = draw(domain, _shapes(speck, domain, seed))
        hosts = [i for i, kind in enumerate(kinds) if kind.zone == speck.zone]
        drawn[~np.isin(canvas.land, hosts)] = 0
        canvas.paint(speck.land, drawn)


def _shapes(speck: Speck, domain: Domain, seed: Seed) -> list[Polygon]:
    rng = seed.rng("specks", speck.land, speck.zone)
    count = int(rng.poisson(speck.per_km2 * domain.area_km2))
    places = rng.uniform(0, domain.side, (count, 2))
    low, high = math.log(speck.least_ha), math.log(speck.most_ha)
    areas = 1e4 * np.exp(rng.uniform(low, high, count))
    return [blob(x, y, float(a), rng, 0.25) for (x, y), a in zip(places, areas, strict=True)]


def paint_airfield(
    canvas: Canvas,
    domain: Domain,
    region: Region,
    terrain: Terrain,
    towns: tuple[Town, ...],
    seed: Seed,
) -> Polygon | None:
    """Lay an airfield on flat land away from water and houses; its outline, if there is room.

    Its size follows from its share of the land, within what airfields measure.
    """
    share = region.shares.get("airport", 0) / 100
    area = min(share * domain.side**2, 1.4e6)
    if area < 4e4:
        return None
    # Long and narrow: about four to one.
    length, width = 2 * math.sqrt(area), 0.5 * math.sqrt(area)
    place = _flat_place(domain, terrain, towns, 0.5 * length)
    if place is None:
        return None
    turn = float(seed.rng("airfield").uniform(0, math.pi))
    outline = _rectangle(place, turn, length, width)
    canvas.paint("airport", draw(domain, [outline]), turn)
    runway = draw(domain, [_rectangle(place, turn, 0.9 * length, min(RUNWAY_M, 0.3 * width))])
    canvas.cover[runway > 0] = cover_index()["runway"]
    return outline


def _flat_place(
    domain: Domain, terrain: Terrain, towns: tuple[Town, ...], reach: float
) -> tuple[float, float] | None:
    axis = domain.axis(STEP)
    houses = [Point(t.x, t.y).buffer(t.radius) for t in towns if t.radius > 100]
    taken = wide_water(domain, terrain, STEP) | draw(domain, houses, STEP).astype(bool)
    room = ndimage.distance_transform_edt(~taken) * STEP
    edge = np.minimum(axis, domain.side - axis) - domain.margin
    inner = np.minimum(edge[:, None], edge[None, :])
    smooth = ndimage.gaussian_filter(terrain.features["slope"], reach / STEP / 2)
    score = np.where((room > 0.55 * reach) & (inner > 0.6 * reach), -smooth, -np.inf)
    if not np.isfinite(score).any():
        return None
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    return float(axis[column]), float(axis[row])


def _rectangle(place: tuple[float, float], turn: float, length: float, width: float) -> Polygon:
    along = 0.5 * length * np.array([math.cos(turn), math.sin(turn)])
    across = 0.5 * width * np.array([-math.sin(turn), math.cos(turn)])
    middle = np.array(place)
    return Polygon(
        [middle + s * along + t * across for s, t in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    )
