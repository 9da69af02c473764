"""From a class raster to the space–time coverage."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from bocage.errors import RunError
from bocage.generalize._affinity import similarity_table
from bocage.generalize._borders import cut_to, grow
from bocage.generalize._coverage import Coverage
from bocage.generalize._edges import border_graph, dissolve, polygon_graph, tidy, unite
from bocage.generalize._faces import Geometries, faces
from bocage.generalize._frame import Frame, make_frame
from bocage.generalize._frozen import Frozen, data_area, frozen_of, put_back, set_apart, without_rim
from bocage.generalize._graph import Bools, Codes
from bocage.generalize._merge import enforce
from bocage.generalize._raster import Regions, make_regions
from bocage.generalize._return import take_away
from bocage.generalize._rules import View, views_of
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._vector import (
    Tight,
    draw_borders,
    join_tight,
    tight_places,
    unlocked,
    view_keys,
)
from bocage.legend import Legend
from bocage.posterior import Posterior
from bocage.rasters import geobox_of

_log = logging.getLogger(__name__)
ANGULAR = "angular"  # the flag of classes whose borders are straight and have corners

_RETURNS = 3  # how often what is too narrow as a polygon goes back to the raster
_ROUNDING = 1e-6  # share by which polygons exceed the thresholds, so that rounding never decides


def generalize(
    classes: xr.DataArray,
    area: BaseGeometry | None,
    legend: Legend,
    settings: GeneralizeSettings | None = None,
    *,
    locked: xr.DataArray | None = None,
    posteriors: Sequence[Posterior] | None = None,
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
    if frozen is not None and len(frozen):
        years, crs = _years(classes), str(geobox_of(classes, "the class raster").crs)
        held = frozen_of(frozen, years, legend, crs)
        whole = data_area(classes) if area is None else area
        shapes, around = set_apart(whole, held, within=area is not None)
        rest = None
        if not around.is_empty:
            rest = generalize(
                classes,
                around,
                legend,
                without_rim(settings),
                locked=locked,
                posteriors=posteriors,
            )
        return put_back(rest, Frozen(shapes, held.codes), years, crs)
    frame = make_frame(
        classes,
        area,
        locked,
        legend=legend,
        reach_m=settings.reach_m,
        posteriors=posteriors,
    )
    views = views_of(len(frame.classes), legend, settings, margin=_ROUNDING)
    regions = make_regions(frame, legend, settings)
    for attempt in range(_RETURNS + 1):
        final = attempt == _RETURNS
        shapes, codes, tight = _polygons(regions, frame, views, legend, settings, thorough=final)
        if not len(tight) or final:
            break
        _log.info("%d places are too narrow and go back to the raster", len(tight))
        regions = take_away(regions, tight, frame, legend, settings)
    return _coverage(shapes, codes, _years(classes), legend, frame.crs)


def angular_in(legend: Legend) -> Bools:
    """Class indices with angular borders, shape (256,)."""
    found = np.zeros(256, bool)
    found[[legend.index(code) for code in legend.flagged(ANGULAR)]] = True
    return found


def _polygons(
    regions: Regions,
    frame: Frame,
    views: tuple[View, ...],
    legend: Legend,
    settings: GeneralizeSettings,
    *,
    thorough: bool,
) -> tuple[Geometries, Codes, Tight]:
    """Polygons of regions, their classes, and where polygons of a view are too narrow."""
    labels = regions.labels if frame.whole else grow(regions.labels)
    arcs, tight = draw_borders(
        regions, labels, frame, views, settings, angular_in(legend), thorough=thorough
    )
    table = similarity_table(legend)
    pieces, numbers = faces(arcs)
    _log.info("%d regions", len(pieces))
    if frame.whole:
        graph = border_graph(arcs, shapely.area(pieces), regions.codes, regions.line)
        merged = enforce(graph, views, table)
        shapes = faces(arcs, merged.group)[0]
        if settings.mmw_m and len(shapes) < len(pieces):
            tight = unlocked(_tight(shapes, merged.codes, views, settings.mmw_m), frame)
        return shapes, merged.codes, tight
    pieces, numbers = cut_to(pieces, numbers, frame.outline)
    graph = polygon_graph(pieces, regions.codes[numbers], regions.line[numbers])
    merged = enforce(graph, views, table)
    shapes = unite(pieces, merged.group)
    if settings.mmw_m:
        found = _tight(shapes, merged.codes, views, settings.mmw_m, frame.outline)
        tight = join_tight([_away(tight, frame.outline), unlocked(found, frame)])
    return shapes, merged.codes, tight


def _away(tight: Tight, outline: BaseGeometry) -> Tight:
    """Places of polygons that lie in the area and do not touch its limit."""
    shapely.prepare(outline)
    away = shapely.contains_properly(outline, tight.polygon)
    return Tight(tight.place[away], tight.polygon[away])


def _tight(
    shapes: Geometries,
    codes: Codes,
    views: tuple[View, ...],
    mmw_m: float,
    outline: BaseGeometry | None = None,
) -> Tight:
    """Where polygons of the views are too narrow; only at the limit of an area where it is given.

    Away from the limit the borders were tested when they were drawn.
    """
    rim = None if outline is None else shapely.boundary(outline)
    if rim is not None:
        shapely.prepare(rim)
    found = []
    for view in views:
        keys = view_keys(codes, view)
        belongs = keys >= 0
        polygons, _ = dissolve(shapes[belongs], keys[belongs, None])
        if rim is not None:
            polygons = polygons[shapely.intersects(rim, polygons)]
        found.append(tight_places(polygons, mmw_m, view.area))
    return join_tight(found)


def _years(classes: xr.DataArray) -> tuple[int, ...]:
    if "year" not in classes.coords:
        return tuple(range(1, (1 if classes.ndim == 2 else len(classes)) + 1))
    return tuple(int(y) for y in np.atleast_1d(classes["year"].values))


def _coverage(
    shapes: Geometries, indices: Codes, years: tuple[int, ...], legend: Legend, crs: str
) -> Coverage:
    shapes, order = tidy(shapes)
    if not shapely.coverage_is_valid(shapes):
        raise RunError("the polygons do not form a valid coverage", remedy="report the raster")
    codes = legend.code_table()[indices[order]]
    columns = {Coverage.column(year): codes[:, n] for n, year in enumerate(years)}
    return Coverage(gpd.GeoDataFrame(columns, geometry=shapes, crs=crs), years)
