"""The vector stage: from labelled pixels to smooth borders that still keep to the width."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from bocage.generalize._arcs import Arcs, same_arcs, trace_arcs
from bocage.generalize._drafting import Style
from bocage.generalize._faces import Geometries, faces
from bocage.generalize._frame import GRID
from bocage.generalize._graph import Bools, Codes, Ints, Labels
from bocage.generalize._raster import Regions
from bocage.generalize._rules import View
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._smooth import Shaped, shape
from bocage.generalize._tight import NOWHERE, Tight, join_tight, tight_places, view_keys

_log = logging.getLogger(__name__)

STEPS = (20, 6, 0)
"""Smoothing steps; the later ones around polygons that the former ones made too narrow."""

ANGULAR_STEPS = 8
"""Smoothing steps at most of borders of built and farmed land, whose corners are real."""

ANGULAR_TOLERANCE = 1.4
"""Factor of the tolerance there: straight pieces need few vertices."""

NARROWING = (0.42, 0.2, 0.0)
"""Pixels that are taken from either side of the bands that the raster stage drew, likewise."""


@dataclass(frozen=True)
class Traced:
    """Borders along the pixels, and what lies beside them.

    Attributes
    ----------
    arcs
        As `trace_arcs` gives them.
    slope
        What points from each point into the drawn band that it borders, 0 where there is none,
        int8 (n, 2).
    codes
        Class index of each region in each year, shape (regions, years).
    line
        Whether a region is a drawn linear element, shape (regions,).
    """

    arcs: Arcs
    slope: NDArray[np.int8]
    codes: Codes
    line: Bools


@dataclass(frozen=True)
class Drawn:
    """Borders as they are drawn.

    Attributes
    ----------
    shaped
        The borders.
    calm
        How much less than usual each is smoothed: a position in `STEPS`, shape (m,).
    tight
        Where polygons are too narrow even along the pixels.
    """

    shaped: Shaped
    calm: Ints
    tight: Tight

    @property
    def arcs(self) -> Arcs:
        """The borders in map coordinates."""
        return self.shaped.arcs


def trace(regions: Regions, labels: Labels) -> Traced:
    """The borders of regions along the pixels.

    Parameters
    ----------
    regions
        The regions and their classes.
    labels
        Region of each pixel, -1 outside, shape (y, x): those of `regions`, or extended.
    """
    arcs = trace_arcs(labels)
    return Traced(arcs, _slope(arcs.points, regions, labels), regions.codes, regions.line)


def draw_borders(
    traced: Traced,
    transform: Affine,
    views: tuple[View, ...],
    settings: GeneralizeSettings,
    angular: Bools,
    relevant: Callable[[Tight], Tight],
    before: Drawn | None = None,
    threads: int = 1,
    thorough: bool = False,
) -> Drawn:
    """Borders in map coordinates, smoothed and simplified.

    Where smoothing leaves a polygon of a view whose erosion by half the minimum width is not
    one part, the borders around it are smoothed less, and then follow the pixels.

    Parameters
    ----------
    traced
        The borders along the pixels.
    transform
        Pixel corner to map coordinates.
    views
        The views whose polygons must be wide.
    settings
        Tolerance and width.
    angular
        Class indices of land with angular borders, shape (256,).
    relevant
        Leaves out the places that do not matter.
    before
        What was drawn before the regions changed in some places.
    threads
        That work at once; the outcome does not depend on their number.
    thorough
        Whether borders are given up to the pixels as long as that helps; else what is still too
        narrow after a few attempts is left for the raster.
    """
    arcs, reach = traced.arcs, settings.mmw_m
    outside = (arcs.left < 0) | (arcs.right < 0)
    frozen = np.repeat(outside, np.diff(arcs.starts))
    straight = _beside(arcs, np.asarray(angular[traced.codes].any(axis=1)))
    shaped, calm = (None, np.zeros(len(arcs), np.int64)) if before is None else _kept(before, arcs)
    attempt, last, tight = 0, len(STEPS) - 1, NOWHERE if before is None else before.tight
    while True:
        style = _style(calm, straight, settings.tolerance_m / transform.a)
        offset = _inward(traced.slope, np.repeat(calm, np.diff(arcs.starts)))
        shaped = shape(
            arcs,
            style,
            frozen,
            transform,
            offset=offset,
            grid_m=GRID,
            before=shaped,
            threads=threads,
        )
        if reach:
            found = _tight_of(shaped, traced.codes, views, reach, tight.place, threads)
            tight = relevant(found)
        if not len(tight) or (attempt >= last and not thorough):
            return Drawn(shaped, calm, tight)
        _log.info("%d polygons became too narrow", len(tight))
        # Borders that calm down move the nodes of others, which may have to follow.
        near = _near(shaped.arcs, tight.place, reach)
        if (calm[near] == last).all():
            return Drawn(shaped, calm, tight)
        attempt += 1
        calm = np.where(near, np.maximum(calm, min(attempt, last)), calm)


def _kept(before: Drawn, arcs: Arcs) -> tuple[Shaped, Ints]:
    """What was drawn before, and how calm those of its borders that are still there were."""
    origin = same_arcs(before.shaped.request.arcs, arcs)
    return before.shaped, np.where(origin < 0, 0, before.calm[origin])


def _tight_of(
    shaped: Shaped,
    codes: Codes,
    views: tuple[View, ...],
    mmw_m: float,
    doubtful: Geometries,
    threads: int,
) -> Tight:
    """Where polygons of the views are too narrow.

    Only those are looked at that have fresh borders or were too narrow at `doubtful` places.
    """
    found = []
    for view in views:
        polygons = faces(shaped.arcs, view_keys(codes, view))[0]
        if not shaped.fresh.all():
            near = np.append(_lines(shaped.arcs)[shaped.fresh], doubtful)
            polygons = polygons[np.unique(shapely.STRtree(polygons).query(near)[1])]
        found.append(tight_places(polygons, mmw_m, view.area, threads))
    return join_tight(found)


def _beside(arcs: Arcs, region: Bools) -> Bools:
    """Arcs with one of some regions on either side, shape (m,)."""
    known = np.append(region, False)
    return np.asarray(known[arcs.left] | known[arcs.right])


def _style(calm: Ints, straight: Bools, tolerance: float) -> Style:
    steps = np.array(STEPS)[calm]
    steps = np.where(straight, np.minimum(steps, ANGULAR_STEPS), steps)
    own = np.where(straight, ANGULAR_TOLERANCE * tolerance, tolerance)
    return Style(steps, np.where(calm < len(STEPS) - 1, own, 0.0))


def _near(arcs: Arcs, places: Geometries, mmw_m: float) -> Bools:
    """Arcs that come within the width of the places, shape (m,)."""
    near = shapely.STRtree(_lines(arcs)).query(places, predicate="dwithin", distance=mmw_m)[1]
    return np.isin(np.arange(len(arcs)), near)


def _lines(arcs: Arcs) -> Geometries:
    number = np.repeat(np.arange(len(arcs)), np.diff(arcs.starts))
    return np.asarray(shapely.linestrings(arcs.points, indices=number))


def _slope(points: NDArray[Any], regions: Regions, labels: Labels) -> NDArray[np.int8]:
    """What points from corners into the drawn bands that they border, shape (n, 2)."""
    band = np.zeros((labels.shape[0] + 2, labels.shape[1] + 2), bool)
    band[1:-1, 1:-1] = regions.drawn & (labels >= 0) & regions.line[np.maximum(labels, 0)]
    return slope_at(points + 1, band)


def slope_at(corners: NDArray[Any], band: Bools) -> NDArray[np.int8]:
    """Gradient of a mask in the four pixels around corners (x, y), shape (n, 2)."""
    x, y = corners.T
    # It points into the band.
    nw, ne, sw, se = (band[y + dy, x + dx].astype(np.int8) for dy in (-1, 0) for dx in (-1, 0))
    return np.stack([ne + se - nw - sw, sw + se - nw - ne], axis=1)


def _inward(slope: NDArray[np.int8], calm: Ints) -> NDArray[np.float32]:
    """How far points move into the bands that they border, pixels, shape (n, 2)."""
    length = np.maximum(np.hypot(*slope.T.astype(np.float32)), np.float32(1.0))
    far = np.array(NARROWING, np.float32)[calm] / length
    return np.asarray(far[:, None] * slope)
