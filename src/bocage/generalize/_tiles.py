"""Rasters of any size: generalised tile by tile, in parallel, with the rules kept at the seams."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.generalize._assemble import RETURNS, ROUNDING, angular_in, assemble
from bocage.generalize._faces import Geometries
from bocage.generalize._frame import MARGIN, Part, Source, frame_of, read_part
from bocage.generalize._graph import Codes
from bocage.generalize._job import Job
from bocage.generalize._mosaic import take_back, trace_borders
from bocage.generalize._raster import make_regions
from bocage.generalize._rules import views_of
from bocage.generalize._seams import Counts, mend_seams
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._store import Store
from bocage.generalize._tight import Tight, unlocked
from bocage.generalize._vector import draw_borders
from bocage.generalize._window import Tiles, Window
from bocage.generalize._workers import Spread, folder_for, processes
from bocage.legend import OUTSIDE

_log = logging.getLogger(__name__)

_LEAST_WINDOW = 1024  # pixels a side that a window for repairs may have, however small the tiles


@dataclass(frozen=True)
class Tiling:
    """How rasters that are larger than memory are cut.

    Attributes
    ----------
    tile_px
        Pixels a side of a tile, at most.
    halo_px
        Pixels around it that take part.
    workers
        Processes; the coverage does not depend on their number.
    scratch
        Folder for temporary files of seven bytes a pixel and one more for each year; that of
        the system when None.
    """

    tile_px: int = 3000
    halo_px: int = 192
    workers: int = 1
    scratch: Path | None = None

    def __post_init__(self) -> None:
        if self.tile_px < 1 or self.halo_px < 0 or self.workers < 1:
            raise InputError(
                f"tiles of {self.tile_px} pixels, {self.halo_px} around, {self.workers} processes",
                remedy="give a size above 0 and at least one process",
            )


def generalize_tiles(
    source: Source, settings: GeneralizeSettings, tiling: Tiling
) -> tuple[Geometries, Codes]:
    """Generalise tile by tile.

    Each tile is generalised with what lies around it. What then breaks a rule at the seams is
    repaired in windows, so that the polygons keep to the same rules as untiled ones, and
    differ from them near the seams only, if at all. Borders are traced tile by tile, and drawn
    together: seams leave no trace in them.

    Returns
    -------
    numpy.ndarray
        Polygons of a coverage of the area.
    numpy.ndarray
        Their class indices, shape (n, years).
    """
    with folder_for(tiling.scratch) as folder, processes(tiling.workers) as spread:
        job, counts = raster_stage(source, settings, folder, spread, tiling)
        return _polygons(job, counts, source.outline, spread, tiling.workers)


def raster_stage(
    source: Source,
    settings: GeneralizeSettings,
    folder: Path,
    spread: Spread,
    tiling: Tiling,
) -> tuple[Job, Counts]:
    """The classes of a large raster, generalised and repaired, in files; its polygons."""
    rows, columns = source.box.shape
    whole = Window(0, rows, 0, columns).grown(MARGIN)
    extent = whole if source.outline is None else source.around(source.outline)
    job = Job(
        store=Store.create(folder, (source.years, *extent.shape)),
        tiles=Tiles.of(extent.shape, tiling.tile_px),
        years=source.years,
        transform=source.transform(extent),
        legend=source.legend,
        settings=settings,
        largest=max(tiling.tile_px + 2 * tiling.halo_px, _LEAST_WINDOW),
    )
    # As far as labels are extended, a tile needs to see.
    halo_px = max(tiling.halo_px, math.ceil(source.reach_m / source.pixel) + 1)

    def tasks() -> Iterator[tuple[Any, ...]]:
        for tile in job.tiles.windows():
            around = tile.grown(halo_px).within(job.shape)
            part = read_part(source, around.moved(extent.top, extent.left))
            yield job, tile, around, part, source.outline, source.reach_m

    if not any(spread(_tile, tasks())):
        raise InputError("the class raster has no classified pixel")
    left, counts = mend_seams(job, spread)
    if left:
        _log.info("%d faults are left to the polygons", len(left))
    return job, counts


def _tile(
    job: Job, tile: Window, around: Window, part: Part, outline: BaseGeometry | None, reach_m: float
) -> bool:
    """Generalise a tile; whether it holds anything."""
    frame = frame_of(part, outline, reach_m)
    if not frame.domain.any():
        return False
    regions = make_regions(frame, job.legend, job.settings)
    own = tile.moved(-around.top, -around.left)
    at = own.rows, own.columns
    labels = regions.labels[at]
    codes = regions.codes.T[:, np.maximum(labels, 0)]
    layers = {
        "classes": np.where(labels >= 0, codes, OUTSIDE).astype(np.uint8),
        "drawn": regions.drawn[at],
        "locked": frame.locked[at],
        "inside": frame.inside[at],
    }
    for layer, values in layers.items():
        job.store.write(layer, tile, values)
    return True


def _polygons(
    job: Job, counts: Counts, outline: BaseGeometry | None, spread: Spread, threads: int
) -> tuple[Geometries, Codes]:
    """The polygons and their classes; what is too narrow goes back to the raster."""
    views = views_of(job.years, job.legend, job.settings, margin=ROUNDING)
    angular, mmw_m = angular_in(job.legend), job.settings.mmw_m

    def relevant(tight: Tight) -> Tight:
        return unlocked(
            tight, job.transform, job.shape, lambda window: job.store.read("locked", window)
        )

    drawn, attempt = None, 0
    while True:
        final = attempt == RETURNS
        traced = trace_borders(job, spread, beyond=outline is not None)
        drawn = draw_borders(
            traced,
            job.transform,
            views,
            job.settings,
            angular,
            relevant,
            drawn,
            threads,
            thorough=final,
        )
        shapes, codes, tight = assemble(drawn, traced, outline, views, job.legend, mmw_m, relevant)
        if not len(tight) or final:
            return shapes, codes
        _log.info("%d places are too narrow and go back to the raster", len(tight))
        _, counts = mend_seams(job, spread, counts, take_back(job, tight))
        attempt += 1
