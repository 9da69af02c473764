"""Narrow parts of regions: what no disc of the least width covers, given to what lies beside."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools

Keys = NDArray[np.uint16]

OUT = np.uint16(0xFFFF)
"""Key of what takes no part."""

OPEN = np.uint16(0xFFFE)
"""Key of what lies beyond a window: polygons that meet it go on there."""

Spans = NDArray[np.int64]
"""Rows of a disc: (row, first column, last column) from its centre, shape (k, 3)."""

_MORE = 0.05  # pixels by which a disc is larger than a circle of the width; steps beyond that
_ATTEMPTS = 40  # such steps before the next larger disc is tried


def disc(width: float) -> Spans:
    """The pixels that must be of one kind around a place that is wide enough.

    Parameters
    ----------
    width
        Least width in pixels.

    Returns
    -------
    numpy.ndarray
        A disc in which an open circle of that width, and a little more, lies. For 4 pixels
        (10 m at 2.5 m) it has 21 pixels, five by five without the corners: a circle with a
        radius of 2.12 pixels fits in. Discs whose centres touch, in a row or diagonally, leave
        the width free all the way from one centre to the other: an erosion by half the width
        therefore leaves one part of a region whose centres hang together. Below one pixel it
        is a single pixel, whose corners join nothing: there only edges count (`by_corners`).
    """
    size = math.floor(width + 1e-9) + 1
    spans = _round(size, width / 2 + _MORE)
    while size > 1 and not _leaves_free(spans, size, width / 2):
        # The diagonal way is the narrow one: round off less, then take the next larger disc.
        for step in range(2, _ATTEMPTS):
            spans = _round(size, width / 2 + step * _MORE)
            if _leaves_free(spans, size, width / 2):
                break
        else:
            size += 1
            spans = _round(size, width / 2 + _MORE)
    return spans


@numba.njit(cache=True)
def by_corners(spans: Spans) -> bool:
    """Whether centres of discs that touch at a corner hang together."""
    return len(spans) > 1


def _middle(size: int) -> float:
    """Centre of a disc of `size` rows, in pixels from the centre of the pixel it belongs to."""
    return 0.5 if size % 2 == 0 else 0.0


def _round(size: int, reach: float) -> Spans:
    """Pixels of a square of `size` rows that are nearer to its centre than `reach`."""
    low, centre = -((size - 1) // 2), _middle(size)
    spans = []
    for row in range(low, low + size):
        columns = [
            column
            for column in range(low, low + size)
            if math.hypot(*(max(abs(v - centre) - 0.5, 0) for v in (row, column))) < reach
        ]
        spans.append((row, columns[0], columns[-1]))
    return np.array(spans, np.int64)


def _leaves_free(spans: Spans, size: int, half: float) -> bool:
    """Whether the way between the centres of discs that touch keeps `half` from all else.

    What is nearest to a straight way is the corner of a pixel, or it is nearest to an end of
    the way, around which the disc itself is large enough. A disc is its own mirror image, so
    that one of the two diagonals is enough.
    """
    low, centre = -((size - 1) // 2), _middle(size)
    row, column = np.mgrid[low - 1 : low + size + 2, low - 1 : low + size + 2]
    own = np.zeros(row.shape, bool)
    for y, first, last in spans.tolist():
        own |= (row == y) & (column >= first) & (column <= last)
    for dy, dx in ((0, 1), (1, 0), (1, 1)):
        other = ~(own | np.roll(own, (dy, dx), (0, 1)))
        for side_y, side_x in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)):
            y, x = row[other] + side_y - centre, column[other] + side_x - centre
            along = np.clip((y * dy + x * dx) / (dy + dx), 0.0, 1.0)
            if (np.hypot(y - along * dy, x - along * dx) <= half + 1e-6).any():
                return False
    return True


@numba.njit(cache=True)
def core_pixels(keys: Keys, spans: Spans) -> Bools:
    """Centres of the discs whose pixels have one key, shape (y, x)."""
    height, width = keys.shape
    runs = np.ones((height, width), np.uint8)  # equal pixels from here to the right, 255 at most
    for y in range(height):
        for x in range(width - 2, -1, -1):
            if keys[y, x] == keys[y, x + 1]:
                runs[y, x] = min(runs[y, x + 1] + 1, 255)
    core = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            own, fits = keys[y, x], keys[y, x] != OUT
            for k in range(len(spans)):
                if not fits:
                    break
                r, first, last = y + spans[k, 0], x + spans[k, 1], x + spans[k, 2]
                fits = (
                    0 <= r < height
                    and first >= 0
                    and last < width
                    and keys[r, x] == own
                    and runs[r, first] > last - first
                )
            core[y, x] = fits
    return core


@numba.njit(cache=True)
def narrow_pixels(keys: Keys, spans: Spans) -> Bools:
    """Pixels that no disc of one key covers, shape (y, x); those that take no part are none."""
    height, width = keys.shape
    core = core_pixels(keys, spans)
    narrow = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            if not core[y, x] and keys[y, x] != OUT:
                narrow[y, x] = not _covered(core, spans, y, x)
    return narrow


@numba.njit(cache=True)
def _covered(core: Bools, spans: Spans, y: int, x: int) -> bool:
    height, width = core.shape
    for k in range(len(spans)):
        r = y - spans[k, 0]
        if 0 <= r < height:
            for c in range(max(x - spans[k, 2], 0), min(x - spans[k, 1] + 1, width)):
                if core[r, c]:
                    return True
    return False


@numba.njit(cache=True)
def grow_into(keys: Keys, taken: Bools, source: Bools, rings: int) -> None:
    """Give pixels the key of the nearest source, ring by ring, in place.

    Parameters
    ----------
    keys
        Key of each pixel, shape (y, x).
    taken
        Pixels that are given away, shape (y, x); false afterwards where they were.
    source
        Pixels that others may take their key from, shape (y, x).
    rings
        How far; what is farther stays as it is.
    """
    height, width = keys.shape
    count = 0
    for y in range(height):
        for x in range(width):
            count += taken[y, x]
    waiting, n = np.empty(count, np.int64), 0
    for y in range(height):
        for x in range(width):
            if taken[y, x]:
                waiting[n] = y * width + x
                n += 1
    chosen = np.empty(count, np.uint16)
    for ring in range(rings):
        left, given = 0, np.zeros(count, np.bool_)
        for n in range(count):
            y, x = waiting[n] // width, waiting[n] % width
            given[n], chosen[n] = _nearest(keys, taken, source, y, x, ring % 2 == 1)
        for n in range(count):
            y, x = waiting[n] // width, waiting[n] % width
            if given[n]:
                keys[y, x], taken[y, x], source[y, x] = chosen[n], False, True
            else:
                waiting[left] = waiting[n]
                left += 1
        if left == count or left == 0:
            count = left
            if ring % 2 == 1 or left == 0:
                break
        count = left


@numba.njit(cache=True)
def _nearest(
    keys: Keys, taken: Bools, source: Bools, y: int, x: int, diagonal: bool
) -> tuple[bool, int]:
    """The key that most source pixels around a pixel have; the smaller one of two."""
    height, width = keys.shape
    best, most = OUT, 0
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            r, c = y + dy, x + dx
            if (dy == 0) == (dx == 0) and not (diagonal and dy != 0):
                continue
            if not (0 <= r < height and 0 <= c < width) or not source[r, c] or taken[r, c]:
                continue
            votes = 0
            for ey in range(-1, 2):
                for ex in range(-1, 2):
                    s, d = y + ey, x + ex
                    if not (0 <= s < height and 0 <= d < width) or keys[s, d] != keys[r, c]:
                        continue
                    if source[s, d] and not taken[s, d]:
                        votes += 2 if ey == 0 or ex == 0 else 1
            if votes > most or (votes == most and keys[r, c] < best):
                best, most = keys[r, c], votes
    return most > 0, int(best)
