"""Repairing the raster until every polygon of every view is large and wide enough."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.generalize._audit import suspects
from bocage.generalize._flood import Ground, Polygon, cluster_area, flood, key_in
from bocage.generalize._give import Rules, best_beside, give
from bocage.generalize._graph import Bools, Codes, Labels, pair_codes, wide
from bocage.generalize._join import join_lobes
from bocage.generalize._rules import View, cluster_wanted, has_clusters, may_stay, view_table
from bocage.generalize._widths import OPEN, OUT, Keys, Spans, disc

ROUNDS = 24
"""Rounds at most; what is faulty after them is left to the polygons."""

AS_DRAWN = 0.83
"""Share that is left of a drawn band when the polygons are narrowed to the least width."""


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
    beyond: Bools | None = None,
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
    beyond
        Pixels that lie beyond a window, at least as wide as the disc around all of it that
        counts, shape (y, x): they stay, and polygons that meet them are large, and hang
        together there. Needs `starts`. None where the raster is whole.

    Returns
    -------
    classes
        The repaired classes, shape (years, y, x).
    left
        Polygons that were given away in the last round: 0 when everything holds.
    """
    pairs = np.where(domain, pair_codes(classes), OUT).astype(np.uint16)
    if beyond is not None:
        pairs[beyond] = OPEN
    shape, size = pairs.shape, pairs.size
    rules = Rules(
        view_table(views), table, spans is not None, rim_contact, np.zeros(256, bool), np.zeros(256)
    )
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
        last=np.zeros(2, np.int64),
        cluster=np.zeros(shape if has_clusters(rules.views) else (0, 0), np.int32),
    )
    if starts is None:
        found = [
            suspects(
                keys_of(pairs, view, ground.two), inside, view.area / AS_DRAWN / pixel**2, spans
            )
            for view in views
        ]
        starts = np.unique(np.concatenate(found))
    elif has_clusters(rules.views):
        # What happens here may cost small changes elsewhere the cluster that allows them.
        keys, least = keys_of(pairs, views[-1], ground.two), views[-1].area / AS_DRAWN / pixel**2
        starts = np.union1d(starts, suspects(keys, inside, least, None))
    left = _repair(ground, rules, starts.astype(np.int32))
    codes = np.stack([pairs >> 8, pairs & 255]) if len(classes) == 2 else pairs[None]
    changeable = domain if beyond is None else domain & ~beyond
    return np.where(changeable, codes, classes).astype(np.uint8), int(left)


def keys_of(pairs: Keys, view: View, two: bool) -> Keys:
    """What the pixels of a polygon of a view have in common, OUT for what is in none."""
    if not two:
        return pairs
    first, last = pairs >> 8, pairs & 255
    if view.is_change:
        return np.where(first == last, OUT, pairs).astype(np.uint16)
    own = first if view.years[0] == 0 else last
    return np.where(pairs == OUT, OUT, own).astype(np.uint16)


@numba.njit(cache=True)
def _repair(g: Ground, rules: Rules, dirty: Labels) -> int:
    height, width = g.pairs.shape
    views = rules.views
    leaning = [0 for _ in range(0)]
    for turn in range(ROUNDS):
        faults = 0
        changed = [0 for _ in range(0)]
        for view in range(len(views.area)):
            base, places = g.last[0], dirty
            if len(leaning) and views.first[view] != views.last[view]:
                places = np.unique(np.concatenate((dirty, np.array(leaning, np.int32))))
                leaning.clear()
            for start in places:
                y, x = start // width, start % width
                if g.seen[y, x] > base or key_in(g.pairs[y, x], g.two, views, view) < 0:
                    continue
                found = flood(g, views, view, start, rules.around, rules.border)
                faults += _mend(g, rules, view, found, turn, changed, leaning)
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
    g: Ground,
    rules: Rules,
    view: int,
    found: Polygon,
    turn: int,
    changed: list[int],
    leaning: list[int],
) -> int:
    """Repair a flooded polygon; 1 if it had a fault that could be worked on.

    A pixel of one that may stay because of its cluster goes into `leaning`, as changes elsewhere
    concern it: it is looked at in every round.
    """
    views = rules.views
    rim = found.rim * g.pixel if found.rim > rules.rim_contact else 0.0
    area = found.area * (AS_DRAWN if found.drawn and not found.exempt else 1.0)
    small = (
        not found.open
        and area < views.area[view]
        and not may_stay(views, view, found.code, area, rim, rules.around, 0.0)
    )
    if small:
        wanted, _ = cluster_wanted(views, view, area)
        if wanted > 0.0:
            start = g.pixels[0]
            cluster = max(
                cluster_area(g, start, wide(0), wanted, AS_DRAWN),
                cluster_area(g, start, wide(1), wanted, AS_DRAWN),
            )
            small = not may_stay(views, view, found.code, area, rim, rules.around, cluster)
            if not small:
                leaning.append(start)
    number = g.last[0]
    if small:
        target = wide(-1) if found.drawn or found.cores == 0 else best_beside(found.code, rules)
        return give(g, views, view, g.pixels[: found.size], number, target, changed)
    if not rules.widths or found.exempt:
        return 0
    if found.cores == 0:
        if found.open:
            return 0
        return give(g, views, view, g.pixels[: found.size], number, wide(-1), changed)
    if found.reached == found.cores:
        return 0
    return join_lobes(g, rules, view, found, turn, changed)
