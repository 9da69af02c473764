"""A project file and all that it names, loaded and checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import rasterio
from rasterio.errors import RasterioIOError

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.grid import clusters, plan_tiles, read_sites, sites_from_bbox
from bocage.legend import OUTSIDE, Legend, list_crosswalks, load_crosswalk, load_legend
from bocage.rasters import open_error
from bocage.refine import LineLayer
from bocage.samples import Source, empty_labels, enriched, read_labels
from bocage.workflow._deliveries import further_deliveries, main_delivery
from bocage.workflow._plan import Plan
from bocage.workflow._project import Project

_ROLES = {"rivers": "river", "roads": "road", "rails": "rail"}


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
        If a file is missing or wrong, a legend or crosswalk does not exist, a line layer or
        an enriched class has no class in the legend, or a crosswalk needs a layer that the
        project does not give.
    """
    legend = load_legend(project.legend, folder=project.folder)
    outlines = _sites(project, sites)
    delivery = main_delivery(project, legend)
    terrain = project.imagery.terrain
    sources = _sources(project, legend)
    enriched(project.samples.enrich, legend)  # the legend must have its classes
    return Plan(
        project=project,
        legend=legend,
        sites=outlines,
        areas=clusters(outlines),
        tiles=plan_tiles(outlines, block=project.grid.block_m, halo=project.grid.halo_m),
        sources=sources,
        lines=_lines(project, legend),
        references=_references(project, legend),
        delivery=delivery,
        labels=_labels(project, legend),
        heights=existing(project.path(terrain), "imagery.terrain") if terrain else None,
        further=further_deliveries(project, legend, delivery),
        layers={
            name: existing(project.path(path), f"products.layers.{name}")
            for name, path in sorted(project.products.layers.items())
        },
        sample_layers=_sample_layers(project, sources),
    )


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


def _sample_layers(project: Project, sources: Sequence[Source]) -> dict[str, Path]:
    """The ancillary layers that the crosswalks of the sources can use.

    A crosswalk of the package does without: its conditions are a help where there is such a
    layer. In a crosswalk of one's own a condition is meant.
    """
    given = project.samples.layers
    for i, source in enumerate(sources):
        missing = [name for name in source.crosswalk.layers if name not in given]
        if missing and source.crosswalk.id not in list_crosswalks():
            raise ConfigError(
                f"samples.sources[{i}].crosswalk: '{source.crosswalk.id}' has conditions on the "
                f"layer '{missing[0]}', which the project does not give",
                remedy=f"give its raster as samples.layers.{missing[0]}",
            )
    used = {name for source in sources for name in source.crosswalk.layers}
    return {
        name: existing(project.path(path), f"samples.layers.{name}")
        for name, path in sorted(given.items())
        if name in used
    }


def _labels(project: Project, legend: Legend) -> gpd.GeoDataFrame:
    """What people have answered; the file is made by the first questions."""
    name = project.samples.labels
    if name is None or not project.path(name).exists():
        return empty_labels()
    return read_labels(project.path(name), legend)


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
