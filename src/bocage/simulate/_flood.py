"""Floods: the main river on the low land beside it. The truth stays what it is."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage

from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import FloatArray
from bocage.simulate._streams import STEP
from bocage.simulate._tables import covers, endmembers

REACH_M = 1800.0
"""How far from the river its floods reach at most."""

HIGHEST_M = 3.5
"""Highest stage of a flood above the river."""

SHORE_M = 0.4
"""Height in metres over which the share of water falls to nothing at the shore."""

FALL = 1 / 600
"""Fall of the flood away from the river: water needs time to get there."""

HIDDEN_BY_TREES = 0.65
"""Share of the water that the trees and shrubs above it hide."""

TURBID = ("water_turbid", "water_estuary")
"""Endmembers that flood water is mixed of: it carries much soil."""


@dataclass(frozen=True)
class FloodPlain:
    """The land that the main river may flood.

    Attributes
    ----------
    rise
        How high the river must stand above its usual level for its water to find a way to a
        place, metres, float32 on the landscape's grid of 20 m: 0 in the river, infinity out of
        its reach.
    """

    rise: FloatArray

    def stage(self, share: float) -> float:
        """Stage of the river in metres that floods about a share of the square; 0: none."""
        low = np.sort(self.rise[np.isfinite(self.rise) & (self.rise > 0)])
        count = round(share * self.rise.size)
        if count < 1 or low.size == 0:
            return 0.0
        return min(HIGHEST_M, float(low[min(count, low.size) - 1]))

    def depth(self, stage: float) -> FloatArray:
        """Share of each cell under water, 0 … 1: the shore is soft, as the relief is coarse."""
        if stage <= 0:
            return np.zeros(self.rise.shape, np.float32)
        share: FloatArray = np.clip((stage - self.rise) / SHORE_M + 0.5, 0, 1).astype(np.float32)
        return share


def flood_plain(landscape: Landscape) -> FloodPlain:
    """The land beside the main river by the stage at which its water gets there.

    The water is level across the river. It spreads over the lowest ground first (a priority
    flood, Barnes et al. 2014), and loses `FALL` on its way.
    """
    height = landscape.height.astype(np.float32)
    lines = [s.line for s in landscape.streams if s.main]
    none = FloodPlain(np.full(height.shape, np.inf, np.float32))
    if not lines:
        return none
    river = rasterize(
        lines,
        height.shape,
        transform=landscape.domain.local_affine(STEP),
        all_touched=True,
        dtype="uint8",
    )
    if not river.any():
        return none
    away, (rows, columns) = ndimage.distance_transform_edt(river == 0, return_indices=True)
    weight = ndimage.gaussian_filter((river > 0).astype(np.float32), 6)
    level = ndimage.gaussian_filter(np.where(river > 0, height, 0), 6) / np.maximum(weight, 1e-9)
    above = np.maximum(height - level[rows, columns], 0) + away * (STEP * FALL)
    above = np.where(river > 0, 0, above)
    above[away * STEP > REACH_M] = np.inf
    out = np.full(height.shape, np.inf, np.float32)
    _spread(above.astype(np.float32), out)
    return FloodPlain(out)


@njit(cache=True, nogil=True)
def _spread(above: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Least stage at which water gets to each cell: the highest of the lowest way there."""
    rows, columns = above.shape
    heap = [(np.float32(0), np.int64(-1))]
    heap.pop()
    for r in range(rows):
        for c in range(columns):
            if above[r, c] == 0:
                out[r, c] = 0
                heapq.heappush(heap, (np.float32(0), np.int64(r * columns + c)))
    while len(heap) > 0:
        level, cell = heapq.heappop(heap)
        r, c = cell // columns, cell % columns
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                rr, cc = r + dr, c + dc
                if 0 <= rr < rows and 0 <= cc < columns and math.isinf(out[rr, cc]):
                    if math.isinf(above[rr, cc]):
                        continue
                    out[rr, cc] = max(level, above[rr, cc])
                    heapq.heappush(heap, (out[rr, cc], np.int64(rr * columns + cc)))


def water_hidden() -> FloatArray:
    """Share of flood water that each cover hides, shape (cover,)."""
    woody = np.array([c.herb == 0 and c.shade >= 0.1 for c in covers()])
    return np.where(woody, HIDDEN_BY_TREES, 0).astype(np.float32)


def flood_water() -> FloatArray:
    """Reflectance of flood water in ``_tables.BANDS``."""
    mean: FloatArray = np.mean([endmembers()[key] for key in TURBID], axis=0, dtype=np.float32)
    return mean
