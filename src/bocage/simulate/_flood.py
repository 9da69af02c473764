"""Floods: the main river on the low land beside it. The truth stays what it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.features import rasterize
from scipy import ndimage

from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import FloatArray
from bocage.simulate._tables import covers, endmembers
from bocage.simulate._streams import STEP

REACH_M = 1800.0
"""How far from the river its floods reach at most."""

HIGHEST_M = 3.5
"""Highest stage of a flood above the river."""

HIDDEN_BY_TREES = 0.65
"""Share of the water that the trees and shrubs above it hide."""

TURBID = ("water_turbid", "water_turbid", "soil")
"""Endmembers of flood water: it carries soil."""


@dataclass(frozen=True)
class FloodPlain:
    """The land that the main river may flood.

    Attributes
    ----------
    rise
        Height above the river where it is nearest, metres, float32 on the landscape's grid
        of 20 m; infinite out of its reach.
    """

    rise: FloatArray

    def stage(self, share: float) -> float:
        """Height of the water above the river that floods a share of the square; 0: none."""
        low = np.sort(self.rise[np.isfinite(self.rise)])
        count = round(share * self.rise.size)
        if share <= 0 or count < 1 or low.size == 0:
            return 0.0
        return min(HIGHEST_M, float(low[min(count, low.size - 1)]))

    def depth(self, stage: float) -> FloatArray:
        """Share of each cell under water that is joined to the river, 0 … 1."""
        if stage <= 0:
            return np.zeros(self.rise.shape, np.float32)
        wet = self.rise < stage
        parts, _ = ndimage.label(wet)
        river = np.unique(parts[self.rise <= 0])
        joined = wet & np.isin(parts, river[river > 0])
        # The shore is soft over half a metre of height: the relief is coarse.
        share = np.clip((stage - self.rise) / 0.5, 0, 1)
        return np.where(joined, share, 0).astype(np.float32)


def flood_plain(landscape: Landscape) -> FloodPlain:
    """The land beside the main river by its height above it."""
    height = landscape.height.astype(np.float32)
    lines = [s.line for s in landscape.streams if s.main]
    if not lines:
        return FloodPlain(np.full(height.shape, np.inf, np.float32))
    river = rasterize(
        lines,
        height.shape,
        transform=landscape.domain.local_affine(STEP),
        all_touched=True,
        dtype="uint8",
    )
    if not river.any():
        return FloodPlain(np.full(height.shape, np.inf, np.float32))
    away, (rows, columns) = ndimage.distance_transform_edt(river == 0, return_indices=True)
    # The water is level across the river and falls gently along it.
    weight = ndimage.gaussian_filter((river > 0).astype(np.float32), 6)
    level = ndimage.gaussian_filter(np.where(river > 0, height, 0), 6) / np.maximum(weight, 1e-9)
    rise = height - level[rows, columns]
    rise = np.where(river > 0, np.minimum(rise, 0), np.maximum(rise, 0.05))
    return FloodPlain(np.where(away * STEP <= REACH_M, rise, np.inf).astype(np.float32))


def water_hidden() -> FloatArray:
    """Share of flood water that each cover hides, shape (cover,)."""
    woody = np.array([c.herb == 0 and c.shade >= 0.1 for c in covers()])
    return np.where(woody, HIDDEN_BY_TREES, 0).astype(np.float32)


def flood_water() -> FloatArray:
    """Reflectance of flood water in ``_tables.BANDS``."""
    mean: FloatArray = np.mean([endmembers()[key] for key in TURBID], axis=0, dtype=np.float32)
    return mean
