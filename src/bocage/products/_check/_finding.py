"""What a step of a check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

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
