"""Rows of trees and tracks along the borders of fields."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.simulate._canvas import Canvas
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import fractal, hash3, unit
from bocage.simulate._parcels import Parcels
from bocage.simulate._tables import Region, cover_index, land_index

TRACKS = 0.14
"""Share of the field borders with a track."""


@njit(cache=True)
def _mark(
    label: NDArray[np.int32],
    farm: NDArray[np.bool_],
    hedges: float,
    tracks: float,
    seed: int,
    out: NDArray[np.uint8],
) -> None:
    """Mark borders: 0 nothing, 1 … 4 a hedge of that radius in pixels, 9 a track."""
    rows, columns = label.shape
    for r in range(rows - 1):
        for c in range(columns - 1):
            if not farm[r, c]:
                continue
            for k in range(2):
                rr, cc = r + k, c + 1 - k
                a, b = label[r, c], label[rr, cc]
                if a == b:
                    continue
                h = hash3(min(a, b), max(a, b), seed)
                draw = unit(h)
                if draw < hedges and (farm[rr, cc] or draw < 0.3 * hedges):
                    out[r, c] = 1 + int(4 * unit(hash3(h, 1, seed)) ** 1.4)
                elif draw < hedges + tracks and farm[rr, cc]:
                    out[r, c] = 9


def paint_hedges(
    canvas: Canvas,
    fields: Parcels,
    farm: NDArray[np.bool_],
    domain: Domain,
    region: Region,
    seed: Seed,
) -> None:
    """Grow rows of trees 7 to 22 m wide along some borders, with gaps, and tracks along others."""
    marks = np.zeros(fields.label.shape, np.uint8)
    _mark(fields.label, farm, region.hedges, TRACKS, seed.at("hedges"), marks)
    axis = domain.axis(FINE)
    closed = fractal(axis, axis, 90, seed.at("hedges", "gaps"), octaves=2) > -1.1
    index = land_index()
    open_land = farm & ~np.isin(canvas.land, [index["fishpond"], index["reservoir"]])
    first = canvas.new_objects(fields.angle.tolist())
    for radius in range(1, 5):
        grown = _grow(marks == radius, radius) & closed & open_land
        canvas.land[grown] = index["treeline"]
        canvas.obj[grown] = first + fields.label[grown]
    track = ndimage.binary_dilation(marks == 9) & (canvas.land != index["treeline"])
    canvas.cover[track] = cover_index()["track"]


def _grow(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    if not mask.any():
        return mask
    side = np.arange(-radius, radius + 1)
    disk = np.hypot(side[:, None], side[None, :]) <= radius + 0.3
    grown: NDArray[np.bool_] = ndimage.binary_dilation(mask, disk)
    return grown
