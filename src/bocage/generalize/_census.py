"""Polygons of a raster that is larger than memory: counted by tile, joined over the seams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Ints, Labels, find_root, label_keys
from bocage.generalize._widths import OUT, Keys, Spans, by_corners, core_pixels
from bocage.generalize._window import Tiles

TOP, BOTTOM, LEFT, RIGHT = range(4)
"""Sides of a tile."""


@dataclass(frozen=True)
class Shapes:
    """Size and place of some sets of pixels.

    Attributes
    ----------
    size
        Pixels whose area counts, shape (n,).
    first
        First pixel in raster order: row · columns of the raster + column, shape (n,).
    box
        First row, last row, first column and last column, shape (n, 4).
    """

    size: Ints
    first: Ints
    box: Ints

    def joined(self, group: Ints, count: int) -> Shapes:
        """Those of each group, values 0 … count - 1."""
        size, first = np.zeros(count, np.int64), np.full(count, np.iinfo(np.int64).max)
        low, high = np.full((count, 2), np.iinfo(np.int64).max), np.full((count, 2), -1)
        np.add.at(size, group, self.size)
        np.minimum.at(first, group, self.first)
        np.minimum.at(low, group, self.box[:, ::2])
        np.maximum.at(high, group, self.box[:, 1::2])
        return Shapes(size, first, np.stack([low, high], axis=2).reshape(-1, 4))


@dataclass(frozen=True)
class Count:
    """What is known of the polygons in one tile.

    Attributes
    ----------
    polygons
        They, as far as they lie in the tile.
    key
        What the pixels of each have in common, shape (n,).
    exempt
        How many more of the pixels of each are locked lines than are not, shape (n,).
    parts
        Groups of core pixels that touch, also diagonally.
    owner
        The polygon of each part, shape (p,).
    edges
        Key, polygon and part (-1 where none) of the pixels along each side, int64 (3, k).
    """

    polygons: Shapes
    key: NDArray[np.uint16]
    exempt: Ints
    parts: Shapes
    owner: Ints
    edges: tuple[Ints, ...]


def count_tile(
    keys: Keys,
    inside: Bools,
    locked: Bools,
    halo: int,
    corner: tuple[int, int],
    width: int,
    spans: Spans | None,
) -> tuple[Count, Labels]:
    """Count the polygons of a tile.

    Parameters
    ----------
    keys
        What the pixels of a polygon have in common, OUT for what is in none, shape (y, x),
        with `halo` more pixels on each side than the tile.
    inside
        Pixels whose area counts, of the same shape.
    locked
        Pixels of locked lines, of the same shape.
    halo
        At least as wide as the disc.
    corner
        First row and column of the tile in the raster.
    width
        Columns of the raster.
    spans
        Disc of the least width; None where the width does not matter.

    Returns
    -------
    Count
        What is known of them.
    numpy.ndarray
        The polygon of each pixel of the tile, -1 where none, shape (y, x).
    """
    inner = (slice(halo, keys.shape[0] - halo), slice(halo, keys.shape[1] - halo))
    own = np.ascontiguousarray(keys[inner])
    labels, count = label_keys(own, own != OUT)
    parts, groups = np.full(own.shape, -1, np.int32), 0
    if spans is not None:
        within = np.where(inside, keys, OUT).astype(np.uint16)
        core = np.ascontiguousarray(core_pixels(within, spans)[inner])
        parts, groups = _label_core(own, core, by_corners(spans))
    polygons = Shapes(*_measured(labels, inside[inner], count, *corner, width))
    found = Shapes(*_measured(parts, inside[inner], groups, *corner, width))
    sign = np.where(locked[inner], 1, -1)[labels >= 0]
    counted = Count(
        polygons=polygons,
        key=_at(own, polygons.first, corner, width),
        exempt=np.bincount(labels[labels >= 0], sign, minlength=count).astype(np.int64),
        parts=found,
        owner=_at(labels, found.first, corner, width).astype(np.int64),
        edges=tuple(
            np.stack([layer[side].astype(np.int64) for layer in (own, labels, parts)])
            for side in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1])
        ),
    )
    return counted, labels


def _at(values: Labels | Keys, first: Ints, corner: tuple[int, int], width: int) -> Keys:
    return np.asarray(values[first // width - corner[0], first % width - corner[1]])


@numba.njit(cache=True)
def _label_core(keys: Keys, core: Bools, corners: bool) -> tuple[Labels, int]:
    """Number the groups of core pixels of one key that touch, perhaps also at corners."""
    height, width = keys.shape
    labels = np.full((height, width), -1, np.int32)
    parent = np.empty(height * width + 1, np.int32)
    used = 0
    for y in range(height):
        for x in range(width):
            if not core[y, x]:
                continue
            own = -1
            for k in range(4):
                # West, north-west, north, north-east.
                if not corners and k % 2 == 1:
                    continue
                r, c = y - (k > 0), x + (k - 2 if k else -1)
                if r < 0 or not 0 <= c < width or labels[r, c] < 0 or keys[r, c] != keys[y, x]:
                    continue
                root = find_root(parent, labels[r, c])
                if own < 0:
                    own = root
                elif own != root:
                    parent[max(own, root)] = min(own, root)
                    own = min(own, root)
            if own < 0:
                own = used
                parent[used] = used
                used += 1
            labels[y, x] = own
    count = 0
    for item in range(used):
        if parent[item] == item:
            parent[item] = count
            count += 1
        else:
            parent[item] = parent[parent[item]]
    for y in range(height):
        for x in range(width):
            if labels[y, x] >= 0:
                labels[y, x] = parent[labels[y, x]]
    return labels, count


@numba.njit(cache=True)
def _measured(
    labels: Labels, inside: Bools, count: int, top: int, left: int, columns: int
) -> tuple[Ints, Ints, Ints]:
    """Pixels inside, first pixel and bounding box of each label."""
    height, width = labels.shape
    size, first = np.zeros(count, np.int64), np.full(count, -1, np.int64)
    box = np.zeros((count, 4), np.int64)
    for y in range(height):
        for x in range(width):
            own = labels[y, x]
            if own < 0:
                continue
            r, c = top + y, left + x
            if first[own] < 0:
                first[own] = r * columns + c
                box[own] = r, r, c, c
            size[own] += inside[y, x]
            box[own, 1] = r
            box[own, 2], box[own, 3] = min(box[own, 2], c), max(box[own, 3], c)
    return size, first, box


def seam_lines(tiles: Tiles, sides: Sequence[Sequence[Ints]]) -> list[tuple[Ints, Ints]]:
    """What lies on both sides of each line between tiles, along the whole raster.

    Parameters
    ----------
    tiles
        The tiles.
    sides
        Values along the four sides of each tile, whose last axis is along the side.

    Returns
    -------
    list
        Above and below each horizontal line, then left and right of each vertical one.
    """
    across = len(tiles.columns) - 1
    rows = [range(k, k + across) for k in range(0, len(sides), across)]
    columns = [range(k, len(sides), across) for k in range(across)]
    found = []
    for groups, ending, beginning in ((rows, BOTTOM, TOP), (columns, RIGHT, LEFT)):
        for before, after in pairwise(groups):
            found.append(
                (
                    np.concatenate([sides[k][ending] for k in before], axis=-1),
                    np.concatenate([sides[k][beginning] for k in after], axis=-1),
                )
            )
    return found
