"""From a class raster to the space–time coverage."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import geopandas as gpd
import xarray as xr
from shapely.geometry.base import BaseGeometry

from bocage.generalize._assemble import (
    RETURNS,
    ROUNDING,
    angular_in,
    assemble,
    coverage_of,
    years_of,
)
from bocage.generalize._borders import grow
from bocage.generalize._coverage import Coverage
from bocage.generalize._faces import Geometries
from bocage.generalize._frame import Frame, Source, make_frame, source_of
from bocage.generalize._frozen import Frozen, data_area, frozen_of, put_back, set_apart, without_rim
from bocage.generalize._graph import Codes
from bocage.generalize._raster import make_regions
from bocage.generalize._return import take_away
from bocage.generalize._rules import views_of
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._tight import Tight, unlocked
from bocage.generalize._tiles import Tiling, generalize_tiles
from bocage.generalize._vector import draw_borders, trace
from bocage.legend import Legend
from bocage.posterior import Posterior
from bocage.rasters import geobox_of

_log = logging.getLogger(__name__)


def generalize(
    classes: xr.DataArray,
    area: BaseGeometry | None,
    legend: Legend,
    settings: GeneralizeSettings | None = None,
    *,
    locked: xr.DataArray | None = None,
    posteriors: Sequence[Posterior] | None = None,
    tiles: Tiling | None = None,
    frozen: gpd.GeoDataFrame | None = None,
) -> Coverage:
    """Turn a class raster of one or two years into one coverage of class pairs.

    Regions of equal class pairs merge into neighbours until the minimum mapping unit holds in
    every view (the status of each year, and the change), first on the raster, then, after
    smoothing, simplification and the exact cut at the limit of the area, on the polygons.

    Parameters
    ----------
    classes
        Class index, uint8, dims (year, y, x) with one or two years, or (y, x); coordinate
        ``year`` (without it the years are 1, 2); square pixels in metres. 0 is unknown and
        becomes nodata (code 0), 255 is outside. The raster should reach beyond `area`.
    area
        The area to map, in the coordinate reference system of the raster; None maps every
        pixel that is not outside.
    legend
        Names the classes, their similarity and what the rules ask for.
    settings
        Mapping unit, width, rules and tolerance; the defaults when None.
    locked
        Class index of drawn lines, 0 where none, dims (y, x), as `bocage.refine.draw_lines`
        gives it: lines are neither narrowed nor given away as long as they are large enough.
    posteriors
        What the classifier believes, one per year on the grid of `classes`: neighbouring pixels
        then vote with their probabilities, and small regions join the neighbour whose class is
        likely in them.
    tiles
        How to cut what is larger than memory; in one piece when None. All rasters may then be
        backed by files or dask: only windows of them are read.
    frozen
        Polygons in the area that the map must have as they are, such as those of an existing map
        or road surfaces: columns ``code_<year>`` of every year, or ``code`` for all years, and
        single polygons in the system of the raster, on the 1 mm grid, without overlaps. The rest
        of the area (or of what has data, beyond which frozen polygons may reach) is generalised
        for itself. All their vertices stay bit for bit; where other borders meet them they get
        vertices within a millimetre of their line. They are united with nothing, even where a
        neighbour has their codes, and may break any rule; land that they cut off, smaller or
        narrower than the rules allow, stays as a whole (`undersized` names both). Exceptions at
        the rim are not used with them: beside a frozen polygon is not at the rim.

    Returns
    -------
    Coverage
        A valid coverage of exactly `area`; with the column ``frozen`` where there are such
        polygons.

    Raises
    ------
    InputError
        If the raster, the area or a frozen polygon is not what it must be.
    RunError
        If the polygons would not form a valid coverage.
    """
    settings = settings or GeneralizeSettings()
    years, crs = years_of(classes), str(geobox_of(classes, "the class raster").crs)
    if frozen is not None and len(frozen):
        held = frozen_of(frozen, years, legend, crs)
        within = data_area(classes) if area is None else area
        kept, around = set_apart(within, held, within=area is not None)
        rest = None
        if not around.is_empty:
            rest = generalize(
                classes,
                around,
                legend,
                without_rim(settings),
                locked=locked,
                posteriors=posteriors,
                tiles=tiles,
            )
        return put_back(rest, Frozen(kept, held.codes), years, crs)
    source = source_of(
        classes, area, locked, legend=legend, reach_m=settings.reach_m, posteriors=posteriors
    )
    shapes, codes = (
        _whole(source, settings) if tiles is None else generalize_tiles(source, settings, tiles)
    )
    return coverage_of(shapes, codes, years, legend, crs)


def _whole(source: Source, settings: GeneralizeSettings) -> tuple[Geometries, Codes]:
    """Polygons and their class indices, in one piece."""
    legend = source.legend
    frame = make_frame(source)
    views = views_of(source.years, legend, settings, margin=ROUNDING)
    regions = make_regions(frame, legend, settings)
    drawn = None
    for attempt in range(RETURNS + 1):
        final = attempt == RETURNS
        traced = trace(regions, regions.labels if source.outline is None else grow(regions.labels))
        drawn = draw_borders(
            traced,
            frame.transform,
            views,
            settings,
            angular_in(legend),
            lambda tight: unlocked_in(frame, tight),
            drawn,
            thorough=final,
        )
        shapes, codes, tight = assemble(
            drawn,
            traced,
            source.outline,
            views,
            legend,
            settings.mmw_m,
            lambda tight: unlocked_in(frame, tight),
        )
        if not len(tight) or final:
            break
        _log.info("%d places are too narrow and go back to the raster", len(tight))
        regions = take_away(regions, tight, frame, legend, settings)
    return shapes, codes


def unlocked_in(frame: Frame, tight: Tight) -> Tight:
    """The places that are not in locked lines of a frame."""
    locked = frame.locked
    return unlocked(
        tight, frame.transform, locked.shape, lambda window: locked[window.rows, window.columns]
    )
