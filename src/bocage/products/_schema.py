"""Schemas of deliveries as data: read from YAML, one extending another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.products._values import (
    KINDS,
    OPTIONAL_KINDS,
    PATTERNS,
    ROLES,
    TYPES,
    Components,
    Field,
    Kind,
    LayerRules,
    MmuException,
    RasterRules,
    Schema,
    schema_of,
    year_words,
)

__all__ = [
    "KINDS",
    "ROLES",
    "Components",
    "Field",
    "Kind",
    "LayerRules",
    "MmuException",
    "RasterRules",
    "Schema",
    "demand_keys",
    "layer_rules",
    "list_schemas",
    "load_schema",
    "mmu_exception",
    "raster_rules",
    "read_yaml",
    "year_words",
]

_SCHEMAS = ("pa", "plain", "n2k2018", "clc", "clcplus", "maes", "eunis", "lulucf", "eagle")
_DEPTH = 8  # schemas that extend each other in a circle are found out after so many

_OPTIONAL = ("legend", "crosswalk", "islands", "rules", "components")


def list_schemas() -> tuple[str, ...]:
    """Ids of the schemas in the package."""
    return _SCHEMAS


def load_schema(schema: str | Path, *, products: tuple[Kind, ...] = KINDS) -> Schema:
    """Load a schema by id or from a YAML file.

    Parameters
    ----------
    schema
        An id of `list_schemas`, or the path of a YAML file with the same keys. A file may
        name another schema in ``extends`` and then holds only what differs: mappings are
        merged, lists replaced. Relative paths in it start at the file.
    products
        Kinds of products that are delivered where the schema does not say which.

    Raises
    ------
    ConfigError
        If there is no such schema, or a key is missing, unknown or wrong.
    InputError
        If the file does not exist.
    """
    data = _read_schema(str(schema), Path(), _DEPTH)
    # Schemas from before there was such a product have no name for it.
    usual = [kind for kind in products if kind in data.get("names", {})]
    return _schema({"products": usual, **data}, str(schema))


def _read_schema(schema: str, folder: Path, depth: int) -> dict[str, Any]:
    """The keys of a schema and of those it extends."""
    if depth == 0:
        raise ConfigError(f"schema '{schema}' extends itself", remedy="extend another one")
    if schema in _SCHEMAS:
        where = f"{schema}.yaml"
        text = (resources.files("bocage.products") / "data" / where).read_text(encoding="utf-8")
        data = read_yaml(text, where)
    elif schema.endswith((".yaml", ".yml")):
        path = existing(folder / schema, "products.schema")
        data, folder = read_yaml(path.read_text(encoding="utf-8"), str(path)), path.parent
        for keys in (data, data.get("components") or {}):
            for key in ("legend", "crosswalk", "rules"):
                if str(keys.get(key, "")).endswith((".csv", ".yaml", ".yml")):
                    keys[key] = str((folder / keys[key]).resolve())
    else:
        raise ConfigError(
            f"there is no schema '{schema}'",
            remedy=f"use one of {', '.join(_SCHEMAS)}, or the path of a YAML file",
        )
    base = data.pop("extends", None)
    if base is None:
        return data
    return _merged(_read_schema(str(base), folder, depth - 1), data)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The keys of both; mappings merged key by key."""
    found = dict(base)
    for key, value in own.items():
        old = found.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)
        found[key] = value
    return found


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """Parse a YAML mapping, or raise a `ConfigError` that names the file."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is no valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{where} holds no mapping", remedy="see the files in products/data")
    return data


def _schema(data: dict[str, Any], where: str) -> Schema:
    needed = set(Schema.__dataclass_fields__) - {"layers", *_OPTIONAL} | {"status", "change"}
    demand_keys(data, needed, where, _OPTIONAL)
    names = data["names"]
    if missing := [k for k in KINDS if k not in names and k not in OPTIONAL_KINDS]:
        raise ConfigError(f"{where}: names: missing {', '.join(missing)}", remedy="add a template")
    kinds = data["products"]
    if strange := [str(k) for k in kinds if k not in names or k not in KINDS]:
        raise ConfigError(
            f"{where}: products: {', '.join(strange)}", remedy=f"use {', '.join(KINDS)}"
        )
    _check_templates(data["names"], where)
    layers = {k: layer_rules(data[k], f"{where}: {k}") for k in ("status", "change")}
    for kind, rules in layers.items():
        _demand_codes(rules, 2 if kind == "change" else 1, f"{where}: {kind}")
    plain = {k: v for k, v in data.items() if k not in ("status", "change", "raster")}
    plain["products"] = kinds
    for key in ("units", "formats", "ignored", "products"):
        plain[key] = tuple(plain[key])
    plain["metadata"] = {**_common_texts(), **plain["metadata"]}
    if "components" in plain:
        plain["components"] = _components(plain["components"], f"{where}: components")
    raster = raster_rules(data["raster"], f"{where}: raster")
    return schema_of({**plain, "layers": layers, "raster": raster})


def _components(data: Mapping[str, Any], where: str) -> Components:
    demand_keys(data, set(Components.__dataclass_fields__), where)
    return Components(**{**data, "groups": {k: tuple(v) for k, v in data["groups"].items()}})


@cache
def _common_texts() -> dict[str, Any]:
    """What the metadata of all products say unless a schema says something else."""
    text = (resources.files("bocage.products") / "data" / "metadata.yaml").read_text("utf-8")
    return read_yaml(text, "metadata.yaml")


def _check_templates(names: Mapping[str, str], where: str) -> None:
    known = set(PATTERNS) | set(year_words([2000]))
    for kind, template in names.items():
        unknown = set(re.findall(r"\{(\w*)\}", template)) - known
        if unknown:
            raise ConfigError(
                f"{where}: names.{kind}: unknown placeholder {', '.join(sorted(unknown))}",
                remedy=f"known are {', '.join(sorted(known))}",
            )


def demand_keys(
    data: Mapping[str, Any], needed: Iterable[str], where: str, optional: Iterable[str] = ()
) -> None:
    """Raise a `ConfigError` when a mapping lacks a key or has one that nothing reads."""
    needed = set(needed)
    missing = sorted(needed - set(data))
    unknown = sorted(str(k) for k in set(data) - needed - set(optional))
    for word, keys in (("missing", missing), ("unknown", unknown)):
        if keys:
            raise ConfigError(
                f"{where}: {word} key {', '.join(keys)}",
                remedy=f"the keys are {', '.join(sorted(needed | set(optional)))}",
            )


def layer_rules(data: Mapping[str, Any], where: str) -> LayerRules:
    """Rules of a vector layer from their YAML form."""
    demand_keys(data, {"fields"}, where, set(LayerRules.__dataclass_fields__))
    return LayerRules(
        fields=tuple(_field(f, f"{where}.fields") for f in data["fields"]),
        comments=tuple(data.get("comments", ())),
        ignored=tuple(data.get("ignored", ())),
        gap=bool(data.get("gap", False)),
        mmw_codes=tuple(data.get("mmw_codes", ())),
        exceptions=tuple(mmu_exception(e, where) for e in data.get("exceptions", ())),
    )


def _demand_codes(rules: LayerRules, years: int, where: str) -> None:
    coded = {f.of_second_year for f in rules.fields if f.role == "code"}
    if len(coded) < years:
        raise ConfigError(
            f"{where}: {years} years, but {len(coded)} with a field of the role code",
            remedy="add one a year, of the second with {yy_to} or {year_to} in its name",
        )


def _field(data: Mapping[str, Any], where: str) -> Field:
    demand_keys(data, {"role", "name", "type"}, where)
    if data["role"] not in ROLES or data["type"] not in TYPES:
        raise ConfigError(
            f"{where}: {data['name']}: role '{data['role']}' or type '{data['type']}' is unknown",
            remedy=f"roles: {', '.join(ROLES)}; types: {', '.join(TYPES)}",
        )
    return Field(data["role"], data["name"], data["type"])


def mmu_exception(data: Mapping[str, Any], where: str) -> MmuException:
    """One exception of the minimum mapping unit from its YAML form."""
    demand_keys(
        data, {"name", "min_ha"}, f"{where}.exceptions", set(MmuException.__dataclass_fields__)
    )
    return MmuException(**_tuples(data))


def raster_rules(data: Mapping[str, Any], where: str) -> RasterRules:
    """Rules of a raster from their YAML form."""
    demand_keys(data, set(RasterRules.__dataclass_fields__), where)
    return RasterRules(**_tuples(data))


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
