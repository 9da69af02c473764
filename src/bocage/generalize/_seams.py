"""The rules at the seams between tiles: what broke there is repaired in windows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from bocage.generalize._affinity import similarity_table
from bocage.generalize._census import Count, count_tile
from bocage.generalize._graph import Labels
from bocage.generalize._job import Job
from bocage.generalize._polygons import Suspect, join_tiles, suspects_of
from bocage.generalize._raster import RIM_PIXELS
from bocage.generalize._repair import AS_DRAWN, keys_of, repair
from bocage.generalize._widths import by_corners
from bocage.generalize._window import Window
from bocage.generalize._workers import Spread
from bocage.legend import OUTSIDE

_log = logging.getLogger(__name__)

ROUNDS = 6
"""How often the whole raster is looked at again."""

_AROUND = 64  # pixels around a suspect in the first round; later twice, 4, 8 times as many
_WIDEST = 3  # the round from which on they are not more


Counts = list[list[Count]]
"""What is known of every tile, in each view."""


def mend_seams(
    job: Job,
    spread: Spread,
    counts: Counts | None = None,
    changed: Sequence[Window] | None = None,
) -> tuple[list[Suspect], Counts]:
    """Repair in windows what breaks the rules at seams, or where the raster changed.

    Parameters
    ----------
    job
        The raster.
    spread
        Runs the work on the tiles.
    counts
        What was known before the raster changed; None before the first count.
    changed
        Where it has changed; None stands for all seams.

    Returns
    -------
    list of Suspect
        What is left.
    list
        What is known now.
    """
    places = None if changed is None else list(changed)
    counts = [[] for _ in job.tiles.windows()] if counts is None else list(counts)
    stale = {k for k, count in enumerate(counts) if not count} | _near(job, changed or ())
    for turn in range(ROUNDS):
        _recount(job, spread, counts, stale)
        found = _suspects(job, counts, places)
        windows, left = [], []
        for suspect in found:
            repaired, still = _mend(job, suspect, _AROUND << min(turn, _WIDEST))
            windows += repaired
            if not repaired and (suspect.split or still):
                left.append(suspect)
        _log.info("round %d: %d suspects, %d repairs", turn + 1, len(found), len(windows))
        if not windows and (not left or turn >= _WIDEST):
            return left, counts
        stale = _near(job, windows)
        places = [*windows, *(suspect.window for suspect in left)]
    _recount(job, spread, counts, stale)
    return [suspect for suspect in _suspects(job, counts, places) if suspect.split], counts


def _near(job: Job, windows: Sequence[Window]) -> set[int]:
    """Tiles whose polygons may be others after a change in some windows."""
    return {
        k
        for k, tile in enumerate(job.tiles.windows())
        if any(tile.grown(job.reach).meets(window) for window in windows)
    }


def _recount(job: Job, spread: Spread, counts: Counts, stale: set[int]) -> None:
    tiles = job.tiles.windows()
    work = sorted(stale)
    for k, found in zip(work, spread(_count, [(job, tiles[k]) for k in work]), strict=True):
        counts[k] = found


def _count(job: Job, tile: Window) -> list[Count]:
    """Polygons of every view in a tile."""
    around = tile.grown(job.reach)
    pairs = job.keys(around)
    inside, locked = job.store.read("inside", around), job.store.read("locked", around)
    corner, width = (tile.top, tile.left), job.shape[1]
    return [
        count_tile(
            keys_of(pairs, view, job.years == 2),
            inside,
            locked,
            job.reach,
            corner,
            width,
            job.spans,
        )[0]
        for view in job.views
    ]


def _suspects(job: Job, counts: Counts, changed: list[Window] | None) -> list[Suspect]:
    """Suspects of all views in the order of their places."""
    found: list[Suspect] = []
    for number, view in enumerate(job.views):
        spans = job.spans
        wide, corners = spans is not None, spans is None or by_corners(spans)
        polygons = join_tiles(job.tiles, [count[number] for count in counts], corners=corners)
        least = view.area / AS_DRAWN / job.pixel**2
        found += suspects_of(polygons, least, job.shape[1], changed, wide)
    return sorted(found, key=lambda suspect: suspect[:2])


def _mend(job: Job, suspect: Suspect, around: int) -> tuple[list[Window], int]:
    """Repair the polygons around a suspect; where they changed, and the faults that are left."""
    whole = suspect.window.grown(around).within(job.shape)
    changed, left = [], 0
    for window in _pieces(whole, job.largest):
        start = np.arange(window.shape[0] * window.shape[1], dtype=np.int32)
        if window == whole:
            place = (suspect.row - window.top) * window.shape[1] + suspect.column - window.left
            start = start[place : place + 1]
        found, still = _mend_window(job, window, start)
        left += still
        if found is not None:
            changed.append(found)
    return changed, left


def _pieces(window: Window, largest: int) -> list[Window]:
    """A window, or smaller ones that overlap by half and together cover it."""
    spans = []
    for begin, end in ((window.top, window.bottom), (window.left, window.right)):
        last = max(end - largest, begin)
        firsts = [*range(begin, last, largest // 2), last]
        spans.append([(first, min(first + largest, end)) for first in firsts])
    return [Window(*rows, *columns) for rows in spans[0] for columns in spans[1]]


def _mend_window(job: Job, window: Window, starts: Labels) -> tuple[Window | None, int]:
    """Repair the polygons of a window that hold some pixels."""
    classes = job.store.read("classes", window)
    locked = job.store.read("locked", window)
    after, left = repair(
        classes,
        classes[0] != OUTSIDE,
        job.store.read("inside", window),
        locked | job.store.read("drawn", window),
        locked,
        job.views,
        similarity_table(job.legend),
        pixel=job.pixel,
        spans=job.spans,
        rim_contact=RIM_PIXELS,
        starts=starts,
        beyond=_beyond(window, job.shape, job.reach),
    )
    rows, columns = np.nonzero((after != classes).any(axis=0))
    if not len(rows):
        return None, left
    job.store.write("classes", window, after)
    top, bottom = window.top + int(rows.min()), window.top + int(rows.max()) + 1
    first, last = window.left + int(columns.min()), window.left + int(columns.max()) + 1
    return Window(top, bottom, first, last), left


def _beyond(window: Window, shape: tuple[int, int], reach: int) -> np.ndarray[Any, Any]:
    """The pixels of a window along the sides on which the raster goes on."""
    beyond = np.zeros(window.shape, bool)
    beyond[:reach] = window.top > 0
    beyond[window.shape[0] - reach :] |= window.bottom < shape[0]
    beyond[:, :reach] |= window.left > 0
    beyond[:, window.shape[1] - reach :] |= window.right < shape[1]
    return beyond
