"""How deep into the legend the classes of a map are safe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.cubes import load_dataset
from bocage.legend import OUTSIDE, Legend
from bocage.model import load_model, map_thresholds
from bocage.posterior import Posterior
from bocage.products import layer_medians
from bocage.rasters import geobox_of, inside
from bocage.workflow.rooms._parts import Area, cut
from bocage.workflow.rooms.decode import assemble_posterior

_ASKED = 50_000  # pixels of the map


@dataclass(frozen=True)
class Safety:
    """Which classes of a map may be true.

    Attributes
    ----------
    legend
        Of the map.
    thresholds
        Year → level → least probability that puts a class into the set of a pixel. Without
        levels, where the model is not calibrated, no level is safe.
    """

    legend: Legend
    thresholds: dict[int, dict[str, float]]

    @classmethod
    def of(cls, areas: tuple[Area, ...], model: Path, legend: Legend) -> Safety:
        """From the posteriors of all areas and years."""
        expected = load_model(model, legend).facts.metrics["conformal"]["expected"]
        found = {}
        for year in sorted({year for area in areas for year in area.posteriors}):
            some = [_sample(area, year, number, areas) for number, area in enumerate(areas)]
            found[year] = map_thresholds(np.concatenate(some), legend, expected)
        return cls(legend, found)

    def levels(self, area: Area, year: int) -> xr.DataArray:
        """The deepest safe level of each pixel, uint8 (y, x), 255 where no class is known."""
        return _posterior(area, year).safe_level(self.legend, self.thresholds[year])


def safe_parts(
    areas: tuple[Area, ...], year: int, safety: Safety, grid: GeoBox
) -> Iterator[xr.DataArray]:
    """The deepest safe level in a year, area by area, 255 around it."""
    for area in areas:
        yield cut(safety.levels(area, year), area, grid, float(grid.affine.a))


def safe_polygons(
    view: gpd.GeoDataFrame, area: Area, year: int, safety: Safety
) -> NDArray[np.float64]:
    """The level that is safe in at least half of each polygon, NaN where no class is known."""
    safe = safety.levels(area, year)
    return np.floor(layer_medians(view, safe.where(safe != OUTSIDE).astype(np.float32)))


def _sample(area: Area, year: int, seed: int, areas: tuple[Area, ...]) -> NDArray[np.float32]:
    """Probabilities of some pixels of an area, as many as it is large."""
    posterior = _posterior(area, year)
    count = math.ceil(_ASKED * area.outline.area / sum(a.outline.area for a in areas))
    here = inside(area.outline, geobox_of(posterior.data))
    return posterior.sample(count, seed, here)


def _posterior(area: Area, year: int) -> Posterior:
    return assemble_posterior(area.posteriors[year], geobox_of(load_dataset(area.refined)))
