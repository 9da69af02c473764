"""Polygons whose wide places do not hang together: bridged, cut, or a lobe given away."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._flood import CORE, SEEN, Ground, Polygon, goes_on, spread
from bocage.generalize._give import Rules, best_beside, give
from bocage.generalize._graph import Bools, wide
from bocage.generalize._widths import OPEN, OUT

_BRIDGES, _PATIENCE = 7, 10  # rounds that build bridges; rounds after which lobes are given away
_BRIDGE = 8  # longest way between two cores that is bridged, pixels


@numba.njit(cache=True)
def join_lobes(
    g: Ground, rules: Rules, view: int, found: Polygon, turn: int, changed: list[int]
) -> int:
    """Bridge, cut or give away the lobes of a polygon whose cores do not hang together."""
    width, views = g.pairs.shape[1], rules.views
    number = g.last[0]
    places = g.pixels[: found.size].copy()
    lobe, sizes, kept = _lobes(g, places, number)
    # What goes on beyond a window hangs together there, as far as is known here.
    main = int(np.argmax(np.where(kept, sizes, 0) if kept.any() else sizes))
    fault = 0
    for own in range(len(sizes)):
        if own == main or kept[own]:
            continue
        if turn < _BRIDGES and _bridge(g, places, lobe, own, number, changed):
            fault = 1
            continue
        mine = places[lobe == own]
        inner = 0
        for place in mine:
            inner += g.inside[place // width, place % width]
        small = inner * g.pixel**2 < views.area[view]
        if not small and turn < _PATIENCE:
            mine = places[_seam(g, places, lobe, own, number)]
            target = wide(-1)
        else:
            target = best_beside(found.code, rules)
        fault |= give(g, views, view, mine, number, target, changed)
    return fault


@numba.njit(cache=True)
def _lobes(
    g: Ground, places: NDArray[np.int32], number: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], Bools]:
    """Which group of cores each pixel is nearest to inside the polygon.

    Also the core pixels of each group, and whether it goes on beyond the window.
    """
    height, width = g.pairs.shape
    rank = np.full(len(places), -1, np.int32)
    where = g.origin  # position in `places` of a pixel, kept in the raster's own working space
    for n in range(len(places)):
        where[places[n]] = n
        y, x = places[n] // width, places[n] % width
        if g.state[y, x] == SEEN:
            g.state[y, x] = CORE
    sizes = [0 for _ in range(0)]
    kept = [False for _ in range(0)]
    waiting = np.empty(len(places), np.int32)
    count = 0
    for n in range(len(places)):
        if g.state[places[n] // width, places[n] % width] != CORE:
            continue
        joined = spread(g, wide(places[n]), number)
        further = False
        for k in range(joined):
            further |= goes_on(g, g.queue[k] // width, g.queue[k] % width)
            rank[where[g.queue[k]]] = len(sizes)
            waiting[count] = g.queue[k]
            count += 1
        sizes.append(joined)
        kept.append(further)
    done = 0
    while done < count:
        place = waiting[done]
        done += 1
        y, x = place // width, place % width
        for k in range(4):
            r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if 0 <= r < height and 0 <= c < width and g.seen[r, c] == number:
                near = r * width + c
                if rank[where[near]] < 0:
                    rank[where[near]] = rank[where[place]]
                    waiting[count] = near
                    count += 1
    return rank, np.array(sizes), np.array(kept)


@numba.njit(cache=True)
def _seam(
    g: Ground, places: NDArray[np.int32], lobe: NDArray[np.int32], own: int, number: int
) -> Bools:
    """Pixels of the polygon within three of where a lobe meets another."""
    height, width = g.pairs.shape
    where = g.origin
    for n in range(len(places)):
        where[places[n]] = n
    seam = np.zeros(len(places), np.bool_)
    for n in range(len(places)):
        if lobe[n] != own:
            continue
        y, x = places[n] // width, places[n] % width
        for k in range(4):
            r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if not (0 <= r < height and 0 <= c < width) or g.seen[r, c] != number:
                continue
            if lobe[where[r * width + c]] == own:
                continue
            for s in range(max(y - 2, 0), min(y + 3, height)):
                for d in range(max(x - 2, 0), min(x + 3, width)):
                    if g.seen[s, d] == number:
                        seam[where[s * width + d]] = True
    return seam


@numba.njit(cache=True)
def _bridge(
    g: Ground,
    places: NDArray[np.int32],
    lobe: NDArray[np.int32],
    own: int,
    number: int,
    changed: list[int],
) -> bool:
    """Paint discs along the shortest way from a lobe's cores to others, if it is short."""
    height, width = g.pairs.shape
    where = g.origin
    for n in range(len(places)):
        where[places[n]] = n
    came = np.full(len(places), -2, np.int32)
    waiting = np.empty(len(places), np.int32)
    depth = np.zeros(len(places), np.int32)
    count = 0
    for n in range(len(places)):
        if lobe[n] == own and g.state[places[n] // width, places[n] % width] == SEEN:
            came[n], waiting[count] = -1, n
            count += 1
    done, goal = 0, -1
    while done < count and goal < 0:
        n = waiting[done]
        done += 1
        if depth[n] > _BRIDGE:
            break
        y, x = places[n] // width, places[n] % width
        for k in range(4):
            r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if not (0 <= r < height and 0 <= c < width) or g.seen[r, c] != number:
                continue
            m = where[r * width + c]
            if came[m] != -2:
                continue
            came[m], depth[m], waiting[count] = n, depth[n] + 1, m
            count += 1
            if g.state[r, c] == SEEN and lobe[m] != own:
                goal = m
                break
    if goal < 0:
        return False
    n = goal
    while n >= 0:
        if _blocked(g, places[n]):
            return False
        n = came[n]
    n = goal
    while n >= 0:
        _paint(g, places[n], changed)
        n = came[n]
    return True


@numba.njit(cache=True)
def _blocked(g: Ground, place: int) -> bool:
    height, width = g.pairs.shape
    y, x = place // width, place % width
    own = g.pairs[y, x]
    for k in range(len(g.spans)):
        r, first, last = y + g.spans[k, 0], x + g.spans[k, 1], x + g.spans[k, 2]
        if r < 0 or r >= height or first < 0 or last >= width:
            return True
        for c in range(first, last + 1):
            pair = g.pairs[r, c]
            if pair in (OUT, OPEN) or (g.line[r, c] and pair != own):
                return True
    return False


@numba.njit(cache=True)
def _paint(g: Ground, place: int, changed: list[int]) -> None:
    width = g.pairs.shape[1]
    y, x = place // width, place % width
    pair = g.pairs[y, x]
    for k in range(len(g.spans)):
        r = y + g.spans[k, 0]
        for c in range(x + g.spans[k, 1], x + g.spans[k, 2] + 1):
            if g.pairs[r, c] != pair:
                g.pairs[r, c] = pair
                g.line[r, c] = g.line[y, x]
                changed.append(r * width + c)
