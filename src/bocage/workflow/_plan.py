"""What a project asks for, worked out before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import shapely
import xarray as xr
from rasterio.errors import RasterioIOError
from shapely.geometry.base import BaseGeometry

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.generalize import load_rules
from bocage.grid import (
    CRS,
    FINE,
    Block,
    DeliveryUnit,
    Tile,
    clusters,
    load_delivery_unit,
    plan_tiles,
    read_sites,
    region_membership,
    sites_from_bbox,
)
from bocage.imagery import ImagerySettings
from bocage.legend import OUTSIDE, Legend, Recode, load_crosswalk, load_legend
from bocage.products import Delivery, Kind, Schema, load_schema
from bocage.rasters import open_error
from bocage.refine import LineLayer
from bocage.samples import SamplingRules, Source
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
    heights
        Raster of heights, where the project names one.
    further
        Further deliveries of the same map.
    layers
        Rasters that decide where a class becomes one of several, by name.
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
    heights: Path | None = None
    further: tuple[Further, ...] = ()
    layers: dict[str, Path] = field(default_factory=dict)

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
        config = self.project.samples.model_dump(exclude={"sources"})
        return SamplingRules(**config, protected=self.legend.flagged("linear"))

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


def make_plan(project: Project, *, sites: Sequence[str] | None = None) -> Plan:
    """Load and check everything that a project file names.

    Parameters
    ----------
    project
        The validated project file.
    sites
        Ids of the sites to map, all by default.

    Raises
    ------
    ConfigError, InputError
        If a file is missing or wrong, a legend or crosswalk does not exist, or a line
        layer has no class in the legend.
    """
    legend = load_legend(project.legend, folder=project.folder)
    outlines = _sites(project, sites)
    delivery = _delivery(project, legend)
    terrain = project.imagery.terrain
    return Plan(
        project=project,
        legend=legend,
        sites=outlines,
        areas=clusters(outlines),
        tiles=plan_tiles(outlines, block=project.grid.block_m, halo=project.grid.halo_m),
        sources=_sources(project, legend),
        lines=_lines(project, legend),
        references=_references(project, legend),
        delivery=delivery,
        heights=existing(project.path(terrain), "imagery.terrain") if terrain else None,
        further=_further(project, legend, delivery),
        layers={
            name: existing(project.path(path), f"products.layers.{name}")
            for name, path in sorted(project.products.layers.items())
        },
    )


def _further(project: Project, legend: Legend, main: Delivery) -> tuple[Further, ...]:
    """The further deliveries, each checked as a whole before anything runs."""
    found: list[Further] = []
    for named in dict.fromkeys(project.products.schemas):
        if named == project.products.schema_:
            continue
        schema = load_schema(_schema_of(project, named), products=_FURTHER)
        _check_further(schema)
        if schema.id in {main.schema.id, *(f.name for f in found)}:
            raise ConfigError(
                f"products.schemas: two deliveries are called '{schema.id}'",
                remedy="give each schema an id of its own",
            )
        target = load_legend(schema.legend) if schema.legend else legend
        recode = components = None
        if schema.legend or schema.crosswalk:
            recode = _recode(legend, target, schema.crosswalk or "identity")
        if (parts := schema.components) is not None:
            components = _recode(legend, load_legend(parts.legend), parts.crosswalk)
        said = [repr(schema), repr(load_rules(schema.rules)), target.fingerprint]
        said += [r.fingerprint for r in (recode, components) if r is not None]
        found.append(
            Further(
                schema.id,
                replace(main, legend=target, schema=schema),
                recode,
                components,
                hashlib.sha256("".join(said).encode()).hexdigest(),
            )
        )
    return tuple(found)


def _check_further(schema: Schema) -> None:
    where = f"products.schemas: '{schema.id}'"
    if others := [kind for kind in schema.products if kind not in _FURTHER]:
        raise ConfigError(
            f"{where} delivers {', '.join(others)}",
            remedy=f"a further delivery has {', '.join(_FURTHER)}; leave the rest to the first",
        )
    size = schema.raster.pixel_m
    if "raster" in schema.products and (size <= 0 or size % FINE or RASTER_ORIGIN_M % size):
        raise ConfigError(
            f"{where}: raster.pixel_m is {size:g}",
            remedy=f"give a multiple of {FINE:g} m of which a whole number is "
            f"{RASTER_ORIGIN_M} m, such as 5 or 10",
        )


def _recode(legend: Legend, target: Legend, crosswalk: str) -> Recode:
    return Recode.between(legend, target, load_crosswalk(crosswalk, legend))


def _schema_of(project: Project, named: str) -> str | Path:
    return project.path(named) if named.endswith((".yaml", ".yml")) else named


def _sites(project: Project, wanted: Sequence[str] | None) -> gpd.GeoDataFrame:
    aoi = project.aoi
    if aoi.sites is not None:
        found = read_sites(existing(project.path(aoi.sites), "aoi.sites"))
    else:
        found = sites_from_bbox(aoi.bbox or (0, 0, 0, 0), aoi.crs)
    if wanted is None:
        return found
    if unknown := set(wanted) - set(found["site_id"]):
        raise ConfigError(
            f"aoi.sites has no site {', '.join(sorted(unknown))}",
            remedy=f"its sites are {', '.join(found['site_id'][:8])}",
        )
    return found[found["site_id"].isin(wanted)].reset_index(drop=True)


def _delivery(project: Project, legend: Legend) -> Delivery:
    config, aoi = project.products, project.aoi
    schema = config.schema_
    name = aoi.delivery_name
    if name is None and schema == "plain":
        name = "".join(c for c in project.name.lower() if "a" <= c <= "z") or "unit"
    unit = DeliveryUnit(aoi.delivery_unit, name) if name else load_delivery_unit(aoi.delivery_unit)
    loaded = load_schema(_schema_of(project, schema))
    if loaded.raster.pixel_m != FINE:
        raise ConfigError(
            f"products.schema: '{loaded.id}': raster.pixel_m is {loaded.raster.pixel_m:g}",
            remedy=f"the map has pixels of {FINE:g} m; name coarser ones in products.schemas",
        )
    return Delivery(
        unit=unit,
        version=config.version,
        revision=config.revision,
        date=config.date,
        project=project.name,
        legend=legend,
        schema=loaded,
        years=project.years,
    )


def _sources(project: Project, legend: Legend) -> tuple[Source, ...]:
    return tuple(
        Source(
            path=existing(project.path(s.layer), f"samples.sources[{i}].layer"),
            crosswalk=load_crosswalk(s.crosswalk, legend, folder=project.folder),
            reliability=s.reliability,
            field=s.field,
            name=s.name or Path(s.layer).stem,
            nodata=s.nodata,
        )
        for i, s in enumerate(project.samples.sources)
    )


def _references(project: Project, legend: Legend) -> dict[int, Source]:
    found = {}
    for year, config in sorted(project.accuracy.reference.items()):
        path = existing(project.path(config.layer), f"accuracy.reference.{year}")
        # A byte cannot hold codes above 255: such a raster holds class indices, as ours do.
        as_index = config.field is None and _is_byte(path) and min(legend.codes()) > OUTSIDE
        crosswalk = config.crosswalk or ("index" if as_index else "identity")
        found[year] = Source(
            path=path,
            crosswalk=load_crosswalk(crosswalk, legend, folder=project.folder),
            reliability=3,
            field=config.field,
            name=f"reference {year}",
            nodata=OUTSIDE if as_index else None,
        )
    return found


def _is_byte(path: Path) -> bool:
    try:
        with rasterio.open(path) as source:
            return bool(source.dtypes[0] == "uint8")
    except RasterioIOError as error:
        raise open_error(path, error) from error


def _lines(project: Project, legend: Legend) -> tuple[LineLayer, ...]:
    layers = []
    for key, role in _ROLES.items():
        config = getattr(project.linear, key)
        if config is None:
            continue
        path = existing(project.path(config.layer), f"linear.{key}")
        layer = LineLayer(path, role, default_width_m=config.width_m)
        layer.code_in(legend)  # the legend must have a class for the role
        layers.append(layer)
    return tuple(layers)
