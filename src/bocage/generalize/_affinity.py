"""How well a region fits into its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bocage.generalize._graph import Bools, Codes, Floats
from bocage.legend import Legend

BASE = 0.1
"""What a neighbour without any similarity counts, so that a border alone decides then."""

MASS = 4.0
"""What a neighbour counts whose class has all of the probability in a region; similarity is 1."""

LINE_PENALTY = 0.02
"""Factor for drawn lines as the destination of what is no line: land joins land."""


def similarity_table(legend: Legend) -> NDArray[np.float64]:
    """Similarity of class indices, shape (256, 256); unclassified is similar to itself only."""
    table = np.zeros((256, 256))
    size = len(legend)
    table[1 : size + 1, 1 : size + 1] = legend.similarity
    table[0, 0] = 1.0
    return table


def scores(
    table: NDArray[np.float64],
    own: Codes,
    other: Codes,
    border: Floats,
    own_line: Bools,
    other_line: Bools,
) -> Floats:
    """Score of merging regions into neighbours: shared border × (0.1 + mean similarity).

    Parameters
    ----------
    table
        As `similarity_table` gives it.
    own, other
        Classes of the regions and of their neighbours, shape (e, years).
    border
        Shared border, m, shape (e,).
    own_line, other_line
        Whether they are drawn lines, shape (e,).
    """
    alike = table[own, other].mean(axis=1)
    factor = np.where(other_line & ~own_line, LINE_PENALTY, 1.0)
    return np.asarray(border * (BASE + alike) * factor, dtype=np.float64)
