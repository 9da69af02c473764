"""Sums over the pixels of polygons, each by the share of it that a polygon covers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numba
import numpy as np
import shapely
import xarray as xr
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from odc.geo.geobox import GeoBox
from pyproj import CRS

from bocage.errors import InputError
from bocage.generalize._edges import Geometries
from bocage.generalize._graph import Codes, Floats, Ints, Labels, label_regions
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.posterior import NO_CONFIDENCE, Posterior
from bocage.rasters import geobox_of

_CELLS = 2_000_000  # pixels of polygons that are in memory at a time


@dataclass(frozen=True)
class Source:
    """Polygons and the rasters below them.

    Attributes
    ----------
    shapes
        The polygons, shape (n,).
    own
        Class index of each.
    classes
        Class index of the pixels, shape (y, x).
    box
        Where the pixels lie.
    crs
        Coordinate reference system of both.
    confidence
        Per cent, shape (y, x), or None.
    index, probability
        Those of a posterior, shape (k, y, x), or None.
    """

    shapes: Geometries
    own: Codes
    classes: Codes
    box: GeoBox
    crs: CRS
    confidence: Codes | None
    index: Codes | None
    probability: Codes | None

    @property
    def transform(self) -> Affine:
        """Pixel corners to map coordinates."""
        return Affine(*self.box.affine[:6])


def source_of(
    polygons: gpd.GeoDataFrame,
    classes: xr.DataArray,
    legend: Legend,
    column: str,
    confidence: xr.DataArray | None = None,
    posterior: Posterior | None = None,
) -> Source:
    """Check that polygons and rasters fit each other; parameters as `describe` has them."""
    if column not in polygons.columns:
        raise InputError(
            f"the polygons have no column '{column}'",
            remedy=f"they have {', '.join(map(str, polygons.columns))}",
        )
    box = geobox_of(classes, "the class raster")
    values = classes.values
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim != 2 or values.dtype != np.uint8:
        raise InputError(
            f"classes are {values.dtype} of shape {values.shape}",
            remedy="give the class index of one year, uint8",
        )
    crs = CRS(str(box.crs))
    if polygons.crs != crs:
        raise InputError(
            f"the polygons are in {polygons.crs}, the raster in {box.crs}",
            remedy="bring the polygons into the coordinate reference system of the raster",
        )
    if posterior is not None:
        posterior.require(legend)
    for name, other in (
        ("confidence", confidence),
        ("the posterior", None if posterior is None else posterior.data["index"]),
    ):
        if other is not None and geobox_of(other, name) != box:
            raise InputError(f"{name} is not on the grid of the classes", remedy="warp it")
    return Source(
        shapes=polygons.geometry.to_numpy(),
        own=legend.encode(polygons[column].to_numpy()),
        classes=np.ascontiguousarray(values),
        box=box,
        crs=crs,
        confidence=None if confidence is None else np.squeeze(confidence.values),
        index=None if posterior is None else posterior.data["index"].values,
        probability=None if posterior is None else posterior.data["probability"].values,
    )


@dataclass(frozen=True)
class Tally:
    """Sums over the pixels of each polygon, weighted by the share of a pixel it covers.

    Attributes
    ----------
    pixels
        Pixels of each class index, shape (n, 256).
    mass
        Probability of each class index, shape (n, 256); 0 without a posterior.
    confidence, confident
        Sum of the confidences and of the pixels that have one, shape (n,).
    regions
        Regions of the raster most of which are in the polygon, shape (n,).
    """

    pixels: Floats
    mass: Floats
    confidence: Floats
    confident: Floats
    regions: Ints


def tally_of(source: Source, size: int) -> Tally:
    """Sum over the pixels of each polygon; `size` is the number of classes of the legend."""
    count = len(source.shapes)
    pixels, mass = np.zeros((count, 256)), np.zeros((count, 256))
    total, confident = np.zeros(count), np.zeros(count)
    known = (source.classes != UNCLASSIFIED) & (source.classes != OUTSIDE)
    labels = label_regions(source.classes[None], known)
    owner, most, here = _no_owners(int(labels.max(initial=-1)) + 1)
    flat = source.classes.ravel()
    for first, starts, cell, share in _cells(source):
        some = len(starts) - 1
        part = slice(first, first + some)
        each = np.repeat(np.arange(some), np.diff(starts))
        pixels[part] += _sums(each, flat[cell], share, some)
        _claim(labels.ravel(), cell, share, starts, first, owner, most, here)
        if source.confidence is not None:
            value = source.confidence.ravel()[cell]
            weight = share * (value != NO_CONFIDENCE)
            total[part] += np.bincount(each, weight * value, minlength=some)
            confident[part] += np.bincount(each, weight, minlength=some)
        if source.index is not None and source.probability is not None:
            for index, probability in zip(source.index, source.probability, strict=True):
                listed = probability.ravel()[cell] * share / 255.0
                mass[part] += _sums(each, index.ravel()[cell], listed, some)
    regions = np.bincount(owner[owner >= 0], minlength=count)
    # Only what the legend knows counts.
    pixels[:, [UNCLASSIFIED, *range(size + 1, 256)]] = 0
    mass[:, UNCLASSIFIED] = 0
    return Tally(pixels, mass, total, confident, regions)


def _sums(each: Ints, value: Codes, weight: Floats, count: int) -> Floats:
    """Sum of the weights of each value in each polygon, shape (count, 256)."""
    key = each * 256 + value
    return np.bincount(key, weight, minlength=count * 256).reshape(count, 256).astype(np.float64)


def _cells(source: Source) -> Iterator[tuple[int, Ints, Ints, Floats]]:
    """The pixels of polygons, some polygons at a time.

    Yields
    ------
    tuple
        The first polygon; where the pixels of each begin, shape (polygons + 1,); the position
        of the pixels in the flat raster; the share of each that is covered.
    """
    left, bottom, right, top = source.box.boundingbox
    raster = NumPyRasterSource(
        source.classes, xmin=left, ymin=bottom, xmax=right, ymax=top, srs_wkt=source.crs.to_wkt()
    )
    size = np.cumsum(shapely.area(source.shapes)) / source.transform.a**2
    group = (size / _CELLS).astype(np.int64)
    edges = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for first, last in pairwise(edges.tolist()):
        frame = gpd.GeoDataFrame(geometry=source.shapes[first:last], crs=source.crs)
        found = exact_extract(raster, frame, ["cell_id", "coverage"], output="pandas")
        cells, shares = found["cell_id"].to_list(), found["coverage"].to_list()
        starts = np.cumsum([0, *map(len, cells)])
        if not np.diff(starts).all():
            raise InputError("a polygon lies outside the class raster", remedy="leave it out")
        yield first, starts, np.concatenate(cells), np.concatenate(shares)


def _no_owners(regions: int) -> tuple[Ints, Floats, Floats]:
    return np.full(regions, -1, np.int64), np.zeros(regions), np.zeros(regions)


@numba.njit(cache=True)
def _claim(
    labels: Labels,
    cell: Ints,
    share: Floats,
    starts: Ints,
    first: int,
    owner: Ints,
    most: Floats,
    here: Floats,
) -> None:
    """Make each polygon the owner of the regions it has more of than any before it, in place."""
    for polygon in range(len(starts) - 1):
        for n in range(starts[polygon], starts[polygon + 1]):
            if labels[cell[n]] >= 0:
                here[labels[cell[n]]] += share[n]
        for n in range(starts[polygon], starts[polygon + 1]):
            region = labels[cell[n]]
            if region >= 0 and here[region] > most[region]:
                owner[region], most[region] = first + polygon, here[region]
            if region >= 0:
                here[region] = 0.0
