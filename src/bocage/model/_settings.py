"""What can be chosen about the classifier."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, get_args

from bocage.errors import ConfigError

Engine = Literal["field", "pixel", "trees"]
Precision = Literal["auto", "single", "bfloat16"]

_MOST_CORES = 4  # more threads wait for Python most of the time


@dataclass(frozen=True)
class ModelSettings:
    """Settings of training; equal settings on equal data give equal weights on one machine.

    Attributes
    ----------
    engine
        ``field``: the network that sees a pixel's season and its surroundings; ``pixel``: a
        TempCNN on single pixels, as the official production had; ``trees``: extremely randomised
        trees on single pixels.
    epochs
        Passes of each network over its pixels, or ``auto``: as many as make some thousand steps.
    seed
        Of every random step.
    width, member_width
        Hidden units of the network and of each member of the committee that teaches it.
    batch
        Labels a step of a member.
    learning_rate
        Highest of the schedule, which ends at zero.
    dropout
        Share of the features that a member drops in training.
    smoothing
        Label smoothing over the classes that occur.
    month_dropout
        Largest share of the months that is hidden from the network in training.
    unlabelled
        Pixels without labels that are learned from, at most.
    calibration_m
        Side of the squares whose labels are held out together to calibrate, metres, or ``auto``:
        such that held-out labels lie about as far from the others as the map from the samples.
    trees
        Number of trees of the trees engine.
    precision
        Of the products in training, ``single``, ``bfloat16`` or ``auto``: bfloat16 on a GPU.
    threads
        Threads of prediction in one process.
    training_threads
        Networks, or trees, that learn at the same time on a CPU, each on one thread, or
        ``auto``: as many as there are cores, four at most. The weights do not depend on it.
    """

    engine: Engine = "field"
    epochs: int | Literal["auto"] = "auto"
    seed: int = 0
    width: int = 128
    member_width: int = 128
    batch: int = 128
    learning_rate: float = 2e-3
    dropout: float = 0.3
    smoothing: float = 0.1
    month_dropout: float = 0.6
    unlabelled: int = 60_000
    calibration_m: float | Literal["auto"] = "auto"
    trees: int = 200
    precision: Precision = "auto"
    threads: int = 1
    training_threads: int | Literal["auto"] = "auto"

    @property
    def cores(self) -> int:
        """Number of `training_threads`."""
        if self.training_threads == "auto":
            return min(os.cpu_count() or 1, _MOST_CORES)
        return self.training_threads

    def __post_init__(self) -> None:
        if self.engine not in get_args(Engine):
            raise ConfigError(
                f"model.engine: there is no engine '{self.engine}'",
                remedy=f"use {', '.join(get_args(Engine))}",
            )
        if self.precision not in get_args(Precision):
            raise ConfigError(
                f"model.precision is '{self.precision}'",
                remedy=f"use {', '.join(get_args(Precision))}",
            )
        if self.epochs != "auto" and (not isinstance(self.epochs, int) or self.epochs < 1):
            raise ConfigError(f"model.epochs is {self.epochs}", remedy="use auto or 1, 2, 3 …")
        if self.unlabelled < 0:
            raise ConfigError(f"model.unlabelled is {self.unlabelled}", remedy="use 0 or more")
        side = self.calibration_m
        if side != "auto" and (not isinstance(side, int | float) or side <= 0):
            raise ConfigError(f"model.calibration_m is {side}", remedy="use auto or metres")
        count = self.training_threads
        if count != "auto" and (not isinstance(count, int) or count < 1):
            raise ConfigError(f"model.training_threads is {count}", remedy="use auto or 1, 2, 3 …")
        for name in ("batch", "trees", "threads", "width", "member_width"):
            if getattr(self, name) < 1:
                raise ConfigError(f"model.{name} is {getattr(self, name)}", remedy="use 1 or more")
        for name in ("month_dropout", "smoothing", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"model.{name} is {getattr(self, name)}", remedy="use a share from 0 to below 1"
                )
