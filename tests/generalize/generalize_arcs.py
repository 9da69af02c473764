"""Arcs shaped without a test for clashes, for the tests of the borders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bocage.generalize._drafting import Request, draft
from bocage.generalize._simplify import rounded


def shape_arcs(arcs, style, frozen, offset=None):
    """Arcs as they are shaped where none clashes, in pixels."""
    shift = np.zeros(arcs.points.shape) if offset is None else np.where(frozen[:, None], 0, offset)
    level = np.zeros(len(arcs), np.int8)
    every = np.arange(len(arcs))
    places, keep, starts = draft(Request(arcs, style, frozen, shift), level, every)
    size = np.add.reduceat(keep, starts[:-1]) if len(arcs) else np.empty(0, int)
    return replace(arcs, points=places[keep], starts=np.concatenate([[0], np.cumsum(size)]))


def to_map(arcs, transform, grid_m=0.001):
    """Arcs in map coordinates on a grid, without vertices that fall on the one before."""
    every, places = np.ones(len(arcs.points), bool), arcs.points.astype(float)
    points, starts = rounded(places, arcs.starts, every, transform[:6], 1 / grid_m)
    return replace(arcs, points=points / (1 / grid_m), starts=starts)
