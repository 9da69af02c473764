"""Giving pixels of a polygon to what lies beside it."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._affinity import BASE
from bocage.generalize._flood import GIVEN, LOBE, Ground, code_in
from bocage.generalize._graph import Bools, Floats
from bocage.generalize._rules import ViewTable
from bocage.generalize._widths import OPEN, OUT


class Rules(NamedTuple):
    """What must hold, and the surroundings of the polygon that is looked at."""

    views: ViewTable
    table: Floats
    widths: bool
    rim_contact: int
    around: Bools
    border: Floats


@numba.njit(cache=True)
def best_beside(code: int, rules: Rules) -> int:
    """The class beside a polygon that fits best: shared border × (0.1 + similarity)."""
    best, most = -1, 0.0
    for other in range(256):
        score = rules.border[other] * (BASE + rules.table[code, other])
        if score > most:
            best, most = other, score
    return best


@numba.njit(cache=True)
def give(
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
                if pair in (OUT, OPEN) or (g.line[r, c] and attempt < 2):
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
