"""What is known about a trained classifier, whatever its engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import existing, sha256, write_text
from bocage.legend import Legend
from bocage.model._alike import Guide
from bocage.model._card import card
from bocage.model._scales import Look
from bocage.model._settings import ModelSettings

FORMAT = 5


@dataclass(frozen=True, eq=False)
class Answer:
    """What a classifier says of a window.

    Attributes
    ----------
    probability
        float32 (class, 4y, 4x).
    epistemic
        Share of the entropy that comes from what the labels did not teach, 0 … 1, float32
        (4y, 4x); None where a classifier cannot tell.
    """

    probability: NDArray[np.float32]
    epistemic: NDArray[np.float32] | None = None


Run = Callable[[Look], Answer]
"""A window at all scales with all months of the model → what it says of the pixels."""


@dataclass(frozen=True)
class Facts:
    """Everything about a classifier but its numbers.

    Attributes
    ----------
    engine
        ``field``, ``pixel`` or ``trees``.
    legend_id, codes
        Legend and its leaf codes in order.
    bands, resolutions, months
        Names of the bands (finest first) with native resolutions in metres, months it knows.
    mean, deviation
        Per band, for standardisation.
    temperature
        Logits are divided by it.
    absent
        Leaf codes that no label taught; their probability is 0.
    layers
        Names of the layers of a place that it is told beside the series.
    guide
        Axes along which the seasons of pixels are compared, see `bocage.model._alike`.
    settings
        Settings of the training.
    metrics
        Scores on held-out labels, notes about them.
    curve
        One record an epoch: who was trained, and the loss.
    """

    engine: str
    legend_id: str
    codes: tuple[int, ...]
    bands: tuple[str, ...]
    resolutions: tuple[int, ...]
    months: tuple[int, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    temperature: float
    absent: tuple[int, ...]
    layers: tuple[str, ...]
    settings: ModelSettings
    metrics: Mapping[str, Any] = field(default_factory=dict)
    curve: tuple[Mapping[str, Any], ...] = ()
    guide: Guide = ()

    def require(self, legend: Legend) -> None:
        """Raise an `InputError` unless the classifier was trained with `legend`."""
        if self.legend_id != legend.id or self.codes != legend.codes():
            raise InputError(
                f"the model was trained with the legend '{self.legend_id}' of {len(self.codes)} "
                f"classes, not with '{legend.id}' of {len(legend)}",
                remedy="train a model with this legend",
            )


class Classifier(Protocol):
    """A trained classifier of any engine."""

    @property
    def facts(self) -> Facts:
        """What is known about it."""
        ...

    def runner(self, threads: int) -> Run:
        """A function from one window to class probabilities."""
        ...

    def save(self, folder: Path | str) -> Path:
        """Write it to a folder."""
        ...


def write_facts(folder: Path, facts: Facts, files: tuple[str, ...]) -> Path:
    """Write ``card.md``, and ``model.json`` with digests of the files that are there already."""
    write_text(folder / "card.md", card(facts))
    record = {
        "format": FORMAT,
        **asdict(facts),
        "files": {name: sha256(folder / name) for name in files},
    }
    text = json.dumps(record, indent=1, sort_keys=True, default=float)
    return write_text(folder / "model.json", text + "\n")


def read_facts(folder: Path | str) -> Facts:
    """Read ``model.json`` and check the files beside it.

    Raises
    ------
    InputError
        If a file is missing, altered or from another version of the format.
    """
    path = existing(Path(folder) / "model.json", "model")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("format") != FORMAT:
            raise InputError(f"{path} has another format", remedy="train the model again")
        for name, digest in record.pop("files").items():
            if sha256(existing(path.parent / name, "model")) != digest:
                raise InputError(
                    f"{path.parent / name} is not the file that {path} describes",
                    remedy="copy the whole folder of the model again, or train it again",
                )
        record["settings"] = ModelSettings(**record["settings"])
        record["guide"] = [tuple(axis) for axis in record["guide"]]
        for name, value in record.items():
            record[name] = tuple(value) if isinstance(value, list) else value
        return Facts(**record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} describes no model: {error}", remedy="train it again") from error
