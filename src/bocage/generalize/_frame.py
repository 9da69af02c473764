"""The pixels that are generalised: the mapped area, filled with labels to its very limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.generalize._evidence import Evidence, check_posteriors, evidence_of
from bocage.generalize._graph import Bools, Codes
from bocage.generalize._window import Window, cut
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.posterior import Posterior
from bocage.rasters import geobox_of

GRID = 0.001
"""Grid of all coordinates, m."""

PAD = 4
"""Pixels around the area that also get labels, so that its limit cuts through polygons."""

MARGIN = PAD + 1
"""Pixels around the area that a frame has."""


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
        The area, on the 1 mm grid; None where it is all that has data, so that its limit
        follows the pixels.
    transform, pixel
        Pixel corner to map coordinates; pixel size in metres.
    evidence
        Probabilities of classes, where they are known.
    """

    classes: Codes
    locked: Bools
    domain: Bools
    inside: Bools
    outline: BaseGeometry | None
    transform: Affine
    pixel: float
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Source:
    """What is to be generalised.

    Attributes
    ----------
    classes
        Class index, uint8, dims (year, y, x) or (y, x); may be backed by files.
    locked
        Not 0 where a line is drawn, dims (y, x), or None.
    posteriors
        One per year, or None.
    outline
        The area on the 1 mm grid; None where it is all that has data.
    legend
        Of the classes.
    reach_m
        How far labels may be extended to the limit of the area, m.
    box
        The pixel grid.
    """

    classes: xr.DataArray
    locked: xr.DataArray | None
    posteriors: Sequence[Posterior] | None
    outline: BaseGeometry | None
    legend: Legend
    reach_m: float
    box: GeoBox

    @property
    def years(self) -> int:
        """One or two."""
        return 1 if self.classes.ndim == 2 else self.classes.shape[0]

    @property
    def pixel(self) -> float:
        """Pixel size, m."""
        return float(self.box.affine.a)

    def transform(self, window: Window) -> Affine:
        """Pixel corner of a window to map coordinates."""
        whole = Affine(*self.box.affine[:6])
        west, north = whole.c + window.left * self.pixel, whole.f - window.top * self.pixel
        return Affine(self.pixel, 0.0, west, 0.0, -self.pixel, north)

    def around(self, outline: BaseGeometry) -> Window:
        """The window that an area needs; it may reach beyond the raster."""
        whole = self.box.affine
        west, south, east, north = outline.bounds
        left = math.floor((west - whole.c) / self.pixel + 1e-6)
        right = math.ceil((east - whole.c) / self.pixel - 1e-6)
        top = math.floor((whole.f - north) / self.pixel + 1e-6)
        bottom = math.ceil((whole.f - south) / self.pixel - 1e-6)
        return Window(top, bottom, left, right).grown(MARGIN)


class Part(NamedTuple):
    """The data of a window, which may reach beyond the raster."""

    classes: Codes  # OUTSIDE beyond the raster
    locked: Bools
    evidence: Evidence | None
    transform: Affine


def source_of(
    classes: xr.DataArray,
    area: BaseGeometry | None,
    locked: xr.DataArray | None,
    *,
    legend: Legend,
    reach_m: float,
    posteriors: Sequence[Posterior] | None = None,
) -> Source:
    """What is to be generalised, checked as far as it can be without reading it.

    Raises
    ------
    InputError
        If the rasters or the area are not what they must be.
    """
    _check_kind(classes)
    box = geobox_of(classes, "the class raster")
    _check_pixels(box)
    if locked is not None and (
        locked.dims != ("y", "x") or geobox_of(locked, "the locked raster") != box
    ):
        raise InputError(
            "the raster of locked pixels is not on the grid of the classes",
            remedy="use the raster that draw_lines gave together with the classes",
        )
    source = Source(
        classes=classes,
        locked=locked,
        posteriors=posteriors,
        outline=None if area is None else snapped_area(area),
        legend=legend,
        reach_m=reach_m,
        box=box,
    )
    if posteriors is not None:
        check_posteriors(posteriors, box, legend, source.years)
    return source


def read_part(source: Source, window: Window) -> Part:
    """The data of a window.

    Raises
    ------
    InputError
        If there are classes that the legend does not have.
    """
    rows, columns = source.box.shape
    there = window.within((rows, columns))
    rest = window.moved(-there.top, -there.left)
    at = {"y": there.rows, "x": there.columns}
    values = cut(_checked(source.classes.isel(at), len(source.legend)), rest, OUTSIDE)
    lines = np.zeros(window.shape, bool)
    if source.locked is not None:
        lines = cut(np.asarray(source.locked.isel(at).values != 0), rest, 0)
    evidence = None
    if source.posteriors is not None:
        found = evidence_of([posterior.data.isel(at) for posterior in source.posteriors])
        evidence = Evidence(cut(found.index, rest, 0), cut(found.weight, rest, 0))
    return Part(values, lines, evidence, source.transform(window))


def make_frame(source: Source) -> Frame:
    """All of the source, cut to its area.

    Raises
    ------
    InputError
        If nothing is classified, or the area reaches farther beyond the data than it may.
    """
    outline = source.outline
    if outline is None:
        rows, columns = source.box.shape
        every = read_part(replace(source, posteriors=None), Window(0, rows, 0, columns))
        data = (every.classes != OUTSIDE).any(axis=0)
        if not data.any():
            raise InputError("the class raster has no classified pixel")
        outline = _extent(data, every.transform)
    part = read_part(source, source.around(outline))
    if source.outline is not None and (part.classes == OUTSIDE).all():
        raise InputError("the area lies outside the class raster")
    return frame_of(part, source.outline, source.reach_m)


def frame_of(part: Part, outline: BaseGeometry | None, reach_m: float) -> Frame:
    """The data of a window cut to an area, and extended to the whole of it.

    Parameters
    ----------
    part
        The data.
    outline
        The area; None where it is all that has data.
    reach_m
        How far labels may be extended, m.

    Raises
    ------
    InputError
        If the area reaches farther beyond the data.
    """
    data = (part.classes != OUTSIDE).any(axis=0)
    values = np.where(data & (part.classes == OUTSIDE), np.uint8(UNCLASSIFIED), part.classes)
    domain = inside = data
    if outline is not None:
        domain, inside = _burn(outline, data.shape, part.transform)
    pixel = float(part.transform.a)
    values, lines = _extend(values, part.locked, data, domain, reach_m / pixel)
    return Frame(
        classes=values,
        locked=lines,
        domain=domain,
        inside=inside,
        outline=outline,
        transform=part.transform,
        pixel=pixel,
        evidence=part.evidence,
    )


def _check_kind(classes: xr.DataArray) -> None:
    """Refuse what is no class raster of one year or two, without reading it.

    Raises
    ------
    InputError
        If the dims, the type or the number of years are wrong.
    """
    if classes.dims not in (("year", "y", "x"), ("y", "x")):
        raise InputError(
            f"the class raster has the dims {classes.dims}", remedy="give (year, y, x) or (y, x)"
        )
    if classes.dtype != np.uint8:
        raise InputError(
            f"the class raster is {classes.dtype}", remedy="give class indices as uint8"
        )
    years = 1 if classes.ndim == 2 else classes.shape[0]
    if years not in (1, 2):
        raise InputError(f"the class raster has {years} years", remedy="generalise one year or two")


def _checked(classes: xr.DataArray, size: int) -> Codes:
    """Class indices of a raster, shape (years, y, x), checked against a legend of some size."""
    values = classes.values if classes.ndim == 3 else classes.values[None]
    # Hashing needs no copy, counting one of eight bytes a pixel.
    unknown = sorted(int(v) for v in pd.unique(values.ravel()) if size < v < OUTSIDE)
    if unknown:
        raise InputError(
            f"the class raster holds class index {unknown[0]}, the legend has {size} classes",
            remedy="give class indices, not codes, of the same legend",
        )
    return np.ascontiguousarray(values)


def _check_pixels(box: GeoBox) -> None:
    a, b, _, d, e, _ = box.affine[:6]
    projected = box.crs is not None and box.crs.projected
    if not projected or b or d or a <= 0 or not math.isclose(a, -e, rel_tol=1e-9):
        raise InputError(
            f"the class raster's pixels are not squares in metres, north up ({box.crs}, {a}, {e})",
            remedy="warp it to EPSG:3035 with the method 'nearest'",
        )


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
        raise InputError(
            "a part of the area lies far outside the class raster",
            remedy="classify the whole area, or cut the area to what is classified",
        )
    distance, (row, column) = ndimage.distance_transform_edt(~data, return_indices=True)
    far = missing & (distance > reach)
    if far.any():
        raise InputError(
            f"{int(far.sum())} pixels of the area lie more than {reach:g} pixels from any data",
            remedy="classify the whole area, or cut the area to what is classified",
        )
    values = np.where(missing, values[:, row, column], values)
    return values, np.where(missing, lines[row, column], lines)
