"""The polygons of a raster of tiles, and which of them may break a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bocage.generalize._census import Count, Shapes, seam_lines
from bocage.generalize._graph import Bools, Ints, components
from bocage.generalize._widths import OUT
from bocage.generalize._window import Tiles, Window


@dataclass(frozen=True)
class Polygons:
    """Polygons of the whole raster.

    Attributes
    ----------
    shapes
        They, in the order of their first pixels.
    number
        The polygon of each polygon of each tile, tile after tile, shape (k,).
    offset
        Where those of each tile begin in `number`, shape (tiles + 1,).
    at_seam
        Whether each meets a line between tiles.
    exempt
        Whether most of each is a locked line, which may be narrow.
    parts, owner
        Their groups of core pixels, and the polygon of each.
    """

    shapes: Shapes
    number: Ints
    offset: Ints
    at_seam: Bools
    exempt: Bools
    parts: Shapes
    owner: Ints

    @property
    def groups(self) -> Ints:
        """How many groups of core pixels each polygon has."""
        return np.bincount(self.owner, minlength=len(self.shapes.size))


def join_tiles(tiles: Tiles, counts: list[Count], *, corners: bool = True) -> Polygons:
    """The polygons of the tiles, joined over the seams.

    Groups of core pixels are joined at `corners` of pixels too, or along edges only.
    """
    regions = _offsets([len(count.key) for count in counts])
    parts = _offsets([len(count.owner) for count in counts])
    sides = [
        tuple(_shifted(edge, regions[k], parts[k]) for edge in count.edges)
        for k, count in enumerate(counts)
    ]
    same, touching, at_seam = [], [], []
    for before, after in seam_lines(tiles, sides):
        equal = (before[0] == after[0]) & (before[0] != OUT)
        same.append(np.stack([before[1][equal], after[1][equal]]))
        steps = (-1, 0, 1) if corners else (0,)
        touching += [_touching(before, after, step) for step in steps]
        at_seam += [before[1], after[1]]
    found = components(regions[-1], *np.concatenate([np.empty((2, 0), np.int64), *same], axis=1))
    whole = _concatenated([count.polygons for count in counts])
    number = _in_order(found, whole.first)
    many = int(number.max(initial=-1)) + 1
    group = components(parts[-1], *np.concatenate([np.empty((2, 0), np.int64), *touching], axis=1))
    cores = int(group.max(initial=-1)) + 1
    owner = np.zeros(cores, np.int64)
    each = np.concatenate([count.owner + regions[k] for k, count in enumerate(counts)])
    owner[group] = number[each]
    met = np.zeros(many, bool)
    for line in at_seam:
        met[number[np.unique(line[line >= 0])]] = True
    return Polygons(
        shapes=whole.joined(number, many),
        number=number,
        offset=regions,
        at_seam=met,
        exempt=np.bincount(number, np.concatenate([c.exempt for c in counts]), minlength=many) > 0,
        parts=_concatenated([count.parts for count in counts]).joined(group, cores),
        owner=owner,
    )


def _offsets(sizes: list[int]) -> Ints:
    return np.cumsum([0, *sizes]).astype(np.int64)


def _shifted(edge: Ints, region: int, part: int) -> Ints:
    """Numbers within a tile as numbers among those of all tiles."""
    shift = np.array([[0], [region], [part]])
    return np.where(edge < 0, -1, edge + shift)


def _touching(before: Ints, after: Ints, step: int) -> Ints:
    """Core parts that touch across a seam, straight or diagonally, shape (2, n)."""
    length = before.shape[1]
    a = before[:, max(step, 0) : length + min(step, 0)]
    b = after[:, max(-step, 0) : length + min(-step, 0)]
    kept = (a[0] == b[0]) & (a[2] >= 0) & (b[2] >= 0)
    return np.stack([a[2][kept], b[2][kept]])


def _concatenated(shapes: list[Shapes]) -> Shapes:
    names = ("size", "first", "box")
    return Shapes(*(np.concatenate([getattr(s, name) for s in shapes]) for name in names))


def _in_order(group: Ints, first: Ints) -> Ints:
    """Groups numbered in the order of their first pixels."""
    lowest = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(lowest, group, first)
    rank = np.empty(len(lowest), np.int64)
    rank[np.argsort(lowest)] = np.arange(len(lowest))
    return np.asarray(rank[group])


class Suspect(NamedTuple):
    """A place that must be looked at: a pixel of it, its extent, and whether it is split."""

    row: int
    column: int
    window: Window
    split: bool


def suspects_of(
    polygons: Polygons, least: float, columns: int, changed: list[Window] | None, widths: bool
) -> list[Suspect]:
    """Polygons that are small or whose cores are not one part, in the order of their places.

    Parameters
    ----------
    polygons
        The polygons of a view.
    least
        Pixels below which one is small.
    columns
        Columns of the raster.
    changed
        Where the raster has changed: small polygons elsewhere have been looked at before. None
        stands for the seams.
    widths
        Whether cores matter.
    """
    shapes, groups = polygons.shapes, polygons.groups
    small = shapes.size < least
    if changed is None:
        small &= polygons.at_seam
    else:
        small[small] = [
            any(_window(box).grown(1).meets(window) for window in changed)
            for box in shapes.box[small]
        ]
    narrow = (groups == 0) & ~polygons.exempt
    if widths:
        small |= narrow
    found = [(shapes.first[k], shapes.box[k], bool(narrow[k])) for k in np.flatnonzero(small)]
    if widths:
        parts = polygons.parts
        order = np.lexsort((parts.first, -parts.size, polygons.owner))
        later = order[1:][np.diff(polygons.owner[order]) == 0]
        later = later[~polygons.exempt[polygons.owner[later]]]
        found += [(parts.first[k], parts.box[k], True) for k in later]
    places = sorted(found, key=lambda item: int(item[0]))
    return [
        Suspect(int(first) // columns, int(first) % columns, _window(box), split and widths)
        for first, box, split in places
    ]


def _window(box: Ints) -> Window:
    top, bottom, left, right = (int(value) for value in box)
    return Window(top, bottom + 1, left, right + 1)
