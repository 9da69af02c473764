"""From the classes of a map to those of another nomenclature, with evidence where codes split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend._classes import some
from bocage.legend._crosswalk import Condition, Crosswalk
from bocage.legend._legend import Legend

TABLE, LAYER, POSTERIOR, UNDECIDED = range(4)
"""What decided a class, see `Decision`."""

HOW = ("table", "layer", "posterior", "undecided")
"""Words for them."""

MARGIN = 0.05
"""Share by which the evidence for one class must exceed that for another to decide."""

_FAVOUR = 2.0  # a pair that the table prefers counts as much more than one it merely allows

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Decision:
    """The class of each object in the other nomenclature, and what decided it.

    Attributes
    ----------
    code
        Leaf code of the target legend, shape (n,); 0 where the map has no class.
    how
        `TABLE`: there was one class to choose. `LAYER`: an ancillary layer left one.
        `POSTERIOR`: the other classes that the classifier saw in the object tip the scales.
        `UNDECIDED`: nothing did, and the class that the table prefers was taken.
    """

    code: Ints
    how: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Recode:
    """How the leaves of a map turn into those of another legend.

    Attributes
    ----------
    source, target
        The legend of the map, and the other.
    weight
        Share of a leaf that belongs to a target leaf as far as the table knows, shape
        (source, target) by position in the legends; rows add up to 1.
    preferred
        Target position of the pair that the table names first, shape (source,).
    conditions
        Target positions with what ancillary layers must say, by source position.
    """

    source: Legend
    target: Legend
    weight: Floats
    preferred: Ints
    conditions: Mapping[int, Mapping[int, tuple[Condition, ...]]]

    @classmethod
    def between(cls, source: Legend, target: Legend, crosswalk: Crosswalk) -> Recode:
        """Prepare a crosswalk, whose codes are leaf codes or notations of the target.

        Raises
        ------
        InputError
            If the target lacks a class of the crosswalk, or a leaf of the map has no pair.
        """
        place, allowed = _places(target), crosswalk.allowed
        if crosswalk.id == "identity":
            # It knows the codes of coarser levels, too: those are no classes to turn into.
            allowed = {str(code): (code,) for code in source.codes()}
        if strange := [code for code in allowed if code not in place]:
            raise InputError(
                f"crosswalk '{crosswalk.id}': the legend '{target.id}' has no {some(strange)}",
                remedy="give them as leaf codes or notations in the legend",
            )
        weight = np.zeros((len(source), len(target)), np.float32)
        conditions: dict[int, dict[int, tuple[Condition, ...]]] = {}
        for code, leaves in allowed.items():
            for leaf in leaves:
                row, column = source.index(leaf) - 1, place[code]
                weight[row, column] = _FAVOUR if (leaf, code) in crosswalk.primary else 1.0
                if (leaf, code) in crosswalk.conditions:
                    conditions.setdefault(row, {})[column] = crosswalk.conditions[leaf, code]
        lost = [c.code for c, row in zip(source.classes, weight, strict=True) if not row.any()]
        if lost:
            raise InputError(
                f"crosswalk '{crosswalk.id}' has no pair for class {some(lost)}",
                remedy="add a row for each class of the map",
            )
        first = [place.get(crosswalk.preferred.get(c.code, ""), -1) for c in source.classes]
        preferred = np.where(np.array(first) < 0, weight.argmax(axis=1), first)
        return cls(
            source, target, weight / weight.sum(axis=1, keepdims=True), preferred, conditions
        )

    @property
    def fingerprint(self) -> str:
        """Digest of the table."""
        said = repr(
            sorted(
                (s, sorted((t, repr(w)) for t, w in c.items())) for s, c in self.conditions.items()
            )
        )
        return hashlib.sha256(
            self.weight.tobytes() + self.preferred.tobytes() + said.encode()
        ).hexdigest()

    @property
    def splits(self) -> bool:
        """Whether there is a class that becomes one of several, so that evidence counts."""
        return bool(((self.weight > 0).sum(axis=1) > 1).any())

    @property
    def layers(self) -> tuple[str, ...]:
        """Ancillary layers that the crosswalk can use."""
        found = {c.layer for row in self.conditions.values() for cs in row.values() for c in cs}
        return tuple(sorted(found))

    def decide(
        self,
        own: NDArray[np.integer],
        shares: NDArray[np.floating] | None = None,
        layers: Mapping[str, NDArray[np.floating]] | None = None,
    ) -> Decision:
        """Find the class of objects (polygons or pixels) in the target legend.

        Of the classes that the table allows for an object's own class, those are dropped that
        an ancillary layer contradicts. Each of the others counts as much as the table gives it
        of the object's own class, and of the other classes in it, by their shares.

        Parameters
        ----------
        own
            Class index in the source legend, shape (n,); 0 or what the legend lacks: unknown.
        shares
            Share of each class of the source legend in the object, shape (n, source): mean
            probabilities, or shares of pixels. None: nothing is known but the class itself.
        layers
            Mean value of ancillary layers, shape (n,), NaN where there is none.
        """
        known = (own > 0) & (own <= len(self.source))
        row = np.where(known, own, 1).astype(np.int64) - 1
        allowed = self.weight[row] > 0
        left = allowed & self._held(row, allowed, layers or {})
        prior = np.where(left, self.weight[row], 0.0)
        evidence = self._evidence(row, shares, left)
        score = prior * self._certainty(row, shares)[:, None] + evidence
        best = np.where(left, score, -1.0).argmax(axis=1)
        how = np.full(len(own), UNDECIDED, np.uint8)
        how[_told_apart(score, evidence, left)] = POSTERIOR
        how[left.sum(axis=1) == 1] = LAYER
        how[allowed.sum(axis=1) == 1] = TABLE
        open_ = how == UNDECIDED
        first = self.preferred[row]
        usual = np.where(left[np.arange(len(row)), first], first, prior.argmax(axis=1))
        best[open_] = usual[open_]
        codes = np.array(self.target.codes(), np.int64)[best]
        return Decision(np.where(known, codes, 0), np.where(known, how, TABLE).astype(np.uint8))

    def _held(
        self, row: Ints, allowed: NDArray[np.bool_], layers: Mapping[str, NDArray[np.floating]]
    ) -> NDArray[np.bool_]:
        """Which pairs no layer contradicts; all of them where the layers contradict all."""
        held = np.ones_like(allowed)
        for source, pairs in self.conditions.items():
            here = np.flatnonzero(row == source)
            for column, condition in ((n, c) for n, said in pairs.items() for c in said):
                if len(here) == 0 or condition.layer not in layers:
                    continue
                value = np.asarray(layers[condition.layer], np.float64)[here]
                held[here[~condition.holds(value)], column] = False
        held[~(held & allowed).any(axis=1)] = True
        return held

    def _evidence(
        self, row: Ints, shares: NDArray[np.floating] | None, left: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """What the other classes in the objects say for each class that is left."""
        if shares is None:
            return np.zeros(left.shape)
        others = np.array(shares, np.float64)
        others[np.arange(len(row)), row] = 0.0
        return np.where(left, others @ self.weight, 0.0)

    @staticmethod
    def _certainty(row: Ints, shares: NDArray[np.floating] | None) -> NDArray[np.float64]:
        if shares is None:
            return np.ones(len(row))
        return np.asarray(shares, np.float64)[np.arange(len(row)), row]


def _told_apart(
    score: NDArray[np.float64], evidence: NDArray[np.float64], left: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Where the evidence differs between the classes that are left, and one is ahead."""
    low = np.where(left, evidence, np.inf).min(axis=1)
    high = np.where(left, evidence, -np.inf).max(axis=1)
    ordered = np.sort(np.where(left, score, -1.0), axis=1)
    second = ordered[:, -2] if score.shape[1] > 1 else np.full(len(score), -1.0)
    found: NDArray[np.bool_] = (high - low >= MARGIN) & (ordered[:, -1] - second >= MARGIN)
    return found


def _places(legend: Legend) -> dict[str, int]:
    """Position of each leaf by its code and by its notation."""
    codes = {str(c.code): n for n, c in enumerate(legend.classes)}
    return {**codes, **{legend.notation(c.code): n for n, c in enumerate(legend.classes)}}
