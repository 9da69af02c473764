"""Borders of a raster of tiles: traced in each, joined, and sent back where they are narrow."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from bocage.generalize._census import BOTTOM, LEFT, RIGHT, TOP, Count, count_tile
from bocage.generalize._frame import PAD
from bocage.generalize._graph import Bools, Ints, Labels, label_keys
from bocage.generalize._joints import Pieces, join_pieces, trace_tile
from bocage.generalize._places import pixels_in
from bocage.generalize._polygons import Polygons, join_tiles
from bocage.generalize._raster import classes_of
from bocage.generalize._return import AROUND, REACH, own_pixels
from bocage.generalize._seams import Job, keys_in
from bocage.generalize._store import Tiles, Window
from bocage.generalize._vector import Tight, Traced, directions, slope_at
from bocage.generalize._widths import OUT, grow_into
from bocage.generalize._workers import Spread

MARGIN = PAD + 1
"""Pixels between the corner of the raster and the origin of traced arcs, as untiled."""


def trace_borders(job: Job, spread: Spread) -> Traced:
    """Trace the borders of the regions of a raster in files.

    Their points are in pixels, from a corner `MARGIN` rows and columns before the raster.
    """
    tiles = job.tiles.windows()
    counts = spread(_count, [(job, tile) for tile in tiles])
    regions = join_tiles(job.tiles, counts)
    key, line = _of_regions(regions, counts)
    tables = [regions.number[a:b] for a, b in zip(regions.offset, regions.offset[1:], strict=False)]
    sides = [
        tuple(_looked_up(table, edge[1]) for edge in count.edges)
        for table, count in zip(tables, counts, strict=True)
    ]
    tasks = [
        (job, tile, tables[k], _ring(job.tiles, sides, k), line) for k, tile in enumerate(tiles)
    ]
    traced = spread(_trace, tasks)
    arcs, take = join_pieces([pieces for pieces, _ in traced], job.tiles.shape[1] + 2 * MARGIN)
    inward = directions(np.concatenate([slope for _, slope in traced])[take])
    codes = np.stack([key >> 8, key & 255], axis=1) if job.years == 2 else key[:, None]
    return Traced(arcs, inward, codes.astype(np.uint8), line)


def _count(job: Job, tile: Window) -> Count:
    classes, drawn = job.store.read(tile)
    corner = (tile.top, tile.left)
    return count_tile(keys_in(classes), 0, corner, job.tiles.shape[1], None, drawn)


def _of_regions(regions: Polygons, counts: list[Count]) -> tuple[NDArray[np.uint16], Bools]:
    """Class pair of each region, and whether it holds pixels of drawn lines."""
    count = len(regions.shapes.size)
    key, line = np.zeros(count, np.uint16), np.zeros(count, bool)
    key[regions.number] = np.concatenate([c.key for c in counts])
    np.logical_or.at(line, regions.number, np.concatenate([c.marked for c in counts]))
    return key, line


def _looked_up(table: Ints, labels: Ints | Labels) -> Labels:
    """Labels of a tile as those of the raster; -1 stays."""
    return np.append(table, -1)[labels].astype(np.int32)


def _ring(tiles: Tiles, sides: list[tuple[Labels, ...]], tile: int) -> tuple[Labels, ...]:
    """Labels around a tile: above and below with the corners, left and right without."""
    across, down = len(tiles.columns) - 1, len(tiles.rows) - 1
    row, column = divmod(tile, across)

    def beside(rows: int, columns: int, side: int) -> Labels:
        r, c = row + rows, column + columns
        if 0 <= r < down and 0 <= c < across:
            return sides[r * across + c][side]
        lengths = np.diff(tiles.columns if side in (TOP, BOTTOM) else tiles.rows)
        place = min(max(c, 0), across - 1) if side in (TOP, BOTTOM) else min(max(r, 0), down - 1)
        return np.full(lengths[place], -1, np.int32)

    lines = [
        np.concatenate(
            [beside(step, -1, side)[-1:], beside(step, 0, side), beside(step, 1, side)[:1]]
        )
        for step, side in ((-1, BOTTOM), (1, TOP))
    ]
    return (*lines, beside(0, -1, RIGHT), beside(0, 1, LEFT))


def _trace(
    job: Job, tile: Window, table: Ints, ring: tuple[Labels, ...], line: Bools
) -> tuple[Pieces, NDArray[np.int8]]:
    """The cracks of a tile, and the slope of the mask of drawn bands at their corners."""
    classes, drawn = job.store.read(tile.grown(1))
    keys = np.ascontiguousarray(keys_in(classes)[1:-1, 1:-1])
    labels = np.empty(drawn.shape, np.int32)
    labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1] = ring
    labels[1:-1, 1:-1] = _looked_up(table, label_keys(keys, keys != OUT)[0])
    rows, columns = job.tiles.shape
    pieces = trace_tile(
        labels,
        (tile.top + MARGIN, tile.left + MARGIN),
        (tile.bottom == rows, tile.right == columns),
    )
    band = drawn & (labels >= 0) & np.append(line, False)[labels]
    corners = pieces.points.astype(np.int64) - (tile.left + MARGIN - 1, tile.top + MARGIN - 1)
    return pieces, slope_at(corners, band)


def take_back(job: Job, tight: Tight, transform: Affine) -> list[Window]:
    """Give the places where polygons are too narrow to what lies beside these polygons.

    Parameters
    ----------
    job
        The raster, which is changed.
    tight
        The places.
    transform
        Pixel corner to map coordinates, of the raster.

    Returns
    -------
    list of Window
        Where it changed.
    """
    changed = []
    for place, polygon in zip(tight.place, tight.polygon, strict=True):
        west, south, east, north = shapely.bounds(place)
        left, top = ~transform @ (west, north)
        right, bottom = ~transform @ (east, south)
        window = Window(int(top), int(bottom) + 1, int(left), int(right) + 1)
        window = window.grown(AROUND).within(job.tiles.shape)
        where = transform @ Affine.translation(window.left, window.top)
        classes, _ = job.store.read(window)
        keys = keys_in(classes)
        inside = keys != OUT
        taken = pixels_in(place, keys.shape, where) & inside
        labels = label_keys(keys, inside)[0]
        own = own_pixels(labels, pixels_in(polygon, keys.shape, where), inside)
        grow_into(keys, taken, ~own & inside, REACH)
        job.store.write(window, classes_of(keys, classes, inside))
        changed.append(window)
    return changed
