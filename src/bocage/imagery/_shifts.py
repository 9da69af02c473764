"""How far the images of each day lie beside the others, found once for a whole area."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from bocage.files import existing, write_text
from bocage.grid import CRS, NATIVE

SMOOTH_M = 25_000.0
"""Metres over which the shifts of a day are averaged: within a granule they hardly change."""

Shift = tuple[float, float]


@dataclass(frozen=True)
class Shifts:
    """Where the images of each day lie in an area.

    Attributes
    ----------
    places
        Easting and northing in metres, EPSG:3035, of the places where shifts were found.
    days
        By day (as in 2021-06-30), at each place: by how many pixels of 10 m the images must be
        moved down and to the right to lie on the others; None where the day does not show it.
    """

    places: tuple[tuple[float, float], ...]
    days: Mapping[str, tuple[Shift | None, ...]]

    def at(self, grid: GeoBox) -> dict[str, Shift]:
        """Rows and columns of a grid by which the images of each day must be moved.

        Mean of the places around the middle of the grid, each weighted by a Gaussian of its
        distance: it varies so little from a block to the next that they fit together.
        """
        middle = grid.extent.to_crs(CRS).centroid.coords[0]
        apart = np.hypot(*(np.array(self.places).reshape(-1, 2) - middle).T)
        nearness = -0.5 * np.square(apart / SMOOTH_M)
        found = {}
        for day, shifts in self.days.items():
            known = np.array([s is not None for s in shifts], dtype=bool)
            if not known.any():
                continue
            weights = np.exp(nearness[known] - nearness[known].max())
            mean = weights @ np.array([s for s in shifts if s is not None]) / weights.sum()
            found[day] = (float(mean[0]), float(mean[1]))
        return found if grid.crs == CRS else _turned(found, middle, grid)


def save_shifts(shifts: Shifts, path: Path | str) -> Path:
    """Write what `survey_shifts` found as JSON; the file appears whole or not at all."""
    plain = {"places": shifts.places, "days": shifts.days}
    return write_text(path, json.dumps(plain, indent=1) + "\n")


def load_shifts(path: Path | str) -> Shifts:
    """Read what `save_shifts` wrote."""
    plain = json.loads(existing(path, "shifts").read_text(encoding="utf-8"))
    return Shifts(
        tuple((x, y) for x, y in plain["places"]),
        {day: tuple(s and (s[0], s[1]) for s in at) for day, at in plain["days"].items()},
    )


def _turned(shifts: Mapping[str, Shift], middle: Shift, grid: GeoBox) -> dict[str, Shift]:
    """Shifts in EPSG:3035 as those of a grid whose north is another."""
    down, right = np.array(list(shifts.values())).reshape(-1, 2).T * NATIVE
    there = Transformer.from_crs(CRS, str(grid.crs), always_xy=True)
    x, y = there.transform(middle[0] + np.append(right, 0), middle[1] - np.append(down, 0))
    columns, rows = ~grid.affine @ (x, y)
    moved = zip(rows[:-1] - rows[-1], columns[:-1] - columns[-1], strict=True)
    return {day: (float(d), float(r)) for day, (d, r) in zip(shifts, moved, strict=True)}
