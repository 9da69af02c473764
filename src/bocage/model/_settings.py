"""What can be chosen about the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bocage.errors import ConfigError

CHIP_PX = 24
"""Side of a training chip in 10 m pixels."""


@dataclass(frozen=True)
class ModelSettings:
    """Settings of training; equal settings on equal data give equal weights on one machine.

    Attributes
    ----------
    engine
        ``field``: the network that sees a pixel's season and its surroundings; ``trees``:
        extremely randomised trees on single pixels; ``ensemble``: both, averaged.
    epochs
        Passes over the training chips, or ``auto``: as many as make about 900 steps, 8 to 60.
    seed
        Of every random step.
    chip_px
        Side of a training chip in 10 m pixels, a multiple of 4.
    width
        Channels of the embedding of one date.
    context
        Channels of the spatial mixer.
    batch
        Chips a step.
    learning_rate
        Peak of the one-cycle schedule.
    patience
        Epochs without a better validation loss before training stops.
    validation_fold, calibration_fold
        Spatial folds that are held out: for stopping and for the temperature.
    refit
        After stopping, train anew on all folds for as many epochs; the temperature stays the
        one of the held-out fold. Otherwise the held-out folds are left out for good.
    month_dropout
        Largest share of the months that is hidden from a chip in training.
    smoothing
        Label smoothing over the classes that occur.
    trees
        Number of trees of the trees engine.
    threads
        Threads of prediction in one process.
    training_threads
        Threads of training on a CPU. More help only on idle cores (threads wait for each
        other), and the weights depend on their number in the last digits.
    """

    engine: Literal["field", "trees", "ensemble"] = "field"
    epochs: int | Literal["auto"] = "auto"
    seed: int = 0
    chip_px: int = CHIP_PX
    width: int = 64
    context: int = 96
    batch: int = 8
    learning_rate: float = 2e-3
    patience: int = 10
    validation_fold: int = 0
    calibration_fold: int = 1
    refit: bool = True
    month_dropout: float = 0.3
    smoothing: float = 0.03
    trees: int = 200
    threads: int = 1
    training_threads: int = 1

    def __post_init__(self) -> None:
        if self.engine not in ("field", "trees", "ensemble"):
            raise ConfigError(
                f"model.engine: there is no engine '{self.engine}'",
                remedy="use field, trees or ensemble",
            )
        if self.epochs != "auto" and (not isinstance(self.epochs, int) or self.epochs < 1):
            raise ConfigError(f"model.epochs is {self.epochs}", remedy="use auto or 1, 2, 3 …")
        if self.chip_px < 8 or self.chip_px % 4:
            raise ConfigError(
                f"model.chip_px is {self.chip_px}", remedy="use a multiple of 4 from 8, such as 24"
            )
        if self.width % 16 or self.width < 16:
            raise ConfigError(f"model.width is {self.width}", remedy="use 16, 32, 48, 64 …")
        if self.validation_fold == self.calibration_fold:
            raise ConfigError(
                f"model: fold {self.validation_fold} is to validate and to calibrate",
                remedy="give two folds",
            )
        for name in ("batch", "patience", "trees", "threads", "training_threads", "context"):
            if getattr(self, name) < 1:
                raise ConfigError(f"model.{name} is {getattr(self, name)}", remedy="use 1 or more")
        for name in ("month_dropout", "smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"model.{name} is {getattr(self, name)}", remedy="use a share from 0 to below 1"
                )
