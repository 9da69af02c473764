"""What a project delivers, checked before anything runs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from bocage.errors import ConfigError
from bocage.generalize import load_rules
from bocage.grid import FINE, DeliveryUnit, load_delivery_unit
from bocage.legend import Legend, Recode, load_crosswalk, load_legend
from bocage.products import Delivery, Kind, Schema, load_schema
from bocage.workflow._plan import RASTER_ORIGIN_M, Further
from bocage.workflow._project import Project

_FURTHER: tuple[Kind, ...] = ("status", "change", "raster")  # what is made in other classes


def main_delivery(project: Project, legend: Legend) -> Delivery:
    """Names and schema of the delivery in the legend of the map."""
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


def further_deliveries(project: Project, legend: Legend, main: Delivery) -> tuple[Further, ...]:
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
