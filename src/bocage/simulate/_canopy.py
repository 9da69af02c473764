"""Reflectance of canopies over any ground, from a table made with PROSAIL.

The table ``canopies.npy`` holds, for each canopy of ``canopies.csv``, stage of ageing, leaf
area index and zenith angle of the sun, the three terms of ``R = R0 + G g / (1 - S g)``
for a ground of reflectance ``g``: R0 is the canopy over black ground, G what comes through
it twice, S what it throws back down. So soil, litter, herbs, water or snow can lie beneath.
``docs/canopies.py`` makes it: PROSPECT-D leaves (Féret et al. 2017) in a 4SAIL canopy
(Verhoef et al. 2007), seen from above, with the spectral responses of Sentinel-2.

Columns of ``canopies.csv``, with the ranges of the literature that they stay in:

n
    Leaf structure, 1.3 … 2.2 (Jacquemoud & Baret 1990; needles and moss high).
cab, car, ant
    Chlorophyll, carotenoids, anthocyanins, µg/cm² (LOPEX and ANGERS data: 10 … 80,
    3 … 20, 0 … 10).
cbrown
    Brown pigments, 0 … 1.5, no unit; also bark and dead leaves among the live ones.
cw, cm
    Water and dry matter, g/cm² (0.004 … 0.04 and 0.002 … 0.025; TRY: needles and hard
    leaves are heavy).
ala
    Mean angle of the leaves from the horizontal in degrees of an ellipsoidal
    distribution (Campbell 1990; beech flat, grasses and reed steep).
hot
    Size of leaves over height of the canopy.
old_…
    The same of dead leaves (of twigs, where the leaves fall).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.simulate._noise import FloatArray
from bocage.simulate._tables import BANDS, rows

TABLE = "canopies.npy"

STAGES = (0.0, 0.5, 1.0)
"""Stages of ageing in the table: 0 green, 1 dead."""

LAI = (0.0, 0.25, 0.5, 1.0, 1.6, 2.4, 3.4, 4.6, 6.5)
"""Leaf area index in the table."""

ZENITH = (25.0, 40.0, 55.0, 70.0)
"""Zenith angle of the sun in the table, degrees."""

LEAF = ("n", "cab", "car", "ant", "cbrown", "cw", "cm", "ala", "hot")
AGED = ("cab", "car", "ant", "cbrown", "cw")


@dataclass(frozen=True)
class Traits:
    """Traits of a canopy while it is green and when it is dead."""

    key: str
    green: dict[str, float]
    old: dict[str, float]

    def at(self, stage: float) -> dict[str, float]:
        """Traits at a stage of ageing."""
        return {k: v + stage * (self.old.get(k, v) - v) for k, v in self.green.items()}


@cache
def traits() -> tuple[Traits, ...]:
    """Traits of all canopies, in the order of the table."""
    return tuple(
        Traits(
            r["key"],
            {name: float(r[name]) for name in LEAF},
            {name: float(r[f"old_{name}"]) for name in AGED},
        )
        for r in rows("canopies.csv")
    )


@cache
def canopy_index() -> dict[str, int]:
    """Position of each canopy in the table."""
    return {kind.key: i for i, kind in enumerate(traits())}


@cache
def canopy_table() -> FloatArray:
    """Terms of all canopies, float32, shape (canopy, stage, LAI, zenith, term, band)."""
    path = resources.files("bocage.simulate") / "data" / TABLE
    with path.open("rb") as file:
        table: FloatArray = np.load(file)
    return table


def under_sun(sun: float) -> FloatArray:
    """Terms of all canopies under a sun of that elevation in degrees.

    Returns
    -------
    Array
        float32, shape (canopy, stage, LAI, term, band). The table ends at 70° from the
        zenith: a lower sun looks like that one.
    """
    zenith = float(np.clip(90 - sun, ZENITH[0], ZENITH[-1]))
    above = min(int(np.searchsorted(ZENITH, zenith, side="right")), len(ZENITH) - 1)
    low, high = ZENITH[above - 1], ZENITH[above]
    part = np.float32((zenith - low) / (high - low))
    table = canopy_table()
    mixed: FloatArray = (1 - part) * table[:, :, :, above - 1] + part * table[:, :, :, above]
    return np.ascontiguousarray(mixed)


def canopy_over(
    terms: FloatArray,
    canopy: NDArray[np.int64],
    stage: NDArray[np.float64],
    lai: NDArray[np.float64],
    ground: FloatArray,
) -> FloatArray:
    """Reflectance of canopies over their ground.

    Parameters
    ----------
    terms
        See `under_sun`.
    canopy
        Position of the canopy of each unit, shape (n,).
    stage, lai
        Stage of ageing and leaf area index, shape (n,); held within the table.
    ground
        Reflectance of the ground, float32, shape (n, band).

    Returns
    -------
    Array
        float32, shape (n, band).
    """
    out = np.empty((canopy.size, len(BANDS)), np.float32)
    _interpolate(terms, canopy, stage, lai, ground, np.array(STAGES), np.array(LAI), out)
    return out


@njit(cache=True, nogil=True)
def _interpolate(
    terms: FloatArray,
    canopy: NDArray[np.int64],
    stage: NDArray[np.float64],
    lai: NDArray[np.float64],
    ground: FloatArray,
    stages: NDArray[np.float64],
    levels: NDArray[np.float64],
    out: FloatArray,
) -> None:
    for i in range(canopy.size):
        s = min(max(stage[i], stages[0]), stages[-1])
        v = min(max(lai[i], levels[0]), levels[-1])
        a = 0
        while a < stages.size - 2 and s > stages[a + 1]:
            a += 1
        b = 0
        while b < levels.size - 2 and v > levels[b + 1]:
            b += 1
        p = (s - stages[a]) / (stages[a + 1] - stages[a])
        q = (v - levels[b]) / (levels[b + 1] - levels[b])
        w00, w01, w10, w11 = (1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q
        c = canopy[i]
        t00, t01 = terms[c, a, b], terms[c, a, b + 1]
        t10, t11 = terms[c, a + 1, b], terms[c, a + 1, b + 1]
        for k in range(out.shape[1]):
            r0 = w00 * t00[0, k] + w01 * t01[0, k] + w10 * t10[0, k] + w11 * t11[0, k]
            g = w00 * t00[1, k] + w01 * t01[1, k] + w10 * t10[1, k] + w11 * t11[1, k]
            s1 = w00 * t00[2, k] + w01 * t01[2, k] + w10 * t10[2, k] + w11 * t11[2, k]
            e = ground[i, k]
            out[i, k] = r0 + g * e / (1 - s1 * e)
