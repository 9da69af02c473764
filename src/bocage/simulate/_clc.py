"""A generalised land cover map in units of 25 ha like CORINE Land Cover 2018."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.legend import Legend, load_crosswalk
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import (
    code_of,
    faults,
    mislabelled,
    mode,
    shifted,
    special_codes,
)
from bocage.simulate._polygons import HECTARE, PIXEL
from bocage.simulate._tracing import relabelled, sieved, traced

BLANK = 255
"""A class that CORINE has no code for, such as hedges: its neighbours take the ground."""

SMOOTH_M = 60.0
"""Corners of the traced pixels below the square of it are cut off."""

MOSAIC_M = 500.0
"""Side of the square over which a mosaic of classes is seen as one class: 25 ha."""


def clc(classes: NDArray[np.uint8], legend: Legend, domain: Domain, seed: Seed) -> gpd.GeoDataFrame:
    """Land cover in the codes of CORINE Land Cover 2018.

    The real map is drawn by eye over images of 10 to 20 m in units of 25 ha and 100 m, so that
    small and narrow things vanish and mosaics get classes of their own; at least 85 % of it has
    to be right and borders within 100 m. Modelled: all of that, some years before the first
    image. A small square may be a handful of polygons.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m in the year of the layer, shape (y, x).

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``Code_18`` (str), ``Remark``, ``Area_Ha``, ``ID``, and valid polygons in
        EPSG:3035 that do not overlap.
    """
    rates = faults("clc2018")
    codes = code_of("clc", legend)
    names, numbers = _numbered(codes)
    table = np.full(256, BLANK, np.uint8)
    for index, code in codes.items():
        if code:
            table[index] = numbers[str(code)]
    step = round(PIXEL / FINE)
    coarse = table[classes[step // 2 :: step, step // 2 :: step]]
    coarse = shifted(coarse, rates["shift"] / PIXEL, 120.0, seed.at("clc2018", "shift"))
    coarse = _windows(coarse, rates["window"])
    wide = _farm_mosaics(coarse, names, numbers)
    pixels = round(rates["mmu"] * HECTARE / rates["window"] ** 2)
    units = sieved(_smooth(wide), min(pixels, wide.size))
    walk = load_crosswalk("clc", legend)
    leaf = np.array([0, *(legend.index(walk.to_legend(name)[0]) for name in numbers)])
    number = np.zeros(256, np.int64)
    number[list(codes)] = [numbers.get(str(code), 0) for code in codes.values()]

    def change(kind: NDArray[np.int64], area: NDArray[np.float64]) -> NDArray[np.int64]:
        rng, limit = seed.rng("clc2018", "wrong"), rates["label_limit"] * HECTARE
        wrong = np.full(256, rates["label_floor"])
        mistaken = mislabelled(leaf[kind], area, wrong, limit, legend, rng)
        return np.where(mistaken == leaf[kind], kind, number[mistaken])

    units = relabelled(units, rates["window"], change)
    # The square is no whole number of windows: the last ones reach beyond it.
    repeat = round(rates["window"] / PIXEL)
    size = domain.count(PIXEL)
    fine = np.repeat(np.repeat(units, repeat, axis=0), repeat, axis=1)[:size, :size]
    frame = traced(np.ascontiguousarray(fine), domain, PIXEL, SMOOTH_M)
    data = {
        "Code_18": np.array([names[i] for i in frame["index"]], object),
        "Remark": np.full(len(frame), None, object),
        "Area_Ha": np.round(frame.area.to_numpy() / HECTARE, 4),
        "ID": np.array([f"EU_{n}" for n in range(1, len(frame) + 1)], object),
    }
    return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _numbered(codes: Mapping[int, int]) -> tuple[dict[int, str], dict[str, int]]:
    """Codes of the layer as small numbers from 1: names by number and numbers by name."""
    special = special_codes("clc")
    used = sorted({str(c) for c in codes.values() if c} | set(special.values()))
    return dict(enumerate(used, start=1)), {name: n for n, name in enumerate(used, start=1)}


def _windows(codes: NDArray[np.uint8], window: float) -> NDArray[np.uint8]:
    """Most frequent code of each window; blank windows take the nearest code."""
    factor = round(window / PIXEL)
    extra = -codes.shape[0] % factor
    padded = np.pad(codes, ((0, extra), (0, extra)), mode="edge")
    coarse = mode(padded, factor, ignored=BLANK)
    blank = coarse == BLANK
    if blank.any() and not blank.all():
        near = ndimage.distance_transform_edt(blank, return_distances=False, return_indices=True)
        coarse = coarse[tuple(near)]
    return coarse


def _smooth(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Majority of 3 x 3 windows: what is narrower than two windows vanishes."""
    most = np.full(codes.shape, -1.0, np.float32)
    best = codes.copy()
    for code in np.unique(codes):
        # The middle counts half more, so that ties keep what is there.
        vote = 9 * ndimage.uniform_filter((codes == code).astype(np.float32), 3, mode="nearest")
        vote += 0.5 * (codes == code)
        best = np.where(vote > most, code, best)
        most = np.maximum(most, vote)
    return best


def _farm_mosaics(
    codes: NDArray[np.uint8],
    names: dict[int, str],
    numbers: dict[str, int],
) -> NDArray[np.uint8]:
    """Farmland of many small units as the mosaic classes."""
    special = special_codes("clc")
    limit = faults("clc2018")["mosaic"]
    size = max(1, round(MOSAIC_M / faults("clc2018")["window"]))
    largest = np.zeros(codes.shape, np.float32)
    farm = np.zeros(codes.shape, np.float32)
    wild = np.zeros(codes.shape, np.float32)
    for code in np.unique(codes):
        share = ndimage.uniform_filter((codes == code).astype(np.float32), size, mode="nearest")
        largest = np.maximum(largest, share)
        farm += share * names[int(code)].startswith("2")
        wild += share * names[int(code)].startswith("3")
    agrarian = np.isin(codes, [n for n, name in names.items() if name.startswith(("2", "3"))])
    mosaic = agrarian & (largest < limit) & (farm + wild > 0.8)
    result = codes.copy()
    result[mosaic & (farm >= 0.75)] = numbers[special["farm mosaic"]]
    result[mosaic & (farm >= 0.25) & (farm < 0.75)] = numbers[special["farm and nature"]]
    return result
