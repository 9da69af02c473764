"""Repairing the raster until every polygon of every view is large and wide enough."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._affinity import BASE
from bocage.generalize._audit import suspects
from bocage.generalize._flood import (
    CORE,
    GIVEN,
    LOBE,
    SEEN,
    Ground,
    Polygon,
    code_in,
    flood,
    key_in,
    spread,
)
from bocage.generalize._graph import Bools, Codes, Floats, Labels, pair_codes
from bocage.generalize._rules import View, ViewTable, may_stay, view_table
from bocage.generalize._widths import OUT, Keys, Spans, disc

ROUNDS = 24
"""Rounds at most; what is faulty after them is left to the polygons."""

_BRIDGES, _PATIENCE = 7, 10  # rounds that build bridges; rounds after which lobes are given away
_AS_DRAWN = 0.83  # what is left of a drawn band when the polygons are narrowed to the least width
_BRIDGE = 8  # longest way between two cores that is bridged, pixels


def repair(
    classes: Codes,
    domain: Bools,
    inside: Bools,
    line: Bools,
    locked: Bools,
    views: tuple[View, ...],
    table: NDArray[np.float64],
    *,
    pixel: float,
    spans: Spans | None,
    rim_contact: int,
    starts: Labels | None = None,
) -> tuple[Codes, int]:
    """Give away what is too small or too narrow until nothing is.

    A polygon of a view must reach the mapping unit (or meet an exception), and the places where
    a disc five pixels wide fits in must hang together. Two such places that are not far apart
    are bridged; a lobe below the mapping unit, a polygon without such a place, and one below
    the mapping unit are given to what lies beside. Only polygons near a change are looked at
    again, so that the cost does not grow with the number of rounds.

    Parameters
    ----------
    classes
        Class index, shape (years, y, x).
    domain, inside
        Pixels that take part; those whose area counts; shape (y, x).
    line, locked
        Drawn lines, which others do not grow over; those of them that may be narrow;
        shape (y, x).
    views, table
        Views with their thresholds; similarity of class indices, shape (256, 256).
    pixel
        Pixel size, m.
    spans
        Disc of the least width; None where the width does not matter.
    rim_contact
        Cracks at the rim up to this number do not count as touching it.
    starts
        Positions (row · width + column) of pixels: only the polygons that hold them are looked
        at, and those that change. All polygons when None.

    Returns
    -------
    classes
        The repaired classes, shape (years, y, x).
    left
        Polygons that were given away in the last round: 0 when everything holds.
    """
    pairs = np.where(domain, pair_codes(classes), OUT).astype(np.uint16)
    shape, size = pairs.shape, pairs.size
    ground = Ground(
        pairs=pairs,
        inside=inside,
        line=line.copy(),
        locked=locked,
        two=len(classes) == 2,
        pixel=pixel,
        spans=disc(0) if spans is None else spans,
        seen=np.zeros(shape, np.int32),
        state=np.zeros(shape, np.uint8),
        pixels=np.empty(size, np.int32),
        queue=np.empty(size, np.int32),
        origin=np.empty(size, np.int32),
        last=np.zeros(1, np.int64),
    )
    if starts is None:
        found = [
            suspects(
                _keys(pairs, view, ground.two), inside, view.area / _AS_DRAWN / pixel**2, spans
            )
            for view in views
        ]
        starts = np.unique(np.concatenate(found))
    rules = _Rules(
        view_table(views), table, spans is not None, rim_contact, np.zeros(256, bool), np.zeros(256)
    )
    left = _repair(ground, rules, starts.astype(np.int32))
    codes = np.stack([pairs >> 8, pairs & 255]) if len(classes) == 2 else pairs[None]
    return np.where(domain, codes, classes).astype(np.uint8), int(left)


def _keys(pairs: Keys, view: View, two: bool) -> Keys:
    """What the pixels of a polygon of a view have in common, OUT for what is in none."""
    if not two:
        return pairs
    first, last = pairs >> 8, pairs & 255
    if view.is_change:
        return np.where(first == last, OUT, pairs).astype(np.uint16)
    own = first if view.years[0] == 0 else last
    return np.where(pairs == OUT, OUT, own).astype(np.uint16)


class _Rules(NamedTuple):
    """What must hold, and the surroundings of the polygon that is looked at."""

    views: ViewTable
    table: Floats
    widths: bool
    rim_contact: int
    around: Bools
    border: Floats


@numba.njit(cache=True)
def _repair(g: Ground, rules: _Rules, dirty: Labels) -> int:
    height, width = g.pairs.shape
    views = rules.views
    for turn in range(ROUNDS):
        faults = 0
        changed = [0 for _ in range(0)]
        for view in range(len(views.area)):
            base = g.last[0]
            for start in dirty:
                y, x = start // width, start % width
                if g.seen[y, x] > base or key_in(g.pairs[y, x], g.two, views, view) < 0:
                    continue
                found = flood(g, views, view, start, rules.around, rules.border)
                faults += _mend(g, rules, view, found, turn, changed)
        if not faults:
            return 0
        dirty = _near(changed, height, width)
    return faults


@numba.njit(cache=True)
def _near(changed: list[int], height: int, width: int) -> NDArray[np.int32]:
    """The changed pixels and those beside them, in order."""
    found = np.empty(5 * len(changed), np.int32)
    count = 0
    for place in changed:
        y, x = place // width, place % width
        for k in range(5):
            r, c = y + (k == 1) - (k == 2), x + (k == 3) - (k == 4)
            if 0 <= r < height and 0 <= c < width:
                found[count] = r * width + c
                count += 1
    return np.unique(found[:count])


@numba.njit(cache=True)
def _mend(
    g: Ground, rules: _Rules, view: int, found: Polygon, turn: int, changed: list[int]
) -> int:
    """Repair a flooded polygon; 1 if it had a fault that could be worked on."""
    views = rules.views
    rim = found.rim * g.pixel if found.rim > rules.rim_contact else 0.0
    area = found.area * (_AS_DRAWN if found.drawn and not found.exempt else 1.0)
    small = area < views.area[view] and not may_stay(
        views, view, found.code, area, rim, rules.around
    )
    number = g.last[0]
    if small:
        target = -1 if found.drawn or found.cores == 0 else _best(found.code, rules)
        return _give(g, views, view, g.pixels[: found.size], number, target, changed)
    if not rules.widths or found.exempt:
        return 0
    if found.cores == 0:
        return _give(g, views, view, g.pixels[: found.size], number, -1, changed)
    if found.reached == found.cores:
        return 0
    return _join(g, rules, view, found, turn, changed)


@numba.njit(cache=True)
def _best(code: int, rules: _Rules) -> int:
    """The class beside a polygon that fits best: shared border × (0.1 + similarity)."""
    best, most = -1, 0.0
    for other in range(256):
        score = rules.border[other] * (BASE + rules.table[code, other])
        if score > most:
            best, most = other, score
    return best


@numba.njit(cache=True)
def _give(
    g: Ground,
    views: ViewTable,
    view: int,
    places: NDArray[np.int32],
    number: int,
    target: int,
    changed: list[int],
) -> int:
    """Give pixels to what lies beside them, nearest first; 1 if any could be given.

    With a target class only pixels of that class take; without one everything but drawn lines,
    and these where nothing else is. Pixels of the polygon itself (flood `number`) never take.
    """
    height, width = g.pairs.shape
    for place in places:
        g.state[place // width, place % width] = GIVEN
    count = 0
    for attempt in range(3):
        # 0: the target, or all but lines; 1: all but lines; 2: lines too.
        for place in places:
            y, x = place // width, place % width
            if g.state[y, x] != GIVEN:
                continue
            for k in range(4):
                r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
                if not (0 <= r < height and 0 <= c < width) or g.seen[r, c] == number:
                    continue
                pair = g.pairs[r, c]
                if pair == OUT or (g.line[r, c] and attempt < 2):
                    continue
                code = code_in(pair, g.two, views.last[view])
                if attempt == 0 and target >= 0 and code != target:
                    continue
                g.state[y, x] = LOBE
                g.origin[count], g.queue[count] = pair, place
                count += 1
                break
        if count:
            break
    done = 0
    while done < count:
        place, pair = g.queue[done], g.origin[done]
        done += 1
        y, x = place // width, place % width
        g.pairs[y, x] = pair
        g.line[y, x] = False
        g.state[y, x] = 0
        changed.append(place)
        for k in range(4):
            r, c = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if not (0 <= r < height and 0 <= c < width) or g.seen[r, c] != number:
                continue
            if g.state[r, c] == GIVEN:
                g.state[r, c] = LOBE
                g.origin[count], g.queue[count] = pair, r * width + c
                count += 1
    for place in places:
        g.state[place // width, place % width] = 0
    return 1 if done else 0


@numba.njit(cache=True)
def _join(
    g: Ground, rules: _Rules, view: int, found: Polygon, turn: int, changed: list[int]
) -> int:
    """Bridge, cut or give away the lobes of a polygon whose cores do not hang together."""
    width, views = g.pairs.shape[1], rules.views
    number = g.last[0]
    places = g.pixels[: found.size].copy()
    lobe, sizes = _lobes(g, places, number)
    main = int(np.argmax(sizes))
    fault = 0
    for own in range(len(sizes)):
        if own == main:
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
            target = -1
        else:
            target = _best(found.code, rules)
        fault |= _give(g, views, view, mine, number, target, changed)
    return fault


@numba.njit(cache=True)
def _lobes(
    g: Ground, places: NDArray[np.int32], number: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Which group of cores each pixel is nearest to inside the polygon; core pixels of each."""
    height, width = g.pairs.shape
    rank = np.full(len(places), -1, np.int32)
    where = g.origin  # position in `places` of a pixel, kept in the raster's own working space
    for n in range(len(places)):
        where[places[n]] = n
        y, x = places[n] // width, places[n] % width
        if g.state[y, x] == SEEN:
            g.state[y, x] = CORE
    sizes = [0 for _ in range(0)]
    waiting = np.empty(len(places), np.int32)
    count = 0
    for n in range(len(places)):
        if g.state[places[n] // width, places[n] % width] != CORE:
            continue
        joined = spread(g, places[n], number)
        for k in range(joined):
            rank[where[g.queue[k]]] = len(sizes)
            waiting[count] = g.queue[k]
            count += 1
        sizes.append(joined)
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
    return rank, np.array(sizes)


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
            if g.pairs[r, c] == OUT or (g.line[r, c] and g.pairs[r, c] != own):
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
