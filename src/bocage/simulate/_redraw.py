"""Lines as another hand draws them: moved by a smooth error, with pieces missing."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from bocage.simulate._noise import curve

LEAST_M = 15.0
"""Shorter pieces are left out."""

SPACING_M = 25.0
"""Distance of the vertices of a drawn line."""

GAP_M = (60.0, 240.0)
"""Shortest and longest missing piece."""


def redrawn(line: LineString, deviation: float, seed: int) -> LineString:
    """The line with its vertices moved by a smooth error.

    Parameters
    ----------
    line
        In metres.
    deviation
        Standard deviation of the error along each axis in metres.
    seed
        Seed of the error.
    """
    points = shapely.get_coordinates(shapely.segmentize(line, SPACING_M))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    error = np.column_stack([curve(along, 220, seed), curve(along, 220, seed + 5)])
    return LineString(points + deviation * error)


def with_gap(line: LineString, missing: float, rng: np.random.Generator) -> list[LineString]:
    """The line, or what is left of it where a piece is missing.

    Parameters
    ----------
    line
        In metres.
    missing
        Share of the length of all lines that the gaps make up on average.
    """
    gap = float(rng.uniform(*GAP_M))
    if rng.random() >= missing * line.length / (sum(GAP_M) / 2) or line.length < 300:
        return [line]
    start = float(rng.uniform(0, line.length - gap))
    parts = [substring(line, 0, start), substring(line, start + gap, line.length)]
    return [p for p in parts if isinstance(p, LineString) and p.length > LEAST_M]


def inside(line: LineString, square: Polygon) -> list[LineString]:
    """The pieces of a line in a square that are long enough to be drawn."""
    found: list[BaseGeometry] = list(shapely.get_parts(line.intersection(square)))
    return [p for p in found if isinstance(p, LineString) and p.length >= LEAST_M]
