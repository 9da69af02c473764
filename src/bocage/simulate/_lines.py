"""Line layers as volunteers draw them: a little off, with pieces and widths missing."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from bocage.grid import CRS
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import curve

OFFSET_M = 2.0
"""Standard deviation of the position."""

MISSING = 0.06
"""Share of the length that is missing."""

NO_WIDTH = 0.4
"""Share of the lines without a width."""

RIVER_M = 8.0
"""Width from which running water is called a river."""


def line_layers(landscape: Landscape, seed: Seed) -> dict[str, gpd.GeoDataFrame]:
    """Layers ``roads``, ``rails`` and ``rivers`` with tags in the words of OpenStreetMap.

    Returns
    -------
    dict
        Columns ``highway``, ``railway`` or ``waterway``; ``width`` in metres (of the land the
        line takes up; sometimes missing) and lines in EPSG:3035.
    """
    roads = [(w.line, w.kind, w.width) for w in landscape.ways if w.kind != "rail"]
    rails = [(w.line, w.kind, w.width) for w in landscape.ways if w.kind == "rail"]
    rivers = [(s.line, _waterway(s.width, s.canal), s.width) for s in landscape.streams]
    domain = landscape.domain
    return {
        "roads": _layer(roads, "highway", domain, seed),
        "rails": _layer(rails, "railway", domain, seed),
        "rivers": _layer(rivers, "waterway", domain, seed),
    }


def _waterway(width: float, canal: bool) -> str:
    if canal:
        return "canal"
    return "river" if width >= RIVER_M else "stream"


def _layer(
    lines: list[tuple[LineString, str, float]], tag: str, domain: Domain, seed: Seed
) -> gpd.GeoDataFrame:
    square = shapely.box(0, 0, domain.side, domain.side)
    kinds: list[str] = []
    widths: list[float] = []
    shapes: list[BaseGeometry] = []
    for number, (line, kind, width) in enumerate(lines):
        rng = seed.rng("lines", tag, number)
        drawn = _redrawn(line, seed.at("lines", tag, number))
        for piece in shapely.get_parts(drawn.intersection(square)):
            if not isinstance(piece, LineString) or piece.length < 15:
                continue
            for kept in _gaps(piece, rng):
                kinds.append(kind)
                known = rng.random() >= NO_WIDTH
                widths.append(round(width * rng.uniform(0.93, 1.07), 1) if known else np.nan)
                shapes.append(domain.to_map(kept))
    shapes = list(shapely.set_precision(np.array(shapes, object), 0.01)) if shapes else []
    data = {tag: np.array(kinds, object), "width": np.array(widths, float)}
    return gpd.GeoDataFrame(data, geometry=shapes, crs=CRS)


def _redrawn(line: LineString, seed: int) -> LineString:
    """The line with its vertices moved by a smooth error of `OFFSET_M`."""
    dense = shapely.segmentize(line, 25.0)
    points = shapely.get_coordinates(dense)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    error = np.column_stack([curve(along, 220, seed), curve(along, 220, seed + 5)])
    return LineString(points + OFFSET_M * error)


def _gaps(line: LineString, rng: np.random.Generator) -> list[LineString]:
    """The line, or what is left of it where a piece is missing."""
    gap = rng.uniform(60, 240)
    # On average the gaps make up the missing share.
    if rng.random() >= MISSING * line.length / 150 or line.length < 300:
        return [line]
    start = rng.uniform(0, line.length - gap)
    parts = [substring(line, 0, start), substring(line, start + gap, line.length)]
    return [p for p in parts if isinstance(p, LineString) and p.length > 15]
