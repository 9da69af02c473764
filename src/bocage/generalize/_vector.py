"""The vector stage: from labelled pixels to smooth borders that still keep to the width."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass

import numpy as np
import shapely

from bocage.generalize._arcs import Arcs, trace_arcs
from bocage.generalize._faces import Geometries, faces
from bocage.generalize._frame import GRID, Frame
from bocage.generalize._graph import Bools, Codes, Floats, Ints, Labels
from bocage.generalize._places import pixels_in, window_around
from bocage.generalize._raster import Regions
from bocage.generalize._rules import View
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._smooth import Style, shape

_log = logging.getLogger(__name__)

STEPS = (20, 6, 0)
"""Smoothing steps; the later ones around polygons that the former ones made too narrow."""

ANGULAR_STEPS = 8
"""Smoothing steps at most of borders of built and farmed land, whose corners are real."""

ANGULAR_TOLERANCE = 1.4
"""Factor of the tolerance there: straight pieces need few vertices."""

NARROWING = (0.42, 0.2, 0.0)
"""Pixels that are taken from either side of the bands that the raster stage drew, likewise."""

_ARC = 8  # segments of a quarter circle of the erosion, as the official check has it


def draw_borders(
    regions: Regions,
    labels: Labels,
    frame: Frame,
    views: tuple[View, ...],
    settings: GeneralizeSettings,
    angular: Bools,
    *,
    thorough: bool = False,
) -> tuple[Arcs, Tight]:
    """Borders of labelled pixels in map coordinates, smoothed and simplified.

    Where smoothing leaves a polygon of a view whose erosion by half the minimum width is not
    one part, the borders around it are smoothed less, and then follow the pixels.

    Parameters
    ----------
    regions
        The regions and their classes.
    labels
        Region of each pixel, -1 outside, shape (y, x): those of `regions`, or extended.
    frame
        Where the pixels lie.
    views
        The views whose polygons must be wide.
    settings
        Tolerance and width.
    angular
        Class indices of land with angular borders, shape (256,).
    thorough
        Whether borders are given up to the pixels as long as that helps; else what is still too
        narrow after a few attempts is left for the raster.

    Returns
    -------
    Arcs
        The borders.
    Tight
        Where polygons are too narrow even along the pixels.
    """
    traced = trace_arcs(labels)
    outside = (traced.left < 0) | (traced.right < 0)
    frozen = np.repeat(outside, np.diff(traced.starts))
    inward = _inward(traced.points, regions, labels)
    straight = _beside(traced, np.asarray(angular[regions.codes].any(axis=1)))
    calm, last = np.zeros(len(traced), np.int64), len(STEPS) - 1
    arcs, tight = traced, Tight(np.empty(0, object), np.empty(0, object))
    for attempt in itertools.count():
        arcs, _ = shape(
            traced,
            _style(calm, straight, settings.tolerance_m / frame.pixel),
            frozen,
            frame.transform,
            offset=np.array(NARROWING)[np.repeat(calm, np.diff(traced.starts))][:, None] * inward,
            grid_m=GRID,
        )
        if not settings.mmw_m:
            break
        tight = join_tight(
            [
                tight_places(
                    faces(arcs, view_keys(regions.codes, view))[0], settings.mmw_m, view.area
                )
                for view in views
            ]
        )
        tight = unlocked(tight, frame)
        if not len(tight) or (attempt >= last and not thorough):
            break
        _log.info("%d polygons became too narrow", len(tight))
        # Borders that calm down move the nodes of others, which may have to follow.
        near = _near(arcs, tight.place, settings.mmw_m)
        if (calm[near] == last).all():
            break
        calm = np.where(near, min(attempt + 1, last), calm)
    return arcs, tight


def _beside(arcs: Arcs, region: Bools) -> Bools:
    """Arcs with one of some regions on either side, shape (m,)."""
    known = np.append(region, False)
    return np.asarray(known[arcs.left] | known[arcs.right])


def _style(calm: Ints, straight: Bools, tolerance: float) -> Style:
    steps = np.array(STEPS)[calm]
    steps = np.where(straight, np.minimum(steps, ANGULAR_STEPS), steps)
    own = np.where(straight, ANGULAR_TOLERANCE * tolerance, tolerance)
    return Style(steps, np.where(calm < len(STEPS) - 1, own, 0.0))


def too_narrow(polygons: Geometries, mmw_m: float) -> Bools:
    """Polygons whose erosion by half the minimum width does not leave exactly one part."""
    found = np.zeros(len(polygons), bool)
    for first in range(0, len(polygons), 500):
        part = slice(first, first + 500)
        left = shapely.buffer(polygons[part], -mmw_m / 2, quad_segs=_ARC)
        found[part] = shapely.is_empty(left) | (shapely.get_num_geometries(left) != 1)
    return found


@dataclass(frozen=True)
class Tight:
    """Where polygons are too narrow.

    Attributes
    ----------
    place
        What a polygon would have to lose, shape (n,): a part that only a neck joins to the
        rest, or the neck where the part is large, or the whole of what is nowhere wide enough.
    polygon
        The polygon, shape (n,).
    """

    place: Geometries
    polygon: Geometries

    def __len__(self) -> int:
        return len(self.place)


def tight_places(polygons: Geometries, mmw_m: float, least: float) -> Tight:
    """Where polygons are too narrow.

    Parameters
    ----------
    polygons
        Polygons of a view.
    mmw_m
        Minimum mapping width, m.
    least
        Parts from this area on, m², are cut off at their necks and not lost.
    """
    half = mmw_m / 2
    place, whole = [], []
    for polygon in polygons[too_narrow(polygons, mmw_m)]:
        parts = shapely.get_parts(shapely.buffer(polygon, -half, quad_segs=_ARC))
        parts = parts[~shapely.is_empty(parts)]  # an empty erosion counts as one part
        parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
        for part in parts[1:]:
            small = shapely.area(part) < least
            lost = part if small else shapely.shortest_line(parts[0], part)
            place.append(shapely.intersection(polygon, shapely.buffer(lost, 1.5 * half)))
            whole.append(polygon)
        if not len(parts):
            place.append(polygon)
            whole.append(polygon)
    return Tight(np.array(place, dtype=object), np.array(whole, dtype=object))


def join_tight(found: list[Tight]) -> Tight:
    """The places of several views together."""
    return Tight(
        np.concatenate([t.place for t in found]), np.concatenate([t.polygon for t in found])
    )


def unlocked(tight: Tight, frame: Frame) -> Tight:
    """The places of polygons that are not locked lines for the most part: those may be narrow."""
    kept = np.ones(len(tight), bool)
    if frame.locked.any():
        for n, polygon in enumerate(tight.polygon):
            if n and polygon is tight.polygon[n - 1]:
                kept[n] = kept[n - 1]  # a network of roads has many places
                continue
            rows, columns, where = window_around(polygon, frame, 0)
            own = pixels_in(polygon, frame.locked[rows, columns].shape, where)
            kept[n] = 2 * (own & frame.locked[rows, columns]).sum() <= own.sum()
    return Tight(tight.place[kept], tight.polygon[kept])


def _near(arcs: Arcs, places: Geometries, mmw_m: float) -> Bools:
    """Arcs that come within the width of the places, shape (m,)."""
    number = np.repeat(np.arange(len(arcs)), np.diff(arcs.starts))
    lines = shapely.linestrings(arcs.points, indices=number)
    near = shapely.STRtree(np.asarray(lines)).query(places, predicate="dwithin", distance=mmw_m)[1]
    return np.isin(np.arange(len(arcs)), near)


def view_keys(codes: Codes, view: View) -> Ints:
    """One number per region for its class in a view, -1 for what is not in the view."""
    first, last = (codes[:, y].astype(np.int64) for y in (view.years[0], view.years[-1]))
    if not view.is_change:
        return np.asarray(last)
    return np.where(first == last, -1, first * 256 + last)


def _inward(points: Floats, regions: Regions, labels: Labels) -> Floats:
    """Direction from each corner into the drawn band that it borders, or 0, shape (n, 2)."""
    band = np.zeros((labels.shape[0] + 2, labels.shape[1] + 2), bool)
    band[1:-1, 1:-1] = regions.drawn & (labels >= 0) & regions.line[np.maximum(labels, 0)]
    x, y = (points.astype(np.int64) + 1).T
    # The gradient of the mask in the four pixels around a corner points into the band.
    nw, ne, sw, se = (band[y + dy, x + dx].astype(np.int8) for dy in (-1, 0) for dx in (-1, 0))
    shift = np.stack([ne + se - nw - sw, sw + se - nw - ne], axis=1).astype(np.float64)
    length = np.maximum(np.hypot(*shift.T), 1.0)
    return np.asarray(shift / length[:, None])
