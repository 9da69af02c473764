"""Schemas of deliveries as data: names, attributes and rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from bocage.errors import ConfigError
from bocage.files import existing

Kind = Literal["status", "change", "raster", "confidence", "heterogeneity", "lineage"]
"""What a product is."""

KINDS: tuple[Kind, ...] = (
    "status", "change", "raster", "confidence", "heterogeneity", "lineage",
)  # fmt: skip
TYPES = ("string", "integer", "real")
ROLES = (
    "uid", "unit", "code", "notation", "name", "nodata", "comment", "changecode", "area",
    "attribute", "other",
)  # fmt: skip
_LEVELLED = ("code", "notation", "name")
_SCHEMAS = ("pa", "plain", "n2k2018", "clc", "clcplus", "maes", "eunis", "lulucf", "eagle")
_DEPTH = 8  # schemas that extend each other in a circle are found out after so many

_OPTIONAL = ("products", "legend", "crosswalk", "islands", "rules", "components")

# What stands for each placeholder of a name when a name is tested rather than written.
_PATTERNS = {
    "unit": "(?P<unit>[0-9a-z]{6})",
    "unit_name": "(?P<unit_name>[a-z]+)",
    "epsg": "(?P<epsg>[0-9]{5})",
    "version": "v[0-9]{2}",
    "revision": "r[0-9]{2}",
    "date": "[0-9]{8}",
    "project": "[a-z0-9][a-z0-9_-]*",
}


@dataclass(frozen=True)
class Field:
    """One attribute of a vector layer.

    Attributes
    ----------
    role
        What it holds: uid, unit, code, notation (the code as a text), name (of the class),
        nodata, comment, changecode, area, attribute (something else that is known of the
        polygons under this name), other.
    name
        Column name, or a template with ``{level}``, ``{yy}``, ``{year}`` … in a schema.
    type
        string, integer or real.
    level
        Level of the legend (code, notation and name), else 0.
    position
        0 for the first status year of the layer, 1 for the second.
    """

    role: str
    name: str
    type: str
    level: int = 0
    position: int = 0


@dataclass(frozen=True)
class MmuException:
    """When a polygon below the minimum mapping unit is accepted; all given conditions hold.

    Attributes
    ----------
    name
        What the report calls it.
    min_ha
        Least area in hectares.
    guideline_ha
        Least area in the mapping guideline, where it is stricter.
    marginal
        The polygon shares a line with uncovered ground.
    codes, not_codes
        Leaf codes, ``flag:NAME`` or ``role:NAME`` of the legend that the (final) class is, is not.
    top, not_top
        Codes of level 1 that the (final) class is under, is not under.
    touching
        As `codes`: a neighbour has one of these.
    cluster_ha
        The polygon belongs to a cluster of touching changes of one initial or one final
        class with at least this area.
    comment
        The comment holds an accepted text.
    """

    name: str
    min_ha: float
    guideline_ha: float | None = None
    marginal: bool = False
    codes: tuple[str | int, ...] = ()
    not_codes: tuple[str | int, ...] = ()
    top: tuple[int, ...] = ()
    not_top: tuple[int, ...] = ()
    touching: tuple[str | int, ...] = ()
    cluster_ha: float | None = None
    comment: bool = False


@dataclass(frozen=True)
class LayerRules:
    """Attributes and rules of a vector layer (status or change)."""

    fields: tuple[Field, ...]
    comments: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    gap: bool = False
    mmw_codes: tuple[str | int, ...] = ()
    exceptions: tuple[MmuException, ...] = ()


@dataclass(frozen=True)
class RasterRules:
    """What a class raster must be."""

    pixel_m: float
    origin_m: float
    dtype: str
    compression: tuple[str, ...]
    nodata: int
    max_block: int
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Components:
    """What polygons are said to consist of.

    Attributes
    ----------
    legend, crosswalk
        A land cover nomenclature and the way there from the map: ids or CSV files.
    groups
        Component → leaf codes of that nomenclature.
    """

    legend: str
    crosswalk: str
    groups: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Schema:
    """Names, attributes and rules of the deliveries of a product.

    Attributes
    ----------
    id, title
        Short name and title.
    epsg
        Coordinate reference system.
    units
        Codes of the delivery units that exist; empty: any.
    formats
        Suffixes of the vector formats that are accepted.
    ignored
        Attributes that are no fault in any layer.
    names
        Kind of product → template of its name.
    layers
        ``status`` and ``change`` → attributes and rules.
    raster
        Rules of the class raster.
    mmu_ha, mmw_m
        Minimum mapping unit in hectares, minimum mapping width in metres.
    metadata
        Texts of the metadata record.
    products
        Kinds of products that are delivered.
    legend, crosswalk
        What the map is recoded to and how: ids or CSV files; None: the legend of the map.
    islands
        Whether land that is smaller than the minimum mapping unit, and has no neighbour to
        join, is delivered.
    rules
        Exceptions of the minimum mapping unit that hold while polygons of recoded classes are
        united: ``plain`` (none), ``pa``, or a YAML file.
    components
        What the components among the attributes of a status layer are.
    """

    id: str
    title: str
    epsg: int
    units: tuple[str, ...]
    formats: tuple[str, ...]
    ignored: tuple[str, ...]
    names: Mapping[str, str]
    layers: Mapping[str, LayerRules]
    raster: RasterRules
    mmu_ha: float
    mmw_m: float
    metadata: Mapping[str, Any]
    products: tuple[Kind, ...] = KINDS
    legend: str | None = None
    crosswalk: str | None = None
    islands: bool = True
    rules: str = "plain"
    components: Components | None = None

    def __reduce__(self) -> tuple[object, ...]:
        # Read-only views of mappings cannot be pickled; a schema crosses process borders.
        return (_rebuild, (self._plain(),))

    def __hash__(self) -> int:
        return hash((self.id, self.title, tuple(self.names.items())))

    def _plain(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()}

    def fields(self, kind: str, years: Sequence[int], levels: int) -> tuple[Field, ...]:
        """Attributes of a layer with their names for these years and a number of levels.

        Parameters
        ----------
        kind
            ``status`` or ``change``.
        years
            One year for a status layer, two for a change layer.
        levels
            Levels of the legend.
        """
        words = year_words(years)
        found: list[Field] = []
        for field in self.layers[kind].fields:
            position = int("_to}" in field.name)
            for level in _levels(field, levels):
                name = field.name.format(level=level, **words)
                found.append(Field(field.role, name, field.type, level, position))
        return tuple(found)

    def pattern(self, kind: str, years: Sequence[int], project: str | None = None) -> str:
        """Regular expression that the name of a layer or raster matches as a whole."""
        words = {**_PATTERNS, **year_words(years)}
        if project is not None:
            words["project"] = project
        parts = re.split(r"\{(\w+)\}", self.names[kind])
        return "".join(words[p] if i % 2 else re.escape(p) for i, p in enumerate(parts))


def _levels(field: Field, levels: int) -> Iterable[int]:
    """Levels that a field of a schema stands for: all, or the finest where it names none."""
    if field.role not in _LEVELLED:
        return (0,)
    return range(1, levels + 1) if "{level}" in field.name else (levels,)


def _rebuild(values: dict[str, Any]) -> Schema:
    return Schema(**{k: _frozen(v) for k, v in values.items()})


def _frozen(value: Any) -> Any:
    return MappingProxyType(value) if isinstance(value, dict) else value


def year_words(years: Sequence[int]) -> dict[str, str]:
    """What the year placeholders of a template stand for."""
    last = years[-1]
    return {
        "year": str(years[0]),
        "yy": f"{years[0] % 100:02d}",
        "year_to": str(last),
        "yy_to": f"{last % 100:02d}",
    }


def list_schemas() -> tuple[str, ...]:
    """Ids of the schemas in the package."""
    return _SCHEMAS


def load_schema(schema: str | Path) -> Schema:
    """Load a schema by id or from a YAML file.

    Parameters
    ----------
    schema
        An id of `list_schemas`, or the path of a YAML file with the same keys. A file may
        name another schema in ``extends`` and then holds only what differs: mappings are
        merged, lists replaced. Relative paths in it start at the file.

    Raises
    ------
    ConfigError
        If there is no such schema, or a key is missing, unknown or wrong.
    InputError
        If the file does not exist.
    """
    return _schema(_read_schema(str(schema), Path(), _DEPTH), str(schema))


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
    if missing := [k for k in KINDS if k not in names and k != "lineage"]:
        raise ConfigError(f"{where}: names: missing {', '.join(missing)}", remedy="add a template")
    # Schemas from before there was such a product have no name for it.
    kinds = data.get("products", [k for k in KINDS if k in names])
    if strange := [str(k) for k in kinds if k not in names or k not in KINDS]:
        raise ConfigError(
            f"{where}: products: {', '.join(strange)}", remedy=f"use {', '.join(KINDS)}"
        )
    _check_templates(data["names"], where)
    layers = {k: layer_rules(data[k], f"{where}: {k}") for k in ("status", "change")}
    plain = {k: v for k, v in data.items() if k not in ("status", "change", "raster")}
    plain["products"] = kinds
    for key in ("units", "formats", "ignored", "products"):
        plain[key] = tuple(plain[key])
    plain["metadata"] = {**_common_texts(), **plain["metadata"]}
    if "components" in plain:
        plain["components"] = _components(plain["components"], f"{where}: components")
    raster = raster_rules(data["raster"], f"{where}: raster")
    return _rebuild({**plain, "layers": layers, "raster": raster})


def _components(data: Mapping[str, Any], where: str) -> Components:
    demand_keys(data, set(Components.__dataclass_fields__), where)
    return Components(**{**data, "groups": {k: tuple(v) for k, v in data["groups"].items()}})


@cache
def _common_texts() -> dict[str, Any]:
    """What the metadata of all products say unless a schema says something else."""
    text = (resources.files("bocage.products") / "data" / "metadata.yaml").read_text("utf-8")
    return read_yaml(text, "metadata.yaml")


def _check_templates(names: Mapping[str, str], where: str) -> None:
    known = set(_PATTERNS) | set(year_words([2000]))
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
