"""Cubes of points: where their points lie, what they are called, which fold they fall into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.grid import FINE
from bocage.samples._rules import SamplingRules


def fold_of(
    x: NDArray[np.floating], y: NDArray[np.floating], rules: SamplingRules
) -> NDArray[np.int8]:
    """Spatial fold of places, 0 … `rules.folds` - 1.

    Folds are laid out over cells of `rules.fold_m` in a pattern in which, with five folds, a cell
    differs from all its eight neighbours, so that every fold covers the area evenly.

    Parameters
    ----------
    x, y
        Coordinates in metres, EPSG:3035, shape (n,).
    """
    column = np.floor(np.asarray(x) / rules.fold_m).astype(np.int64)
    row = np.floor(np.asarray(y) / rules.fold_m).astype(np.int64)
    step = 2 if rules.folds > 2 else 1
    return ((column + step * row) % rules.folds).astype(np.int8)


def cube_offsets(rules: SamplingRules) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres east and north of the points of a cube from its centre, row by row from the north."""
    steps = (np.arange(rules.points_per_side) - (rules.points_per_side - 1) / 2) * (
        rules.point_offset_m
    )
    dy, dx = (a.ravel() for a in np.meshgrid(-steps, steps, indexing="ij"))
    return dx, dy


def cube_names(x: NDArray[np.floating], y: NDArray[np.floating]) -> list[str]:
    """Names of cubes after the 2.5 m pixel of their centres."""
    columns, rows = (np.floor(v / FINE).astype(int).tolist() for v in (x, y))
    return [f"E{column}N{row}" for column, row in zip(columns, rows, strict=True)]
