"""Where polygons are too narrow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine

from bocage.generalize._faces import Geometries
from bocage.generalize._graph import Bools, Codes, Ints
from bocage.generalize._places import pixels_in, window_around
from bocage.generalize._rules import View
from bocage.generalize._window import Window

_SOME = 500  # polygons that are eroded at once
_ARC = 8  # segments of a quarter circle of the erosion, as the official check has it


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


NOWHERE = Tight(np.empty(0, object), np.empty(0, object))
"""No place at all."""


def too_narrow(polygons: Geometries, mmw_m: float, threads: int = 1) -> Bools:
    """Polygons whose erosion by half the minimum width does not leave exactly one part."""

    def some(part: Geometries) -> Bools:
        left = shapely.buffer(part, -mmw_m / 2, quad_segs=_ARC)
        return np.asarray(shapely.is_empty(left) | (shapely.get_num_geometries(left) != 1))

    parts = [polygons[first : first + _SOME] for first in range(0, len(polygons), _SOME)]
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate([np.zeros(0, bool), *pool.map(some, parts)])


def tight_places(polygons: Geometries, mmw_m: float, least: float, threads: int = 1) -> Tight:
    """Where polygons are too narrow.

    Parameters
    ----------
    polygons
        Polygons of a view.
    mmw_m
        Minimum mapping width, m.
    least
        Parts from this area on, m², are cut off at their necks and not lost.
    threads
        That work at once.
    """
    half = mmw_m / 2
    place, whole = [], []
    for polygon in polygons[too_narrow(polygons, mmw_m, threads)]:
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


def unlocked(
    tight: Tight, transform: Affine, shape: tuple[int, ...], locked: Callable[[Window], Bools]
) -> Tight:
    """The places of polygons that are not locked lines for the most part: those may be narrow.

    Parameters
    ----------
    tight
        All places.
    transform, shape
        Of the raster of locked pixels.
    locked
        Gives these in a window.
    """
    kept = np.ones(len(tight), bool)
    for n, polygon in enumerate(tight.polygon):
        if n and polygon is tight.polygon[n - 1]:
            kept[n] = kept[n - 1]  # a network of roads has many places
            continue
        window, where = window_around(polygon, transform, shape, 0)
        lines = locked(window)
        if lines.any():
            own = pixels_in(polygon, lines.shape, where)
            kept[n] = 2 * (own & lines).sum() <= own.sum()
    return Tight(tight.place[kept], tight.polygon[kept])


def view_keys(codes: Codes, view: View) -> Ints:
    """One number per region for its class in a view, -1 for what is not in the view."""
    first, last = (codes[:, y].astype(np.int64) for y in (view.years[0], view.years[-1]))
    if not view.is_change:
        return np.asarray(last)
    return np.where(first == last, -1, first * 256 + last)
