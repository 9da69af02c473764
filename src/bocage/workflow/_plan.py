"""What a project asks for, worked out before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.grid import (
    CRS,
    Block,
    Tile,
    region_membership,
)
from bocage.imagery import ImagerySettings
from bocage.legend import Legend, Recode
from bocage.products import Delivery, Kind
from bocage.refine import LineLayer
from bocage.samples import SamplingRules, Source, empty_labels, enriched
from bocage.workflow._project import Project

_ROLES = {"rivers": "river", "roads": "road", "rails": "rail"}

_FURTHER: tuple[Kind, ...] = ("status", "change", "raster")  # what is made in other classes

RASTER_ORIGIN_M = 1000
"""Rasters start on whole kilometres (spec: the tool's default grid)."""


@dataclass(frozen=True)
class Further:
    """A further delivery of the map.

    Attributes
    ----------
    name
        Id of its schema, and its folder.
    delivery
        Its names, legend and schema.
    recode
        How the classes of the map become those of the delivery; None: they are the same.
    components
        From the classes of the map to land cover, where polygons get components of it.
    fingerprint
        Digest of everything that its schema, legend and crosswalks say.
    """

    name: str
    delivery: Delivery
    recode: Recode | None
    components: Recode | None
    fingerprint: str


@dataclass(frozen=True)
class Plan:
    """A project with everything that its file names loaded and checked.

    Attributes
    ----------
    project
        The validated project file.
    legend
        The nomenclature of the map.
    sites, areas
        Site polygons, and the groups of adjoining sites that are generalised as one.
    tiles
        EEA tiles with the blocks that touch a site.
    sources
        Reference layers that samples are drawn from.
    lines
        Line layers to draw.
    references
        What each status year is compared with, where the project gives a reference.
    delivery
        Names and schema of the delivery.
    labels
        What people were asked and have answered; no row without a file.
    heights
        Raster of heights, where the project names one.
    further
        Further deliveries of the same map.
    layers
        Rasters that decide where a class becomes one of several, by name.
    sample_layers
        Rasters that the conditions of the sources' crosswalks name, by name.
    """

    project: Project
    legend: Legend
    sites: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    tiles: tuple[Tile, ...]
    sources: tuple[Source, ...]
    lines: tuple[LineLayer, ...]
    references: dict[int, Source]
    delivery: Delivery
    labels: gpd.GeoDataFrame = field(default_factory=empty_labels)
    heights: Path | None = None
    further: tuple[Further, ...] = ()
    layers: dict[str, Path] = field(default_factory=dict)
    sample_layers: dict[str, Path] = field(default_factory=dict)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in order."""
        return tuple(block for tile in self.tiles for block in tile.blocks)

    @cached_property
    def area(self) -> BaseGeometry:
        """Union of all sites, EPSG:3035."""
        return shapely.union_all(self.areas.geometry.to_numpy())

    @property
    def area_km2(self) -> float:
        """Mapped area in square kilometres."""
        return float(shapely.area(self.area)) / 1e6

    @cached_property
    def exclude(self) -> BaseGeometry | None:
        """Where no sample may be drawn: the test area and a margin around it."""
        test = self.test_area
        return None if test is None else shapely.buffer(test, self.project.accuracy.gap_m)

    @cached_property
    def test_area(self) -> BaseGeometry | None:
        """Where accuracy is measured; None: everywhere."""
        name = self.project.accuracy.area
        if name is None:
            return None
        path = existing(self.project.path(name), "accuracy.area")
        frame = pyogrio.read_dataframe(path).to_crs(CRS)
        test = shapely.intersection(shapely.union_all(frame.geometry.to_numpy()), self.area)
        if shapely.area(test) == 0:
            raise ConfigError(
                f"accuracy.area: {path} does not touch the sites", remedy="check its coordinates"
            )
        return test

    @property
    def imagery(self) -> ImagerySettings:
        """Settings of the mosaics."""
        config = self.project.imagery.model_dump(exclude={"catalog", "terrain"})
        return ImagerySettings(**config)

    @property
    def rules(self) -> SamplingRules:
        """Settings of the drawing of samples."""
        config = self.project.samples.model_dump(exclude={"sources", "labels", "layers", "enrich"})
        more = enriched(self.project.samples.enrich, self.legend)
        return SamplingRules(**config, enrich=more, protected=self.legend.flagged("linear"))

    @cached_property
    def regions(self) -> dict[str, str]:
        """Region of each block, by block id (where its centre lies)."""
        centres = np.array([(b.west + b.size / 2, b.south + b.size / 2) for b in self.blocks])
        shares = region_membership(centres[:, 0], centres[:, 1], self._region_source)
        return {b.id: str(r) for b, r in zip(self.blocks, shares.idxmax(axis=1), strict=True)}

    def membership(self, block: Block) -> xr.DataArray | None:
        """How much the corners of a block belong to each region, dims (layer, y, x).

        Blocks share their corners, so what is interpolated between them has no seam. None
        where the model is not conditioned on regions, or there is a single one.
        """
        if self.project.model.regions == "global" or len(set(self.regions.values())) < 2:
            return None
        west, south, east, north = block.bounds
        x, y = np.array([west, east, west, east]), np.array([north, north, south, south])
        blend = 1000 * self.project.model.blend_km
        shares = region_membership(x, y, self._region_source, blend)
        return xr.DataArray(
            shares.to_numpy().T.reshape(-1, 2, 2),
            dims=("layer", "y", "x"),
            coords={
                "layer": [f"region:{name}" for name in shares],
                "y": [north, south],
                "x": [west, east],
            },
        )

    @property
    def _region_source(self) -> str | Path:
        region = self.project.aoi.region
        return self.project.path(region) if "." in region else region

    @property
    def catalog(self) -> str | Path:
        """URL of the STAC API, or path of the static catalogue."""
        name = self.project.imagery.catalog
        return name if "://" in name else self.project.path(name)

    def blocks_of(self, area: BaseGeometry) -> tuple[Block, ...]:
        """Blocks whose core touches an area."""
        shapely.prepare(area)
        return tuple(b for b in self.blocks if shapely.intersects(area, b.box()))

    def file(self, *parts: str | int) -> Path:
        """A path in the work folder."""
        return self.project.work_folder.joinpath(*(str(p) for p in parts))

    @property
    def products(self) -> Path:
        """Folder of the deliveries."""
        return self.project.path(self.project.products.out)

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.project.path(self.project.report)
