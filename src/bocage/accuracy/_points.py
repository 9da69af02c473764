"""Validation points drawn from a class raster."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.rasters import geobox_of


def sample_points(
    classes: xr.DataArray,
    n: int,
    seed: int,
    *,
    stratified: bool = True,
    minimum: int = 10,
    exclude: tuple[int, ...] = (UNCLASSIFIED, OUTSIDE),
) -> gpd.GeoDataFrame:
    """Draw validation points at pixel centres, without replacement.

    Stratified, every class gets `minimum` points and the rest are shared by area (Olofsson
    et al. 2014, section 5.1); where `n` is too small for that, every class gets the same
    smaller number, and where there are more classes than points the draw is simple random.

    Parameters
    ----------
    classes
        Class index, uint8 (y, x), on a pixel grid.
    n
        Number of points; fewer where there are fewer pixels.
    seed
        Seed of the draw.
    stratified
        Whether the classes are strata; else the draw is simple random.
    minimum
        Points that each class gets, as far as it has pixels.
    exclude
        Class indices that are not sampled.

    Returns
    -------
    geopandas.GeoDataFrame
        ``point_id`` (str), ``stratum`` (class index), ``weight`` (hectares that the point stands
        for) and points in the CRS of the raster, in raster order.

    Raises
    ------
    InputError
        If n is not positive or no pixel may be sampled.
    """
    box = geobox_of(classes, "the class raster")
    flat = np.asarray(classes.values).ravel()
    index = np.flatnonzero(~np.isin(flat, exclude))
    if n < 1 or index.size == 0:
        raise InputError(
            f"{n} points wanted from {index.size} pixels", remedy="give points and mapped pixels"
        )
    rng = np.random.default_rng(seed)
    values, inverse, sizes = np.unique(flat[index], return_inverse=True, return_counts=True)
    pixel_ha = abs(box.affine.a * box.affine.e) / 10_000
    if stratified and n >= len(values):
        shares = _allocate(sizes, n, minimum)
        chosen = [
            rng.choice(index[inverse == i], size=k, replace=False) for i, k in enumerate(shares)
        ]
        weights = [np.full(k, s / k * pixel_ha) for k, s in zip(shares, sizes, strict=True)]
    else:
        count = min(n, index.size)
        chosen = [rng.choice(index, size=count, replace=False)]
        weights = [np.full(count, index.size / count * pixel_ha)]
    place, weight = np.concatenate(chosen), np.concatenate(weights)
    order = np.argsort(place)
    place, weight = place[order], weight[order]
    row, column = np.divmod(place, box.shape.x)
    x = box.affine.c + (column + 0.5) * box.affine.a
    y = box.affine.f + (row + 0.5) * box.affine.e
    return gpd.GeoDataFrame(
        {
            "point_id": [f"p{i:06d}" for i in range(len(place))],
            "stratum": flat[place],
            "weight": weight,
        },
        geometry=gpd.points_from_xy(x, y),
        crs=str(box.crs),
    )


def _allocate(sizes: NDArray[np.intp], n: int, minimum: int) -> list[int]:
    """Points per stratum: the minimum each, the rest by area, never more than there are pixels."""
    n = min(n, int(sizes.sum()))
    shares = np.minimum(sizes, max(1, min(minimum, n // len(sizes))))
    while (rest := n - int(shares.sum())) > 0:
        wanted = np.maximum(n * sizes / sizes.sum() - shares, 0)
        wanted[shares >= sizes] = 0
        if wanted.sum() == 0:
            wanted = (sizes - shares).astype(float)
        more = np.floor(wanted / wanted.sum() * rest).astype(np.intp)
        more = np.minimum(more, sizes - shares)
        if more.sum() == 0:
            more[int(np.argmax(wanted))] = 1
        shares = shares + more
    return [int(k) for k in shares]
