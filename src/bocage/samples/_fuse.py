"""Several reference layers as one: they agree, they narrow each other, or they contradict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.samples._labels import Labels
from bocage.samples._rules import MAX_RELIABILITY

CONTRADICTED = 0.5
"""Factor on the weight of a label that a less reliable source contradicts."""


@dataclass(frozen=True)
class Fused:
    """Labels of all sources together.

    Attributes
    ----------
    ids
        uint16 (y, x): 0 where there is no label, else 1 + position in `sets`.
    sets
        Sorted leaf codes that each id allows.
    leader
        int16 (y, x): position of the source that leads at a pixel; -1 without a label.
    reliability
        uint8 (y, x): reliability of the leading source; 0 without a label.
    weight
        float32 (y, x), 0 … 1: reliability / 3, halved for each contradiction.
    """

    ids: NDArray[np.uint16]
    sets: tuple[tuple[int, ...], ...]
    leader: NDArray[np.int16]
    reliability: NDArray[np.uint8]
    weight: NDArray[np.float32]


def fuse(labels: Sequence[Labels], reliabilities: Sequence[int]) -> Fused:
    """Fuse label rasters, the most reliable first.

    Where two sources label a pixel the intersection of their sets is kept. Where it is
    empty they contradict each other: the more reliable one stays with half the weight, and
    between equals the pixel loses its label for good.

    Parameters
    ----------
    labels
        Label rasters of the same shape.
    reliabilities
        Reliability of each, 1 to 3; equals keep their order.

    Raises
    ------
    InputError
        If there is no source, or shapes or lengths differ.
    """
    if not labels or len(labels) != len(reliabilities):
        raise InputError(
            f"{len(labels)} label rasters with {len(reliabilities)} reliabilities",
            remedy="give at least one source and one reliability for each",
        )
    shape = labels[0].ids.shape
    if any(item.ids.shape != shape for item in labels):
        raise InputError("label rasters differ in shape", remedy="read them on one pixel grid")
    state = _State(shape)
    for position in sorted(range(len(labels)), key=lambda i: -reliabilities[i]):
        state.add(labels[position], position, reliabilities[position])
    return state.result()


class _State:
    """Labels fused so far."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.sets: dict[tuple[int, ...], int] = {}
        self.ids = np.zeros(shape, dtype=np.uint16)
        self.leader = np.full(shape, -1, dtype=np.int16)
        self.reliability = np.zeros(shape, dtype=np.uint8)
        self.factor = np.ones(shape, dtype=np.float32)
        self.dropped = np.zeros(shape, dtype=bool)

    def add(self, labels: Labels, position: int, reliability: int) -> None:
        meeting, contradiction = self._meet(labels.sets)
        joint = meeting[self.ids, labels.ids]
        against = contradiction[self.ids, labels.ids]
        new = (self.ids == 0) & (labels.ids > 0) & ~self.dropped
        drop = against & (self.reliability == reliability)
        self.factor[against & ~drop] *= CONTRADICTED
        self.ids = np.where(self.dropped | drop, 0, joint).astype(np.uint16)
        self.dropped |= drop
        self.leader[new] = position
        self.reliability[new] = reliability
        self.leader[drop] = -1
        self.reliability[drop] = 0

    def _meet(
        self, other: tuple[tuple[int, ...], ...]
    ) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Tables (own id, other id): the id of the intersection, and whether it is empty."""
        own = list(self.sets)
        meeting = np.zeros((len(own) + 1, len(other) + 1), dtype=np.uint16)
        contradiction = np.zeros(meeting.shape, dtype=bool)
        for j, theirs in enumerate(other, start=1):
            meeting[0, j] = self._id(theirs)
        for i, mine in enumerate(own, start=1):
            meeting[i, 0] = i
            for j, theirs in enumerate(other, start=1):
                shared = tuple(sorted(set(mine) & set(theirs)))
                contradiction[i, j] = not shared
                meeting[i, j] = self._id(shared) if shared else i
        return meeting, contradiction

    def _id(self, allowed: tuple[int, ...]) -> int:
        return self.sets.setdefault(allowed, len(self.sets) + 1)

    def result(self) -> Fused:
        # Sets that no pixel has any more are forgotten, so that the ids stay dense.
        used = np.unique(self.ids)
        used = used[used > 0]
        table = np.zeros(len(self.sets) + 1, dtype=np.uint16)
        table[used] = np.arange(1, len(used) + 1)
        names = list(self.sets)
        weight = self.reliability / np.float32(MAX_RELIABILITY) * self.factor
        return Fused(
            ids=table[self.ids],
            sets=tuple(names[i - 1] for i in used.tolist()),
            leader=self.leader,
            reliability=self.reliability,
            weight=np.where(self.ids > 0, weight, 0).astype(np.float32),
        )
