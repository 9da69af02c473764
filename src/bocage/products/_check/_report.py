"""What a check found, in all its forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
import pyogrio

from bocage.errors import InputError
from bocage.files import atomic_path, write_text
from bocage.products._check._finding import EXAMPLES, Step
from bocage.products._check._sketch import (
    Overview,
    Sketch,
    color_of,
    draw_overview,
    draw_sketch,
)
from bocage.tables import GEOPACKAGE, fixed_date

_STAMP = "2000-01-01"  # a GeoPackage notes when it was written: equal faults, equal bytes


@dataclass(frozen=True)
class CheckReport:
    """The outcome of a check.

    Attributes
    ----------
    product
        Id of the product definition.
    files
        What was checked.
    layer
        Name of the layer or raster, empty when none was found.
    steps
        Every step, in order.
    epsg
        System of the fault geometries.
    sketches, overview
        Maps of the first faults of each step, and where all faults are.
    """

    product: str
    files: tuple[str, ...]
    layer: str
    steps: tuple[Step, ...]
    epsg: int = field(default=3035, repr=False)
    sketches: tuple[Sketch, ...] = field(default=(), repr=False, compare=False)
    overview: Overview | None = field(default=None, repr=False, compare=False)

    def __getitem__(self, name: str) -> Step:
        """The step with a name."""
        for candidate in self.steps:
            if candidate.name == name:
                return candidate
        raise InputError(
            f"the check has no step '{name}'", remedy=", ".join(s.name for s in self.steps)
        )

    @property
    def result(self) -> str:
        """``failed``, ``partial`` (a step was skipped) or ``ok``: all steps, ours included."""
        return _result(self.steps)

    @property
    def official_result(self) -> str:
        """As `result`, of the official steps only."""
        return _result([s for s in self.steps if not s.strict])

    @property
    def passed(self) -> bool:
        """Whether no step failed, aborted or was cancelled."""
        return self.result != "failed"

    @property
    def exit_code(self) -> int:
        """0 when the delivery passed, 1 when it has faults."""
        return 0 if self.passed else 1

    @property
    def faults(self) -> int:
        """Number of faults in all steps."""
        return sum(s.faults for s in self.steps)

    def fault_geometries(self) -> gpd.GeoDataFrame:
        """Where the faults are: columns step, severity, uid, message, geometry."""
        rows = [
            (s.name, "fault" if f.fault else "information", uid, f.message, shape)
            for s in self.steps
            for f in s.findings
            for uid, shape in zip(f.uids, f.shapes, strict=False)
        ]
        names = ("step", "severity", "uid", "message")
        columns = {n: pd.array([r[i] for r in rows], dtype="string") for i, n in enumerate(names)}
        shapes = np.array([r[4] for r in rows], dtype=object)
        return gpd.GeoDataFrame(columns, geometry=shapes, crs=f"EPSG:{self.epsg}")

    def to_dict(self) -> dict[str, Any]:
        """Everything but the geometries, ready for JSON."""
        return {
            "product": self.product,
            "files": list(self.files),
            "layer": self.layer,
            "passed": self.passed,
            "result": self.result,
            "official_result": self.official_result,
            "faults": self.faults,
            "steps": [
                {
                    "step": s.name,
                    "outcome": s.outcome,
                    "faults": s.faults,
                    "messages": list(s.messages),
                    "examples": list(s.uids[:EXAMPLES]),
                }
                for s in self.steps
            ],
        }

    def write_html(self, path: Path | str) -> Path:
        """Write the report as one HTML page without anything to load."""
        page = (resources.files("bocage.products") / "data" / "check.html.j2").read_text("utf-8")
        environment = jinja2.Environment(
            autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
        )
        text = environment.from_string(page).render(
            report=self,
            draw_sketch=draw_sketch,
            draw_overview=draw_overview,
            color_of=color_of,
        )
        return write_text(path, text)

    def write_faults(self, path: Path | str) -> Path:
        """Write `fault_geometries` as a GeoPackage with the layer ``faults``."""
        path = Path(path)
        if path.suffix.lower() != ".gpkg":
            raise InputError(
                f"faults are written as a GeoPackage, not as {path.name}",
                remedy="give a name that ends in .gpkg",
            )
        found = self.fault_geometries()
        with atomic_path(path) as part, fixed_date(_STAMP):
            pyogrio.write_dataframe(
                found, part, layer="faults", geometry_type="Unknown", dataset_options=GEOPACKAGE
            )
        return path

    def to_table(self) -> pd.DataFrame:
        """One row a step: step, outcome, faults, message."""
        rows = [(s.name, s.outcome, s.faults, "; ".join(s.messages)) for s in self.steps]
        return pd.DataFrame(rows, columns=["step", "outcome", "faults", "message"])


def _result(steps: Sequence[Step]) -> str:
    outcomes = {s.outcome for s in steps}
    if outcomes & {"failed", "aborted", "cancelled"}:
        return "failed"
    return "partial" if "skipped" in outcomes else "ok"
