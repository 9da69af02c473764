"""A virtual protected area on disk: images, truth, reference layers and a project file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import rasterio
import yaml
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import LineString

from bocage.errors import InputError
from bocage.files import atomic_path, write_text
from bocage.grid import FINE, geobox
from bocage.legend import OUTSIDE, Legend, load_legend
from bocage.simulate._card import Facts, write_card
from bocage.simulate._catalog import write_catalog
from bocage.simulate._change import evolve, rewind
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._expose import textures
from bocage.simulate._film import load_films
from bocage.simulate._landscape import Landscape, build_landscape
from bocage.simulate._lines import write_lines
from bocage.simulate._paint import mixing_fields
from bocage.simulate._places import make_sites, make_unit
from bocage.simulate._record import YearRecord
from bocage.simulate._reference import reference_layers, write_references
from bocage.simulate._separability import choose_probes
from bocage.simulate._tables import class_table
from bocage.simulate._tables import region as load_region
from bocage.simulate._vector import write_vector
from bocage.simulate._year import write_year

LEGEND = "pa"
"""Id of the legend of the truth."""

SIZES_KM = (1.0, 24.0)
"""Least and largest side of an area."""

UNIT = "du0014"
"""Code of the delivery unit."""

AGED = 0.008
"""Share of the area by which the polygon layer is older than the first year."""


def simulate(
    out: Path,
    *,
    region: str,
    size_km: float,
    seed: int,
    years: tuple[int, ...] = (2021, 2024),
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Simulate a virtual protected area.

    The same region, size, seed and years give the same bytes.

    Parameters
    ----------
    out
        Folder to write to; it may exist. Left in it are ``catalog/catalog.json`` with the
        images, ``truth/lulc_<year>.tif`` (class index of the legend ``pa``, 2.5 m),
        ``reference/`` (``clcplus.tif``, ``clc2018.gpkg``, ``n2k2018.gpkg``, ``rpz2018.gpkg``,
        ``hrl/``, ``lucas.gpkg``, ``heights.tif``), ``sites.gpkg``, ``delivery_unit.gpkg``,
        ``linear/`` (``roads.gpkg``, ``rails.gpkg``, ``rivers.gpkg``, ``eu_hydro.gpkg``),
        ``project.yaml``, and the scene card ``card.json`` and ``card.html``.
    region
        One of `list_regions`.
    size_km
        Side of the area in kilometres, 1 to 24 (rounded to 20 m).
    seed
        Any whole number from 0.
    years
        The status years, in order.
    progress
        Is told in words what is done.

    Returns
    -------
    pathlib.Path
        The project file, ready to run.

    Raises
    ------
    InputError
        If the region is not known, or size, seed or years are out of range.
    """
    _check(size_km, seed, years)
    out = out.resolve()  # the catalogue's relative paths are taken from absolute ones
    tell = progress or _silent
    countryside = load_region(region)
    legend = load_legend(LEGEND)
    domain = Domain.around(countryside.place, size_km)
    scoped = Seed(seed, region)
    tell(f"landscape of {domain.area_km2:.1f} km², {region} region")
    first = build_landscape(domain, countryside, scoped)
    sites = make_sites(domain, scoped, _main_river(first))
    inside = _inside(domain, sites)
    states = {years[0]: first}
    for before, year in pairwise(years):
        tell(f"change from {before} to {year}")
        states[year] = evolve(states[before], inside, year, scoped)
    table = class_table(legend)
    truth = {year: table[state.land] for year, state in states.items()}
    for year in years:
        _write_truth(out / "truth" / f"lulc_{year}.tif", truth[year], inside, domain, sites, legend)
    tell("reference layers")
    older = table[rewind(first, inside, AGED, scoped)]
    layers = reference_layers(truth, older, first, sites, legend, scoped)
    write_references(out, layers, domain)
    del older, layers
    write_vector(out / "sites.gpkg", sites, "sites")
    unit = make_unit(sites, UNIT, _letters(region))
    write_vector(out / "delivery_unit.gpkg", unit, "delivery_unit")
    write_lines(out, states[years[-1]], scoped)
    probes = choose_probes(truth, inside, domain, scoped)
    records = _write_images(out / "catalog", states, domain, probes, scoped, tell)
    write_card(out, Facts(region, size_km, seed, years, legend, truth, inside, records, probes))
    return _write_project(out, region, size_km, seed, years, _months(records))


def _main_river(landscape: Landscape) -> LineString | None:
    return next((s.line for s in landscape.streams if s.main), None)


def _letters(name: str) -> str:
    """A name of letters only, as the names of deliveries ask for."""
    return "".join(c for c in name if c.isalpha())


def _silent(text: str) -> None:
    pass


def _check(size_km: float, seed: int, years: tuple[int, ...]) -> None:
    low, high = SIZES_KM
    if not low <= size_km <= high:
        raise InputError(
            f"size of {size_km:g} km is out of range", remedy=f"use {low:g} to {high:g} km"
        )
    if seed < 0:
        raise InputError(f"seed {seed} is negative", remedy="use a whole number from 0")
    if not years or list(years) != sorted(set(years)) or not 2016 <= years[0] <= years[-1] <= 2099:
        raise InputError(
            f"years {list(years)} cannot be simulated",
            remedy="give one or more different years in order, 2016 to 2099",
        )


def _inside(domain: Domain, sites: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Pixels of 2.5 m whose centre lies in a site."""
    box = domain.geobox(FINE)
    drawn = rasterize(list(sites.geometry), box.shape, transform=box.affine, dtype="uint8")
    return np.asarray(drawn > 0)


def _write_truth(
    path: Path,
    classes: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    domain: Domain,
    sites: gpd.GeoDataFrame,
    legend: Legend,
) -> None:
    """Write the classes in the sites on the pixel grid of their bounding box."""
    west, south, east, north = sites.total_bounds
    box = geobox((west, south, east, north), FINE)
    row = round((domain.north - box.affine.f) / FINE)
    column = round((box.affine.c - domain.west) / FINE)
    window = (slice(row, row + box.shape.y), slice(column, column + box.shape.x))
    data = np.where(inside[window], classes[window], np.uint8(OUTSIDE))
    colors = {0: (0, 0, 0, 0), OUTSIDE: (0, 0, 0, 0)}
    for position, leaf in enumerate(legend.classes, start=1):
        red, green, blue = (int(leaf.color[i : i + 2], 16) for i in (1, 3, 5))
        colors[position] = (red, green, blue, 255)
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": box.shape.y,
        "width": box.shape.x,
        "dtype": "uint8",
        "crs": str(box.crs),
        "transform": box.affine,
        "nodata": OUTSIDE,
        "compress": "deflate",
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
    }
    with atomic_path(path) as part, rasterio.open(part, "w", **profile) as target:
        target.write(data, 1)
        target.write_colormap(1, colors)
        target.set_band_description(1, "class")


def _write_images(
    folder: Path,
    states: dict[int, Landscape],
    domain: Domain,
    probes: pd.DataFrame,
    seed: Seed,
    tell: Callable[[str], None],
) -> dict[int, YearRecord]:
    films = load_films(domain)
    layers = (mixing_fields(domain, seed), *textures(domain, seed))
    items: list[pystac.Item] = []
    records: dict[int, YearRecord] = {}
    for year, state in states.items():
        taken, records[year] = write_year(folder, state, layers, films, year, seed, tell, probes)
        items += taken
    write_catalog(folder, items, seed.scope)
    return records


def _months(records: dict[int, YearRecord]) -> list[int]:
    """Months (1 … 12) of which there is an image in every year: winters may have none."""
    seen = [
        {int(one["date"][5:7]) for one in record.dates if one["kept"]}
        for record in records.values()
    ]
    return sorted(set.intersection(*seen))


def _write_project(
    out: Path, region: str, size_km: float, seed: int, years: tuple[int, ...], months: list[int]
) -> Path:
    """The project file over what was simulated; it maps the last two years."""
    mapped = list(years[-2:])
    project = {
        "name": f"virtual-{region}-{size_km:g}km-{seed}".replace(".", "_"),
        "years": mapped,
        "aoi": {
            "sites": "sites.gpkg",
            "delivery_unit": UNIT,
            "delivery_name": _letters(region),
            "region": load_region(region).biogeographical,
        },
        "legend": LEGEND,
        "imagery": {
            "catalog": "catalog/catalog.json",
            "collection": "sentinel-2-l2a",
            "cloud_mask": "scl",
            "months": months,
        },
        "superres": {"backend": "default"},
        "samples": {
            "sources": [
                {"layer": "reference/clcplus.tif", "crosswalk": "clcplus", "reliability": 2},
                {
                    "layer": "reference/n2k2018.gpkg",
                    "field": "code_4_18",
                    "crosswalk": "n2k2018",
                    "reliability": 3,
                },
            ]
        },
        "model": {"epochs": "auto", "regions": "conditioned"},
        "linear": {name: f"linear/{name}.gpkg" for name in ("roads", "rails", "rivers")},
        "generalize": {"mmu_ha": 0.5, "mmw_m": 10, "rules": "pa"},
        "products": {
            "out": "products",
            "schema": "pa",
            "version": "v01",
            "revision": "r01",
            "date": "20261122",
        },
        "accuracy": {"reference": {year: f"truth/lulc_{year}.tif" for year in mapped}},
        "work": "work",
    }
    head = f"# A virtual protected area: {region} region, {size_km:g} km, seed {seed}.\n"
    text = head + yaml.safe_dump(project, sort_keys=False, default_flow_style=None)
    return write_text(out / "project.yaml", text)
