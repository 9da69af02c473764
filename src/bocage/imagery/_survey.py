"""How the light of each day falls on the slopes of a whole area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pystac
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.grid import geobox
from bocage.imagery._angles import sun_of
from bocage.imagery._days import by_day, merge_day, touching
from bocage.imagery._ground import Ground, load_ground
from bocage.imagery._light import (
    LEAST_CELLS,
    LEAST_COSINE,
    LEAST_SLOPE,
    Lighting,
    Response,
    fit_response,
)
from bocage.imagery._screen import SHADOW_BANDS, snow
from bocage.imagery._series import standing_in
from bocage.imagery._settings import ImagerySettings, window

CELLS = 250_000
"""Cells that an area is looked at in, as far as they are 20 to 100 m wide."""

_FINEST, _COARSEST = 20, 100


def survey_lighting(
    items: Sequence[pystac.Item],
    heights: Path | str,
    bounds_3035: tuple[float, float, float, float],
    settings: ImagerySettings,
    year: int,
) -> Lighting:
    """Find how the light of each day falls on the slopes of an area.

    One response a band and day for the whole area, from all its clear cells on slopes without snow:
    blocks that share them fit together.

    Parameters
    ----------
    items
        As `search` gives them.
    heights
        Raster of heights in metres.
    bounds_3035
        West, south, east, north of the area in metres, EPSG:3035.
    settings, year
        Bands, mask and window.

    Returns
    -------
    Lighting
        Responses by day and band. A day with fewer than 50 such cells has none.

    Raises
    ------
    InputError
        If an item does not say where the sun stood.
    """
    grid = _cells(bounds_3035)
    ground = load_ground(heights, grid)
    found: dict[str, dict[str, Response]] = {}
    for day, _, group in by_day(touching(items, grid), window(settings, year)):
        parts = [_slopes(item, grid, ground, settings) for item in group]
        values = np.concatenate([v for v, _ in parts], axis=1)
        cosine = np.concatenate([c for _, c in parts])
        if cosine.size >= LEAST_CELLS:
            rows = zip(settings.bands, values, strict=True)
            found[day.isoformat()] = {band: fit_response(row, cosine) for band, row in rows}
    return found


def _cells(bounds: tuple[float, float, float, float]) -> GeoBox:
    west, south, east, north = bounds
    wide = math.sqrt((east - west) * (north - south) / CELLS)
    return geobox(bounds, min(_COARSEST, max(_FINEST, 10 * math.ceil(wide / 10))))


def _slopes(
    item: pystac.Item, grid: GeoBox, ground: Ground, settings: ImagerySettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Reflectance (band, cell) and cosine of the incidence of the cells that tell of the light."""
    cosine = ground.cosine(sun_of(item))
    merged = merge_day([item], grid, settings)
    if merged is None:
        return np.empty((len(settings.bands), 0), np.float32), np.empty(0, np.float32)
    tell = np.isfinite(merged.image[0]) & (cosine > LEAST_COSINE)
    tell &= ground.up < math.cos(math.radians(LEAST_SLOPE))
    names = standing_in(settings.bands)
    if all(b in names for b in SHADOW_BANDS):
        image = {b: merged.image[settings.bands.index(names[b])] for b in SHADOW_BANDS}
        tell &= ~snow(image)
    return merged.image[:, tell], cosine[tell]
