"""Rasters of one theme each like the CLMS High Resolution Layers of 2018."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bocage.grid import FINE, NATIVE
from bocage.legend import Legend
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import chance, faults, patches
from bocage.simulate._noise import FloatArray, fractal, uniform
from bocage.simulate._tables import rows
from bocage.simulate._tracing import sieved

OUTSIDE = 255
"""Value of the sea and of what lies outside."""

STAND_M = 70.0
"""Mean size of the patches that are denser or thinner, seen or overlooked as one."""

BROADLEAVED, CONIFEROUS = 1, 2
"""Values of the forest type; 0 is no forest."""


def hrl(
    classes: NDArray[np.uint8], legend: Legend, domain: Domain, seed: Seed
) -> dict[str, NDArray[np.uint8]]:
    """Tree cover density, forest type, grassland and imperviousness of 2018.

    The real layers are rasters of 10 m from Sentinel-2 and Sentinel-1. At least 90 % user's and
    producer's accuracy is asked for trees and sealed ground, 85 % overall for grass. Modelled:
    ``hrl.csv`` gives each class a range of tree cover and sealed ground, a share of conifers
    and a chance to be grass; stands differ within it; thin canopies and narrow sealed things
    are lost; patches are overlooked (dry grass most), crops, orchards and bare ground slip in;
    forests have units of 0.5 ha.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m in the year of the layers, shape (y, x).

    Returns
    -------
    dict
        ``TCD`` (0 to 100), ``FTY`` (0, 1 broadleaved, 2 coniferous), ``GRA`` (0, 1) and ``IMD``
        (0 to 100): uint8, shape (y / 4, x / 4), `OUTSIDE` on the sea.
    """
    named = Seed(seed.value, f"{seed.scope}/hrl")
    patch = patches(domain, NATIVE, STAND_M, named)
    axis = domain.axis(NATIVE)
    fine = fractal(axis, axis, 40.0, named.at("fine"), octaves=2)
    stand = 0.6 * chance(patch, "stand", seed=named) + np.float32(0.4) * uniform(fine)
    trees = _tree_cover(classes, legend, stand, fine, chance(patch, "trees", seed=named))
    layers = {
        "TCD": trees,
        "FTY": _forest_type(classes, legend, trees, chance(patch, "leaf", seed=named), named),
        "GRA": _grass(classes, legend, chance(patch, "grass", seed=named)),
        "IMD": _sealed(classes, legend, stand, fine, chance(patch, "sealed", seed=named)),
    }
    sea = _mean(classes, "sea", legend) > 0.5
    for values in layers.values():
        values[sea] = OUTSIDE
    return layers


def _tree_cover(
    classes: NDArray[np.uint8],
    legend: Legend,
    stand: FloatArray,
    fine: FloatArray,
    drawn: FloatArray,
) -> NDArray[np.uint8]:
    rates = faults("tcd2018")
    low, high = (_mean(classes, f"trees_{end}", legend) for end in ("low", "high"))
    density = low + stand * (high - low)
    trees = density >= 1
    density = density + np.float32(rates["noise"]) * fine
    # A canopy that is half as thick as the least one is seen half as often.
    seen = density > rates["least"] * (0.6 + 0.8 * stand)
    density = np.where(seen & trees & (drawn >= rates["omitted"]), density, 0)
    # Tall herbs and reeds are taken for trees here and there.
    tall = (high < rates["least"] + 1) & (_mean(classes, "grass", legend) > 0.1)
    tall &= drawn > 1 - rates["committed"]
    density = np.where(tall, 15 + 25 * stand, density)
    return np.clip(np.rint(density), 0, 100).astype(np.uint8)


def _forest_type(
    classes: NDArray[np.uint8],
    legend: Legend,
    trees: NDArray[np.uint8],
    drawn: FloatArray,
    seed: Seed,
) -> NDArray[np.uint8]:
    rates = faults("fty2018")
    wooded = trees >= rates["canopy"]
    use = _mean(classes, "forest", legend) >= 0.5
    # Trees on farmland and in towns are no forest, but some are taken for it.
    forest = wooded & (use | (drawn > 1 - rates["crops"]))
    conifers = _mean(classes, "conifer", legend)
    axis_y, axis_x = ((np.arange(n) + 0.5) * NATIVE for n in trees.shape)
    groups = fractal(axis_y, axis_x, 45.0, seed.at("leaf"), octaves=2)
    coniferous = uniform(groups) < conifers
    coniferous ^= drawn < rates["leaf"]
    found = np.where(forest, np.where(coniferous, CONIFEROUS, BROADLEAVED), 0).astype(np.uint8)
    pixels = round(rates["mmu"] * 10_000 / NATIVE**2)
    # The least unit is one of forest, whatever its leaves.
    unit = sieved((found > 0).astype(np.uint8), pixels)
    return np.where(unit > 0, np.where(found > 0, found, BROADLEAVED), 0).astype(np.uint8)


def _grass(classes: NDArray[np.uint8], legend: Legend, drawn: FloatArray) -> NDArray[np.uint8]:
    rates = faults("gra2018")
    share = _mean(classes, "grass", legend)
    dry = _mean(classes, "dry", legend)
    grass = share > 0.5
    missed = drawn < rates["omitted"] + rates["dry"] * dry
    # Land with some grass in it, and clover among the crops, is taken for grassland.
    taken = drawn > 1 - rates["committed"] - 0.25 * share
    trees = _mean(classes, "trees_low", legend) > 40
    return np.where(grass, ~missed, taken & ~trees & (share > 0.015)).astype(np.uint8)


def _sealed(
    classes: NDArray[np.uint8],
    legend: Legend,
    stand: FloatArray,
    fine: FloatArray,
    drawn: FloatArray,
) -> NDArray[np.uint8]:
    rates = faults("imd2018")
    low, high = (_mean(classes, f"sealed_{end}", legend) for end in ("low", "high"))
    density = low + stand * (high - low)
    built = low > 4
    seen = built & (density > rates["least"]) & (drawn >= rates["omitted"])
    density = density + np.float32(rates["noise"]) * fine
    # Bare ground may look sealed: land with a range that starts at nothing.
    bare = ~built & (high >= 1.5) & (drawn > 1 - rates["committed"])
    density = np.where(seen, density, np.where(bare, 20 + 40 * stand, 0))
    return np.clip(np.rint(density), 0, 100).astype(np.uint8)


def _mean(classes: NDArray[np.uint8], column: str, legend: Legend) -> FloatArray:
    """Mean over each pixel of 10 m of a column of ``hrl.csv``."""
    values = _column(column)
    table = np.zeros(256, np.float32)
    for index, code in enumerate(legend.codes(), start=1):
        table[index] = values[code]
    factor = round(NATIVE / FINE)
    rows, columns = classes.shape[0] // factor, classes.shape[1] // factor
    total = np.zeros((rows, columns), np.float32)
    for down in range(factor):
        for right in range(factor):
            total += table[classes[down::factor, right::factor]]
    mean: FloatArray = (total / factor**2).astype(np.float32)
    return mean


@cache
def _column(name: str) -> dict[int, float]:
    return {int(r["code"]): float(r[name]) for r in rows("hrl.csv")}
