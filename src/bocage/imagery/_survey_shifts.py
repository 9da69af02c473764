"""Finding how far the images of each day lie beside the others in a whole area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import bottleneck as bn
import numpy as np
import pystac
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.grid import NATIVE, Block, geobox
from bocage.imagery._days import touching
from bocage.imagery._mosaic import gather
from bocage.imagery._observations import Observations
from bocage.imagery._register import REGISTER_BANDS
from bocage.imagery._series import STILL, found_shifts, rule_out
from bocage.imagery._settings import ImagerySettings, window
from bocage.imagery._shifts import Shift, Shifts

CELL_M = 5_000
"""Side of the cells in metres of which one place each is looked at."""

PLACE_M = 2_000
"""Side of a place in metres, around the middle of a block."""

APART = 0.25
"""Pixels by which a shift may differ from that of its day: beyond, its correlation has failed."""

_ROUNDS = 20  # medians of days and of places in turn


def survey_shifts(
    items: Sequence[pystac.Item], blocks: Sequence[Block], settings: ImagerySettings, year: int
) -> Shifts:
    """Find how far the images of each day lie beside the median of all, in a whole area.

    Parameters
    ----------
    items
        As `search` gives them.
    blocks
        Blocks of the area; in every cell of 5 km the one nearest to its middle is looked at.
    settings, year
        Mask, screening and window.

    Returns
    -------
    Shifts
        Blocks that share them fit together. A day that is too cloudy everywhere has none, and
        there are none where no band has pixels of 10 m.

    Raises
    ------
    InputError
        As for `monthly_mosaic`.
    """
    places = _places(blocks)
    found = [_found(items, box, settings, year) for box in places]
    days = sorted(set().union(*found))
    values = np.array([[at.get(day, (np.nan, np.nan)) for at in found] for day in days])
    settled = _settled(values.reshape(len(days), len(places), 2))
    return Shifts(
        tuple(box.extent.centroid.coords[0] for box in places),
        {
            day: tuple(None if np.isnan(s[0]) else (round(s[0], 4), round(s[1], 4)) for s in at)
            for day, at in zip(days, settled.tolist(), strict=True)
        },
    )


def _places(blocks: Sequence[Block]) -> list[GeoBox]:
    """Grids of the ground that is looked at."""
    nearest: dict[tuple[int, int], tuple[float, float, float]] = {}
    for block in blocks:
        x, y = block.west + block.size / 2, block.south + block.size / 2
        cell = math.floor(x / CELL_M), math.floor(y / CELL_M)
        away = math.hypot(x % CELL_M - CELL_M / 2, y % CELL_M - CELL_M / 2)
        nearest[cell] = min(nearest.get(cell, (math.inf, x, y)), (away, x, y))
    half = PLACE_M / 2
    return [
        geobox((x - half, y - half, x + half, y + half), NATIVE)
        for _, (_, x, y) in sorted(nearest.items())
    ]


def _found(
    items: Sequence[pystac.Item], grid: GeoBox, settings: ImagerySettings, year: int
) -> dict[str, Shift]:
    """Shift of each day beside the median of all at one place."""
    bands = tuple(b for b in settings.bands if b in REGISTER_BANDS)
    if not bands:
        return {}
    plain = replace(settings, bands=bands, illumination="none", brdf="none")
    near = touching(items, grid)
    with Observations(bands, (grid.shape.y, grid.shape.x)) as seen:
        dates = gather(near, window(settings, year), grid, plain, None, seen)
        rule_out(seen, plain, dates)
        shifts = zip(dates, found_shifts(seen), strict=True)
        return {entry["date"]: shift for entry, shift in shifts if shift is not None}


def _settled(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shifts (day, place, 2) as if all places had been compared with the same image.

    The median of a place lies where the days that are clear there lie: how far it lies beside
    those of the others is taken off by median polish (Tukey 1977, Exploratory Data Analysis).
    The median day does not move, nor does one whose shift is too small to tell.
    """
    beside = np.zeros(found.shape[1:])
    for _ in range(_ROUNDS):
        usual = bn.nanmedian(found - beside, axis=1)
        usual -= bn.nanmedian(usual, axis=0)
        beside = np.nan_to_num(bn.nanmedian(found - usual[:, None], axis=0))
    settled = found - beside
    settled[np.hypot(*np.moveaxis(settled - usual[:, None], -1, 0)) > APART] = np.nan
    settled[(np.hypot(*usual.T) <= STILL)[:, None] & np.isfinite(settled[..., 0])] = 0
    return settled
