"""The editing of decoded rasters, with a record of what each rule touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import xarray as xr

from bocage.errors import InputError
from bocage.legend import OUTSIDE, Legend
from bocage.rasters import geobox_of, wrap
from bocage.refine._filters import heterogeneity, sieve
from bocage.refine._lines import LineLayer, draw_lines

LINEAGE = MappingProxyType({"model": 0, "sieve": 1, "line": 2})
"""Values of the lineage raster: which rule gave a pixel its class."""


@dataclass(frozen=True)
class RefineSettings:
    """What refinement does.

    Attributes
    ----------
    sieve_pixels
        Patches smaller than this are removed; 0 switches the sieve off.
    connectivity
        4 or 8, of the sieve.
    min_width_m
        Least width of drawn lines, m.
    """

    sieve_pixels: int = 15
    connectivity: int = 8
    min_width_m: float = 10.0


@dataclass(frozen=True)
class Refined:
    """Refined rasters and the record of the rules.

    Attributes
    ----------
    rasters
        Dims (year, y, x) at 2.5 m: ``class`` (class index, uint8), ``lineage`` (uint8, see
        `LINEAGE`, 255 outside); (y, x): ``locked`` (class index of the line drawn, 0 where
        none); and the other variables of the decoded dataset (``confidence``,
        ``change_probability``) as they were.
    heterogeneity
        uint8 (year, y, x) at 10 m: number of classes the model saw among the 16 pixels.
    touched
        Rule and year → number of pixels whose class it changed, such as
        ``{"sieve": {2021: 120}, "line": {2021: 40}}``.
    """

    rasters: xr.Dataset
    heterogeneity: xr.DataArray
    touched: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


def refine(
    decoded: xr.Dataset,
    legend: Legend,
    layers: Sequence[LineLayer] = (),
    settings: RefineSettings | None = None,
) -> Refined:
    """Sieve decoded class rasters and draw the lines into them.

    Parameters
    ----------
    decoded
        ``class`` uint8 (year, y, x) class index, and what goes with it.
    legend
        Its classes.
    layers
        Lines to draw.
    settings
        The defaults when None.

    Raises
    ------
    InputError
        If `decoded` has no variable ``class`` with dims (year, y, x).
    """
    settings = settings or RefineSettings()
    if "class" not in decoded or decoded["class"].dims != ("year", "y", "x"):
        raise InputError(
            "the decoded dataset has no 'class' with dims (year, y, x)",
            remedy="give what bocage.change decodes",
        )
    model = decoded["class"]
    sieved = sieve(model, settings.sieve_pixels, settings.connectivity)
    drawn, locked = draw_lines(sieved, layers, legend, settings.min_width_m)
    origin = lineage(model, sieved, locked)
    rasters = decoded.assign({"class": drawn, "lineage": origin, "locked": locked})
    touched = {"sieve": _changed(model, sieved), "line": _changed(sieved, drawn)}
    return Refined(rasters, _heterogeneity(model), touched)


def lineage(model: xr.DataArray, sieved: xr.DataArray, locked: xr.DataArray) -> xr.DataArray:
    """Which rule gave each pixel its class, as the values of `LINEAGE`.

    Parameters
    ----------
    model, sieved
        Class index before and after the sieve, dims (year, y, x) or (y, x).
    locked
        Class index of the line drawn, 0 where none, dims (y, x).

    Returns
    -------
    xarray.DataArray
        uint8, as `model`; pixels outside the area (255) are 255.
    """
    values = np.where(sieved.values != model.values, LINEAGE["sieve"], LINEAGE["model"])
    outside = model.values == OUTSIDE
    values = np.where((locked.values > 0) & ~outside, LINEAGE["line"], values)
    return model.copy(data=np.where(outside, OUTSIDE, values).astype(np.uint8))


def _changed(before: xr.DataArray, after: xr.DataArray) -> dict[int, int]:
    counts = (before.values != after.values).sum(axis=(1, 2))
    return {int(y): int(n) for y, n in zip(before["year"].values, counts, strict=True)}


def _heterogeneity(model: xr.DataArray) -> xr.DataArray:
    layers = [heterogeneity(model.isel(year=n, drop=True)) for n in range(model.sizes["year"])]
    return wrap(
        np.stack([layer.values for layer in layers]),
        geobox_of(layers[0]),
        dims=("year", "y", "x"),
        year=model["year"].values,
    )
