"""What covers every pixel of 2.5 m: fields carry a crop, towns roofs and gardens, woods crowns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import fractal, hash3, uniform, unit
from bocage.simulate._parcels import STREET_U, STREET_V
from bocage.simulate._tables import cover_index, lands

PATTERNS = ("object", "crop", "noise", "rows", "plots", "town", "hall")
"""How the covers of a kind of land are arranged."""

GRAINS = ((10.0, 15.0), (22.0, 34.0), (1e9, 80.0))
"""Largest grain and wavelength in metres of the fields that mix covers."""

MOST = 8
"""Most covers that one kind of land is made of."""


@dataclass(frozen=True)
class Recipe:
    """Tables that the painter reads, one row a kind of land."""

    pattern: NDArray[np.int64]
    grain: NDArray[np.float32]
    field: NDArray[np.int64]
    share: NDArray[np.float32]
    cover: NDArray[np.uint8]


def recipe(mixtures: Mapping[str, Mapping[str, float]]) -> Recipe:
    """Tables of the painter from the mixtures of a region."""
    kinds, index = lands(), cover_index()
    share = np.ones((len(kinds), MOST), np.float32)
    cover = np.zeros((len(kinds), MOST), np.uint8)
    for i, kind in enumerate(kinds):
        parts = mixtures[kind.key]
        total = np.cumsum(list(parts.values())) / sum(parts.values())
        share[i, : len(parts)] = total
        names = [index[c] for c in parts]
        cover[i] = names + [names[-1]] * (MOST - len(names))
    return Recipe(
        pattern=np.array([PATTERNS.index(k.pattern) for k in kinds]),
        grain=np.array([k.grain_m for k in kinds], np.float32),
        field=np.array(
            [next(n for n, (g, _) in enumerate(GRAINS) if k.grain_m <= g) for k in kinds]
        ),
        share=share,
        cover=cover,
    )


def mixing_fields(domain: Domain, seed: Seed) -> NDArray[np.uint8]:
    """Fields that mix covers within an object, uniform in 0 … 255, shape (grain, y, x)."""
    axis = domain.axis(FINE)
    out = np.empty((len(GRAINS), axis.size, axis.size), np.uint8)
    for i, (_, wavelength) in enumerate(GRAINS):
        field = fractal(axis, axis, wavelength, seed.at("mixing", i), octaves=2, gain=0.6)
        out[i] = (uniform(field) * 255.99).astype(np.uint8)
    return out


@njit(cache=True)
def _plot(u: float, v: float, wide: float, long: float, seed: int) -> int:
    """Hash of the cell of a rotated grid that a place lies in."""
    return hash3(math.floor(u / wide), math.floor(v / long), seed)


@njit(cache=True)
def _built(u: float, v: float, hall: bool, field: float, seed: int) -> int:
    """Part of a block: 0 street, 1 or 2 a roof, 3 or 4 a garden."""
    s, t = u % STREET_U, v % STREET_V
    street = 9.0 if hall else 6.0
    if s < street or t < street:
        return 0
    wide, deep = (27.0, 43.0) if hall else (14.5, 18.0)
    lot = _plot(u, v, wide, deep, seed)
    a, b = u % wide, v % deep
    if (2.5 < a < wide - 2.5) and (3.0 < b < deep - 3.5) and unit(lot) < 0.74:
        return 1 if unit(hash3(lot, 3, seed)) < 0.7 else 2
    if hall:
        return 0 if field < 0.5 else (3 if field < 0.85 else 4)
    return 3 if field < 0.64 else 4


@njit(cache=True)
def _paint(
    land: NDArray[np.uint8],
    obj: NDArray[np.int32],
    angle: NDArray[np.float32],
    fields: NDArray[np.uint8],
    tables: tuple[
        NDArray[np.int64],
        NDArray[np.float32],
        NDArray[np.int64],
        NDArray[np.float32],
        NDArray[np.uint8],
    ],
    year: int,
    seed: int,
    out: NDArray[np.uint8],
) -> None:
    pattern, grain, field, share, cover = tables
    rows, columns = land.shape
    for r in range(rows):
        for c in range(columns):
            if out[r, c] != 255:
                continue
            k = land[r, c]
            o = obj[r, c]
            p = pattern[k]
            h = hash3(o, 11, seed)
            f = (fields[field[k], r, c] + 0.5) / 256.0
            y, x = (r + 0.5) * 2.5, (c + 0.5) * 2.5
            u = -x * math.sin(angle[o]) + y * math.cos(angle[o])
            v = x * math.cos(angle[o]) + y * math.sin(angle[o])
            if p == 0:
                draw = unit(h)
            elif p == 1:
                draw = unit(hash3(o, year, seed))
            elif p == 2:
                # Objects differ in the shares of what they are made of.
                draw = min(max(f + 0.36 * (unit(h) - 0.5), 0.0), 0.9999)
            elif p == 3:
                draw = (u % grain[k]) / grain[k]
                if draw >= share[k, 0]:
                    draw = share[k, 0] + f * (0.9999 - share[k, 0])
                elif unit(h) < 0.5 and f < 0.15:
                    draw = 0.9999
            elif p == 4:
                draw = unit(_plot(u, v, grain[k], 2.6 * grain[k], o))
            else:
                out[r, c] = cover[k, _built(u, v, p == 6, f, seed)]
                continue
            n = 0
            while n < 7 and draw > share[k, n]:
                n += 1
            out[r, c] = cover[k, n]


def paint_covers(
    landscape: Landscape, fields: NDArray[np.uint8], year: int, seed: Seed
) -> NDArray[np.uint8]:
    """Cover of each pixel in a year: crops rotate, everything else stays.

    Parameters
    ----------
    landscape
        The landscape of that year.
    fields
        See `mixing_fields`.
    """
    table = recipe(landscape.region.mixtures)
    out = landscape.cover.copy()
    _paint(
        landscape.land,
        landscape.obj,
        landscape.angle,
        fields,
        (table.pattern, table.grain, table.field, table.share, table.cover),
        year,
        seed.at("covers"),
        out,
    )
    return out
