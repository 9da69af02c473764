"""Nomenclatures by name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from bocage.errors import InputError
from bocage.legend._classes import some
from bocage.legend._legend import Legend
from bocage.legend._tables import classes_of, read_table


def list_legends() -> tuple[str, ...]:
    """Ids of the legends in the package."""
    return ("pa", "n2k2018", "clc", "clcplus", "maes", "eunis", "lulucf")


def load_legend(legend: str | Path, *, folder: Path | None = None) -> Legend:
    """Load a legend by id or from a CSV file.

    Parameters
    ----------
    legend
        An id of `list_legends`, or the path of a CSV file.
    folder
        Where a relative path starts.
    """
    if str(legend) in list_legends():
        data = resources.files("bocage.legend") / "data"
        with resources.as_file(data) as root:
            rows = read_table(root / f"{legend}.csv")
            own = root / f"{legend}_palette.csv"
            colors = read_table(own) if own.exists() else []
        palette = {(int(r["level"]), int(r["code"])): r["color"] for r in colors}
        return Legend(str(legend), *classes_of(rows, f"{legend}.csv"), palette)
    if not str(legend).endswith(".csv"):
        raise InputError(
            f"there is no legend '{legend}'",
            remedy=f"use one of {some(list_legends())}, or the path of a CSV file",
        )
    return Legend.from_csv((folder or Path()) / legend)
