"""What is said of each pixel of two maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.accuracy._compare._meaning import AMBIGUOUS, COARSER, SAME


@dataclass(frozen=True)
class Outcome:
    """One thing that can be said of a pixel."""

    value: int
    key: str
    label: str
    color: str


BORDER, TEMPORAL, THEMATIC, ONLY_A, ONLY_B, NOTHING = 4, 5, 6, 7, 8, 255

OUTCOMES = (
    Outcome(SAME, "same", "same class", "#3f8f5b"),
    Outcome(COARSER, "coarser", "same, one map knows the class at a higher level", "#8cc29b"),
    Outcome(AMBIGUOUS, "ambiguous", "may be the same: the crosswalk leaves it open", "#d5e8c5"),
    Outcome(BORDER, "border", "geometric: both classes lie within the tolerance", "#f2c14e"),
    Outcome(TEMPORAL, "temporal", "temporal: a change explains it", "#5b8dd9"),
    Outcome(THEMATIC, "thematic", "thematic: another class", "#c8382e"),
    Outcome(ONLY_A, "only_a", "only A has a class", "#b8a9c9"),
    Outcome(ONLY_B, "only_b", "only B has a class", "#7a5c99"),
)
"""What the difference map holds; 255 is outside."""

COMPARED = (SAME, COARSER, AMBIGUOUS, BORDER, TEMPORAL, THEMATIC)
"""Outcomes of places where both maps have a class."""


def disc(radius: float) -> NDArray[np.int64]:
    """Steps (row, column) to the pixels within a radius, in pixels, nearest first."""
    reach = int(np.floor(radius))
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    far = row**2 + column**2
    kept = (far <= radius**2) & (far > 0)
    order = np.argsort(far[kept], kind="stable")
    return np.stack([row[kept][order], column[kept][order]], axis=1).astype(np.int64)


def outcomes(
    a: NDArray[np.int16],
    b: NDArray[np.int16],
    relation: NDArray[np.uint8],
    steps: NDArray[np.int64],
    explained: NDArray[np.bool_] | None = None,
    margin: int = 0,
) -> NDArray[np.uint8]:
    """Tell agreement, border, temporal and thematic disagreement apart.

    A disagreement is temporal where `explained` says so; else geometric (border) where, within the
    reach of `steps`, there is both a pixel of B that agrees with A here and a pixel of A
    that agrees with B here: two borders of the same classes that do not lie on each other. A thin
    object that one map lacks has the second but not the first, and stays thematic, as does the
    rest.

    Parameters
    ----------
    a, b
        Numbers of the values, int16 (y, x): -1 outside, 0 unclassified, from 1 classes.
    relation
        How numbers agree, uint8 (n_a + 1, n_b + 1): `SAME`, `COARSER`, `AMBIGUOUS` or 0.
    steps
        Steps (row, column) within the tolerance, int64 (k, 2) (`disc`).
    explained
        Where a change explains a disagreement, bool (y, x).
    margin
        Pixels at each side that are looked at but not told.

    Returns
    -------
    numpy.ndarray
        Values of `OUTCOMES`, uint8, smaller than the input by the margins.
    """
    told = np.zeros(a.shape, dtype=bool) if explained is None else explained
    found = np.empty((a.shape[0] - 2 * margin, a.shape[1] - 2 * margin), dtype=np.uint8)
    _tell(a, b, relation, steps, told, margin, found)
    return found


@njit(cache=True, nogil=True)
def _tell(a, b, relation, steps, explained, margin, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    rows, columns = a.shape
    for r in range(margin, rows - margin):
        for c in range(margin, columns - margin):
            first, second = a[r, c], b[r, c]
            if first < 0 or second < 0 or (first == 0 and second == 0):
                value = NOTHING
            elif first == 0:
                value = ONLY_B
            elif second == 0:
                value = ONLY_A
            elif relation[first, second] > 0:
                value = relation[first, second]
            elif explained[r, c]:
                value = TEMPORAL
            else:
                value = THEMATIC
                there, here = False, False
                for k in range(steps.shape[0]):
                    y, x = r + steps[k, 0], c + steps[k, 1]
                    if y < 0 or x < 0 or y >= rows or x >= columns:
                        continue
                    if b[y, x] > 0 and relation[first, b[y, x]] > 0:
                        there = True
                    if a[y, x] > 0 and relation[a[y, x], second] > 0:
                        here = True
                    if there and here:
                        value = BORDER
                        break
            found[r - margin, c - margin] = value
