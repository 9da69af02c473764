"""What stays below the minimum mapping unit in a finished coverage, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from bocage.generalize._coverage import FROZEN, Coverage
from bocage.generalize._edges import dissolve, shared_edges
from bocage.generalize._graph import Bools, Floats, Ints, components
from bocage.generalize._rules import CONTACT, HECTARE, View, exemption, views_of
from bocage.generalize._settings import GeneralizeSettings
from bocage.legend import Legend

_ROUNDING = 1e-3  # m²


def undersized(coverage: Coverage, legend: Legend, settings: GeneralizeSettings) -> pd.DataFrame:
    """Polygons of all views that are below the minimum mapping unit.

    Parameters
    ----------
    coverage
        A finished coverage.
    legend, settings
        What it was made with.

    Returns
    -------
    pandas.DataFrame
        Columns ``view`` (``status_<year>`` or ``change``), ``code`` (of the last year of the
        view), ``area_ha``, ``x``, ``y`` (a point in the polygon) and ``exception``: the name of
        the rule that lets it stay, ``frozen`` for a polygon that was kept, ``between_frozen``
        for what these cut off from all other land, or ``""`` where none does. `generalize`
        leaves the latter only where there is nothing to merge with, such as a site smaller than
        the unit.
    """
    views = views_of(len(coverage.years), legend, settings, margin=0.0)
    tables = [_of_view(coverage, view, legend) for view in views]
    return pd.concat(tables, ignore_index=True)


def _rooms(coverage: Coverage) -> tuple[Floats, Bools]:
    """Area of the land around each polygon up to frozen ones, m², and whether it is frozen.

    Infinite where no polygon is frozen, or the polygon itself is.
    """
    frame = coverage.frame
    count = len(frame)
    if FROZEN not in frame:
        return np.full(count, np.inf), np.zeros(count, bool)
    frozen = frame[FROZEN].to_numpy()
    first, second, _, _ = shared_edges(frame.geometry.to_numpy())
    open_ = ~frozen[first] & ~frozen[second]
    group = components(count, first[open_], second[open_])
    held = np.zeros(count, bool)  # groups that border on a frozen polygon
    held[group[first[frozen[second]]]] = held[group[second[frozen[first]]]] = True
    room = np.bincount(group, shapely.area(frame.geometry.to_numpy()))[group]
    return np.where(frozen | ~held[group], np.inf, room), frozen


def cluster_areas(codes: NDArray[np.integer], area: Floats, first: Ints, second: Ints) -> Floats:
    """Area of the larger cluster of changes that each is in, m²; 0 where it is alone.

    Parameters
    ----------
    codes
        Code of each change in both years, shape (n, 2).
    area
        Its area, m², shape (n,).
    first, second
        Changes that share a border.
    """
    best = np.zeros(len(area))
    for year in range(2):
        same = codes[first, year] == codes[second, year]
        group = components(len(area), first[same], second[same])
        total = np.bincount(group, area)
        total[np.bincount(group) == 1] = 0.0
        best = np.maximum(best, total[group])
    return best


def _of_view(coverage: Coverage, view: View, legend: Legend) -> pd.DataFrame:
    years = [coverage.years[y] for y in view.years]
    name = "change" if view.is_change else f"status_{years[0]}"
    codes = coverage.frame[[coverage.column(y) for y in years]].to_numpy()
    keys = coverage.keys([coverage.column(y) for y in years])
    shapes = coverage.frame.geometry.to_numpy()
    room, frozen = _rooms(coverage)
    if view.is_change:
        differ = codes[:, 0] != codes[:, 1]
        codes, keys, shapes = codes[differ], keys[differ], shapes[differ]
        room, frozen = room[differ], frozen[differ]
    shapes, example = dissolve(shapes, keys)
    last = codes[example, -1]
    indices = legend.encode(last)
    first, second, border, rim = shared_edges(shapes)
    area = shapely.area(shapes)
    cluster = np.zeros(len(shapes))
    if view.is_change:
        beside = border > CONTACT
        cluster = cluster_areas(codes[example], area, first[beside], second[beside])
    rows = []
    for n in np.flatnonzero(area < view.area):
        around = [*indices[second[first == n]], *indices[first[second == n]]]
        reason = exemption(
            view,
            int(indices[n]),
            float(area[n]),
            float(rim[n]),
            (int(c) for c in around),
            float(cluster[n]),
        )
        if reason is None and frozen[example[n]]:
            reason = FROZEN
        elif reason is None and room[example[n]] - area[n] < _ROUNDING:
            reason = "between_frozen"
        x, y = shapely.get_coordinates(shapely.point_on_surface(shapes[n]))[0]
        rows.append((name, int(last[n]), area[n] / HECTARE, x, y, reason or ""))
    return pd.DataFrame(rows, columns=["view", "code", "area_ha", "x", "y", "exception"])
