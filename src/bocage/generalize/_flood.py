"""One polygon of a view, found in the raster by flooding: its pixels, size, borders and cores."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Floats, Ints, Labels, wide
from bocage.generalize._rules import ViewTable
from bocage.generalize._widths import OPEN, OUT, Keys, Spans, by_corners

PLAIN, CORE, SEEN, LOBE, GIVEN = 0, 1, 2, 3, 4
"""States of a pixel while its polygon is looked at; LOBE and above belong to `_give`."""


class Ground(NamedTuple):
    """The raster that is repaired, and working space of its size.

    `pairs` is the only thing that changes for good: the class of one year, or those of two as
    ``first · 256 + second``, `OUT` outside, `OPEN` beyond a window.
    """

    pairs: Keys
    inside: Bools
    line: Bools  # drawn lines: no ground for bridges of others
    locked: Bools  # those of them that keep their width, whatever it is
    two: bool
    pixel: float
    spans: Spans  # disc of the least width
    seen: Labels  # number of the last flood that reached a pixel
    state: NDArray[np.uint8]
    pixels: Labels  # those of the polygon, in the order of the flood
    queue: Labels
    origin: Labels  # a note on each pixel of the queue, or where a pixel is in `pixels`
    last: Ints  # numbers of the last flood and of the last search of a cluster, shape (2,)
    cluster: Labels  # number of the last such search that reached a pixel; (0, 0) if there is none


class Polygon(NamedTuple):
    """What a flood found; its pixels are `ground.pixels[:size]`."""

    size: int
    area: float
    rim: int
    drawn: bool
    exempt: bool
    code: int  # class in the last year of the view
    cores: int  # core pixels
    reached: int  # core pixels that hang together with the first one, or with what is beyond
    open: bool  # whether it goes on beyond the window


@numba.njit(cache=True)
def code_in(pair: int, two: bool, year: int) -> int:
    """Class index of a pair in the first (0) or the last (1) of two years."""
    if not two:
        return int(np.int64(pair))
    return int(np.int64(pair) & 255 if year else np.int64(pair) >> 8)


@numba.njit(cache=True)
def key_in(pair: int, two: bool, views: ViewTable, view: int) -> int:
    """What pixels of a polygon of a view have in common; -1 for what is not in the view."""
    if pair in (OUT, OPEN):
        return -1
    first, last = views.first[view], views.last[view]
    if first == last:
        return code_in(pair, two, last)
    both = np.int64(pair)  # unsigned and signed numbers together would become floats
    return int(both) if (both >> 8) != (both & 255) else -1


@numba.njit(cache=True)
def flood(
    g: Ground, views: ViewTable, view: int, start: int, around: Bools, border: Floats
) -> Polygon:
    """Look at the polygon of a view that holds a pixel.

    Parameters
    ----------
    g
        The raster.
    views, view
        The views, and the position of one.
    start
        Position of the pixel (row · width + column).
    around
        Filled with which class indices the neighbours in the view have, shape (256,).
    border
        Filled with the cracks between the polygon and each class index, shape (256,).
    """
    height, width = g.pairs.shape
    g.last[0] += 1
    number, key = g.last[0], key_in(g.pairs[start // width, start % width], g.two, views, view)
    last = views.last[view]
    around[:] = False
    border[:] = 0.0
    size, done, inner, rim, lines, locked, beyond = 1, 0, 0, 0, 0, 0, 0
    g.pixels[0] = start
    g.seen[start // width, start % width] = number
    while done < size:
        y, x = g.pixels[done] // width, g.pixels[done] % width
        done += 1
        inner += g.inside[y, x]
        lines += g.line[y, x]
        locked += g.locked[y, x]
        for k in range(4):
            r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if not (0 <= r < height and 0 <= c < width) or g.pairs[r, c] == OUT:
                rim += 1
            elif g.pairs[r, c] == OPEN:
                beyond += 1
            elif g.seen[r, c] != number:
                other = key_in(g.pairs[r, c], g.two, views, view)
                if other == key:
                    g.seen[r, c] = number
                    g.pixels[size] = r * width + c
                    size += 1
                else:
                    code = code_in(g.pairs[r, c], g.two, last)
                    around[code] |= other >= 0
                    border[code] += 1
    code = code_in(g.pairs[start // width, start % width], g.two, last)
    cores, reached = _cores(g, wide(size), beyond > 0)
    drawn, exempt = 2 * lines > size, 2 * locked > size
    return Polygon(size, inner * g.pixel**2, rim, drawn, exempt, code, cores, reached, beyond > 0)


@numba.njit(cache=True)
def _cores(g: Ground, size: int, beyond: bool) -> tuple[int, int]:
    """Mark the core pixels of the flooded polygon, and as SEEN those connected to the first.

    Where some go on beyond the window, these and what is connected to them are SEEN instead.
    """
    width = g.pairs.shape[1]
    number, cores, first = g.last[0], 0, wide(-1)
    for n in range(size):
        y, x = g.pixels[n] // width, g.pixels[n] % width
        g.state[y, x] = PLAIN
        if _is_core(g, number, y, x):
            g.state[y, x] = CORE
            cores += 1
            if first < 0:
                first = wide(g.pixels[n])
    reached = 0
    if beyond:
        for n in range(size):
            y, x = g.pixels[n] // width, g.pixels[n] % width
            if g.state[y, x] == CORE and goes_on(g, y, x):
                reached += spread(g, wide(g.pixels[n]), number)
    if reached == 0 and first >= 0:
        reached = spread(g, first, number)
    return cores, reached


@numba.njit(cache=True)
def _is_core(g: Ground, number: int, y: int, x: int) -> bool:
    """Whether the disc around a pixel lies in the polygon of a flood, and in the area.

    Beyond a window the polygon may go on, so that what lies there does not count against it.
    """
    height, width = g.seen.shape
    for k in range(len(g.spans)):
        r, first, last = y + g.spans[k, 0], x + g.spans[k, 1], x + g.spans[k, 2]
        if r < 0 or r >= height or first < 0 or last >= width:
            return False
        for c in range(first, last + 1):
            if (g.seen[r, c] != number or not g.inside[r, c]) and g.pairs[r, c] != OPEN:
                return False
    return True


@numba.njit(cache=True)
def goes_on(g: Ground, y: int, x: int) -> bool:
    """Whether the disc around a core pixel reaches beyond the window."""
    for k in range(len(g.spans)):
        r = y + g.spans[k, 0]
        for c in range(x + g.spans[k, 1], x + g.spans[k, 2] + 1):
            if g.pairs[r, c] == OPEN:
                return True
    return False


@numba.njit(cache=True)
def spread(g: Ground, first: int, number: int) -> int:
    """Mark the core pixels connected to one as SEEN (in `queue`); how many they are."""
    height, width = g.pairs.shape
    corners = by_corners(g.spans)
    g.queue[0] = first
    g.state[first // width, first % width] = SEEN
    count, done = 1, 0
    while done < count:
        y, x = g.queue[done] // width, g.queue[done] % width
        done += 1
        for r in range(max(y - 1, 0), min(y + 2, height)):
            for c in range(max(x - 1, 0), min(x + 2, width)):
                if not corners and r != y and c != x:
                    continue
                if g.seen[r, c] == number and g.state[r, c] == CORE:
                    g.state[r, c] = SEEN
                    g.queue[count] = r * width + c
                    count += 1
    return count


@numba.njit(cache=True)
def cluster_area(g: Ground, start: int, year: int, wanted: float, drawn: float) -> float:
    """Area of the changes around a changed pixel that have its class in a year.

    Neighbouring changes with one class in a year form a cluster: all that hangs together by
    changed pixels of that class.

    Parameters
    ----------
    g
        A raster of two years; its `queue` is used.
    start
        Position of the pixel (row · width + column).
    year
        The year, 0 or 1.
    wanted
        Area, m², at which the search may end.
    drawn
        What is left of pixels of drawn lines that will be narrowed.

    Returns
    -------
    float
        The area, m²; 0 where there is no change but one.
    """
    height, width = g.pairs.shape
    g.last[1] += 1
    number, pair = g.last[1], g.pairs[start // width, start % width]
    code = code_in(pair, True, year)
    g.queue[0] = start
    g.cluster[start // width, start % width] = number
    count, done, total, several = 1, 0, 0.0, False
    while done < count and (total < wanted or not several):
        y, x = g.queue[done] // width, g.queue[done] % width
        done += 1
        several |= g.pairs[y, x] != pair
        if g.inside[y, x]:
            total += g.pixel**2 * (drawn if g.line[y, x] and not g.locked[y, x] else 1.0)
        for k in range(4):
            r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if not (0 <= r < height and 0 <= c < width) or g.cluster[r, c] == number:
                continue
            other = g.pairs[r, c]
            if other == OPEN:
                # What lies beyond a window may belong to it, and be large.
                return wanted
            if other == OUT or code_in(other, True, year) != code:
                continue
            if code_in(other, True, 1 - year) != code:
                g.cluster[r, c] = number
                g.queue[count] = r * width + c
                count += 1
    return total if several else 0.0
