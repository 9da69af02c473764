"""How readily labels are removed."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import resources
from typing import Any

import yaml

from bocage.errors import ConfigError
from bocage.legend import Legend


@dataclass(frozen=True)
class CleaningRules:
    """Thresholds, caps and floors of the cleaning. The last two hold per region and label.

    Attributes
    ----------
    margin
        How much likelier than the label the likeliest class outside it must be among the
        neighbours in feature space (difference of probabilities, 0 … 1).
    members
        Share of the members of the ensemble whose likeliest class must lie outside the label.
    strong
        Margin of the mean of all members beyond which a label is plainly contradicted, if
        every member contradicts it.
    cap, heterogeneous_cap
        Largest share of the samples of a label that may be removed.
    floor
        A label keeps at least this many samples; one that has fewer loses none.
    heterogeneous
        Leaf codes of mixed classes, which lose plain contradictions only. A label of several
        classes counts as mixed when one of them is.
    """

    margin: float = 0.25
    members: float = 0.75
    strong: float = 0.3
    cap: float = 0.5
    heterogeneous_cap: float = 0.2
    floor: int = 30
    heterogeneous: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("margin", "members", "strong", "cap", "heterogeneous_cap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"cleaning: {name} is {getattr(self, name)}", remedy="give a share, 0 … 1"
                )
        if self.floor < 0:
            raise ConfigError(f"cleaning: floor is {self.floor}", remedy="give 0 or more samples")


def load_cleaning_rules(legend: Legend, **changes: Any) -> CleaningRules:
    """Rules for a legend, with its mixed classes if bocage knows them.

    Parameters
    ----------
    legend
        Legend of the labels; ``data/cleaning_<id>.yaml`` lists its mixed classes.
    changes
        Fields of `CleaningRules` that are to differ.
    """
    table = resources.files("bocage.samples") / "data" / f"cleaning_{legend.id}.yaml"
    stored: dict[str, Any] = {}
    if table.is_file():
        stored = yaml.safe_load(table.read_text(encoding="utf-8"))
        patterns = stored.pop("heterogeneous", [])
        stored["heterogeneous"] = tuple(
            code for code in legend.codes() if any(fnmatch(str(code), p) for p in patterns)
        )
    return CleaningRules(**{**stored, **changes})
