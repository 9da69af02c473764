"""What ancillary layers say about labels, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.legend import Condition
from bocage.rasters import read_onto

Values = Mapping[str, NDArray[np.float32]]
Part = tuple[tuple[int, ...], NDArray[np.intp]]


def read_layers(
    paths: Mapping[str, Path], names: Iterable[str], geobox: GeoBox
) -> dict[str, NDArray[np.float32]]:
    """Ancillary layers on a pixel grid, each of the names that has a file.

    They are read with the nearest neighbour, codes and heights alike: the mean of two codes
    would be a third one.

    Parameters
    ----------
    paths
        Rasters by the name of the layer, in any CRS.
    names
        Layers that are needed.
    geobox
        Pixel grid.

    Returns
    -------
    dict
        float32 (y, x) by name, NaN where the raster has no value.

    Raises
    ------
    InputError
        If a file is missing, is no raster or has no CRS.
    """
    return {
        name: read_onto(
            paths[name], geobox, fill=np.nan, dtype="float32", what=f"samples layer '{name}'"
        ).values
        for name in sorted(set(names) & set(paths))
    }


def narrowed(
    allowed: tuple[int, ...],
    conditions: Mapping[int, tuple[Condition, ...]],
    values: Values,
    at: NDArray[np.intp],
) -> list[Part]:
    """Split pixels by the leaves that are left of a set.

    Parameters
    ----------
    allowed
        Leaf codes of the set.
    conditions
        What must hold for a leaf, by leaf. What is about a layer without values says nothing.
    values
        Ancillary layers (y, x), NaN where there is no value, which says nothing either.
    at
        Flat positions of the pixels that have the set.

    Returns
    -------
    list
        Leaves that are left, perhaps none, and the flat positions of the pixels where they are.
    """
    governed: dict[Condition, set[int]] = {}
    for leaf in allowed:
        for condition in conditions.get(leaf, ()):
            if condition.layer in values:
                governed.setdefault(condition, set()).add(leaf)
    parts: list[Part] = [(allowed, at)]
    for condition, leaves in governed.items():
        layer = values[condition.layer].ravel()
        parts = [p for part in parts for p in _split(part, condition, leaves, layer)]
    return parts


def _split(
    part: Part, condition: Condition, leaves: set[int], layer: NDArray[np.float32]
) -> list[Part]:
    left, at = part
    if leaves.isdisjoint(left):
        return [part]
    holds = condition.holds(layer[at])
    rest = tuple(leaf for leaf in left if leaf not in leaves)
    return [(kept, here) for kept, here in ((left, at[holds]), (rest, at[~holds])) if len(here)]
