"""Training of the field network. Imports torch: only ever imported when training starts."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bocage.legend import Legend
from bocage.model._bench import Bench, one_cycle, run_epoch, spot_logits
from bocage.model._calibrate import fit_temperature, log_likelihood, scores
from bocage.model._chips import Chips
from bocage.model._export import export_graph, export_weights
from bocage.model._facts import Facts
from bocage.model._field import FieldModel
from bocage.model._network import FieldNet, Sizes
from bocage.model._season import harmonics, statistics
from bocage.model._settings import ModelSettings
from bocage.model._spots import Spot, find_spots
from bocage.model._targets import Held, Split, present_classes, split_labels, usable

Progress = Callable[[int, int, Mapping[str, float]], None]
"""Called after each epoch with its number, the planned number and its record."""

Record = dict[str, float]

_CROP = 4  # pixels; enough for the decoder's neighbours when the surroundings are left out
_CROPS_A_CHIP = 4  # crops in a step for each chip in a step of whole chips
_PIXEL_STEPS, _PIXEL_EPOCHS = 3000, (20, 120)
# Whole chips cost a hundred times a crop and gain little where labels are sparse: few steps.
_WHOLE_STEPS, _WHOLE_EPOCHS = 250, (2, 15)
_EPOCH_STEPS = 50  # of whole chips; more chips than that take turns
_HELD_CHIPS = 200  # that validate, and that calibrate; enough for some thousand labels
_WHOLE_SHARE = 5  # one epoch in five looks at whole chips
_WHOLE_RATE = 0.25


@dataclass(frozen=True)
class _Stage:
    """A part of the training: with or without surroundings, on squares of `side` pixels.

    An epoch has at most `most` steps; where there are more squares, others come each time.
    """

    surroundings: bool
    epochs: int
    batch: int
    rate: float
    patience: int
    side: int
    most: int

    def steps(self, spots: int) -> int:
        """Steps of an epoch over so many squares."""
        return min(math.ceil(spots / self.batch), self.most)

    def some(self, spots: list[Spot], rng: np.random.Generator) -> list[Spot]:
        """The squares of one epoch."""
        wanted = self.steps(len(spots)) * self.batch
        if wanted >= len(spots):
            return spots
        return [spots[i] for i in rng.permutation(len(spots))[:wanted]]


@dataclass(frozen=True, eq=False)
class _Best:
    epoch: int
    loss: float
    state: dict[str, Tensor]


def train_field(
    chips: Chips, legend: Legend, settings: ModelSettings, progress: Progress | None = None
) -> tuple[FieldModel, Held]:
    """Train, calibrate and export; see `bocage.model.train`.

    Also what the network says of the labels of the calibration fold before it learns from them.
    """
    chips.require(legend)
    chips = usable(chips)
    with _repeatable(settings):
        bench = _set_up(chips, settings)
        split = split_labels(chips, settings)
        curve, best = _fit(bench, split, progress)
        surroundings = bool(curve[best - 1]["surroundings"])
        metrics: dict[str, Any] = {"best_epoch": best, "epochs": len(curve)}
        metrics["surroundings"] = surroundings
        calibration, held = _calibrate(bench, split)
        metrics |= calibration
        if split.validate.any() and settings.refit:
            metrics["refit_epochs"] = _refit(bench, split, curve[:best])
        metrics["notes"] = [*split.notes, *_notes(bench)]
        parts = {"train": split.train, "validate": split.validate, "calibrate": split.calibrate}
        metrics["labels"] = {name: int(part.sum()) for name, part in parts.items()}
        bench.look(surroundings=True, side=chips.chip_px)
        net = bench.net.cpu().eval()
        facts = _facts(bench, metrics, curve)
        return FieldModel(facts, export_graph(net), export_weights(net)), held


@contextlib.contextmanager
def _repeatable(settings: ModelSettings) -> Iterator[None]:
    """Seed torch and make it repeatable, and leave it as it was found."""
    threads = torch.get_num_threads()
    strict = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.training_threads)
        # Some CUDA kernels have no repeatable variant; on a CPU all that are used here do.
        torch.use_deterministic_algorithms(not torch.cuda.is_available())
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)


def _set_up(chips: Chips, settings: ModelSettings) -> Bench:
    allowed = chips.allowed
    mean, deviation = statistics(chips.reflectance, chips.observed)
    guides = sum(r == chips.resolutions[0] for r in chips.resolutions)
    sizes = Sizes(len(chips.bands), guides, len(chips.codes), settings.width, settings.context)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Bench(
        chips=chips,
        settings=settings,
        mean=mean,
        deviation=deviation,
        net=FieldNet(sizes, present_classes(allowed).tolist()).to(device),
        season=torch.from_numpy(harmonics(chips.months)).to(device),
        device=device,
        rng=np.random.default_rng(settings.seed),
        allowed=allowed,
        side=chips.chip_px,
    )


def _fit(bench: Bench, split: Split, progress: Progress | None) -> tuple[list[Record], int]:
    """Train in two stages and leave the best weights in the network.

    First many cheap passes over the labelled pixels alone, then some over whole chips,
    in which the surroundings join in.
    """
    curve: list[Record] = []
    best = _Best(0, math.inf, {})
    stages = _stages(bench, split)
    planned = sum(stage.epochs for stage in stages)
    validate = _few_chips(bench.chips, split.validate)
    for stage in stages:
        bench.look(surroundings=stage.surroundings, side=stage.side)
        spots, held = (find_spots(bench.chips, u, stage.side) for u in (split.train, validate))
        tools = one_cycle(bench, stage.rate, stage.epochs * stage.steps(len(spots)))
        stale = 0
        for _ in range(stage.epochs):
            record = {"epoch": len(curve) + 1.0, "surroundings": float(stage.surroundings)}
            some = stage.some(spots, bench.rng)
            record["loss"] = run_epoch(bench, some, stage.batch, tools)
            stale += 1
            if held:
                record |= _validate(bench, held)
                if record["validation_loss"] < best.loss:
                    best = _Best(len(curve) + 1, record["validation_loss"], _copy(bench.net))
                    stale = 0
            curve.append(record)
            if progress is not None:
                progress(len(curve), planned, record)
            if held and stale >= stage.patience:
                break
        if best.state:
            bench.net.load_state_dict(best.state)
    return curve, best.epoch or len(curve)


def _stages(bench: Bench, split: Split) -> tuple[_Stage, _Stage]:
    settings, side = bench.settings, bench.chips.chip_px
    crops = settings.batch * _CROPS_A_CHIP
    if settings.epochs == "auto":
        pieces = (len(find_spots(bench.chips, split.train, s)) for s in (_CROP, side))
        pixel = _auto(next(pieces), crops, _PIXEL_STEPS, _PIXEL_EPOCHS)
        chips = min(next(pieces), _EPOCH_STEPS * settings.batch)
        whole = _auto(chips, settings.batch, _WHOLE_STEPS, _WHOLE_EPOCHS)
    else:
        whole = math.ceil(settings.epochs / _WHOLE_SHARE)
        pixel = settings.epochs - whole
    rate, patience = settings.learning_rate, settings.patience
    return (
        _Stage(False, pixel, crops, rate, 2 * patience, _CROP, sys.maxsize),
        _Stage(True, whole, settings.batch, _WHOLE_RATE * rate, patience, side, _EPOCH_STEPS),
    )


def _few_chips(chips: Chips, use: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same labels, of at most `_HELD_CHIPS` chips evenly spread over all."""
    held = np.unique(chips.chip[use])
    kept: NDArray[np.bool_] = use & np.isin(chips.chip, held[:: -(-len(held) // _HELD_CHIPS) or 1])
    return kept


def _auto(pieces: int, batch: int, steps: int, limits: tuple[int, int]) -> int:
    """Epochs that make about so many steps."""
    return min(max(round(steps * batch / pieces), limits[0]), limits[1])


def _refit(bench: Bench, split: Split, course: list[Record]) -> int:
    """Train anew on all labels, as long as it took to the best weights; the number of epochs.

    The held-out folds have said when to stop and how sure to be. A map of the same area is
    much better where their labels are learned from too.
    """
    temperature = bench.net.temperature.clone()
    torch.manual_seed(bench.settings.seed)
    present = bench.net.present.tolist()
    bench.net = FieldNet(bench.net.sizes, present).to(bench.device)
    every = np.ones(bench.chips.labels, bool)
    for stage in _stages(bench, split):
        epochs = sum(record["surroundings"] == float(stage.surroundings) for record in course)
        if not epochs:
            continue
        bench.look(surroundings=stage.surroundings, side=stage.side)
        spots = find_spots(bench.chips, every, stage.side)
        tools = one_cycle(bench, stage.rate, epochs * stage.steps(len(spots)))
        for _ in range(epochs):
            run_epoch(bench, stage.some(spots, bench.rng), stage.batch, tools)
    bench.net.temperature.copy_(temperature)
    return len(course)


def _validate(bench: Bench, spots: list[Spot]) -> Record:
    """Loss at the temperature that suits best (sharpness is mended later) and accuracy."""
    logits, labels = spot_logits(bench, spots)
    allowed, weight = bench.allowed[labels], bench.chips.weight[labels]
    temperature = fit_temperature(logits, allowed, weight)
    loss = -(weight * log_likelihood(logits, allowed, temperature)).sum() / weight.sum()
    right = np.take_along_axis(allowed, logits.argmax(axis=1)[:, None], axis=1)
    return {
        "validation_loss": round(float(loss), 6),
        "validation_oa": round(float(right.mean()), 4),
    }


def _calibrate(bench: Bench, split: Split) -> tuple[dict[str, Any], Held]:
    """Fit the temperature on the held-out fold and put it into the network."""
    if not split.calibrate.any():
        nothing = Held.nothing(len(bench.chips.codes))
        return {"calibrated": False, "temperature": 1.0}, nothing
    side = bench.chips.chip_px
    bench.look(surroundings=True, side=side)
    calibrate = _few_chips(bench.chips, split.calibrate)
    logits, labels = spot_logits(bench, find_spots(bench.chips, calibrate, side))
    allowed = bench.allowed[labels]
    temperature = fit_temperature(logits, allowed, bench.chips.weight[labels])
    calibrated = _probabilities(logits / temperature)
    before, after = scores(_probabilities(logits), allowed), scores(calibrated, allowed)
    held = Held(labels, calibrated.astype(np.float32), allowed, bench.chips.weight[labels])
    bench.net.temperature.fill_(temperature)
    metrics: dict[str, Any] = {"calibrated": True, "temperature": temperature}
    metrics["calibration"] = {**after, "ece_before": before["ece"]}
    validate = _few_chips(bench.chips, split.validate)
    logits, labels = spot_logits(bench, find_spots(bench.chips, validate, side))
    metrics["validation"] = scores(_probabilities(logits / temperature), bench.allowed[labels])
    return metrics, held


def _copy(net: FieldNet) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def _probabilities(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found


def _notes(bench: Bench) -> list[str]:
    present = bench.net.present
    absent = int((~present).sum())
    return [f"{absent} of {len(present)} classes have no label and are never mapped"] * bool(absent)


def _facts(bench: Bench, metrics: Mapping[str, Any], curve: list[Record]) -> Facts:
    chips = bench.chips
    present = bench.net.present.tolist()
    return Facts(
        engine="field",
        legend_id=chips.legend_id,
        codes=chips.codes,
        bands=chips.bands,
        resolutions=chips.resolutions,
        months=chips.months,
        mean=tuple(float(v) for v in bench.mean),
        deviation=tuple(float(v) for v in bench.deviation),
        temperature=round(float(bench.net.temperature), 6),
        absent=tuple(c for c, here in zip(chips.codes, present, strict=True) if not here),
        settings=bench.settings,
        metrics=metrics,
        curve=tuple(curve),
    )
