"""What happens in training, and what is finished of it. Imports torch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Event, Lock
from typing import Any, Generic

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
        settings = replace(settings, threads=1, training_threads=1)  # change no weight
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


class _HaltedError(Exception):
    """Another network of the same training has failed."""


@dataclass(frozen=True)
class Task(Generic[Net]):
    """A network to train.

    Attributes
    ----------
    who
        Its name in its chapter.
    net
        Untrained.
    train
        The network, and what it tells the loss of each epoch → the trained network.
    """

    who: str
    net: Net
    train: Callable[[Net, Callable[[float], None]], Net]


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
        self.chapter = ""
        self._losses: dict[str, list[float]] = {}
        self._planned, self._progress, self._kept = planned, progress, kept
        self._one_tells, self._halted = Lock(), Event()

    @property
    def records(self) -> list[dict[str, Any]]:
        """Who learned, and the loss of each epoch; network after network."""
        return [{"who": who, "loss": loss} for who, all_ in self._losses.items() for loss in all_]

    def learn(self, task: Task[Net]) -> Net:
        """Train a network, or take the one that an earlier training has finished."""
        return self.learn_all([task])[0]

    def learn_all(self, tasks: Sequence[Task[Net]], at_once: int = 1) -> list[Net]:
        """Train networks that do not need each other, some at a time, each on one thread."""
        for task in tasks:  # in this order whoever is first
            self._losses[self.chapter + task.who] = []
        if min(at_once, len(tasks)) < 2:
            return [self._learn(task) for task in tasks]
        with ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            futures = [pool.submit(self._learn, task) for task in tasks]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self._halted.set()
                pool.shutdown(cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def _learn(self, task: Task[Net]) -> Net:
        name, net = self.chapter + task.who, task.net
        losses = self._kept.recall(name, net) if self._kept else None
        if losses is not None:
            for loss in losses:
                self._write(name, loss)
            return net.eval()
        trained = task.train(net, lambda loss: self._write(name, loss))
        if self._kept:
            self._kept.keep(name, trained, self._losses[name])
        return trained

    def _write(self, who: str, loss: float) -> None:
        if self._halted.is_set():
            raise _HaltedError
        with self._one_tells:
            self._losses[who].append(loss)
            if self._progress is not None:
                done = sum(len(losses) for losses in self._losses.values())
                self._progress(done, self._planned, {"who": who, "loss": loss})
