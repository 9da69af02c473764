"""Places in a block where a cube of points may lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.grid import FINE
from bocage.samples._fuse import Fused
from bocage.samples._rules import SamplingRules


@dataclass(frozen=True)
class Fields:
    """What the draw looks at, arrays (y, x) over the block with its halo."""

    ids: NDArray[np.uint16]
    depth: NDArray[np.float32]
    patch: NDArray[np.int32]
    central: NDArray[np.bool_]
    random: NDArray[np.bool_]
    most: tuple[int, ...]  # cubes in a cell, by label id


def fields_of(fused: Fused, allowed: NDArray[np.bool_], rules: SamplingRules) -> Fields:
    """Put together what the draw looks at; no cube's centre lies outside `allowed`."""
    depth = border_distance(fused.ids)
    central = _limits(fused.sets, rules.centroid_border_m, rules)[fused.ids] <= depth
    patch, _ = ndimage.label(central)
    random = _limits(fused.sets, rules.random_border_m, rules)[fused.ids] <= depth
    most = (0, *(rules.cubes_of(label) for label in fused.sets))
    return Fields(fused.ids, depth, patch, central & allowed, random & allowed, most)


def _limits(
    sets: tuple[tuple[int, ...], ...], distance: float, rules: SamplingRules
) -> NDArray[np.float32]:
    """Least depth of a cube's centre by label id, metres."""
    inside = (reach(rules) + 0.5) * FINE
    protected = set(rules.protected)
    depths = [
        inside if set(allowed) <= protected else max(distance, rules.ring_m, inside)
        for allowed in sets
    ]
    return np.array([np.inf, *depths], dtype=np.float32)


def reach(rules: SamplingRules) -> int:
    """Pixels from the centre of a cube to the pixels of its outermost points."""
    return int((rules.points_per_side - 1) / 2 * rules.point_offset_m / FINE + 0.5)


def border_distance(ids: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Distance from each pixel centre to the border of its label, metres, (y, x).

    The edge of the array is no border; without any border the distance is infinite.
    """
    border = np.zeros(ids.shape, dtype=bool)
    for low, high in (
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        differs = ids[low] != ids[high]
        border[low] |= differs
        border[high] |= differs
    if not border.any():
        return np.full(ids.shape, np.inf, dtype=np.float32)
    # A border pixel's centre is half a pixel from the border itself.
    distance = ndimage.distance_transform_edt(~border, sampling=FINE) + FINE / 2
    return np.asarray(distance, dtype=np.float32)


def allowed_places(
    area: BaseGeometry,
    exclude: BaseGeometry | None,
    shape: tuple[int, ...],
    transform: Affine,
    reach: int,
) -> NDArray[np.bool_]:
    """Pixels that may be the centre of a cube: the cube is inside the area, clear of the taboo."""
    if area.is_empty:
        return np.zeros(shape, dtype=bool)
    # A cube is wider than the pixels of its points: one pixel more on every side.
    cube = np.ones((2 * reach + 3,) * 2, dtype=bool)
    inside = rasterize([(area, 1)], shape, transform=transform, dtype="uint8").astype(bool)
    centre = np.asarray(ndimage.binary_erosion(inside, cube))
    if exclude is not None and not exclude.is_empty:
        taboo = rasterize(
            [(exclude, 1)], shape, transform=transform, dtype="uint8", all_touched=True
        ).astype(bool)
        centre &= ~ndimage.binary_dilation(taboo, cube)
    return centre
