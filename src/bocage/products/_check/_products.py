"""Product definitions in files: those of the package, and others' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.legend import load_legend
from bocage.products._check._definition import ProductDefinition, definition
from bocage.products._schema import Field, demand_keys, load_schema, mmu_exception, read_yaml

_PRODUCTS = (
    "pa-status-2021", "pa-status-2024", "pa-change-2021-2024", "pa-raster-2021",
    "pa-raster-2024", "n2k-status-2018", "n2k-change-2012-2018", "rz-status-2018",
    "cz-status-2018", "ua-status-2018", "ua-change-2012-2018",
)  # fmt: skip
_OPTIONAL = (
    "title", "layer", "units", "epsg", "formats", "ignored", "codes", "fields", "comments",
    "mmu_ha", "mmw_m", "gap", "exceptions", "mmw_codes",
)  # fmt: skip


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
