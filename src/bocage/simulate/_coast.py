"""The sea: where it lies, and what grows and silts up along its shore."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from bocage.grid import FINE
from bocage.simulate._canvas import Canvas
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray, fractal
from bocage.simulate._tables import Coast

if TYPE_CHECKING:
    from bocage.simulate._streams import Stream
    from bocage.simulate._towns import Town

NAUTICAL_MILE_M = 1852.0
"""Coastal water ends so far from the coastline (product specification)."""


@dataclass(frozen=True)
class Shore:
    """Where the sea lies.

    Attributes
    ----------
    course
        Direction from the sea to the land in radians (x to the east, y to the south).
    level
        Value of the field of `_field` at the coastline.
    """

    course: float
    level: float


def find_shore(domain: Domain, coast: Coast, step: float, seed: Seed) -> Shore:
    """Place a coastline so that the sea has its share of the square."""
    course = float(seed.rng("coast").uniform(0, 2 * math.pi))
    axis = domain.axis(step)
    field = _field(domain, coast, course, axis, seed)
    return Shore(course, float(np.quantile(field, coast.sea)))


def _field(
    domain: Domain, coast: Coast, course: float, axis: NDArray[np.float64], seed: Seed
) -> FloatArray:
    """Metres along the course, bent by a fractal field: its contour is the coastline."""
    middle = domain.side / 2
    along = (axis[None, :] - middle) * math.cos(course) + (axis[:, None] - middle) * math.sin(
        course
    )
    # Bends longer than the square would only move the coast.
    bend = min(coast.bend_m, 0.6 * domain.side)
    rough = coast.rough_m * bend / coast.bend_m
    bent = fractal(axis, axis, bend, seed.at("coast", "bends"), octaves=6, gain=coast.gain)
    field: FloatArray = (along + rough * bent).astype(np.float32)
    return field


def inland(domain: Domain, coast: Coast, shore: Shore, step: float, seed: Seed) -> FloatArray:
    """Metres from the coastline, negative at sea, float32, shape (y, x)."""
    land = _field(domain, coast, shore.course, domain.axis(step), seed) >= shore.level
    away = ndimage.distance_transform_edt(land) - 0.5
    out = ndimage.distance_transform_edt(~land) - 0.5
    result: FloatArray = (np.where(land, away, -out) * step).astype(np.float32)
    return result


def rise(away: FloatArray, coast: Coast) -> FloatArray:
    """Share of its height that land has at a distance from the coastline, 0 … 1."""
    result: FloatArray = 1 - np.exp(-np.maximum(away, 0) / np.float32(coast.steep_m))
    return result


@dataclass(frozen=True)
class Strand:
    """Distance from the coastline and the fields that vary along it, each shape (y, x)."""

    away: FloatArray
    broad: FloatArray
    fine: FloatArray


def look_along(domain: Domain, coast: Coast, shore: Shore, seed: Seed) -> Strand:
    """What the painters of the shore need, on pixels of 2.5 m."""
    axis = domain.axis(FINE)
    bend = min(1500.0, 0.5 * domain.side)
    return Strand(
        inland(domain, coast, shore, FINE, seed),
        fractal(axis, axis, bend, seed.at("coast", "broad"), octaves=3),
        fractal(axis, axis, 160, seed.at("coast", "fine"), octaves=4),
    )


def paint_strand(canvas: Canvas, coast: Coast, shore: Shore, strand: Strand) -> None:
    """Beaches, dunes, cliffs, salt marshes, lagoons and salt pans behind the coastline."""
    away, broad, fine = strand.away, strand.broad, strand.fine
    low, high = (float(np.quantile(broad, q)) for q in (coast.cliffs, 1 - coast.marsh))
    rocky, muddy = broad < low, broad > high
    sandy = ~rocky & ~muddy
    width = coast.beach_m * (1 + 0.35 * fine)
    canvas.fill("rock", rocky & (away > 0) & (away < 0.7 * coast.beach_m * (1.2 + fine)))
    canvas.fill("dune", sandy & (away > 0) & (away < width + coast.dunes_m * (0.75 + 0.5 * fine)))
    canvas.fill("beach", sandy & (away > 0) & (away < width))
    # The marsh is widest in the middle of its stretch of the shore.
    deep = 150 * np.clip((broad - high) / 0.5, 0.15, 1.6) * (1 + 0.3 * fine)
    canvas.fill("saltmarsh", muddy & (away > 0) & (away < deep))
    bar = coast.beach_m + 0.6 * coast.dunes_m + 35
    bulge = np.clip((broad - low) / max(high - low, 0.1), 0, 1)
    far = bar + coast.lagoon_m * np.sin(math.pi * bulge) * (1 + 0.12 * fine) - 25
    lagoon = sandy & (away > bar) & (away < far)
    if coast.lagoon_m > 0:
        reeds = sandy & (away > bar - 20) & (away < far + 60 * np.clip(fine, 0, 1.5)) & (far > bar)
        canvas.fill("saltmarsh", reeds)
        canvas.fill("lagoon", lagoon)
    if coast.salines_m > 0:
        _paint_pans(canvas, coast, strand, far + 45, sandy & (far > bar), shore.course)


def _paint_pans(
    canvas: Canvas,
    coast: Coast,
    strand: Strand,
    near: FloatArray,
    behind: NDArray[np.bool_],
    turn: float,
) -> None:
    """Salt pans: basins between dams behind a lagoon, turned like the shore."""
    far = near + coast.salines_m * (0.55 + 0.25 * np.round(strand.broad))
    pans = behind & (strand.away > near) & (strand.away < far) & (strand.broad > 0)
    if not pans.any():
        return
    canvas.fill("saline", ndimage.binary_opening(pans, iterations=6), turn)


def mouth(domain: Domain, coast: Coast, river: Stream, strand: Strand) -> BaseGeometry:
    """Outline of the river where the tide widens it, wider and wider to the sea."""
    points = shapely.get_coordinates(shapely.segmentize(river.line, 12.0))
    index = np.clip((points // FINE).astype(int), 0, domain.count(FINE) - 1)
    inside = ((points >= 0) & (points < domain.side)).all(axis=1)
    away = strand.away[index[:, 1], index[:, 0]]
    reach = coast.estuary_m * min(1.0, domain.side / 5000)
    tidal = inside & (away < reach) & (away > -120)
    grown = np.clip(1 - away / reach, 0, 1)
    half = river.width / 2 * np.exp(1.9 * grown**1.5)
    circles = [Point(x, y).buffer(r) for (x, y), r in zip(points[tidal], half[tidal], strict=True)]
    return shapely.union_all(circles) if circles else LineString()


def paint_sea(canvas: Canvas, coast: Coast, strand: Strand, estuary: NDArray[np.bool_]) -> None:
    """The sea and what it leaves at low water; the river's mouth."""
    away, broad, fine = strand.away, strand.broad, strand.fine
    sea = away < 0
    water = estuary & ~sea
    canvas.fill("estuary", water)
    _bank_mud(canvas, coast, water, sea, fine)
    canvas.fill("coastalwater", sea & (away >= -NAUTICAL_MILE_M))
    canvas.fill("opensea", away < -NAUTICAL_MILE_M)
    if coast.inlet_m > 0:
        canvas.fill("inlet", _narrow(sea, coast.inlet_m) & ~estuary)
    ebb = coast.flats_m * (0.55 + 0.45 * np.clip(broad, -1, 1.5)) * (1 + 0.3 * fine)
    canvas.fill("tidalflat", sea & (away > -ebb) & ~estuary)


def _bank_mud(
    canvas: Canvas,
    coast: Coast,
    water: NDArray[np.bool_],
    sea: NDArray[np.bool_],
    fine: FloatArray,
) -> None:
    """Mud and salt marsh along the river's mouth, where there is a tide to speak of."""
    if coast.flats_m < 100 or not water.any():
        return
    shore = (ndimage.distance_transform_edt(~water) * FINE).astype(np.float32)
    land = ~water & ~sea
    canvas.fill("saltmarsh", land & (shore < 90 * (1 + 0.5 * fine)) & (fine > -0.5))
    canvas.fill("tidalflat", land & (shore < 18 * (1 + 0.6 * fine)))


def _narrow(sea: NDArray[np.bool_], width: float) -> NDArray[np.bool_]:
    """Arms of the sea that a disk of that width does not enter (on pixels of 10 m)."""
    coarse = sea[2::4, 2::4]
    # Beyond the edge of the square the sea goes on.
    padded = np.pad(coarse, round(width / 10) + 1, mode="edge")
    room = ndimage.distance_transform_edt(padded) * 4 * FINE
    free = room > width / 2
    reached = ndimage.distance_transform_edt(~free) * 4 * FINE <= width / 2
    inner = (slice(round(width / 10) + 1, -(round(width / 10) + 1)),) * 2
    arm = (padded & ~reached)[inner].astype(np.float32)
    fine = ndimage.zoom(arm, 4, order=1, grid_mode=True, mode="nearest")
    return np.asarray((fine[: sea.shape[0], : sea.shape[1]] > 0.5) & sea)


def paint_port(
    canvas: Canvas, domain: Domain, strand: Strand, towns: tuple[Town, ...], seed: Seed
) -> None:
    """Quays and a basin where the coast is nearest to a town."""
    land = strand.away >= 0
    edge = land & (strand.away < 2 * FINE)
    rows, columns = np.nonzero(edge)
    if rows.size == 0 or not towns:
        return
    places = (np.column_stack([columns, rows]) + 0.5) * FINE
    inner = (np.abs(places - domain.side / 2) < 0.82 * domain.half).all(axis=1)
    if not inner.any():
        return
    places = places[inner]
    homes = np.array([[t.x, t.y] for t in towns if t.radius > 100] or [[towns[0].x, towns[0].y]])
    away = np.min(np.hypot(*(places[:, None, :] - homes[None, :, :]).transpose(2, 0, 1)), axis=1)
    x, y = places[int(np.argmin(away))]
    near = places[np.hypot(*(places - [x, y]).T) < 260]
    spread = near - near.mean(axis=0)
    turn = float(math.atan2(*np.linalg.svd(spread, full_matrices=False)[2][0][::-1]))
    length = min(620.0, 0.22 * domain.side) * seed.rng("port").uniform(0.8, 1.1)
    _put_port(canvas, domain, strand, (float(x), float(y)), turn, length)


def _put_port(
    canvas: Canvas,
    domain: Domain,
    strand: Strand,
    place: tuple[float, float],
    turn: float,
    length: float,
) -> None:
    axis = domain.axis(FINE)
    u = (axis[None, :] - place[0]) * math.cos(turn) + (axis[:, None] - place[1]) * math.sin(turn)
    v = -(axis[None, :] - place[0]) * math.sin(turn) + (axis[:, None] - place[1]) * math.cos(turn)
    yard = (np.abs(u) < length / 2) & (np.abs(v) < 170)
    quay = yard & (strand.away > -75) & (strand.away < 110)
    basin = quay & (np.mod(u, 150) < 62) & (strand.away < 15)
    canvas.fill("port", quay)
    canvas.fill("coastalwater", basin)
