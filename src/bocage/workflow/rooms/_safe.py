"""How deep into the legend the classes of a map are safe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from bocage.cubes import load_array
from bocage.grid import FINE
from bocage.legend import OUTSIDE, Legend
from bocage.model import load_model, map_thresholds
from bocage.posterior import Posterior
from bocage.products import layer_medians
from bocage.rasters import geobox_of, inside
from bocage.workflow.rooms._parts import Area, cut
from bocage.workflow.rooms.decode import paste_all

_ASKED = 50_000  # pixels of the map


@dataclass(frozen=True)
class Safety:
    """Which classes of the map of a year may be true.

    Attributes
    ----------
    legend
        Of the map.
    year
        The status year.
    thresholds
        Least probability that puts a class into the set of a pixel, by level. Without levels,
        where the model is not calibrated, no level is safe.
    """

    legend: Legend
    year: int
    thresholds: dict[str, float]

    @classmethod
    def of(cls, areas: tuple[Area, ...], model: Path, legend: Legend, year: int) -> Safety:
        """From the posteriors of all areas."""
        expected = load_model(model, legend).facts.metrics["conformal"]["expected"]
        mapped_m2 = sum(area.outline.area for area in areas)
        blocks = ((path, area.outline) for area in areas for path in area.posteriors[year])
        return cls(legend, year, sampled_thresholds(blocks, mapped_m2, expected, legend))

    def levels(self, area: Area) -> xr.DataArray:
        """The deepest safe level of each pixel, uint8 (y, x), 255 where no class is known."""
        grid = geobox_of(load_array(area.refined, "class", year=self.year))
        # Block by block: only one of them is in memory with all its classes.
        blocks = (
            Posterior.load(path).safe_level(self.legend, self.thresholds).to_dataset()
            for path in area.posteriors[self.year]
        )
        return paste_all(blocks, grid)["safe_level"]


def sampled_thresholds(
    blocks: Iterable[tuple[Path, BaseGeometry]],
    mapped_m2: float,
    expected: Mapping[str, float],
    legend: Legend,
) -> dict[str, float]:
    """Thresholds of the sets of a map, from some of its pixels, see `map_thresholds`.

    Parameters
    ----------
    blocks
        Posteriors, and where they are mapped.
    mapped_m2
        Area of the map.
    expected
        Of the model, see `expected_coverage`.
    legend
        Of the map.
    """
    some = []
    for number, (path, where) in enumerate(blocks):
        posterior = Posterior.load(path)
        here = inside(where, geobox_of(posterior.data))
        count = math.ceil(_ASKED * here.sum() * FINE**2 / mapped_m2)
        some.append(posterior.sample(count, number, here))
    return map_thresholds(np.concatenate(some), legend, expected)


def safe_parts(areas: tuple[Area, ...], safety: Safety, grid: GeoBox) -> Iterator[xr.DataArray]:
    """The deepest safe level, area by area, 255 around it."""
    for area in areas:
        yield cut(safety.levels(area), area, grid, float(grid.affine.a))


def safe_polygons(view: gpd.GeoDataFrame, area: Area, safety: Safety) -> NDArray[np.float64]:
    """The level that is safe in at least half of each polygon, NaN where no class is known."""
    safe = safety.levels(area)
    return np.floor(layer_medians(view, safe.where(safe != OUTSIDE).astype(np.float32)))
