"""How well a map of single pixels agrees with the truth: classes, boundaries, things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.legend import OUTSIDE

TOLERANCES_M = (2.5, 5.0, 10.0)
"""How far a boundary may lie from the true one."""

SMALL_HA = (0.01, 0.1)
"""Area of small objects, hectares: from a 10 m pixel to a fifth of the least mapping unit."""

NARROW_M = 10.0
"""What an opening by a square of this side takes away is narrower than it."""

LEAST_LINE_HA = 0.025
"""Area from which something narrow is a line: at least 25 m long."""

Classes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """What maps are measured against.

    Attributes
    ----------
    classes
        Class index at 2.5 m, uint8 (y, x); `OUTSIDE` where there is no truth.
    counted
        Pixels whose class is counted, bool (y, x).
    """

    classes: Classes
    counted: Mask

    @property
    def inside(self) -> Mask:
        """Where there is a truth."""
        found: Mask = self.classes != OUTSIDE
        return found

    @cached_property
    def boundary(self) -> Mask:
        """See `boundary`."""
        return boundary(self.classes, self.inside)

    @cached_property
    def objects(self) -> dict[str, NDArray[np.int32]]:
        """Number of the thing that each pixel belongs to, 0 none, by the kind of thing."""
        return {"small": small_objects(self.classes), "linear": linear_objects(self.classes)}

    def scores(self, mapped: Classes) -> dict[str, float]:
        """All figures of a map on the grid of the truth.

        ``oa``, and ``macro_f1`` and ``miou`` as means over the classes that occur in the truth;
        ``boundary_f1_<metres>``; ``recall_small`` and ``recall_linear``, the share of the pixels
        of a thing that is mapped rightly, mean over things (NaN without any).
        """
        found = class_scores(mapped[self.counted], self.classes[self.counted])
        edges = boundary(mapped, self.inside)
        for tolerance in TOLERANCES_M:
            found[f"boundary_f1_{tolerance:g}"] = boundary_f1(edges, self.boundary, tolerance)
        right = mapped == self.classes
        for name, number in self.objects.items():
            each = ndimage.mean(right, number, np.arange(1, number.max() + 1))
            found[f"recall_{name}"] = float(np.mean(each)) if number.max() else float("nan")
        return found


def class_scores(mapped: Classes, truth: Classes) -> dict[str, float]:
    """Overall accuracy, and mean F1 and mean intersection over union of the classes that occur."""
    table = np.bincount(truth.astype(np.int64) * 256 + mapped, minlength=256**2).reshape(256, 256)
    both, said, true = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    here = true > 0
    return {
        "oa": float(both.sum() / len(truth)),
        "macro_f1": float((2 * both[here] / (said + true)[here]).mean()),
        "miou": float((both[here] / (said + true - both)[here]).mean()),
    }


def boundary(classes: Classes, inside: Mask) -> Mask:
    """Pixels whose neighbour to the right or below, inside as well, is of another class."""
    found = np.zeros(classes.shape, bool)
    for one, other in (
        ((slice(None), slice(-1)), (slice(None), slice(1, None))),
        ((slice(-1), slice(None)), (slice(1, None), slice(None))),
    ):
        found[one] |= (classes[one] != classes[other]) & inside[one] & inside[other]
    return found


def boundary_f1(mapped: Mask, truth: Mask, tolerance_m: float) -> float:
    """Harmonic mean of the shares of boundary pixels that have one of the other within reach.

    The contour measure of Csurka, Larlus and Perronnin (2013, BMVC 32), as in the benchmark of
    Perazzi et al. (2016, CVPR), over the boundaries of all classes together. NaN without a
    boundary in the truth.
    """
    if not truth.any():
        return float("nan")
    if not mapped.any():
        return 0.0
    precision = (_distance(truth)[mapped] <= tolerance_m).mean()
    recall = (_distance(mapped)[truth] <= tolerance_m).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _distance(found: Mask) -> NDArray[np.float64]:
    """Metres to the nearest pixel that is found."""
    metres: NDArray[np.float64] = ndimage.distance_transform_edt(~found, sampling=FINE)
    return metres


def small_objects(classes: Classes) -> NDArray[np.int32]:
    """Connected pixels of one class whose area is in `SMALL_HA`; none that touches the outside."""
    beside = ndimage.binary_dilation(classes == OUTSIDE)

    def small(part: NDArray[np.int32]) -> Mask:
        area = np.bincount(part.ravel()) * FINE**2 / 1e4
        kept = (area >= SMALL_HA[0]) & (area < SMALL_HA[1])
        kept[np.unique(part[beside])] = False
        return kept

    return _numbered(classes, lambda own: own, small)


def linear_objects(classes: Classes) -> NDArray[np.int32]:
    """Connected parts of a class that are narrower than `NARROW_M` and no specks.

    What lies outside counts as more of the class, so that nothing is narrow because the truth
    ends there.
    """
    side = round(NARROW_M / FINE)
    outside = classes == OUTSIDE

    def narrow(own: Mask) -> Mask:
        whole = np.pad(own | outside, side, constant_values=True)
        wide = ndimage.binary_opening(whole, np.ones((side, side), bool))
        return own & ~wide[side:-side, side:-side]

    def long(part: NDArray[np.int32]) -> Mask:
        kept: Mask = np.bincount(part.ravel()) * FINE**2 / 1e4 >= LEAST_LINE_HA
        return kept

    return _numbered(classes, narrow, long)


def _numbered(
    classes: Classes, select: Callable[[Mask], Mask], keep: Callable[[NDArray[np.int32]], Mask]
) -> NDArray[np.int32]:
    """Number the connected parts of what is selected of each class and kept."""
    found = np.zeros(classes.shape, np.int32)
    count = 0
    for value in np.unique(classes[classes != OUTSIDE]):
        part, _ = ndimage.label(select(classes == value))
        kept = keep(part)
        kept[0] = False
        number = np.where(kept, count + np.cumsum(kept), 0).astype(np.int32)
        found = np.where(part > 0, number[part], found)
        count += int(kept.sum())
    return found
