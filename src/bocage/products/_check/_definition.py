"""What a product must be: a schema, a legend and years, resolved to plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bocage.errors import ConfigError
from bocage.legend import Legend
from bocage.products._delivery import Delivery
from bocage.products._raster import class_colors
from bocage.products._schema import (
    Field,
    LayerRules,
    MmuException,
    RasterRules,
    Schema,
)

_KINDS = ("status", "change", "raster")


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
