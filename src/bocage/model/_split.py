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

_SHARE = 0.2  # of the squares is held out
_FEWEST = 10  # squares, so that two are held out
_MOST = 5000  # places whose distances are measured
_USUAL_M = 100.0  # where nothing is known of the map
_MUCH, _BEYOND = 0.75, 2.0  # the map is beyond when so much of it is nearer than so many times …


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

    @property
    def doubt(self) -> float:
        """What cannot be known from so few squares: the share of half a square more."""
        return 0.5 / (self.squares + 1)


def split_labels(pixels: Pixels, settings: ModelSettings) -> Split:
    """Hold out the labels of a fifth of the squares of a side.

    With ``calibration_m: auto`` that side is taken whose held-out labels lie about as far from
    the others as the pixels without labels, which stand for the map, lie from all labels: the
    distributions of distances to the nearest label differ least (Linnenbrink et al. 2024, Geosci.
    Model Dev.). Labels that lie nearer share their parcels with what was learned and make a model
    look too sure, labels that lie farther too unsure. Where the map lies farther than any held-out
    label can, the largest squares are taken and a note says so. With fewer than ten squares
    nothing is held out.
    """
    labelled, none = pixels.labelled, np.zeros(len(pixels), bool)
    xy = np.stack([pixels.x, pixels.y], axis=1)
    own = xy[labelled]
    far = _distances(own, xy[~labelled], settings.seed)
    side = settings.calibration_m
    if side == "auto":
        side = _side(own, far, settings.seed)
    held = _hold_out(own, side, settings.seed)
    if held is None:
        squares = len(_squares(own, side)[0])
        note = f"samples in {squares} squares only: nothing held out, not calibrated"
        return Split(labelled, none, np.zeros(0, np.intp), side, notes=(note,))
    calibrate = none.copy()
    calibrate[labelled] = held
    square = _squares(own[held], side)[1]
    near = _distances(own[~held], own[held], settings.seed)
    reach = [float(np.quantile(d, _MUCH)) if len(d) else 0.0 for d in (near, far)]
    beyond = reach[1] > _BEYOND * reach[0]
    note = (
        f"a quarter of the map lies {reach[1]:.0f} m or more from any label, of the held-out "
        f"labels {reach[0]:.0f} m: how right the map is there is not known"
    )
    return Split(labelled & ~calibrate, calibrate, square, side, beyond, (note,) * beyond)


def _side(own: NDArray[np.float64], far: NDArray[np.float64], seed: int) -> float:
    """The side whose held-out labels lie about as `far` from the others as the map."""
    tried = []
    for side in SIDES_M:
        held = _hold_out(own, side, seed)
        if held is not None:
            near = _distances(own[~held], own[held], seed)
            apart = wasserstein_distance(near, far) if len(far) else abs(side - _USUAL_M)
            tried.append((float(apart), side))
    return min(tried)[1] if tried else SIDES_M[0]


def _distances(
    to: NDArray[np.float64], places: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Distances from some of the places to the nearest of others, metres."""
    if len(places) > _MOST:
        places = np.random.default_rng(seed).choice(places, _MOST, replace=False)
    found: NDArray[np.float64] = KDTree(to).query(places)[0]
    return found


def _hold_out(own: NDArray[np.float64], side: float, seed: int) -> NDArray[np.bool_] | None:
    """Labels in a random fifth of the squares, or None for too few squares."""
    squares, which = _squares(own, side)
    if len(squares) < _FEWEST:
        return None
    order = np.random.default_rng(seed).permutation(len(squares))
    return np.isin(which, order[: max(1, round(_SHARE * len(order)))])


def _squares(own: NDArray[np.float64], side: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    squares, which = np.unique(own // side, axis=0, return_inverse=True)
    return squares, which.reshape(-1)
