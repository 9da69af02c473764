"""Parcels: strips of fields, stands of natural land, and blocks between the streets of a town."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray, IntArray, cells, fractal, hash3, unit
from bocage.simulate._tables import Region
from bocage.simulate._towns import Town

LEAST_PARCEL_M2 = 1500
"""Smaller remnants join the parcel beside them."""


@dataclass(frozen=True)
class Parcels:
    """A partition of the square.

    Attributes
    ----------
    label
        Number of the parcel of each pixel, int32 from 0, dense, shape (y, x).
    angle
        Direction of its rows in radians, one a parcel.
    """

    label: IntArray
    angle: FloatArray

    @property
    def count(self) -> int:
        """Number of parcels."""
        return len(self.angle)


def dense(label: NDArray[np.int64]) -> tuple[IntArray, NDArray[np.int64]]:
    """Number labels from 0 in the order in which they appear; also the label of each number."""
    codes, names = pd.factorize(label.ravel())
    return codes.astype(np.int32).reshape(label.shape), np.asarray(names, np.int64)


def field_parcels(domain: Domain, region: Region, seed: Seed) -> Parcels:
    """Farmland: areas with one direction, cut into strips, cut into fields."""
    axis = domain.axis(FINE)
    wobble = seed.at("fields", "wobble")
    warp_y = 22 * fractal(axis, axis, 420, wobble, octaves=2)
    warp_x = 22 * fractal(axis, axis, 420, wobble + 9, octaves=2)
    reach = 4.6 * math.sqrt(region.field_m[0] * region.field_m[1])
    nearest = cells(warp_y, warp_x, FINE, reach, seed.at("fields", "areas"))
    area, names = dense(nearest.astype(np.int64))
    turn = seed.rng("fields", "angle").uniform(0, math.pi)
    jitter = seed.rng("fields", "turn").normal(0, 0.5, len(names))
    angle = (turn + jitter).astype(np.float32)
    key = np.empty(area.shape, np.int64)
    width, length = region.field_m
    _strips(area, angle, warp_y * 0.3, warp_x * 0.3, FINE, width, length, wobble, key)
    label, keys = dense(key)
    label = _join_small(label, len(keys), seed)
    label, kept = dense(label.astype(np.int64))
    return Parcels(label, angle[(keys[kept] >> 32).astype(int)])


@njit(cache=True)
def _strips(
    area: NDArray[np.int32],
    angle: NDArray[np.float32],
    warp_y: NDArray[np.float32],
    warp_x: NDArray[np.float32],
    step: float,
    width: float,
    length: float,
    seed: int,
    out: NDArray[np.int64],
) -> None:
    rows, columns = area.shape
    for r in range(rows):
        for c in range(columns):
            a = area[r, c]
            y = (r + 0.5) * step + warp_y[r, c]
            x = (c + 0.5) * step + warp_x[r, c]
            u = -x * math.sin(angle[a]) + y * math.cos(angle[a])
            v = x * math.cos(angle[a]) + y * math.sin(angle[a])
            # Farms differ: an area has strips of its own width.
            wide = width * (0.55 + 0.95 * unit(hash3(a, 1, seed)))
            strip = math.floor(u / wide)
            h = hash3(a, strip + 5000, seed)
            edge = (unit(h) - 0.5) * 0.5
            if u / wide - strip < edge:
                strip -= 1
                h = hash3(a, strip + 5000, seed)
            long = length * (0.5 + 1.0 * unit(hash3(h, 2, seed)))
            piece = math.floor(v / long + unit(hash3(h, 3, seed)))
            # Where a parcel is shared between heirs it is cut once more along its length.
            half = 0
            if unit(hash3(h, piece + 5000, seed)) < 0.25:
                half = int(u / wide - strip > 0.5)
            out[r, c] = (np.int64(a) << 32) | (hash3(h, piece * 2 + half + 9000, seed) & 0x7FFFFFFF)


def _join_small(label: IntArray, count: int, seed: Seed) -> IntArray:
    """Give the pixels of remnants to the nearest parcel that is large enough."""
    size = np.bincount(label.ravel(), minlength=count) * FINE**2
    small = size[label] < LEAST_PARCEL_M2
    if not small.any() or small.all():
        return label
    rows, columns = ndimage.distance_transform_edt(
        small, return_distances=False, return_indices=True
    )
    joined: IntArray = label[rows, columns]
    return joined


def stand_parcels(domain: Domain, seed: Seed) -> Parcels:
    """Natural land: patches of some hectares with curling borders, a few of them large."""
    axis = domain.axis(FINE)
    wobble = seed.at("stands", "wobble")
    warp_y = 34 * fractal(axis, axis, 190, wobble, octaves=4)
    warp_x = 34 * fractal(axis, axis, 190, wobble + 9, octaves=4)
    fine = cells(warp_y, warp_x, FINE, 165, seed.at("stands", "small"))
    broad = cells(warp_y, warp_x, FINE, 430, seed.at("stands", "large"))
    label, keys = dense((broad.astype(np.int64) << 32) | fine)
    # A large cell either stays whole or is cut into small ones.
    whole = seed.rng("stands", "whole").random(int(broad.max()) + 1) < 0.35
    large = keys >> 32
    merged = np.where(whole[large], large << 32, keys)
    label, keys = dense(merged[label])
    label = _join_small(label, len(keys), seed)
    label, kept = dense(label.astype(np.int64))
    angle = seed.rng("stands", "angle").uniform(0, math.pi, len(kept))
    return Parcels(label, angle.astype(np.float32))


def town_parcels(domain: Domain, towns: tuple[Town, ...]) -> tuple[Parcels, FloatArray]:
    """Blocks between the streets of each town, and how far out a pixel lies (1: at the fringe).

    Returns
    -------
    Parcels
        Label 0 is the land outside all towns.
    numpy.ndarray
        Distance to the centre over the radius, float32, 9 outside.
    """
    shape = (domain.count(FINE), domain.count(FINE))
    out = np.zeros(shape, np.int64)
    ratio = np.full(shape, 9, np.float32)
    for number, town in enumerate(towns, start=1):
        reach = 1.5 * town.radius + 60
        rows = _window(town.y, reach, shape[0])
        columns = _window(town.x, reach, shape[1])
        y = (np.arange(rows.start, rows.stop) + 0.5)[:, None] * FINE
        x = (np.arange(columns.start, columns.stop) + 0.5)[None, :] * FINE
        near = np.hypot(y - town.y, x - town.x) / town.radius
        u = -x * math.sin(town.angle) + y * math.cos(town.angle)
        v = x * math.cos(town.angle) + y * math.sin(town.angle)
        block = np.floor(u / STREET_U).astype(np.int64) * 65536 + np.floor(v / STREET_V).astype(int)
        nearer = near < ratio[rows, columns]
        key = (np.int64(number) << 40) + block
        out[rows, columns] = np.where(nearer, key, out[rows, columns])
        ratio[rows, columns] = np.where(nearer, near, ratio[rows, columns])
    out[ratio > 1.5] = 0
    label, keys = dense(np.concatenate([np.zeros((1, shape[1]), np.int64), out]))
    angles = np.array([0.0, *(t.angle for t in towns)], np.float32)
    # A block may have a negative position: round to the nearest town number.
    return Parcels(label[1:], angles[((keys + (1 << 39)) >> 40).astype(int)]), ratio


def _window(center: float, reach: float, count: int) -> slice:
    first = int(np.clip((center - reach) / FINE, 0, count))
    last = int(np.clip((center + reach) / FINE, 0, count))
    return slice(first, last)


STREET_U, STREET_V = 64.0, 96.0
"""Spacing of the streets of a town in metres, across and along its direction."""
