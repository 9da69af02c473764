"""What happens in training, and what is finished of it. Imports torch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from bocage import __version__
from bocage.files import atomic_path
from bocage.model._bench import Net
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings

Progress = Callable[[int, int, Mapping[str, Any]], None]
"""Called after each epoch with its number, the planned number and its record."""


@dataclass(frozen=True)
class Kept:
    """Finished networks of a training that is not.

    Attributes
    ----------
    folder
        One file a network.
    made_of
        Digest of all that the networks depend on; others are not taken for them.
    """

    folder: Path
    made_of: str

    @classmethod
    def of(cls, folder: Path | str, pixels: Pixels, settings: ModelSettings) -> Kept:
        """Those of a training with such pixels and settings."""
        digest = hashlib.sha256(repr((__version__, torch.__version__, settings)).encode())
        for field in fields(pixels):
            value = getattr(pixels, field.name)
            plain = isinstance(value, np.ndarray)
            digest.update(np.ascontiguousarray(value).data if plain else repr(value).encode())
        return cls(Path(folder), digest.hexdigest())

    def keep(self, name: str, net: torch.nn.Module, losses: list[float]) -> None:
        """Write a network and the loss of each epoch."""
        weights = {key: v.detach().cpu().contiguous() for key, v in net.state_dict().items()}
        facts = {"made_of": self.made_of, "losses": json.dumps(losses)}
        with atomic_path(self._file(name)) as part:
            save_file(weights, part, facts)

    def recall(self, name: str, net: torch.nn.Module) -> list[float] | None:
        """Give a network its weights and return its losses; None where there are none."""
        try:
            with safe_open(self._file(name), "pt") as file:
                facts = file.metadata() or {}
                if facts.get("made_of") != self.made_of:
                    return None
                net.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118 - no mapping
        except (FileNotFoundError, SafetensorError):
            return None
        losses: list[float] = json.loads(facts["losses"])
        return losses

    def discard(self) -> None:
        """Remove them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '-')}.safetensors"


class Journal:
    """What happened in each epoch, and which networks are finished.

    Parameters
    ----------
    planned
        Epochs of all networks together.
    progress
        See `Progress`.
    kept
        Where finished networks are kept; None keeps none.
    """

    def __init__(
        self, planned: int = 0, progress: Progress | None = None, kept: Kept | None = None
    ) -> None:
        self.records: list[dict[str, Any]] = []
        self.chapter = ""
        self._planned, self._progress, self._kept = planned, progress, kept

    def learn(
        self, who: str, net: Net, train: Callable[[Net, Callable[[float], None]], Net]
    ) -> Net:
        """Train a network, or take the one that an earlier training has finished.

        Parameters
        ----------
        who
            Name of the network in its chapter.
        net
            Untrained.
        train
            The network, and what it tells the loss of each epoch → the trained network.
        """
        name = self.chapter + who
        losses = self._kept.recall(name, net) if self._kept else None
        if losses is not None:
            for loss in losses:
                self._write(name, loss)
            return net.eval()
        first = len(self.records)
        trained = train(net, lambda loss: self._write(name, loss))
        if self._kept:
            self._kept.keep(name, trained, [record["loss"] for record in self.records[first:]])
        return trained

    def _write(self, who: str, loss: float) -> None:
        self.records.append({"who": who, "loss": loss})
        if self._progress is not None:
            self._progress(len(self.records), self._planned, self.records[-1])
