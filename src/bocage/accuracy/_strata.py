"""Strata as combinations of layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.rasters import geobox_of, wrap


def combine_strata(layers: Mapping[str, xr.DataArray]) -> tuple[xr.DataArray, pd.DataFrame]:
    """Make strata of the combinations of layers, such as map class, change and region.

    Parameters
    ----------
    layers
        Integer arrays (y, x) on one pixel grid, by name. Pixels where the first layer is 0
        (unclassified) or 255 (outside, in bytes), or any layer is below 0, are not sampled.

    Returns
    -------
    strata : xarray.DataArray
        Number of the stratum, int32 (y, x), from 1; 0 is not sampled.
    table : pandas.DataFrame
        A row a stratum: ``stratum``, a column a layer, ``pixels`` and ``area_ha``.

    Raises
    ------
    InputError
        If there is no layer, the grids differ or no pixel is left.
    """
    if not layers:
        raise InputError("no layer to stratify by", remedy="give at least the map")
    names, arrays = list(layers), list(layers.values())
    box = geobox_of(arrays[0], names[0])
    if any(geobox_of(a, n) != box for n, a in layers.items()):
        raise InputError("the strata are on different pixel grids", remedy="warp them to one")
    first = np.asarray(arrays[0].values)
    used = (first != UNCLASSIFIED) & ~((first == OUTSIDE) & (first.dtype == np.uint8))
    for array in arrays:
        used &= np.asarray(array.values).astype(np.int64) >= 0
    if not used.any():
        raise InputError("no pixel may be sampled", remedy="give a map with classes")
    rows = np.stack([np.asarray(a.values)[used].astype(np.int64) for a in arrays], axis=1)
    found, number, pixels = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    strata = np.zeros(first.shape, dtype=np.int32)
    strata[used] = number.reshape(-1) + 1
    table = pd.DataFrame(found, columns=names)
    table.insert(0, "stratum", np.arange(1, len(found) + 1))
    table["pixels"] = pixels
    table["area_ha"] = np.round(pixels * pixel_ha(box), 6)
    return wrap(strata, box), table


def pixel_ha(box: GeoBox) -> float:
    """Area of a pixel of a grid in metres, hectares."""
    return float(abs(box.affine.a * box.affine.e)) / 10_000
