"""What a product must be: a schema, a legend and years, resolved to plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.legend import Legend, load_legend
from bocage.products._delivery import Delivery
from bocage.products._raster import class_colors
from bocage.products._schema import (
    Field,
    LayerRules,
    MmuException,
    RasterRules,
    Schema,
    demand_keys,
    load_schema,
    mmu_exception,
    read_yaml,
)

_PRODUCTS = (
    "pa-status-2021", "pa-status-2024", "pa-change-2021-2024", "pa-raster-2021",
    "pa-raster-2024", "n2k-status-2018", "n2k-change-2012-2018", "rz-status-2018",
    "cz-status-2018", "ua-status-2018", "ua-change-2012-2018",
)  # fmt: skip
_KINDS = ("status", "change", "raster")
_OPTIONAL = (
    "title", "layer", "units", "epsg", "formats", "ignored", "codes", "fields", "comments",
    "mmu_ha", "mmw_m", "gap", "exceptions", "mmw_codes",
)  # fmt: skip


@dataclass(frozen=True)
class ProductDefinition:
    """A product as the check sees it; every rule is a value.

    Attributes
    ----------
    id, title
        Name and title.
    kind
        ``status``, ``change`` or ``raster``.
    layer
        Regular expression that the whole name of the layer matches, in any case; a group
        ``unit`` is compared with `units`.
    units
        Delivery units that exist; empty: any.
    epsg
        Coordinate reference system.
    formats
        Suffixes of accepted vector formats.
    fields
        Attributes that must exist (vector products).
    ignored
        Attributes that are no fault.
    chains
        Accepted codes, one chain of codes (level 1 … n) a leaf.
    comments
        Accepted comments.
    mmu_ha, mmw_m
        Minimum mapping unit and width.
    mmw_codes
        Leaf codes that the official width test looks at.
    exceptions
        Exceptions of the minimum mapping unit, code sets resolved to codes.
    gap
        Whether the layer must fill the boundary.
    raster
        Rules of a raster product.
    colors
        Value → red, green, blue of a raster product.
    """

    id: str
    title: str
    kind: str
    layer: str
    units: tuple[str, ...]
    epsg: int
    formats: tuple[str, ...]
    fields: tuple[Field, ...]
    ignored: tuple[str, ...]
    chains: tuple[tuple[int, ...], ...]
    comments: tuple[str, ...]
    mmu_ha: float
    mmw_m: float
    mmw_codes: frozenset[int]
    exceptions: tuple[MmuException, ...]
    gap: bool
    raster: RasterRules
    colors: Mapping[int, tuple[int, int, int]] = field(hash=False)

    def named(self, role: str, position: int | None = None) -> tuple[str, ...]:
        """Lower-case names of the attributes with a role (of one of the two years)."""
        return tuple(
            f.name.lower()
            for f in self.fields
            if f.role == role and (position is None or f.position == position)
        )

    @property
    def years(self) -> int:
        """Number of status years in the layer."""
        return 1 + max((f.position for f in self.fields), default=0)

    @property
    def leaves(self) -> tuple[str, ...]:
        """Lower-case names of the finest code of each year."""
        return tuple(self.named("code", p)[-1] for p in range(self.years))


def list_products() -> tuple[str, ...]:
    """Ids of the product definitions in the package."""
    return _PRODUCTS


def load_product(product: str | Path) -> ProductDefinition:
    """Load a product definition by id or from a YAML file.

    Parameters
    ----------
    product
        An id of `list_products`, or the path of a YAML file with the keys ``id``, ``schema``
        (id or YAML), ``legend`` (id or CSV), ``kind``, ``years``, and optionally ``title``,
        ``layer`` (regular expression), ``units``, ``epsg``, ``formats``, ``ignored``, ``codes``
        (``drop``: leaf codes, ``add``: chains of codes; or ``leaves``: all leaf codes, whose
        leading digits are the codes of the coarser levels), ``fields``, ``comments``,
        ``mmu_ha``, ``mmw_m``, ``gap``, ``exceptions``, ``mmw_codes`` (a list, or ``all``) in
        place of what the schema says. Relative paths start at the file.

    Raises
    ------
    ConfigError
        If there is no such product, or a key is missing, unknown or wrong.
    """
    folder = Path()
    if str(product) in _PRODUCTS:
        where = f"{product}.yaml"
        root = resources.files("bocage.products") / "data" / "checks"
        text = (root / where).read_text(encoding="utf-8")
    elif str(product).endswith((".yaml", ".yml")):
        path = existing(product, "product")
        where, text, folder = str(path), path.read_text(encoding="utf-8"), path.parent
    else:
        raise ConfigError(
            f"there is no product '{product}'",
            remedy=f"use one of {', '.join(_PRODUCTS)}, or the path of a YAML file",
        )
    data = read_yaml(text, where)
    demand_keys(data, {"id", "schema", "legend", "kind", "years"}, where, _OPTIONAL)
    schema = str(data["schema"])
    is_file = schema.endswith((".yaml", ".yml"))
    base = definition(
        load_schema(folder / schema if is_file else schema),
        load_legend(data["legend"], folder=folder),
        str(data["kind"]),
        tuple(int(y) for y in data["years"]),
        id=str(data["id"]),
    )
    return _override(base, data, where)


def definition_for(delivery: Delivery, kind: str, year: int | None = None) -> ProductDefinition:
    """The definition that a product of a delivery must satisfy.

    Parameters
    ----------
    delivery
        Legend, schema, years and project name.
    kind, year
        ``status`` or ``raster`` with its year, or ``change``.
    """
    if kind not in _KINDS:
        raise ConfigError(
            f"a product of kind '{kind}' cannot be checked", remedy=f"use {', '.join(_KINDS)}"
        )
    years = delivery.years_of(kind, year)  # type: ignore[arg-type]
    return definition(delivery.schema, delivery.legend, kind, years, project=delivery.project_name)


def definition(
    schema: Schema,
    legend: Legend,
    kind: str,
    years: Sequence[int],
    *,
    id: str | None = None,
    project: str | None = None,
) -> ProductDefinition:
    """Resolve a schema with a legend and years."""
    if kind not in _KINDS or len(years) != (2 if kind == "change" else 1):
        raise ConfigError(
            f"a {kind} product of {len(years)} years",
            remedy="status or raster: one year; change: two",
        )
    vector = kind != "raster"
    rules = schema.layers[kind] if vector else LayerRules(fields=())
    colors = {v: c[:3] for v, c in class_colors(legend).items() if 0 < v <= len(legend)}
    return ProductDefinition(
        id=id or f"{schema.id}-{kind}-{'-'.join(map(str, years))}",
        title=f"{schema.title} {'-'.join(map(str, years))} {kind}",
        kind=kind,
        layer=schema.pattern(kind, years, project),
        units=schema.units,
        epsg=schema.epsg,
        formats=schema.formats if vector else (".tif",),
        fields=schema.fields(kind, years, legend.levels) if vector else (),
        ignored=(*schema.ignored, *rules.ignored),
        chains=tuple(c.codes for c in legend.classes),
        comments=rules.comments,
        mmu_ha=schema.mmu_ha,
        mmw_m=schema.mmw_m,
        mmw_codes=frozenset(_select(rules.mmw_codes, legend)),
        exceptions=tuple(_resolve(e, legend) for e in rules.exceptions),
        gap=rules.gap,
        raster=schema.raster,
        colors=colors,
    )


def _select(selectors: Sequence[str | int], legend: Legend) -> tuple[int, ...]:
    codes: list[int] = []
    for selector in selectors:
        word, _, name = str(selector).partition(":")
        if isinstance(selector, int):
            codes.append(selector)
        elif word == "flag":
            codes.extend(legend.flagged(name))
        elif word == "role":
            codes.extend([legend.roles[name]] if name in legend.roles else [])
        else:
            raise ConfigError(
                f"'{selector}' selects no class", remedy="write a code, flag:NAME or role:NAME"
            )
    return tuple(dict.fromkeys(codes))


def _resolve(exception: MmuException, legend: Legend) -> MmuException:
    # A legend without such classes must not turn a condition into "always".
    none = (-1,)
    return replace(
        exception,
        codes=_select(exception.codes, legend) or (none if exception.codes else ()),
        not_codes=_select(exception.not_codes, legend),
        touching=_select(exception.touching, legend) or (none if exception.touching else ()),
    )


def _override(base: ProductDefinition, data: Mapping[str, Any], where: str) -> ProductDefinition:
    changes: dict[str, Any] = {
        key: tuple(data[key]) for key in ("units", "formats", "ignored", "comments") if key in data
    }
    plain = ("title", "layer", "epsg", "mmu_ha", "mmw_m", "gap")
    changes |= {k: data[k] for k in plain if k in data}
    if "exceptions" in data:
        changes["exceptions"] = tuple(mmu_exception(e, where) for e in data["exceptions"])
    if "fields" in data:
        changes["fields"] = tuple(_full_field(f, where) for f in data["fields"])
    changes["chains"] = _chains(base, data.get("codes", {}), changes.get("fields"), where)
    if "mmw_codes" in data:
        every = (chain[-1] for chain in changes["chains"])
        some = every if data["mmw_codes"] == "all" else (int(c) for c in data["mmw_codes"])
        changes["mmw_codes"] = frozenset(some)
    return replace(base, **changes)


def _chains(
    base: ProductDefinition, codes: Mapping[str, Any], fields: Any, where: str
) -> tuple[tuple[int, ...], ...]:
    demand_keys(codes, (), f"{where}: codes", ("drop", "add", "leaves"))
    if "leaves" in codes:
        levels = max(f.level for f in fields or base.fields)
        return tuple(
            tuple(int(leaf) // 10 ** (levels - n) for n in range(1, levels + 1))
            for leaf in codes["leaves"]
        )
    dropped = set(codes.get("drop", ()))
    chains = [c for c in base.chains if c[-1] not in dropped]
    return (*chains, *(tuple(int(v) for v in chain) for chain in codes.get("add", ())))


def _full_field(data: Mapping[str, Any], where: str) -> Field:
    demand_keys(data, {"role", "name", "type"}, f"{where}: fields", {"level", "position"})
    return Field(**data)
