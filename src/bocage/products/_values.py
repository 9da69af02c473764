"""What a schema of deliveries says: names, attributes and rules as frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["status", "change", "raster", "confidence", "heterogeneity", "lineage", "safe_level"]
"""What a product is."""

KINDS: tuple[Kind, ...] = (
    "status", "change", "raster", "confidence", "heterogeneity", "lineage", "safe_level",
)  # fmt: skip
OPTIONAL_KINDS: tuple[Kind, ...] = ("lineage", "safe_level")
"""What a schema may leave without a name; it is not delivered then."""

TYPES = ("string", "integer", "real")
ROLES = (
    "uid", "unit", "code", "notation", "name", "nodata", "comment", "changecode", "area",
    "attribute", "other",
)  # fmt: skip
_LEVELLED = ("code", "notation", "name")

# What stands for each placeholder of a name when a name is tested rather than written.
PATTERNS = {
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

    @property
    def of_second_year(self) -> bool:
        """Whether the template of a schema names the second year of a change layer."""
        return "_to}" in self.name


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
        return (schema_of, (self._plain(),))

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
            position = int(field.of_second_year)
            for level in _levels(field, levels):
                name = field.name.format(level=level, **words)
                found.append(Field(field.role, name, field.type, level, position))
        return tuple(found)

    def pattern(self, kind: str, years: Sequence[int], project: str | None = None) -> str:
        """Regular expression that the name of a layer or raster matches as a whole."""
        words = {**PATTERNS, **year_words(years)}
        if project is not None:
            words["project"] = project
        parts = re.split(r"\{(\w+)\}", self.names[kind])
        return "".join(words[p] if i % 2 else re.escape(p) for i, p in enumerate(parts))


def _levels(field: Field, levels: int) -> Iterable[int]:
    """Levels that a field of a schema stands for: all, or the finest where it names none."""
    if field.role not in _LEVELLED:
        return (0,)
    return range(1, levels + 1) if "{level}" in field.name else (levels,)


def schema_of(values: dict[str, Any]) -> Schema:
    """A schema from its fields, mappings made read-only."""
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
