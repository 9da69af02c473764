"""What is known of a place beside its series: shares of regions, terrain. Inputs like the others.

Layers of regions are called ``region:NAME``. One model is told them instead of one model a region,
so regions with few labels borrow from the others and there is no border between models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.errors import InputError

REGION = "region:"


def layer_names(place: xr.DataArray | None) -> tuple[str, ...]:
    """Names of the layers; none without any."""
    if place is None:
        return ()
    if place.dims != ("layer", "y", "x") or "layer" not in place.coords:
        raise InputError(
            f"the place has the dims ({', '.join(map(str, place.dims))})",
            remedy="give (layer, y, x) with names of the layers",
        )
    return tuple(str(name) for name in place["layer"].values)


def place_at(place: xr.DataArray | None, y: xr.DataArray, x: xr.DataArray) -> NDArray[np.float32]:
    """Layers at points or on a grid, float32 (layer, …), along straight lines between pixels.

    Parameters
    ----------
    place
        Dims (layer, y, x); none gives no layer at all. Beyond its outer pixels these are held.
    y, x
        Coordinates of points (with one common dim) or of a grid (with a dim each).
    """
    if place is None:
        return np.zeros((0, *np.broadcast(*xr.broadcast(y, x)).shape), np.float32)
    within = {
        name: at.clip(float(place[name].min()), float(place[name].max()))
        for name, at in (("y", y), ("x", x))
    }
    found = place.astype(np.float64).interp(within).transpose("layer", ...)
    return found.values.astype(np.float32)


def in_order(
    values: NDArray[np.float32], given: Sequence[str], wanted: Sequence[str]
) -> NDArray[np.float32]:
    """Layers in the order of a model, (layer, …); a region that is not given has no share.

    Raises
    ------
    InputError
        If a layer of the terrain is missing, all regions are, or a place belongs to one that
        the model does not know.
    """
    regions = [name for name in wanted if name.startswith(REGION)]
    missing = [name for name in wanted if name not in given and name not in regions]
    if missing or (regions and not any(name in given for name in regions)):
        raise InputError(
            f"the model knows a place by {', '.join(wanted)}; given is "
            f"{', '.join(given) or 'nothing'}",
            remedy="give the same layers as in training",
        )
    stray = [
        name
        for name, layer in zip(given, values, strict=True)
        if regions and name.startswith(REGION) and name not in wanted and (layer > 0).any()
    ]
    if stray:
        raise InputError(
            f"the model knows {', '.join(regions)}, not {', '.join(stray)}",
            remedy="train it with samples of all regions",
        )
    found = np.zeros((len(wanted), *values.shape[1:]), np.float32)
    for number, name in enumerate(wanted):
        if name in given:
            found[number] = values[list(given).index(name)]
    return found


def terrain(elevation: xr.DataArray) -> xr.DataArray:
    """Layers of the terrain from heights.

    Parameters
    ----------
    elevation
        Metres above the sea, dims (y, x), metric coordinates of pixel centres, two pixels or
        more a side.

    Returns
    -------
    xarray.DataArray
        float32 (layer, y, x): ``elevation`` in metres, ``slope`` in degrees, and ``northness``
        and ``eastness``, the parts of the surface's normal to the north and to the east
        (sine of the slope by cosine and sine of the aspect), central differences.
    """
    values = elevation.values.astype(np.float64)
    up_y, up_x = np.gradient(values, elevation["y"].values, elevation["x"].values)
    steep = np.hypot(up_x, up_y)
    length = np.sqrt(1 + steep**2)
    layers = {
        "elevation": values,
        "slope": np.degrees(np.arctan(steep)),
        "northness": -up_y / length,
        "eastness": -up_x / length,
    }
    return xr.DataArray(
        np.stack(list(layers.values())).astype(np.float32),
        dims=("layer", "y", "x"),
        coords={"layer": list(layers), "y": elevation["y"].values, "x": elevation["x"].values},
    )
