"""Faults of reference layers: rates from a table, shifted borders, coarse pixels, wrong labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import Legend, load_crosswalk
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import IntArray, cells, fractal
from bocage.simulate._tables import rows


@cache
def faults(layer: str) -> Mapping[str, float]:
    """Rates and sizes of the faults of a layer.

    ``reference_errors.csv`` names the unit and the source of each.

    Raises
    ------
    InputError
        If the table has no such layer.
    """
    table = rows("reference_errors.csv")
    found = {r["fault"]: float(r["value"]) for r in table if r["layer"] == layer}
    if not found:
        known = ", ".join(dict.fromkeys(r["layer"] for r in table))
        raise InputError(f"no faults are known of layer '{layer}'", remedy=f"use one of {known}")
    return found


@cache
def special_codes(layer: str) -> Mapping[str, str]:
    """Codes of a layer that its crosswalk alone does not tell, by the key of the table."""
    return {r["key"]: r["code"] for r in rows("reference_codes.csv") if r["layer"] == layer}


def code_of(layer: str, legend: Legend) -> Mapping[int, int]:
    """Code of a layer for every class index of the legend; 0 where the layer has none.

    Parameters
    ----------
    layer
        Id of the crosswalk.
    legend
        The legend of the truth.
    """
    walk, special = load_crosswalk(layer, legend), special_codes(layer)
    return {
        index: int(special.get(str(code)) or walk.from_legend(code) or 0)
        for index, code in enumerate(legend.codes(), start=1)
    }


def representatives(codes: Mapping[int, int]) -> NDArray[np.uint8]:
    """Look-up table: class index → the first class index with the same code.

    The layer cannot tell such classes apart, so they are one before its units are formed.
    """
    table = np.arange(256, dtype=np.uint8)
    first: dict[int, int] = {}
    for index, code in codes.items():
        table[index] = first.setdefault(code, index)
    return table


def mode(codes: NDArray[np.uint8], factor: int, ignored: int | None = None) -> NDArray[np.uint8]:
    """Most frequent code of each block of pixels, the smallest one if several are.

    Parameters
    ----------
    codes
        Shape (y, x), both multiples of `factor`.
    factor
        Pixels along the side of a block.
    ignored
        A code that has no vote; it stays where a block holds nothing else.

    Returns
    -------
    numpy.ndarray
        uint8, shape (y / factor, x / factor).
    """
    rows, columns = codes.shape[0] // factor, codes.shape[1] // factor
    best = np.full((rows, columns), 0 if ignored is None else ignored, np.uint8)
    most = np.zeros((rows, columns), np.uint16)
    for code in np.unique(codes):
        if code == ignored:
            continue
        blocks = (codes == code).reshape(rows, factor, columns, factor)
        # One axis after the other: rows of a block lie far apart in memory.
        count = blocks.sum(axis=3, dtype=np.uint8).sum(axis=1, dtype=np.uint16)
        best = np.where(count > most, code, best)
        most = np.maximum(most, count)
    return best


def shifted(
    values: NDArray[np.uint8], deviation: float, wavelength: float, seed: int
) -> NDArray[np.uint8]:
    """Move pixels by a smooth random displacement.

    Parameters
    ----------
    values
        Shape (y, x).
    deviation
        Standard deviation of the displacement along each axis, in pixels.
    wavelength
        Over how many pixels it changes.
    """
    axis_y, axis_x = (np.arange(n, dtype=float) for n in values.shape)
    down = fractal(axis_y, axis_x, wavelength, seed, octaves=2) * np.float32(deviation)
    right = fractal(axis_y, axis_x, wavelength, seed + 5, octaves=2) * np.float32(deviation)
    rows = np.clip(np.rint(axis_y[:, None] + down), 0, values.shape[0] - 1).astype(np.int32)
    columns = np.clip(np.rint(axis_x[None, :] + right), 0, values.shape[1] - 1).astype(np.int32)
    moved: NDArray[np.uint8] = values[rows, columns]
    return moved


def patches(domain: Domain, step: float, size: float, seed: Seed) -> IntArray:
    """Dense labels (from 0) of patches with curling borders, in which a layer errs as one.

    Parameters
    ----------
    domain, step
        The square, and the size of the pixels in metres.
    size
        Mean distance of the middles of the patches in metres.
    """
    axis = domain.axis(step)
    warp_y = np.float32(0.26 * size) * fractal(axis, axis, 1.3 * size, seed.at("warp"), octaves=3)
    warp_x = np.float32(0.26 * size) * fractal(
        axis, axis, 1.3 * size, seed.at("warp") + 5, octaves=3
    )
    found = cells(warp_y, warp_x, step, size, seed.at("patches"))
    _, dense = np.unique(found, return_inverse=True)
    return dense.astype(np.int32)


def chance(patch: IntArray, *names: object, seed: Seed) -> NDArray[np.float32]:
    """A random number from 0 to 1 for each pixel, the same in all of a patch."""
    drawn = seed.rng(*names).random(int(patch.max()) + 1, np.float32)
    number: NDArray[np.float32] = drawn[patch]
    return number


def mislabelled(
    index: NDArray[np.integer],
    area: NDArray[np.floating],
    rates: NDArray[np.floating],
    limit: float,
    legend: Legend,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Take a share of units for a similar class that occurs in the layer.

    Parameters
    ----------
    index
        Class index of each unit.
    area
        Its area in square metres.
    rates
        How often each class index is mistaken, shape (256,).
    limit
        Larger units, in square metres, have the right class.
    """
    present = np.unique(index)
    wrong = np.flatnonzero((rng.random(index.size) < rates[index]) & (area < limit))
    result = index.astype(np.int64)
    for unit in wrong:
        own = index[unit]
        others = present[present != own]
        if others.size:
            weight = legend.similarity[own - 1, others - 1].astype(float) ** 2 + 0.01
            result[unit] = rng.choice(others, p=weight / weight.sum())
    return result
