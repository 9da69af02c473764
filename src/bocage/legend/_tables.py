"""The table of a nomenclature: a CSV file with a row per class."""

from __future__ import annotations

import colorsys
import csv
from pathlib import Path

from bocage.errors import InputError
from bocage.legend._classes import LegendClass

MAX_LEVELS = 4
_TEXTS = ("color", "color_official", "definition", "confusions", "role", "source")


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file, each with a text for every column."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}", remedy="save it as UTF-8") from error
    for line, row in enumerate(rows, start=2):
        # A dict reader puts what is too much under None, and None where a field is missing.
        if None in row or None in row.values():
            count = "more" if None in row else "fewer"
            raise InputError(
                f"{path}, line {line} has {count} fields than the header",
                remedy="give every column a value; put texts with commas in quotation marks",
            )
    return rows


def classes_of(
    rows: list[dict[str, str]], where: str
) -> tuple[tuple[LegendClass, ...], dict[str, int]]:
    """The classes of a table, and the leaf that plays each role."""
    if not rows:
        raise InputError(f"{where}: the legend has no class", remedy="add a row per class")
    columns = set(rows[0])
    levels = sum(f"code_{n}" in columns for n in range(1, MAX_LEVELS + 1))
    needed = [f"{kind}_{n}" for n in range(1, max(levels, 1) + 1) for kind in ("code", "name")]
    if missing := [c for c in needed if c not in columns]:
        raise InputError(
            f"{where}: missing column {', '.join(missing)}",
            remedy="a legend needs code_1 … code_n and name_1 … name_n for its 1 to 4 levels",
        )
    written = [f"notation_{n}" for n in range(1, levels + 1) if f"notation_{n}" in columns]
    text = {*needed, *written, *_TEXTS}
    flags = [c for c in rows[0] if c not in text and all(r[c] in ("0", "1") for r in rows)]
    classes = tuple(
        LegendClass(
            codes=tuple(_code(r[f"code_{n}"], where, line) for n in range(1, levels + 1)),
            names=tuple(r[f"name_{n}"].strip() for n in range(1, levels + 1)),
            color=(r.get("color") or _spread(line - 2, len(rows))).lower(),
            definition=(r.get("definition") or "").strip(),
            confusions=tuple(
                _code(c, where, line) for c in (r.get("confusions") or "").split(";") if c.strip()
            ),
            flags=frozenset(c for c in flags if r[c] == "1"),
            notations=_notations(r, levels) if written else (),
        )
        for line, r in enumerate(rows, start=2)
    )
    return classes, _roles(rows, classes, where)


def _notations(row: dict[str, str], levels: int) -> tuple[str, ...]:
    """The notation of each level, the code itself where there is none."""
    numbers = range(1, levels + 1)
    return tuple((row.get(f"notation_{n}") or row[f"code_{n}"]).strip() for n in numbers)


def _roles(
    rows: list[dict[str, str]], classes: tuple[LegendClass, ...], where: str
) -> dict[str, int]:
    roles: dict[str, int] = {}
    for row, leaf in zip(rows, classes, strict=True):
        role = (row.get("role") or "").strip()
        if role in roles:
            raise InputError(
                f"{where}: role '{role}' is given to two classes, {roles[role]} and {leaf.code}",
                remedy="give a role to one class",
            )
        if role:
            roles[role] = leaf.code
    return roles


def _code(text: str, where: str, line: int) -> int:
    try:
        value = int(text)
    except (TypeError, ValueError):
        value = 0
    if value <= 0:
        raise InputError(
            f"{where}, line {line}: '{text}' is no class code",
            remedy="codes are whole numbers above 0",
        )
    return value


def _spread(position: int, count: int) -> str:
    # The golden angle keeps neighbours in the list apart on the colour circle.
    red, green, blue = colorsys.hsv_to_rgb(position * 0.618034 % 1.0, 0.55, 0.9)
    return "#" + "".join(f"{round(255 * v):02x}" for v in (red, green, blue))
