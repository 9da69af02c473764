"""Several scales of one map, the coarser ones made of the polygons of the finer ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.sparse import coo_array
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.generalize._affinity import similarity_table
from bocage.generalize._coverage import Coverage
from bocage.generalize._edges import Geometries, polygon_graph, tidy, unite
from bocage.generalize._engine import generalize
from bocage.generalize._graph import Bools, Codes, Ints, RegionGraph, contract
from bocage.generalize._merge import enforce
from bocage.generalize._rules import View, views_of
from bocage.generalize._settings import GeneralizeSettings, load_rules
from bocage.generalize._tiles import Tiling
from bocage.grid import FINE
from bocage.legend import OUTSIDE, Legend
from bocage.posterior import Posterior
from bocage.rasters import geobox_of, wrap

SCALES_HA = (0.5, 2.0, 5.0, 25.0)
"""Mapping units from that of the product to that of CORINE Land Cover."""

_log = logging.getLogger(__name__)
_LINEAR = "linear"  # the flag of the legend
_ROUNDING = 1e-6  # share by which polygons exceed the unit, so that rounding never decides
_NECK = 1e-3  # factor for borders that are shorter than the width: a union would have a neck there
_ROWS = 1000  # unions whose classes are compared at a time
_WIDTH_PIXELS = 4  # pixels that the least width has where a scale is generalised anew


def generalize_scales(
    classes: xr.DataArray,
    area: BaseGeometry | None,
    legend: Legend,
    settings: GeneralizeSettings | None = None,
    mmus_ha: Sequence[float] = SCALES_HA,
    *,
    mmws_m: Mapping[float, float] | None = None,
    locked: xr.DataArray | None = None,
    posteriors: Sequence[Posterior] | None = None,
    tiles: Tiling | None = None,
) -> dict[float, Coverage]:
    """Generalise a class raster to several mapping units at once.

    The finest scale is what `generalize` gives. Each coarser one unites polygons of the one
    before it, so that all its borders are borders of the finer one, vertex by vertex. A united
    polygon has that class, or pair of classes, of the polygons of the finest scale in it which
    is most like all of them by area and similarity. Its parts may be joined by less than the
    minimum mapping width, which is rare.

    Parameters
    ----------
    classes, area, legend, locked, posteriors, tiles
        As `generalize` takes them.
    settings
        The defaults when None. Its exceptions hold at the scale of its own unit, `mmu_ha`,
        only: they name areas in hectares that mean nothing at others.
    mmus_ha
        The mapping units in hectares.
    mmws_m
        Minimum mapping width in metres of a mapping unit, such as ``{25: 100}`` for CORINE
        Land Cover, where it is larger than that of `settings`. Uniting cannot make narrow
        polygons wide: such a scale is generalised anew from the map before it, on pixels of a
        quarter of the width, and its borders are not those of that map. Scales that are
        coarser still are made of its polygons.

    Returns
    -------
    dict
        The coverage of each mapping unit, from fine to coarse.

    Raises
    ------
    InputError
        If there is no mapping unit, one is not above 0, or a width is that of none.
    RunError
        As `generalize`.
    """
    settings = settings or GeneralizeSettings()
    units = sorted({float(unit) for unit in mmus_ha})
    widths = {float(unit): float(width) for unit, width in (mmws_m or {}).items()}
    if not units or units[0] <= 0:
        raise InputError(f"mapping units are {units}", remedy="give hectares above 0")
    if strange := sorted(set(widths) - set(units)):
        raise InputError(f"a width is given for {strange[0]:g} ha, which is no mapping unit")
    first = replace(_settings_of(units[0], settings), mmw_m=widths.get(units[0], settings.mmw_m))
    coverage = generalize(
        classes, area, legend, first, locked=locked, posteriors=posteriors, tiles=tiles
    )
    found = {units[0]: coverage}
    pixel = float(geobox_of(classes).affine.a)
    pile = _Pile(coverage, legend, first.mmw_m)
    for unit in units[1:]:
        own = replace(_settings_of(unit, settings), mmw_m=widths.get(unit, pile.mmw_m))
        if own.mmw_m > pile.mmw_m:
            wide = _anew(coverage, area, legend, own, pixel)
            pile = _Pile(wide, legend, own.mmw_m)
        coverage = pile.coarser(own)
        found[unit] = coverage
        _log.info("%g ha: %d polygons", unit, len(coverage.frame))
    return found


def coarsen(
    coverage: Coverage,
    legend: Legend,
    mmu_ha: float,
    settings: GeneralizeSettings | None = None,
    *,
    mmw_m: float | None = None,
    pixel_m: float = FINE,
) -> Coverage:
    """Unite polygons of a coverage until a larger mapping unit holds.

    Parameters
    ----------
    coverage
        A finished coverage; equal codes side by side are united, too.
    legend
        What it was made with.
    mmu_ha
        The mapping unit in hectares, without exceptions unless it is that of the settings.
    settings
        What it was made with; its width keeps unions from having necks.
    mmw_m
        A larger minimum mapping width, for which the map is generalised anew, as in
        `generalize_scales`.
    pixel_m
        Size of the pixels that the coverage was made of.

    Returns
    -------
    Coverage
        Every border is one of `coverage`, unless there is a larger width.
    """
    settings = settings or GeneralizeSettings()
    own = _settings_of(mmu_ha, settings)
    if mmw_m is not None and mmw_m > settings.mmw_m:
        own = replace(own, mmw_m=mmw_m)
        coverage = _anew(coverage, None, legend, own, pixel_m)
    return _Pile(coverage, legend, own.mmw_m).coarser(own)


def _settings_of(unit: float, settings: GeneralizeSettings) -> GeneralizeSettings:
    if unit == settings.mmu_ha:
        return settings
    return replace(settings, mmu_ha=unit, rules=load_rules("plain"))


class _Pile:
    """The polygons of the finest scale, and how they are united at the last one."""

    def __init__(self, finest: Coverage, legend: Legend, mmw_m: float) -> None:
        self.finest, self.legend, self.mmw_m = finest, legend, mmw_m
        self.shapes: Geometries = finest.frame.geometry.to_numpy()
        columns = [finest.column(year) for year in finest.years]
        self.codes: Codes = legend.encode(finest.frame[columns].to_numpy())
        self.linear = np.zeros(256, bool)
        self.linear[[legend.index(code) for code in legend.flagged(_LINEAR)]] = True
        graph = polygon_graph(self.shapes, self.codes, self._line(self.codes))
        neck = np.where(graph.border < mmw_m, _NECK, 1.0)
        self.graph = replace(graph, border=graph.border * neck)
        self.area = self.graph.area
        self.group: Ints = np.arange(len(graph))

    def coarser(self, settings: GeneralizeSettings) -> Coverage:
        """Unite further until the unit of the settings holds."""
        views = views_of(len(self.finest.years), self.legend, settings, margin=_ROUNDING)
        self._enforce(views, similarity_table(self.legend))
        shapes, order = tidy(unite(self.shapes, self.group))
        codes = self.legend.code_table()[self.graph.codes[order]]
        columns = {self.finest.column(y): codes[:, n] for n, y in enumerate(self.finest.years)}
        frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=self.finest.frame.crs)
        return Coverage(frame, self.finest.years)

    def _enforce(self, views: tuple[View, ...], table: NDArray[np.float64]) -> None:
        """Merge and name what has come of it, until neither changes anything.

        A new name may make neighbours equal, or a change too small: another merge follows.
        Each round but the last leaves fewer polygons than the one before.
        """
        while True:
            merged = enforce(self.graph, views, table)
            self.group = merged.group[self.group]
            codes = self._fitting(len(merged.codes), table)
            self.graph = self._contracted(merged.group, codes)
            if (codes == merged.codes).all():
                return

    def _contracted(self, group: Ints, codes: Codes) -> RegionGraph:
        _, keep = np.unique(group, return_index=True)
        united = contract(self.graph, group, keep)
        return replace(united, codes=codes, line=self._line(codes))

    def _line(self, codes: Codes) -> Bools:
        """Which polygons are roads, rivers and the like: land joins land rather than them."""
        return np.asarray(self.linear[codes].any(axis=1))

    def _fitting(self, count: int, table: NDArray[np.float64]) -> Codes:
        """Of the classes in each union at the finest scale, the one most like all of it.

        Each counts by its area times its similarity. A class without relatives wins where it
        has most of the area; else it gives way to several that have much in common.
        """
        kinds, kind = np.unique(self.codes, axis=0, return_inverse=True)
        where = (self.group, kind.reshape(-1))
        area = coo_array((self.area, where), shape=(count, len(kinds))).tocsr()
        alike = table[kinds[:, None], kinds[None]].mean(axis=2)
        best = np.zeros(count, np.int64)
        for first in range(0, count, _ROWS):
            part = area[first : first + _ROWS]
            score = np.where(part.toarray() > 0, part @ alike, -1.0)
            best[first : first + _ROWS] = score.argmax(axis=1)
        return np.asarray(kinds[best])


def _anew(
    coverage: Coverage,
    area: BaseGeometry | None,
    legend: Legend,
    settings: GeneralizeSettings,
    pixel: float,
) -> Coverage:
    """Generalise the raster of a coverage, on pixels that fit the width."""
    size = settings.mmw_m / _WIDTH_PIXELS
    classes = _burnt(coverage, legend, size)
    scaled = replace(
        settings,
        tolerance_m=settings.tolerance_m * size / pixel,
        reach_m=max(settings.reach_m, settings.mmw_m),
    )
    outline = area if area is not None else shapely.union_all(coverage.frame.geometry.to_numpy())
    return generalize(classes, outline, legend, scaled)


def _burnt(coverage: Coverage, legend: Legend, pixel: float) -> xr.DataArray:
    """The class index of a coverage on pixels of a given size, dims (year, y, x)."""
    west, south, east, north = coverage.frame.total_bounds
    west, north = np.floor(west / pixel) * pixel, np.ceil(north / pixel) * pixel
    shape = (int(np.ceil((north - south) / pixel)), int(np.ceil((east - west) / pixel)))
    transform = Affine(pixel, 0.0, west, 0.0, -pixel, north)
    number = rasterio.features.rasterize(
        zip(coverage.frame.geometry, range(len(coverage.frame)), strict=True),
        out_shape=shape,
        transform=transform,
        fill=-1,
        dtype="int32",
    )
    columns = [coverage.column(year) for year in coverage.years]
    codes = legend.encode(coverage.frame[columns].to_numpy())
    values = np.where(number >= 0, codes.T[:, number], np.uint8(OUTSIDE))
    box = GeoBox(shape, transform, str(coverage.frame.crs))
    return wrap(values, box, dims=("year", "y", "x"), year=list(coverage.years))
