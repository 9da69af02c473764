"""The pixels that are generalised: the mapped area, filled with labels to its very limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.generalize._evidence import Evidence, evidence_of
from bocage.generalize._graph import Bools, Codes
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.posterior import Posterior
from bocage.rasters import geobox_of

T = TypeVar("T", bound=np.generic)

GRID = 0.001
"""Grid of all coordinates, m."""

PAD = 4
"""Pixels around the area that also get labels, so that its limit cuts through polygons."""


@dataclass(frozen=True)
class Frame:
    """The input cut to the mapped area.

    Attributes
    ----------
    classes
        Class index, uint8 (years, y, x), 0 where unknown; no OUTSIDE in `domain`.
    locked
        Pixels of drawn lines, bool (y, x).
    domain
        Pixels that touch the area, bool (y, x).
    inside
        Pixels whose centre is in the area, bool (y, x).
    outline
        The area, on the 1 mm grid; the rectangle around it where it is all that has data.
    transform, pixel
        Pixel corner to map coordinates; pixel size in metres.
    crs
        Coordinate reference system of the raster.
    whole
        Whether the area is all that has data, so that its outline follows the pixels.
    evidence
        Probabilities of classes, where they are known.
    """

    classes: Codes
    locked: Bools
    domain: Bools
    inside: Bools
    outline: BaseGeometry
    transform: Affine
    pixel: float
    crs: str
    whole: bool
    evidence: Evidence | None = None


def make_frame(
    classes: xr.DataArray,
    area: BaseGeometry | None,
    locked: xr.DataArray | None,
    *,
    legend: Legend,
    reach_m: float,
    posteriors: Sequence[Posterior] | None = None,
) -> Frame:
    """Cut a class raster to an area and extend its labels to the whole of it.

    Raises
    ------
    InputError
        If the raster or the area is not what it must be, or the area reaches farther beyond
        the data than `reach_m`.
    """
    values = _checked(classes, len(legend))
    box = geobox_of(classes, "the class raster")
    pixel = _pixel_size(box)
    lines = np.zeros(values.shape[1:], bool) if locked is None else _locked(locked, box)
    transform = Affine(*box.affine[:6])
    data = (values != OUTSIDE).any(axis=0)
    if not data.any():
        raise InputError("the class raster has no classified pixel")
    evidence = None if posteriors is None else evidence_of(posteriors, box, legend, len(values))
    outline = _extent(data, transform) if area is None else snapped_area(area)
    rows, columns, transform = _window(outline, transform, pixel)
    if evidence is not None:
        evidence = replace(
            evidence,
            index=_cut_stack(evidence.index, rows, columns),
            weight=_cut_stack(evidence.weight, rows, columns),
        )
    values = _cut(values, rows, columns, OUTSIDE)
    lines = _cut(lines[None], rows, columns, 0)[0]
    data = (values != OUTSIDE).any(axis=0)
    values = np.where(data & (values == OUTSIDE), np.uint8(UNCLASSIFIED), values)
    if area is None:
        domain = inside = data
    else:
        domain, inside = _burn(outline, data.shape, transform)
    values, lines = _extend(values, lines, data, domain, reach_m / pixel)
    return Frame(
        classes=values,
        locked=lines,
        domain=domain,
        inside=inside,
        outline=outline,
        transform=transform,
        pixel=pixel,
        crs=str(box.crs),
        whole=area is None,
        evidence=evidence,
    )


def _checked(classes: xr.DataArray, size: int) -> Codes:
    if classes.dims not in (("year", "y", "x"), ("y", "x")):
        raise InputError(
            f"the class raster has the dims {classes.dims}", remedy="give (year, y, x) or (y, x)"
        )
    if classes.dtype != np.uint8:
        raise InputError(
            f"the class raster is {classes.dtype}", remedy="give class indices as uint8"
        )
    values = classes.values if classes.ndim == 3 else classes.values[None]
    if len(values) not in (1, 2):
        raise InputError(
            f"the class raster has {len(values)} years", remedy="generalise one year or two"
        )
    # Hashing needs no copy, counting one of eight bytes a pixel.
    unknown = sorted(int(v) for v in pd.unique(values.ravel()) if size < v < OUTSIDE)
    if unknown:
        raise InputError(
            f"the class raster holds class index {unknown[0]}, the legend has {size} classes",
            remedy="give class indices, not codes, of the same legend",
        )
    return np.ascontiguousarray(values)


def _pixel_size(box: GeoBox) -> float:
    a, b, _, d, e, _ = box.affine[:6]
    projected = box.crs is not None and box.crs.projected
    if not projected or b or d or a <= 0 or not math.isclose(a, -e, rel_tol=1e-9):
        raise InputError(
            f"the class raster's pixels are not squares in metres, north up ({box.crs}, {a}, {e})",
            remedy="warp it to EPSG:3035 with the method 'nearest'",
        )
    return float(a)


def _locked(locked: xr.DataArray, box: GeoBox) -> Bools:
    if locked.dims != ("y", "x") or geobox_of(locked, "the locked raster") != box:
        raise InputError(
            "the raster of locked pixels is not on the grid of the classes",
            remedy="use the raster that draw_lines gave together with the classes",
        )
    return np.asarray(locked.values != 0)


def snapped_area(area: BaseGeometry) -> BaseGeometry:
    """Polygons of an area on the 1 mm grid.

    Raises
    ------
    InputError
        If these are no valid polygons.
    """
    if area.geom_type not in ("Polygon", "MultiPolygon"):
        raise InputError(f"the area is a {area.geom_type}", remedy="give polygons")
    if not area.is_valid:
        raise InputError(f"the area is invalid: {shapely.is_valid_reason(area)}")
    snapped = shapely.set_precision(shapely.force_2d(area), GRID)
    if snapped.is_empty:
        raise InputError("the area is empty", remedy="give polygons with an extent")
    return snapped


def _extent(data: Bools, transform: Affine) -> BaseGeometry:
    """The rectangle around all pixels with data."""
    rows, columns = np.flatnonzero(data.any(axis=1)), np.flatnonzero(data.any(axis=0))
    west, north = transform @ (float(columns[0]), float(rows[0]))
    east, south = transform @ (float(columns[-1] + 1), float(rows[-1] + 1))
    return shapely.box(west, south, east, north)


def _window(
    outline: BaseGeometry, transform: Affine, pixel: float
) -> tuple[tuple[int, int], tuple[int, int], Affine]:
    west, south, east, north = outline.bounds
    left = math.floor((west - transform.c) / pixel + 1e-6) - PAD - 1
    right = math.ceil((east - transform.c) / pixel - 1e-6) + PAD + 1
    top = math.floor((transform.f - north) / pixel + 1e-6) - PAD - 1
    bottom = math.ceil((transform.f - south) / pixel - 1e-6) + PAD + 1
    west, north = transform.c + left * pixel, transform.f - top * pixel
    return (top, bottom), (left, right), Affine(pixel, 0.0, west, 0.0, -pixel, north)


def _cut(
    values: NDArray[T], rows: tuple[int, int], columns: tuple[int, int], fill: int
) -> NDArray[T]:
    """Cut a window that may reach beyond the array, shape (k, y, x)."""
    height, width = values.shape[1:]
    shape = (len(values), rows[1] - rows[0], columns[1] - columns[0])
    result = np.full(shape, fill, dtype=values.dtype)
    top, bottom = max(rows[0], 0), min(rows[1], height)
    left, right = max(columns[0], 0), min(columns[1], width)
    if top < bottom and left < right:
        to = (slice(top - rows[0], bottom - rows[0]), slice(left - columns[0], right - columns[0]))
        result[:, to[0], to[1]] = values[:, top:bottom, left:right]
    return result


def _cut_stack(
    values: NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]
) -> NDArray[np.uint8]:
    return np.stack([_cut(part, rows, columns, 0) for part in values])


def _burn(outline: BaseGeometry, shape: tuple[int, int], transform: Affine) -> tuple[Bools, Bools]:
    touched, centred = (
        rasterio.features.rasterize(
            [(outline, 1)], out_shape=shape, transform=transform, all_touched=every, dtype="uint8"
        ).astype(bool)
        for every in (True, False)
    )
    return touched | centred, centred


def _extend(
    values: Codes, lines: Bools, data: Bools, domain: Bools, reach: float
) -> tuple[Codes, Bools]:
    missing = domain & ~data
    if not missing.any():
        return values, lines
    if not data.any():
        raise InputError("the area lies outside the class raster")
    distance, (row, column) = ndimage.distance_transform_edt(~data, return_indices=True)
    far = missing & (distance > reach)
    if far.any():
        raise InputError(
            f"{int(far.sum())} pixels of the area lie more than {reach:g} pixels from any data",
            remedy="classify the whole area, or cut the area to what is classified",
        )
    values = np.where(missing, values[:, row, column], values)
    return values, np.where(missing, lines[row, column], lines)
