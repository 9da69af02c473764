"""Water and ways, drawn over the parcels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import LineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from bocage.grid import FINE
from bocage.simulate._canvas import Canvas
from bocage.simulate._coast import Strand, mouth
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import fractal
from bocage.simulate._streams import Stream
from bocage.simulate._tables import Coast, Region, cover_index, land_index
from bocage.simulate._terrain import Terrain
from bocage.simulate._towns import ashore, sea_outline

if TYPE_CHECKING:
    from bocage.simulate._towns import Way

LEAST_WIDTH_M = 5.0
"""Narrower water is seen in the images but is no land of its own."""

LEAST_ROAD_M = 10.0
"""Narrower roads are mapped with the land beside them (mapping guideline of the product)."""

WOODED_ORDER = 3
"""Stream order from which the trees beside the water are a wood, and no line of trees."""


def draw(domain: Domain, shapes: Sequence[BaseGeometry], step: float = FINE) -> NDArray[np.int32]:
    """Number (from 1) of the last shape over each pixel of `step` metres; 0 where there is none."""
    size = domain.count(step)
    inside = [(s, i) for i, s in enumerate(shapes, start=1) if not s.is_empty]
    if not inside:
        return np.zeros((size, size), np.int32)
    return np.asarray(
        rasterize(inside, (size, size), transform=domain.local_affine(step), dtype="int32")
    )


def paint_water(
    canvas: Canvas, domain: Domain, region: Region, terrain: Terrain, seed: Seed
) -> tuple[Stream, ...]:
    """Draw lakes with reeds, rivers with banks and trees, oxbows and a canal.

    Returns
    -------
    tuple of Stream
        All running water, the canal included.
    """
    rng = seed.rng("water")
    axis = domain.axis(FINE)
    patchy = fractal(axis, axis, 140, seed.at("water", "patches"), octaves=3)
    _paint_shores(canvas, domain, terrain, patchy)
    main = [s for s in terrain.streams if s.main]
    if main and region.relief_m < 70:
        canvas.paint("oxbow", draw(domain, _oxbows(domain, main[0], rng)))
    canvas.paint("lake", draw(domain, list(terrain.lakes)))
    streams = list(terrain.streams)
    for wide in (False, True):
        chosen = [s for s in streams if s.main == wide]
        shapes = [s.line.buffer(max(s.width, 2.6) / 2, cap_style="flat") for s in chosen]
        drawn = draw(domain, shapes)
        width = np.array([0.0, *(s.width for s in chosen)])
        canvas.paint("river", np.where(width[drawn] >= LEAST_WIDTH_M, drawn, 0))
        thin = (drawn > 0) & (width[drawn] < LEAST_WIDTH_M)
        thin &= canvas.land != land_index()["lake"]
        canvas.cover[thin] = cover_index()["river_water"]
    if region.relief_m < 62:
        canal = _canal(domain, seed)
        canvas.paint("canal", draw(domain, [canal.line.buffer(canal.width / 2)]))
        streams.append(canal)
    sea = sea_outline(domain, terrain)
    return tuple(replace(s, line=piece) for s in streams for piece in ashore(s.line, sea))


def tidal(domain: Domain, coast: Coast, terrain: Terrain, strand: Strand) -> NDArray[np.bool_]:
    """Pixels of the main river where the tide widens it, shape (y, x)."""
    main = [s for s in terrain.streams if s.main]
    return draw(domain, [mouth(domain, coast, s, strand) for s in main]) > 0


def _paint_shores(
    canvas: Canvas, domain: Domain, terrain: Terrain, patchy: NDArray[np.float32]
) -> None:
    reeds = draw(domain, [lake.buffer(32) for lake in terrain.lakes])
    canvas.paint("marsh", np.where(patchy > 0.25, reeds, 0))
    brooks = [s for s in terrain.streams if s.order < WOODED_ORDER]
    rivers = [s for s in terrain.streams if s.order >= WOODED_ORDER]
    for key, chosen, width, share in (
        ("treeline", brooks, 9.0, -0.15),
        ("forest_b", rivers, 22.0, 0.2),
    ):
        strips = draw(domain, [s.line.buffer(s.width / 2 + width) for s in chosen])
        canvas.paint(key, np.where((patchy > share) & _open(canvas), strips, 0))
    banks = [s.line.buffer(s.width / 2 + 11) for s in terrain.streams if s.main]
    canvas.paint("bank", np.where(patchy < -0.95, draw(domain, banks), 0))


def _open(canvas: Canvas) -> NDArray[np.bool_]:
    """Farmland, where a row of trees stands out."""
    index = land_index()
    kinds = ("arable", "grass_managed", "complex", "agri_natural", "orchard", "grass_natural")
    return np.isin(canvas.land, [index[k] for k in kinds])


def _oxbows(domain: Domain, river: Stream, rng: np.random.Generator) -> list[BaseGeometry]:
    """Pieces of the river's own course beside it, as it once ran."""
    inside = river.line.intersection(shapely.box(0, 0, domain.side, domain.side))
    parts = [p for p in shapely.get_parts(inside) if isinstance(p, LineString)]
    found: list[BaseGeometry] = []
    water = river.line.buffer(river.width / 2 + 14)
    for part in parts:
        for _ in range(max(1, round(part.length / 1500))):
            start = rng.uniform(0.05, 0.9) * part.length
            piece = substring(part, start, start + rng.uniform(190, 380))
            angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(55, 130)
            step = away * np.array([math.cos(angle), math.sin(angle)])
            moved = shapely.transform(piece, lambda xy, step=step: xy + step)
            found.append(moved.buffer(0.38 * river.width).difference(water))
    return found


def _canal(domain: Domain, seed: Seed) -> Stream:
    """A straight canal with one bend."""
    rng = seed.rng("canal")
    course = rng.uniform(0, math.pi)
    bend = domain.side / 2 + rng.uniform(-0.35, 0.35, 2) * domain.side
    turn = rng.uniform(-0.5, 0.5)
    reach = 1.5 * domain.side
    ends = [
        bend - reach * np.array([math.cos(course), math.sin(course)]),
        bend + reach * np.array([math.cos(course + turn), math.sin(course + turn)]),
    ]
    return Stream(LineString([ends[0], bend, ends[1]]), 13.0, canal=True)


def paint_ways(canvas: Canvas, domain: Domain, ways: tuple[Way, ...]) -> None:
    """Draw roads, wide over narrow, and the railway over all of them.

    Roads narrower than `LEAST_ROAD_M` are seen in the images; the land beside them meets there.
    """
    lanes = [w for w in ways if w.kind != "rail" and w.width < LEAST_ROAD_M]
    thin = draw(domain, [w.line.buffer(w.width / 2) for w in lanes]) > 0
    canvas.cover[thin] = cover_index()["asphalt"]
    roads = [w for w in ways if w.kind != "rail" and w.width >= LEAST_ROAD_M]
    roads.sort(key=lambda w: w.width)
    rails = [w for w in ways if w.kind == "rail"]
    for key, chosen in (("road", roads), ("rail", rails)):
        canvas.paint(key, draw(domain, [w.line.buffer(w.width / 2) for w in chosen]))
