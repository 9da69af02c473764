"""Roads, railways and waterways as volunteers draw and tag them in OpenStreetMap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString, Point
from shapely.ops import substring

from bocage.grid import CRS
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import faults
from bocage.simulate._landscape import Landscape
from bocage.simulate._redraw import inside, redrawn, with_gap
from bocage.simulate._tables import rows

BRIDGE = '"bridge"=>"yes","layer"=>"1"'
CULVERT = '"tunnel"=>"culvert","layer"=>"-1"'
"""What crosses water or is crossed by a way, in the form of the column ``other_tags``."""

BEYOND_M = 6.0
"""A bridge reaches so far beyond the water on each side."""


@dataclass(frozen=True)
class _Line:
    """A true line: its kind in words of OpenStreetMap and its width in metres."""

    line: LineString
    kind: str
    width: float


def osm_layers(landscape: Landscape, seed: Seed) -> dict[str, gpd.GeoDataFrame]:
    """Layers ``roads``, ``rails`` and ``rivers`` with the columns of an OpenStreetMap extract.

    The real lines are traced from aerial images or tracked on the ground; Haklay (2010) found
    them about 6 m off on average, tracing has made it less. Modelled: a smooth error of
    position, missing pieces, tags of a similar kind, widths for some lines only, bridges and
    culverts where ways cross water (some without their tags).

    Returns
    -------
    dict
        Columns ``osm_id``, ``name`` (null), ``highway``, ``railway`` or ``waterway``, ``width``
        in metres (of the land the line takes up, sometimes missing), ``other_tags`` (hstore
        text or null), and lines in EPSG:3035.
    """
    limit = faults("osm")["river_width"]
    roads = [_Line(w.line, w.kind, w.width) for w in landscape.ways if w.kind != "rail"]
    rails = [_Line(w.line, w.kind, w.width) for w in landscape.ways if w.kind == "rail"]
    waters = [
        _Line(
            s.line,
            "canal" if s.canal else "river" if s.width >= limit else "stream",
            s.width,
        )
        for s in landscape.streams
    ]
    domain = landscape.domain
    return {
        "roads": _layer(roads, "highway", domain, seed, over=waters),
        "rails": _layer(rails, "railway", domain, seed, over=waters),
        "rivers": _layer(waters, "waterway", domain, seed, under=[*roads, *rails]),
    }


def _layer(
    lines: list[_Line],
    tag: str,
    domain: Domain,
    seed: Seed,
    *,
    over: list[_Line] | None = None,
    under: list[_Line] | None = None,
) -> gpd.GeoDataFrame:
    """The lines as drawn; `over`: what they bridge, `under`: what they pass below."""
    rates = faults("osm")
    square = shapely.box(0, 0, domain.side, domain.side)
    other = over if under is None else under
    tree = shapely.STRtree([o.line for o in other or []])
    rows: list[tuple[str, float, str | None, LineString]] = []
    for number, true in enumerate(lines):
        rng = seed.rng("lines", tag, number)
        drawn = redrawn(true.line, rates["shift"], seed.at("lines", tag, number))
        for piece in inside(drawn, square):
            for kept in with_gap(piece, rates["missing"], rng):
                spans = _crossings(kept, true, other or [], tree, over is not None)
                for part, crossing in _cut(kept, spans):
                    kind = _tagged(tag, true.kind, rng)
                    known = rng.random() >= rates["no_width"]
                    width = round(true.width * rng.uniform(0.93, 1.07), 1) if known else np.nan
                    told = crossing and rng.random() < rates["bridge_tagged"]
                    text = (CULVERT if over is None else BRIDGE) if told else None
                    rows.append((kind, width, text, part))
    shapes = [domain.to_map(row[3]) for row in rows]
    first = seed.at("osm", tag) % 10**6 * 1000
    data = {
        "osm_id": np.array([str(first + n) for n in range(1, len(rows) + 1)], object),
        "name": np.full(len(rows), None, object),
        tag: np.array([row[0] for row in rows], object),
        "width": np.array([row[1] for row in rows], float),
        "other_tags": np.array([row[2] for row in rows], object),
    }
    rounded = list(shapely.set_precision(np.array(shapes, object), 0.01)) if shapes else []
    return gpd.GeoDataFrame(data, geometry=rounded, crs=CRS)


def _tagged(tag: str, kind: str, rng: np.random.Generator) -> str:
    """The kind, or now and then a similar one."""
    options = _similar().get((tag, kind), ())
    wrong, pick = rng.random(2)
    if wrong < faults("osm")["wrong_tag"] and options:
        return options[int(pick * len(options))]
    return kind


@cache
def _similar() -> dict[tuple[str, str], tuple[str, ...]]:
    return {(r["tag"], r["value"]): tuple(r["taken_for"].split(";")) for r in rows("osm_tags.csv")}


def _crossings(
    drawn: LineString, true: _Line, others: list[_Line], tree: shapely.STRtree, over: bool
) -> list[tuple[float, float]]:
    """From where to where, along a drawn line, it crosses others; spans do not overlap."""
    spans: list[tuple[float, float]] = []
    for position in sorted(int(i) for i in tree.query(drawn, predicate="intersects")):
        other = others[position]
        # Wide water is bridged, never put in a pipe.
        if not over and true.width >= faults("osm")["river_width"]:
            continue
        half = other.width / 2 + (BEYOND_M if over else 1.0)
        for point in shapely.get_parts(drawn.intersection(other.line)):
            if isinstance(point, Point):
                at = drawn.project(point)
                spans.append((max(0.0, at - half), min(drawn.length, at + half)))
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _cut(line: LineString, spans: list[tuple[float, float]]) -> list[tuple[LineString, bool]]:
    """Pieces of a line in order, and whether each is a crossing."""
    bounds: list[tuple[float, float, bool]] = []
    at = 0.0
    for start, end in spans:
        bounds += [(at, start, False), (start, end, True)]
        at = end
    bounds.append((at, line.length, False))
    pieces = [(substring(line, a, b), crossing) for a, b, crossing in bounds if b - a > 0.5]
    return [(p, crossing) for p, crossing in pieces if isinstance(p, LineString)]
