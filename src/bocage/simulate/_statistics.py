"""Landscape statistics of a class raster: areas, patches, shapes, neighbours and change.

All work on pixels of one size, so that a virtual landscape and a polygon layer drawn at the
same size are measured with the same ruler (a border drawn in pixels is longer than the line
it stands for, by the same factor in both).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.features import sieve
from scipy import ndimage

from bocage.grid import FINE
from bocage.legend import OUTSIDE, UNCLASSIFIED

BINS = 256
"""Values that a class raster can hold."""

HECTARE = 10_000.0
"""Square metres of a hectare."""

ClassArray = NDArray[np.uint8]


@dataclass(frozen=True)
class Patches:
    """Connected pieces of one class, diagonal pixels apart.

    Attributes
    ----------
    value
        Class of each patch, shape (n,), uint8.
    area_ha
        Its area in hectares, shape (n,).
    perimeter_m
        Length of its border along the pixel edges in metres, holes included, shape (n,).
    whole
        Whether it ends inside the raster: patches that the frame or the edge of the mapped
        area cuts have neither their true size nor their true shape, shape (n,).
    """

    value: ClassArray
    area_ha: NDArray[np.float64]
    perimeter_m: NDArray[np.float64]
    whole: NDArray[np.bool_]

    @property
    def shape_index(self) -> NDArray[np.float64]:
        """Perimeter over that of the circle of the same area (Patton 1975), shape (n,).

        A square has 1.13; a disc drawn in pixels 1.27.
        """
        index: NDArray[np.float64] = self.perimeter_m / (
            2 * np.sqrt(np.pi * self.area_ha * HECTARE)
        )
        return index


def class_areas(classes: ClassArray, step: float = FINE) -> NDArray[np.float64]:
    """Area of each class in hectares, shape (256,).

    Parameters
    ----------
    classes
        Class of each pixel, shape (y, x).
    step
        Pixel size in metres.
    """
    count = np.bincount(classes.ravel(), minlength=BINS)
    areas: NDArray[np.float64] = count.astype(np.float64) * (step * step / HECTARE)
    return areas


def without_small(
    classes: ClassArray, mmu_ha: float = 0.5, step: float = FINE, outside: int = OUTSIDE
) -> ClassArray:
    """Merge patches below a minimum mapping unit into their largest neighbour.

    Makes a raster of 2.5 m comparable with a layer that was mapped with that unit.

    Parameters
    ----------
    outside
        Value of pixels that are not looked at; they stay as they are.
    """
    least = round(mmu_ha * HECTARE / (step * step))
    mask = classes != outside
    merged = np.asarray(sieve(classes, max(least, 1), mask=mask.astype(np.uint8), connectivity=4))
    return np.where(mask, merged, classes)


def patches(classes: ClassArray, step: float = FINE, outside: int = OUTSIDE) -> Patches:
    """Connected pieces of every class.

    Parameters
    ----------
    classes
        Class of each pixel, shape (y, x).
    outside
        Value of pixels that are not looked at.
    """
    value: list[NDArray[np.uint8]] = []
    area: list[NDArray[np.float64]] = []
    border: list[NDArray[np.float64]] = []
    whole: list[NDArray[np.bool_]] = []
    padded = np.pad(classes, 1, constant_values=outside)
    # One more than the value: find_objects takes 0 for the background.
    boxes = ndimage.find_objects(padded.astype(np.int32) + 1, max_label=BINS)
    for code, box in enumerate(boxes):
        if box is None or code == outside:
            continue
        rows, columns = (slice(part.start - 1, part.stop + 1) for part in box)
        window = padded[rows, columns]
        label, count = ndimage.label(window == code)
        length = np.zeros(count + 1)
        cut = np.zeros(count + 1, bool)
        for here, there, other in _sides(label, window):
            edge = here != there
            length += np.bincount(here[edge], minlength=count + 1)
            cut[here[edge & (other == outside)]] = True
        size = np.bincount(label.ravel(), minlength=count + 1)
        value.append(np.full(count, code, np.uint8))
        area.append(size[1:].astype(np.float64) * (step * step / HECTARE))
        border.append(length[1:] * step)
        whole.append(~cut[1:])
    if not value:
        empty = np.zeros(0)
        return Patches(empty.astype(np.uint8), empty, empty.copy(), empty.astype(bool))
    return Patches(
        np.concatenate(value), np.concatenate(area), np.concatenate(border), np.concatenate(whole)
    )


def _sides(
    label: NDArray[np.int32], window: ClassArray
) -> list[tuple[NDArray[np.int32], NDArray[np.int32], ClassArray]]:
    """Label of each pixel, and label and class of its neighbour, on the four sides."""
    return [
        (label[1:], label[:-1], window[:-1]),
        (label[:-1], label[1:], window[1:]),
        (label[:, 1:], label[:, :-1], window[:, :-1]),
        (label[:, :-1], label[:, 1:], window[:, 1:]),
    ]


def adjacency(
    classes: ClassArray, ignore: tuple[int, ...] = (UNCLASSIFIED, OUTSIDE)
) -> NDArray[np.float64]:
    """Share of the length of all borders between classes, by pair; shape (256, 256).

    Symmetric, zero on the diagonal; the upper triangle adds up to 1 where there is a border.

    Parameters
    ----------
    classes
        Class of each pixel, shape (y, x).
    ignore
        Values whose borders do not count.
    """
    count = _border_pixels(classes, ignore)
    total = np.triu(count).sum()
    shares: NDArray[np.float64] = count / max(total, 1.0)
    return shares


def border_density(
    classes: ClassArray, step: float = FINE, ignore: tuple[int, ...] = (UNCLASSIFIED, OUTSIDE)
) -> float:
    """Length of the borders between classes per area, metres a hectare."""
    length = float(np.triu(_border_pixels(classes, ignore)).sum()) * step
    area = float(np.count_nonzero(~np.isin(classes, ignore))) * (step * step / HECTARE)
    return length / area if area else 0.0


def _border_pixels(classes: ClassArray, ignore: tuple[int, ...]) -> NDArray[np.float64]:
    """Pixel edges between each pair of classes, symmetric, shape (256, 256)."""
    count = np.zeros(BINS * BINS)
    for one, other in ((classes[1:], classes[:-1]), (classes[:, 1:], classes[:, :-1])):
        edge = one != other
        pair = one[edge].astype(np.int64) * BINS + other[edge]
        count += np.bincount(pair, minlength=BINS * BINS)
    square = count.reshape(BINS, BINS)
    both: NDArray[np.float64] = square + square.T
    both[list(ignore), :] = 0
    both[:, list(ignore)] = 0
    return both


def similarity(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Shared part of two distributions, 0 to 1: one less half the sum of the differences.

    Each is scaled to add up to 1 first (of a symmetric matrix give the upper triangle).
    """
    first, second = float(np.sum(one)), float(np.sum(other))
    if first <= 0 or second <= 0:
        return 0.0
    return 1 - 0.5 * float(np.abs(one / first - other / second).sum())


def change_matrix(
    before: ClassArray, after: ClassArray, inside: NDArray[np.bool_], step: float = FINE
) -> NDArray[np.float64]:
    """Area in hectares by class before (rows) and after (columns), shape (256, 256).

    Parameters
    ----------
    before, after
        Class of each pixel in two years, shape (y, x).
    inside
        Pixels that count, shape (y, x).
    """
    pair = before[inside].astype(np.int64) * BINS + after[inside]
    count = np.bincount(pair, minlength=BINS * BINS).reshape(BINS, BINS)
    areas: NDArray[np.float64] = count.astype(np.float64) * (step * step / HECTARE)
    return areas
