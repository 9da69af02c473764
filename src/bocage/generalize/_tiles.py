"""Rasters of any size: generalised tile by tile, in parallel, with the rules kept at the seams."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import xarray as xr
from affine import Affine

from bocage.errors import InputError
from bocage.generalize._coverage import Coverage
from bocage.generalize._engine import (
    RETURNS,
    ROUNDING,
    angular_in,
    coverage_of,
    merge_faces,
    years_of,
)
from bocage.generalize._faces import Geometries
from bocage.generalize._frame import PAD, Frame, check_classes, check_kind, pixel_size
from bocage.generalize._graph import Codes
from bocage.generalize._mosaic import MARGIN, take_back, trace_borders
from bocage.generalize._raster import make_regions
from bocage.generalize._rules import views_of
from bocage.generalize._seams import Job, mend_seams
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._store import Store, Tiles, Window
from bocage.generalize._vector import draw_borders
from bocage.generalize._workers import Spread, folder_for, processes
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.rasters import geobox_of

_log = logging.getLogger(__name__)

_LEAST_WINDOW = 1024  # pixels a side that a window for repairs may have, however small the tiles


def tile_regions(
    job: Job, classes: xr.DataArray, halo_px: int, spread: Spread, crs: str, transform: Affine
) -> None:
    """Generalise every tile with what lies around it, and keep the tile's own pixels.

    Parameters
    ----------
    job
        Where to, and by which rules.
    classes
        As `generalize_tiles` takes them; read window by window.
    halo_px
        Pixels around a tile that take part.
    spread
        Runs the work on the tiles.
    crs, transform
        Of the raster.
    """

    def tasks() -> Iterator[tuple[Any, ...]]:
        for tile in job.tiles.windows():
            window = tile.grown(halo_px).within(job.tiles.shape)
            yield job, tile, window, _values(classes, window, len(job.legend)), crs, transform

    if not any(spread(_tile, tasks())):
        raise InputError("the class raster has no classified pixel")


def _values(classes: xr.DataArray, window: Window, size: int) -> Codes:
    part = classes.isel(y=slice(window.top, window.bottom), x=slice(window.left, window.right))
    return check_classes(part, size)


def _tile(
    job: Job, tile: Window, window: Window, values: Codes, crs: str, transform: Affine
) -> bool:
    """Generalise a tile; whether it holds anything."""
    if (values == OUTSIDE).all():
        return False
    # The same pixels around as `make_frame` leaves around a raster.
    pad = PAD + 1
    values = np.pad(values, ((0, 0), (pad, pad), (pad, pad)), constant_values=OUTSIDE)
    data = (values != OUTSIDE).any(axis=0)
    values = np.where(data & (values == OUTSIDE), np.uint8(UNCLASSIFIED), values)
    frame = Frame(
        classes=values,
        locked=np.zeros_like(data),
        domain=data,
        inside=data,
        outline=shapely.Polygon(),
        transform=transform @ Affine.translation(window.left - pad, window.top - pad),
        pixel=job.pixel,
        crs=crs,
        whole=True,
    )
    regions = make_regions(frame, job.legend, job.settings)
    rows = slice(tile.top - window.top + pad, tile.bottom - window.top + pad)
    columns = slice(tile.left - window.left + pad, tile.right - window.left + pad)
    labels = regions.labels[rows, columns]
    codes = regions.codes.T[:, np.maximum(labels, 0)]
    found = np.where(labels >= 0, codes, OUTSIDE).astype(np.uint8)
    job.store.write(tile, found, regions.drawn[rows, columns])
    return True


def raster_stage(
    classes: xr.DataArray,
    legend: Legend,
    settings: GeneralizeSettings,
    folder: Path,
    spread: Spread,
    *,
    tile_px: int,
    halo_px: int,
) -> Job:
    """The classes of a large raster, generalised and repaired, in files."""
    box = geobox_of(classes, "the class raster")
    years = 1 if classes.ndim == 2 else classes.shape[0]
    shape = (int(classes.sizes["y"]), int(classes.sizes["x"]))
    job = Job(
        store=Store.create(folder, (years, *shape)),
        tiles=Tiles.of(shape, tile_px),
        years=years,
        pixel=pixel_size(box),
        legend=legend,
        settings=settings,
        largest=max(tile_px + 2 * halo_px, _LEAST_WINDOW),
    )
    tile_regions(job, classes, halo_px, spread, str(box.crs), Affine(*box.affine[:6]))
    left = mend_seams(job, spread)
    if left:
        _log.info("%d faults are left to the polygons", len(left))
    return job


def generalize_tiles(
    classes: xr.DataArray,
    legend: Legend,
    settings: GeneralizeSettings | None = None,
    *,
    tile_px: int = 2400,
    halo_px: int = 256,
    workers: int = 1,
    scratch: Path | None = None,
) -> Coverage:
    """`generalize` for rasters that are larger than memory: every pixel that is not outside.

    Each tile is generalised with what lies around it. What then breaks a rule at the seams is
    repaired in windows, so that the coverage keeps to the same rules as an untiled one, and
    differs from it near the seams only, if at all. Borders are traced tile by tile, and drawn
    together: seams leave no trace in them.

    Parameters
    ----------
    classes
        As `generalize` takes them, one year or two. May be backed by files or dask: only
        windows of it are read.
    legend
        Names the classes, their similarity and what the rules ask for.
    settings
        Mapping unit, width, rules and tolerance; the defaults when None.
    tile_px
        Pixels a side of a tile.
    halo_px
        Pixels around it that take part.
    workers
        Processes; the coverage does not depend on their number.
    scratch
        Folder for temporary files of one byte per pixel and year and one more; that of the
        system when None.

    Returns
    -------
    Coverage
        A valid coverage of all pixels that are not outside.

    Raises
    ------
    InputError
        If the raster is not what it must be.
    RunError
        If the polygons would not form a valid coverage.
    """
    settings = settings or GeneralizeSettings()
    check_kind(classes)
    if tile_px < 1 or halo_px < 0 or workers < 1:
        raise InputError(f"tiles of {tile_px} pixels, {halo_px} around, {workers} processes")
    box = geobox_of(classes, "the class raster")
    transform = Affine(*box.affine[:6])
    with folder_for(scratch) as folder, processes(workers) as spread:
        job = raster_stage(
            classes, legend, settings, folder, spread, tile_px=tile_px, halo_px=halo_px
        )
        shapes, codes = _polygons(job, spread, transform)
    return coverage_of(shapes, codes, years_of(classes), legend, str(box.crs))


def _polygons(job: Job, spread: Spread, transform: Affine) -> tuple[Geometries, Codes]:
    """The polygons and their classes; what is too narrow goes back to the raster."""
    views = views_of(job.years, job.legend, job.settings, margin=ROUNDING)
    origin = transform @ Affine.translation(-MARGIN, -MARGIN)
    angular, drawn, attempt = angular_in(job.legend), None, 0
    while True:
        traced = trace_borders(job, spread)
        drawn = draw_borders(
            traced, origin, views, job.settings, angular, lambda tight: tight, drawn
        )
        shapes, codes, narrow = merge_faces(
            drawn.arcs, traced.codes, traced.line, views, job.legend, job.settings.mmw_m
        )
        tight = drawn.tight if narrow is None else narrow
        if not len(tight) or attempt == RETURNS:
            return shapes, codes
        _log.info("%d places are too narrow and go back to the raster", len(tight))
        mend_seams(job, spread, take_back(job, tight, transform))
        attempt += 1
