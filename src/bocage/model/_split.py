"""Which labels are held out to calibrate, so that they stand for the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.stats import wasserstein_distance

from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings

SIDES_M = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
"""Sides of the squares that are tried, metres."""

_DRAWS = 24  # of the squares of each side
_SHARE = 0.2  # of the squares is held out
_FEWEST, _ENOUGH = 10, 25  # squares, so that two and five are held out
_USUAL_M = 100.0  # where nothing is known of the map
_MUCH, _BEYOND = 0.75, 2.0  # the map is beyond when so much of it is nearer than so many times …

_AXES = 16  # of the seasons, that distances are measured in
_LABELS, _ASKED = 8000, 2000  # labels that are near or far, and pixels that are asked how far


@dataclass(frozen=True, eq=False)
class Split:
    """Labels that train and that calibrate.

    Attributes
    ----------
    train, calibrate
        bool (pixel,).
    square
        Number of the square of each label that calibrates, (label,), from 0.
    side_m
        Side of the squares.
    beyond
        Much of the map lies farther from the labels than held-out labels can.
    notes
        What was odd.
    """

    train: NDArray[np.bool_]
    calibrate: NDArray[np.bool_]
    square: NDArray[np.intp]
    side_m: float
    beyond: bool = False
    notes: tuple[str, ...] = ()

    @property
    def squares(self) -> int:
        """How many squares are held out."""
        return int(self.square.max(initial=-1)) + 1

    @property
    def record(self) -> dict[str, float]:
        """What is kept of it with a model."""
        return {"squares": self.squares, "side_m": self.side_m}


def split_labels(pixels: Pixels, settings: ModelSettings) -> Split:
    """Hold out the labels of a fifth of the squares of a side.

    With ``calibration_m: auto`` the labels that are held out look about as foreign to the others
    as the pixels without labels, which stand for the map, look to all labels: that side of the
    squares is taken at which the distances to the most similar season are distributed most like
    those of the map, over some draws, and of these the best (after Linnenbrink et al.
    2024, Geosci. Model Dev., who match distances in space; seasons also tell the borders of
    parcels, where no label lies). Labels that share the parcels of others make a model look too
    sure, labels of another country too unsure. Where much of the map lies beyond the reach of
    the largest squares, these are taken. With fewer than ten squares nothing is held out.
    """
    labelled, none = pixels.labelled, np.zeros(len(pixels), bool)
    xy = np.stack([pixels.x, pixels.y], axis=1)
    own, other = xy[labelled], xy[~labelled]
    rng = np.random.default_rng(settings.seed)
    given = settings.calibration_m
    sides = [s for s in (SIDES_M if given == "auto" else (given,)) if _count(own, s) >= _FEWEST]
    if not sides:
        count = _count(own, SIDES_M[0] if given == "auto" else given)
        note = f"samples in {count} squares only: nothing held out, not calibrated"
        return Split(labelled, none, np.zeros(0, np.intp), 0.0, notes=(note,))
    side, held = sides[-1], _hold_out(own, sides[-1], rng)
    near = _reach(own[~held], own[held])
    far = _reach(own, other) if len(other) else 0.0
    beyond = far > _BEYOND * near
    if given == "auto" and not beyond:
        side, held = _most_alike(pixels, own, sides, rng)
    calibrate = none.copy()
    calibrate[labelled] = held
    note = (
        f"a quarter of the map lies {far:.0f} m or more from any label, of the held-out labels "
        f"{near:.0f} m: how right the map is there is not known"
    )
    square = _squares(own[held], side)[1]
    return Split(labelled & ~calibrate, calibrate, square, side, beyond, (note,) * beyond)


def _most_alike(
    pixels: Pixels, own: NDArray[np.float64], sides: list[float], rng: np.random.Generator
) -> tuple[float, NDArray[np.bool_]]:
    """The side, and the labels that are held out, that are most like the map."""
    if pixels.labelled.all():
        side = min(sides, key=lambda s: abs(s - _USUAL_M))
        return side, _hold_out(own, side, rng)
    likeness = _Likeness.of(pixels, rng)
    tried = []
    for side in [s for s in sides if _count(own, s) >= _ENOUGH] or sides:
        draws = [_hold_out(own, side, rng) for _ in range(_DRAWS)]
        near = [likeness.nearest(held) for held in draws]
        # Of all draws together: few large squares are never like the map, each draw for itself.
        misfit = likeness.misfit(np.concatenate(near))
        best = int(np.argmin([likeness.misfit(each) for each in near]))
        tried.append((misfit, side, draws[best]))
    _, side, held = min(tried, key=lambda t: t[:2])
    return side, held


@dataclass(frozen=True, eq=False)
class _Likeness:
    """How unlike seasons are.

    Attributes
    ----------
    far
        Of some pixels of the map to the label that is most like each, (n,).
    asked, labels
        Positions of some labels, and of more of them, among the labels.
    apart
        Between both, (asked, label).
    """

    far: NDArray[np.float32]
    asked: NDArray[np.intp]
    labels: NDArray[np.intp]
    apart: NDArray[np.float32]

    @classmethod
    def of(cls, pixels: Pixels, rng: np.random.Generator) -> _Likeness:
        own, other = np.flatnonzero(pixels.labelled), np.flatnonzero(~pixels.labelled)
        labels = rng.permutation(len(own))[:_LABELS]
        asked, there = labels[:_ASKED], rng.permutation(other)[:_ASKED]
        seasons = _seasons(pixels.pick(np.concatenate([own[labels], there])), len(labels))
        to = seasons[: len(labels)]
        far = _apart(seasons[len(labels) :], to).min(axis=1)
        return cls(far, asked, labels, _apart(to[: len(asked)], to))

    def nearest(self, held: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of held-out labels to the label outside that is most like each, (n,)."""
        apart = self.apart[held[self.asked]][:, ~held[self.labels]]
        found: NDArray[np.float32] = apart.min(axis=1, initial=np.inf)
        return found

    def misfit(self, near: NDArray[np.float32]) -> float:
        """How differently far held-out labels and the map are, of the labels (Wasserstein)."""
        near = near[np.isfinite(near)]
        return float(wasserstein_distance(near, self.far)) if len(near) else np.inf


def _seasons(pixels: Pixels, labels: int) -> NDArray[np.float32]:
    """Principal axes of the seasons of the first pixels, the labels, of all, (pixel, axis)."""
    values = pixels.seasons()
    values = (values - values[:labels].mean(axis=0)) / (values[:labels].std(axis=0) + 1e-3)
    _, _, axes = np.linalg.svd(values[:labels], full_matrices=False)
    found: NDArray[np.float32] = values @ axes[:_AXES].T
    return found


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distances between all pairs, (one, other)."""
    square = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    found: NDArray[np.float32] = np.sqrt(np.maximum(square, 0))
    return found


def _reach(to: NDArray[np.float64], places: NDArray[np.float64]) -> float:
    """How far much of some places lies from others, metres."""
    return float(np.quantile(KDTree(to).query(places)[0], _MUCH))


def _hold_out(own: NDArray[np.float64], side: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Labels in a random fifth of the squares."""
    squares, which = _squares(own, side)
    return np.isin(which, rng.permutation(len(squares))[: round(_SHARE * len(squares))])


def _count(own: NDArray[np.float64], side: float) -> int:
    return len(_squares(own, side)[0])


def _squares(own: NDArray[np.float64], side: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    squares, which = np.unique(own // side, axis=0, return_inverse=True)
    return squares, which.reshape(-1)
