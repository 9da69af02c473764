"""Borders of a raster of tiles: traced in each, joined, and sent back where they are narrow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.generalize._borders import grow
from bocage.generalize._census import Count, count_tile
from bocage.generalize._frame import PAD
from bocage.generalize._graph import Bools, Ints
from bocage.generalize._job import Job
from bocage.generalize._joints import Pieces, join_pieces, trace_tile
from bocage.generalize._places import window_around
from bocage.generalize._polygons import join_tiles
from bocage.generalize._raster import classes_of
from bocage.generalize._return import AROUND, give_place
from bocage.generalize._tight import Tight
from bocage.generalize._vector import Traced, slope_at
from bocage.generalize._widths import OUT
from bocage.generalize._window import Window
from bocage.generalize._workers import Spread


def trace_borders(job: Job, spread: Spread, *, beyond: bool) -> Traced:
    """Trace the borders of the regions of a raster in files.

    Parameters
    ----------
    job
        The raster.
    spread
        Runs the work on the tiles.
    beyond
        Whether regions reach some pixels beyond the area, whose limit will cut them.
    """
    tiles = job.tiles.windows()
    found = spread(_count, [(job, tile) for tile in tiles])
    regions = join_tiles(job.tiles, [count for count, _ in found])
    key = np.zeros(len(regions.shapes.size), np.uint16)
    key[regions.number] = np.concatenate([count.key for count, _ in found])
    line = np.zeros(len(key), bool)
    np.logical_or.at(line, regions.number, np.concatenate([marked for _, marked in found]))
    number = [regions.number[a:b] for a, b in zip(regions.offset, regions.offset[1:], strict=False)]
    spread(_number, [(job, tile, number[k]) for k, tile in enumerate(tiles)])
    traced = spread(_trace, [(job, tile, line, beyond) for tile in tiles])
    arcs, take = join_pieces([pieces for pieces, _ in traced], job.shape[1])
    slope = np.concatenate([slope for _, slope in traced])[take]
    codes = np.stack([key >> 8, key & 255], axis=1) if job.years == 2 else key[:, None]
    return Traced(arcs, slope, codes.astype(np.uint8), line)


def _count(job: Job, tile: Window) -> tuple[Count, Bools]:
    """The regions of a tile, which go into its labels, and which of them hold pixels of lines."""
    keys, locked = job.keys(tile), job.store.read("locked", tile)
    inside = job.store.read("inside", tile)
    corner = (tile.top, tile.left)
    count, labels = count_tile(keys, inside, locked, 0, corner, job.shape[1], None)
    job.store.write("labels", tile, labels)
    line = (job.store.read("drawn", tile) | locked) & (labels >= 0)
    marked = np.zeros(len(count.key), bool)
    marked[np.unique(labels[line])] = True
    return count, marked


def _number(job: Job, tile: Window, number: Ints) -> None:
    """Turn the labels of a tile into those that its regions have in the whole raster."""
    labels = job.store.read("labels", tile)
    job.store.write("labels", tile, np.append(number, -1)[labels].astype(np.int32))


def _trace(job: Job, tile: Window, line: Bools, beyond: bool) -> tuple[Pieces, NDArray[np.int8]]:
    """The cracks of a tile, and the slope of the mask of drawn bands at their corners."""
    around = tile.grown(1)
    if beyond:
        labels = grow(job.store.read("labels", around.grown(PAD)))[PAD:-PAD, PAD:-PAD]
    else:
        labels = job.store.read("labels", around)
    rows, columns = job.shape
    last = (tile.bottom == rows, tile.right == columns)
    pieces = trace_tile(np.ascontiguousarray(labels), (tile.top, tile.left), last)
    band = job.store.read("drawn", around) & (labels >= 0) & np.append(line, False)[labels]
    corner = np.array([tile.left - 1, tile.top - 1], np.int32)
    return pieces, slope_at(pieces.points - corner, band)


def take_back(job: Job, tight: Tight) -> list[Window]:
    """Give the places where polygons are too narrow to what lies beside these polygons.

    Parameters
    ----------
    job
        The raster, which is changed.
    tight
        The places.

    Returns
    -------
    list of Window
        Where it changed.
    """
    changed = []
    for place, polygon in zip(tight.place, tight.polygon, strict=True):
        window, where = window_around(place, job.transform, job.shape, AROUND)
        keys, inside = job.keys(window), job.store.read("inside", window)
        # The labels are those of before all changes.
        labels = job.store.read("labels", window)
        given, _ = give_place(keys, labels, inside, place, polygon, where)
        classes = job.store.read("classes", window)
        job.store.write("classes", window, classes_of(given, classes, keys != OUT))
        changed.append(window)
    return changed
