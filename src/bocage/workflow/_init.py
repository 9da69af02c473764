"""A new project folder with a project file that explains every key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bocage.errors import ConfigError
from bocage.files import write_text
from bocage.workflow._project import Project

_HEAD = """\
# A bocage project. Relative paths are relative to this file.
# Lines that are commented out show the default.
# Run it with: bocage run project.yaml
"""

# What a new user most likely wants in place of a value that has no default.
_EXAMPLES: dict[str, Any] = {
    "name": "my-site",
    "years": [2021, 2024],
    "aoi.sites": "sites.gpkg",
    "aoi.delivery_unit": "du0014",
    "aoi.delivery_name": "blacksea",
    "imagery.catalog": "catalog/catalog.json",
    "linear.roads": "linear/roads.gpkg",
    "linear.rails": "linear/rails.gpkg",
    "linear.rivers": "linear/rivers.gpkg",
}
_COMMENTED = ("linear.roads", "linear.rails", "linear.rivers")
_FOLDERS = ("catalog", "reference", "linear", "truth")
_SOURCES = """\
  sources:
    # Each with layer (raster or vector file), crosswalk (identity, index, a packaged one, see
    # 'bocage legend list', or a CSV file), field (attribute, vector layers), reliability
    # (3 main source, 2 second, 1 hint), and if need be name and nodata.
    - {layer: reference/clcplus.tif, crosswalk: clcplus, reliability: 2}
    - {layer: reference/n2k2018.gpkg, field: code_4_18, crosswalk: n2k2018, reliability: 3}
"""


def init(folder: Path) -> Path:
    """Write ``project.yaml`` and the folders that it names; return its path.

    Raises
    ------
    ConfigError
        If there is a project file already.
    """
    path = folder / "project.yaml"
    if path.exists():
        raise ConfigError(f"{path} exists already", remedy="choose another folder")
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    return write_text(path, project_template())


def project_template() -> str:
    """Text of a project file with every key, its default and what it means."""
    lines = [_HEAD]
    for name, info in Project.model_fields.items():
        if name == "file":
            continue
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            lines += _section(name, section)
        else:
            lines.append(_entry(name, name, info, indent=""))
    return "\n".join(lines) + "\n"


def _section(name: str, section: type[BaseModel]) -> list[str]:
    title = (section.__doc__ or "").strip().splitlines()[0]
    lines = ["", f"# {title}", f"{name}:"]
    if name == "samples":
        lines.append(_SOURCES.rstrip("\n"))
    entries = [
        _entry(f"{name}.{key}", info.alias or key, info, indent="  ")
        for key, info in section.model_fields.items()
        if f"{name}.{key}" != "samples.sources"
    ]
    return [*lines, *entries]


def _entry(full: str, key: str, info: FieldInfo, *, indent: str) -> str:
    example = _EXAMPLES.get(full)
    value = example if example is not None else _default(info)
    comment = f"  # {info.description}" if info.description else ""
    off = "# " if (example is None or full in _COMMENTED) else ""
    return f"{indent}{off}{key}: {_yaml(value)}{comment}"


def _default(info: FieldInfo) -> Any:
    value = info.get_default(call_default_factory=True)
    return None if value is PydanticUndefined else value


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        value = list(value)
    return json.dumps(value)
