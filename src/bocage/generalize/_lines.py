"""Linear classes of a raster: gaps closed, specks dropped, drawn as wide as they must be."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Codes, label_regions
from bocage.generalize._widths import OUT, Spans, disc, narrow_pixels

LENGTH = 14
"""Pixels that are looked at on either side of a pixel along a line."""

ENOUGH = 0.30
"""Share of the pixels along a line that must have its class, weighted across three rows."""

_DIRECTIONS = 16
_BLOCK, _EDGE = 16, 8  # pixels a side of a block; pixels around the mask that are looked at
_STRIDE = 2  # only these pixels of a piece are read: each holds what is within two of it
_SHORT = LENGTH // 2  # pixels that a piece of an axis must have
_GAP = 2  # pixels up to which the bands around two pixels of an axis overlap
_CROWD = 30  # weight of the mask around one of its pixels below which it begins no line


def draw_linear(
    classes: Codes, locked: Bools, order: tuple[int, ...], spans: Spans, least: float
) -> tuple[Codes, Bools]:
    """Redraw narrow linear objects of a class raster as continuous bands of the least width.

    A pixel is on the axis of a line when the class fills enough of a straight piece of 29
    pixels through it, in the best of 16 directions, and no pixel across has more within the
    width of a band (an oriented filter with non-maximum suppression, as ridge detectors have
    it). Gaps shorter than the piece are bridged that way, and specks fall out. Pieces of an axis
    that are short and by themselves are left out: noise that lies beside a line makes them.
    Where the class is twice as wide as it must be it is an area, not a line, and stays as it is.

    Parameters
    ----------
    classes
        Class index, shape (years, y, x).
    locked
        Pixels that are drawn already and stay as they are, shape (y, x).
    order
        Class indices of the linear classes; the later one lies on top where two cross.
    spans
        Disc of the least width, with which the axes are drawn.
    least
        Pixels that a connected piece of lines of any class must have.

    Returns
    -------
    classes
        Class index with the bands, shape (years, y, x).
    drawn
        Pixels of the bands, shape (y, x).
    """
    result, drawn = classes, np.zeros(locked.shape, bool)
    areas = _areas(classes, order, disc(2.0 * (len(spans) - 1)))
    for index in order:
        masks = (classes == index) & ~locked & ~areas
        if not masks.any():
            continue
        share, direction = _filter(masks.any(axis=0), *_pieces())
        axis = _ridge(share, direction, _across(len(spans) - 1), ENOUGH)
        _drop_short(axis, _SHORT, _GAP)
        if result is classes:
            result = classes.copy()
        for year, mask in enumerate(masks):
            # A line of both years has one axis; it is a year's where that year supports it.
            own = axis
            if len(masks) == 2:
                own = _supported(mask, axis, direction, *_pieces(), ENOUGH / 2)
            _paint(result[year], drawn, own, locked, spans, index)
    if not drawn.any():
        return classes, drawn
    kept = _large(drawn, least)
    return np.where(kept, result, classes), kept


def _areas(classes: Codes, order: tuple[int, ...], wide: Spans) -> Bools:
    """Pixels of each year that a wide disc of their linear class covers, shape (years, y, x)."""
    linear = np.zeros(256, bool)
    linear[list(order)] = True
    found = np.zeros(classes.shape, bool)
    for year, of_year in enumerate(classes):
        keys = np.where(linear[of_year], of_year, OUT).astype(np.uint16)
        found[year] = (keys != OUT) & ~narrow_pixels(keys, wide)
    return found


def _large(drawn: Bools, least: float) -> Bools:
    labels = label_regions(drawn[None].astype(np.uint8), drawn)
    size = np.bincount(labels[drawn])
    return np.asarray(drawn & (size >= least)[labels])


def _pieces() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns along a straight piece in each direction, shape (directions, pixels)."""
    steps = np.arange(-LENGTH, LENGTH + 1, _STRIDE)
    angles = np.arange(_DIRECTIONS)[:, None] * math.pi / _DIRECTIONS
    rows = np.rint(np.sin(angles) * steps).astype(np.int64)
    return rows, np.rint(np.cos(angles) * steps).astype(np.int64)


def _across(reach: int) -> NDArray[np.int64]:
    """The pixels beside (row, column) at a right angle, shape (directions, reach, 2)."""
    angles = np.arange(_DIRECTIONS)[:, None] * math.pi / _DIRECTIONS + math.pi / 2
    steps = np.arange(1, reach + 1)
    offsets = np.stack([np.sin(angles) * steps, np.cos(angles) * steps], axis=2)
    return np.rint(offsets).astype(np.int64)


@numba.njit(cache=True)
def _filter(
    mask: Bools, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Greatest share along a direction, and which, for the pixels within one of the mask."""
    near, busy = _blur(mask)
    height, width = mask.shape
    share = np.zeros((height, width), np.float32)
    direction = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            if not busy[y // _BLOCK, x // _BLOCK] or not _beside(near, y, x):
                continue
            if not _promising(near, y, x, rows, columns):
                continue
            for k in range(rows.shape[0]):
                value = np.float32(_along(near, y, x, rows, columns, k))
                if value > share[y, x]:
                    share[y, x], direction[y, x] = value, k
    return share, direction


@numba.njit(cache=True)
def _blur(mask: Bools) -> tuple[NDArray[np.uint8], Bools]:
    """The mask times the weights 1 2 3 2 1 in rows and in columns: 0 to 81, with one crest.

    The second array says in which blocks of pixels lines may be, so that the others cost nothing.
    """
    height, width = mask.shape
    near = np.zeros((height, width), np.uint8)
    busy = np.zeros((height // _BLOCK + 1, width // _BLOCK + 1), np.bool_)
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                for r in range(max(y - 2, 0), min(y + 3, height)):
                    for c in range(max(x - 2, 0), min(x + 3, width)):
                        near[r, c] += (3 - abs(r - y)) * (3 - abs(c - x))
    for y in range(height):
        for x in range(width):
            if mask[y, x] and near[y, x] >= _CROWD:
                for r in (max(y - _EDGE, 0), y, min(y + _EDGE, height - 1)):
                    for c in (max(x - _EDGE, 0), x, min(x + _EDGE, width - 1)):
                        busy[r // _BLOCK, c // _BLOCK] = True
    return near, busy


@numba.njit(cache=True)
def _beside(near: NDArray[np.uint8], y: int, x: int) -> bool:
    """Whether a line may run through a pixel: something of it within five pixels."""
    height, width = near.shape
    for r in (max(y - 3, 0), y, min(y + 3, height - 1)):
        for c in (max(x - 3, 0), x, min(x + 3, width - 1)):
            if near[r, c]:
                return True
    return False


@numba.njit(cache=True)
def _promising(
    near: NDArray[np.uint8], y: int, x: int, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> bool:
    """Whether half of the pixels in half of the directions have half of what is enough."""
    height, width = near.shape
    wanted = 0.5 * ENOUGH * 81.0 * ((rows.shape[1] + 1) // 2)
    for k in range(0, rows.shape[0], 2):
        total = 0
        for t in range(0, rows.shape[1], 2):
            r, c = y + rows[k, t], x + columns[k, t]
            if 0 <= r < height and 0 <= c < width:
                total += near[r, c]
        if total >= wanted:
            return True
    return False


@numba.njit(cache=True)
def _supported(
    mask: Bools,
    axis: Bools,
    direction: NDArray[np.uint8],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    enough: float,
) -> Bools:
    """Pixels of an axis along which a mask has a share."""
    near, _ = _blur(mask)
    height, width = mask.shape
    found = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            if axis[y, x]:
                found[y, x] = _along(near, y, x, rows, columns, direction[y, x]) >= enough
    return found


@numba.njit(cache=True)
def _along(
    near: NDArray[np.uint8],
    y: int,
    x: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    k: int,
) -> float:
    """Share of the mask along a piece in one direction."""
    height, width = near.shape
    total = 0
    for t in range(rows.shape[1]):
        r, c = y + rows[k, t], x + columns[k, t]
        if 0 <= r < height and 0 <= c < width:
            total += near[r, c]
    return float(total / (81.0 * rows.shape[1]))


@numba.njit(cache=True)
def _ridge(
    share: NDArray[np.float32],
    direction: NDArray[np.uint8],
    across: NDArray[np.int64],
    enough: float,
) -> Bools:
    """Pixels with enough that have no rival: of two equal ones the second is the axis."""
    height, width = share.shape
    found = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            value = share[y, x]
            if value < enough:
                continue
            crest = True
            for n in range(across.shape[1]):
                dy, dx = across[direction[y, x], n, 0], across[direction[y, x], n, 1]
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    crest &= share[y + dy, x + dx] <= value
                if 0 <= y - dy < height and 0 <= x - dx < width:
                    crest &= share[y - dy, x - dx] < value
            found[y, x] = crest
    return found


@numba.njit(cache=True)
def _drop_short(axis: Bools, least: int, gap: int) -> None:
    """Take away pieces of an axis with fewer pixels, in place; gaps do not part a piece."""
    height, width = axis.shape
    left = axis.copy()
    piece = [(0, 0)]
    for y in range(height):
        for x in range(width):
            if not left[y, x]:
                continue
            piece.clear()
            piece.append((y, x))
            left[y, x] = False
            done = 0
            while done < len(piece):
                v, u = piece[done]
                done += 1
                for r in range(max(v - gap, 0), min(v + gap + 1, height)):
                    for c in range(max(u - gap, 0), min(u + gap + 1, width)):
                        if left[r, c]:
                            left[r, c] = False
                            piece.append((r, c))
            if len(piece) < least:
                for v, u in piece:
                    axis[v, u] = False


@numba.njit(cache=True)
def _paint(
    classes: NDArray[np.uint8], drawn: Bools, axis: Bools, locked: Bools, spans: Spans, index: int
) -> None:
    height, width = axis.shape
    for y in range(height):
        for x in range(width):
            if not axis[y, x]:
                continue
            for k in range(len(spans)):
                r = y + spans[k, 0]
                for c in range(max(x + spans[k, 1], 0), min(x + spans[k, 2] + 1, width)):
                    if 0 <= r < height and not locked[r, c]:
                        classes[r, c], drawn[r, c] = index, True
