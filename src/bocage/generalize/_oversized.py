"""Large polygons that are no unit: what is in them, and what of it could stand alone."""

from __future__ import annotations

import numba
import numpy as np
import pandas as pd
import rasterio.features
import shapely
import xarray as xr
from affine import Affine

from bocage.errors import InputError
from bocage.generalize._attributes import describe
from bocage.generalize._coverage import Coverage
from bocage.generalize._edges import Geometries
from bocage.generalize._graph import Codes, Floats, Labels, label_regions
from bocage.generalize._rules import HECTARE
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._vote import majority
from bocage.generalize._widths import OUT, Keys, disc, narrow_pixels
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.rasters import geobox_of

WINDOW_M = 22.5
"""Side of the square in which a class must be the most frequent one, m."""

_DOMINANT = 0.5  # share of a part that must have its class in the raster


def oversized(
    coverage: Coverage,
    classes: xr.DataArray,
    legend: Legend,
    settings: GeneralizeSettings | None = None,
    *,
    least_ha: float = 25.0,
    least_heterogeneity: float = 0.0,
) -> pd.DataFrame:
    """Large polygons of the status views, with what they hold of other classes.

    A merge that gives away the pieces of a patch one by one may let a polygon grow that says
    nothing about much of what is in it. `other_ha` measures that: parts of the polygon of at
    least the mapping unit and width in which another class is the most frequent one around
    every pixel and the class of at least half of the pixels (corners and drawn lines are not
    seen as they are, since the window reaches beyond them). Where it is 0, the polygon is
    large because the land is, and mixed because the raster is noisy.

    Parameters
    ----------
    coverage
        A finished coverage.
    classes
        The class index that it was made of, uint8, dims (year, y, x) or (y, x).
    legend, settings
        What it was made with; the defaults when None.
    least_ha
        Smaller polygons are left out, hectares.
    least_heterogeneity
        Polygons with a lower normalised entropy (see `describe`) are left out, 0 … 1.

    Returns
    -------
    pandas.DataFrame
        Columns ``year``, ``code``, ``area_ha``, ``purity``, ``heterogeneity``, ``second``,
        ``second_share`` (see `describe`), ``other_ha`` (hectares) and ``x``, ``y`` (a point in
        the polygon); the largest `other_ha` first.
    """
    settings = settings or GeneralizeSettings()
    layers = [classes] if classes.ndim == 2 else [classes[n] for n in range(len(classes))]
    if len(layers) != len(coverage.years):
        raise InputError(
            f"{len(layers)} rasters for the years {', '.join(map(str, coverage.years))}",
            remedy="give the raster that the coverage was made of",
        )
    tables = [
        _of_year(coverage, year, layer, legend, settings, least_ha, least_heterogeneity)
        for year, layer in zip(coverage.years, layers, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values("other_ha", ascending=False, kind="stable", ignore_index=True)


def _of_year(
    coverage: Coverage,
    year: int,
    classes: xr.DataArray,
    legend: Legend,
    settings: GeneralizeSettings,
    least_ha: float,
    least_heterogeneity: float,
) -> pd.DataFrame:
    view = coverage.status(year)
    hectares = shapely.area(view.geometry.to_numpy()) / HECTARE
    frame = describe(view[hectares >= least_ha], classes, legend)
    frame = frame[frame["heterogeneity"] >= least_heterogeneity]
    shapes = frame.geometry.to_numpy()
    x, y = shapely.get_coordinates(shapely.point_on_surface(shapes)).T
    columns = ["code", "purity", "heterogeneity", "second", "second_share"]
    table = pd.DataFrame(frame[columns]).reset_index(drop=True)
    table.insert(0, "year", year)
    table.insert(2, "area_ha", shapely.area(shapes) / HECTARE)
    own = legend.encode(frame["code"].to_numpy())
    return table.assign(other_ha=_other_ha(shapes, own, classes, settings), x=x, y=y)


def _other_ha(
    shapes: Geometries, own: Codes, classes: xr.DataArray, settings: GeneralizeSettings
) -> Floats:
    """Hectares of each polygon that another class dominates, shape (n,)."""
    if not len(shapes):
        return np.zeros(0)
    transform = Affine(*geobox_of(classes).affine[:6])
    pixel, values = transform.a, classes.values
    number = rasterio.features.rasterize(
        zip(shapes, range(len(shapes)), strict=True),
        out_shape=values.shape,
        transform=transform,
        fill=-1,
        dtype="int32",
    )
    voters = (number >= 0) & (values != UNCLASSIFIED) & (values != OUTSIDE)
    keys = values.astype(np.uint16)
    found = majority(keys, voters, max(round((WINDOW_M / pixel - 1) / 2), 1))
    other = voters & (found != own[number])
    if settings.mmw_m:
        among = np.where(other, found, OUT).astype(np.uint16)
        other &= ~narrow_pixels(among, disc(settings.mmw_m / pixel))
    # The number of the polygon as another class keeps the parts of two polygons apart.
    labels = label_regions(np.stack([found, number % 256]).astype(np.uint8), other)
    size, same = _support(labels, keys, found, int(labels.max(initial=-1)) + 1)
    good = (size * pixel**2 >= settings.mmu_ha * HECTARE) & (same >= _DOMINANT * size)
    counts = np.append(good, False)[labels]
    pixels = np.bincount(number[counts], minlength=len(shapes))
    return np.asarray(pixels * pixel**2 / HECTARE)


@numba.njit(cache=True)
def _support(labels: Labels, before: Keys, found: Keys, count: int) -> tuple[Floats, Floats]:
    """Pixels of each region, and how many of them have its class in the raster."""
    size, same = np.zeros(count), np.zeros(count)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            region = labels[y, x]
            if region >= 0:
                size[region] += 1
                same[region] += before[y, x] == found[y, x]
    return size, same
