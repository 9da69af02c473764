"""Training of the field network. Imports torch: only ever imported when training starts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.model._bench import Bench, layer_statistics, reflectance_of
from bocage.model._calibrate import fit_temperature, log_likelihood, scores, soften
from bocage.model._committee import (
    VIEW,
    Committee,
    Lesson,
    Opinions,
    elect,
    member_epochs,
    poll,
    student_epochs,
    teach,
    views,
)
from bocage.model._export import export_graph, export_weights
from bocage.model._facts import Facts
from bocage.model._field import FieldModel
from bocage.model._network import FieldNet, PixelNet
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings
from bocage.model._split import Split, split_labels
from bocage.model._targets import Held, labels_by_class, present_classes, usable

Progress = Callable[[int, int, Mapping[str, Any]], None]
"""Called after each epoch with its number, the planned number and its record."""


_SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7)  # of the forest
_USUAL_SHARE = 0.35
_TELLING = 5  # squares


def train_field(
    pixels: Pixels, legend: Legend, settings: ModelSettings, progress: Progress | None = None
) -> tuple[FieldModel, Held]:
    """Train, calibrate and export; see `bocage.model.train`.

    Also what a committee that has not learned from the held-out labels says of them.
    """
    pixels.require(legend)
    pixels = usable(pixels)
    if pixels.labelled.sum() < 2:
        raise InputError(
            "a network cannot learn from one label", remedy="draw more samples inside the images"
        )
    with _repeatable(settings):
        bench = _set_up(pixels, settings)
        split = split_labels(pixels, settings)
        labels, weight = np.flatnonzero(pixels.labelled), _weight(bench)
        diary = _Diary(_planned(pixels, split, settings), progress)
        metrics: dict[str, Any] = {
            "calibrated": False,
            "temperature": 1.0,
            "forest_share": _USUAL_SHARE,
        }
        held = Held.nothing(len(pixels.codes))
        if split.calibrate.any():
            diary.chapter = "trial "
            lesson = Lesson(np.flatnonzero(split.train), weight, split.beyond)
            trial = elect(bench, lesson, settings, diary)
            metrics, held = _calibrate(bench, trial, split)
        diary.chapter = ""
        committee = elect(bench, Lesson(labels, weight, split.beyond), settings, diary)
        opinions = poll(bench, committee, np.arange(len(pixels)))
        share = float(metrics["forest_share"])
        net = teach(bench, opinions.together(share), opinions.epistemic(share), settings, diary)
        metrics["notes"] = [*split.notes, *_notes(bench)]
        counts = {"train": split.train, "calibrate": split.calibrate, "all": pixels.labelled}
        metrics["labels"] = {name: int(part.sum()) for name, part in counts.items()}
        metrics["labels_by_class"] = labels_by_class(pixels)
        metrics["unlabelled"] = int((~pixels.labelled).sum())
        field = _field_net(bench, net.cpu(), float(metrics["temperature"]))
        facts = _facts(bench, metrics, diary.records, settings)
        return FieldModel(facts, export_graph(field), export_weights(net)), held


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


def _set_up(pixels: Pixels, settings: ModelSettings) -> Bench:
    seen = pixels.near[pixels.observed].astype(np.float64)  # (pixel and month, band)
    mean = seen.mean(axis=0).astype(np.float32)
    deviation = np.maximum(seen.std(axis=0), 1e-3).astype(np.float32)
    layers = layer_statistics(pixels)
    return Bench(
        pixels=pixels,
        values=reflectance_of(pixels),
        place=(pixels.place - layers[0]) / layers[1],
        mean=mean,
        deviation=deviation,
        present=present_classes(pixels.allowed[pixels.labelled]),
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        rng=np.random.default_rng(settings.seed),
    )


class _Diary:
    """What happened in each epoch."""

    def __init__(self, planned: int, progress: Progress | None) -> None:
        self.records: list[dict[str, Any]] = []
        self.chapter = ""
        self._planned, self._progress = planned, progress

    def __call__(self, who: str, loss: float) -> None:
        self.records.append({"who": self.chapter + who, "loss": loss})
        if self._progress is not None:
            self._progress(len(self.records), self._planned, self.records[-1])


def _planned(pixels: Pixels, split: Split, settings: ModelSettings) -> int:
    """Epochs of all networks together."""
    members = member_epochs(int(pixels.labelled.sum()), settings)
    if split.calibrate.any():
        members += member_epochs(int(split.train.sum()), settings)
    return len(views(pixels, split.beyond)) * members + student_epochs(len(pixels), settings)


def _weight(bench: Bench) -> NDArray[np.float32]:
    """Weights of the pixels, mean 1 over the labelled ones; sampling has balanced the classes."""
    weight = bench.pixels.weight
    found: NDArray[np.float32] = weight / weight[bench.pixels.labelled].mean()
    return found


def _calibrate(bench: Bench, committee: Committee, split: Split) -> tuple[dict[str, Any], Held]:
    """What suits labels that the committee has not seen, and what it says of them."""
    which = np.flatnonzero(split.calibrate)
    allowed, weight = bench.pixels.allowed[which], bench.pixels.weight[which]
    opinions = poll(bench, committee, which)
    share = _forest_share(opinions, allowed, weight, split)
    said = opinions.together(share)
    temperature = fit_temperature(_logs(said), allowed, weight, split.squares)
    calibrated = soften(said, temperature)
    before, after = scores(said, allowed), scores(calibrated, allowed)
    metrics = {
        "calibrated": True,
        "temperature": temperature,
        "forest_share": share,
        "calibration": {**after, "ece_before": before["ece"], **split.record},
    }
    return metrics, Held(which, calibrated, allowed, weight, split.squares)


def _forest_share(
    opinions: Opinions, allowed: NDArray[np.bool_], weight: NDArray[np.float32], split: Split
) -> float:
    """The share that makes held-out labels likeliest at its best temperature.

    Of shares that are worse by less than a standard error over squares, the most usual one
    (Breiman et al. 1984, the rule of one standard error); a few places tell nothing.
    """
    if split.squares < _TELLING:
        return _USUAL_SHARE
    each = []
    for share in _SHARES:
        logs = _logs(opinions.together(share))
        temperature = fit_temperature(logs, allowed, weight, split.squares)
        loss = -weight * log_likelihood(logs, allowed, temperature)
        each.append(np.bincount(split.square, weights=loss, minlength=split.squares))
    losses = np.array(each)  # (share, square)
    worse = losses - losses[losses.sum(axis=1).argmin()]
    error = worse.std(axis=1) * np.sqrt(split.squares)
    alike = [s for s, w, e in zip(_SHARES, worse.sum(axis=1), error, strict=True) if w <= e]
    return min(alike, key=lambda share: abs(share - _USUAL_SHARE))


def _logs(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.log(np.maximum(probability, np.finfo(np.float32).tiny))
    return found


def _notes(bench: Bench) -> list[str]:
    absent = int((~bench.present).sum())
    of = len(bench.present)
    return [f"{absent} of {of} classes have no label and are never mapped"] * bool(absent)


def _field_net(bench: Bench, net: PixelNet, temperature: float) -> FieldNet:
    months = len(bench.pixels.months)
    near = months * len(bench.pixels.bands)
    mean, deviation = (
        torch.from_numpy(np.concatenate([np.tile(bands, months * len(VIEW.scales)), layers]))
        for bands, layers in zip(
            (bench.mean, bench.deviation), layer_statistics(bench.pixels), strict=True
        )
    )
    return FieldNet(net, near, mean.float(), deviation.float(), temperature).eval()


def _facts(
    bench: Bench,
    metrics: Mapping[str, Any],
    curve: list[dict[str, Any]],
    settings: ModelSettings,
) -> Facts:
    pixels = bench.pixels
    return Facts(
        engine="field",
        legend_id=pixels.legend_id,
        codes=pixels.codes,
        bands=pixels.bands,
        resolutions=pixels.resolutions,
        months=pixels.months,
        mean=tuple(float(v) for v in bench.mean),
        deviation=tuple(float(v) for v in bench.deviation),
        temperature=round(float(metrics["temperature"]), 6),
        absent=tuple(c for c, h in zip(pixels.codes, bench.present, strict=True) if not h),
        layers=pixels.layers,
        settings=settings,
        metrics=metrics,
        curve=tuple(curve),
    )
