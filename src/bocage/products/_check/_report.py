"""What a check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import write_text

Outcome = Literal["ok", "failed", "aborted", "cancelled", "skipped"]
STRICT = "strict:"
EXAMPLES = 10


@dataclass(frozen=True)
class Finding:
    """One kind of fault, or of information, in a step.

    Attributes
    ----------
    message
        What is wrong.
    count
        How many times.
    uids
        Identifiers of the features, as far as there are features.
    shapes
        Geometries of the faults, as many as `uids` or none.
    fault
        False: information that makes no step fail.
    """

    message: str
    count: int = 1
    uids: tuple[str, ...] = ()
    shapes: tuple[Any, ...] = ()
    fault: bool = True


@dataclass(frozen=True)
class Step:
    """One step of the check.

    Attributes
    ----------
    name
        Name of the official step, or ``strict:…`` for a test of ours.
    outcome
        ok, failed (the check goes on), aborted (it stops), cancelled (the step could not be
        done; the delivery fails) or skipped.
    findings
        What was found; faults and information.
    """

    name: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()

    @property
    def faults(self) -> int:
        """Number of faults."""
        return sum(f.count for f in self.findings if f.fault)

    @property
    def messages(self) -> tuple[str, ...]:
        """All messages, information too."""
        return tuple(f.message for f in self.findings)

    @property
    def uids(self) -> tuple[str, ...]:
        """Identifiers of faulty features, in order, each once."""
        return tuple(dict.fromkeys(u for f in self.findings if f.fault for u in f.uids))

    @property
    def strict(self) -> bool:
        """Whether this is a test of ours that the official chain does not have."""
        return self.name.startswith(STRICT)


def step(name: str, findings: Sequence[Finding], bad: Outcome = "failed") -> Step:
    """A step that is ok unless a finding is a fault."""
    outcome: Outcome = bad if any(f.fault for f in findings) else "ok"
    return Step(name, outcome, tuple(findings))


def skipped(name: str, reason: str) -> Step:
    """A step that was not done."""
    return Step(name, "skipped", (Finding(reason, 0, fault=False),))


def features(
    message: str,
    where: NDArray[np.integer],
    uids: NDArray[np.object_],
    shapes: NDArray[np.object_],
    *,
    fault: bool = True,
) -> list[Finding]:
    """A finding about features, given by their positions; none when there is no position."""
    if len(where) == 0:
        return []
    names = tuple(str(u) for u in uids[where])
    shown = ", ".join(names[:EXAMPLES])
    rest = f" and {len(names) - EXAMPLES} others" if len(names) > EXAMPLES else ""
    text = f"{message}: {shown}{rest}"
    return [Finding(text, len(names), names, tuple(shapes[where]), fault)]


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
    """

    product: str
    files: tuple[str, ...]
    layer: str
    steps: tuple[Step, ...]
    epsg: int = field(default=3035, repr=False)

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
        return write_text(path, environment.from_string(page).render(report=self))

    def to_table(self) -> pd.DataFrame:
        """One row a step: step, outcome, faults, message."""
        rows = [(s.name, s.outcome, s.faults, "; ".join(s.messages)) for s in self.steps]
        return pd.DataFrame(rows, columns=["step", "outcome", "faults", "message"])


def _result(steps: Sequence[Step]) -> str:
    outcomes = {s.outcome for s in steps}
    if outcomes & {"failed", "aborted", "cancelled"}:
        return "failed"
    return "partial" if "skipped" in outcomes else "ok"


def box_of(shape: Any) -> Any:
    """A geometry that can be drawn in the place of one that may be broken."""
    bounds = shapely.bounds(shape)
    return shapely.box(*bounds) if np.isfinite(bounds).all() else None


def places(message: str, shapes: NDArray[np.object_]) -> list[Finding]:
    """A finding about areas that belong to no feature; none when there is no area."""
    if len(shapes) == 0:
        return []
    total = float(shapely.area(shapes).sum())
    at = shapely.get_coordinates(shapely.point_on_surface(shapes[0]))[0]
    text = f"{message}: {len(shapes)}, {total:.6g} m² in all, one at {at[0]:.2f}, {at[1]:.2f}"
    return [Finding(text, len(shapes), ("",) * len(shapes), tuple(shapes))]
