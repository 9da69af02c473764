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
from bocage.model._committee import (
    VIEW,
    Lesson,
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
from bocage.model._trial import USUAL_SHARE, calibrate

Progress = Callable[[int, int, Mapping[str, Any]], None]
"""Called after each epoch with its number, the planned number and its record."""


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
            "warmth": {},
            "forest_share": USUAL_SHARE,
        }
        held = Held.nothing(len(pixels.codes))
        if split.calibrate.any():
            diary.chapter = "trial "
            lesson = Lesson(np.flatnonzero(split.train), weight, split.beyond)
            trial = elect(bench, lesson, settings, diary)
            metrics, held = calibrate(bench, trial, split)
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
        field = _field_net(bench, net.cpu(), metrics)
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


def _notes(bench: Bench) -> list[str]:
    absent = int((~bench.present).sum())
    of = len(bench.present)
    return [f"{absent} of {of} classes have no label and are never mapped"] * bool(absent)


def _field_net(bench: Bench, net: PixelNet, metrics: Mapping[str, Any]) -> FieldNet:
    months = len(bench.pixels.months)
    near = months * len(bench.pixels.bands)
    mean, deviation = (
        torch.from_numpy(np.concatenate([np.tile(bands, months * len(VIEW.scales)), layers]))
        for bands, layers in zip(
            (bench.mean, bench.deviation), layer_statistics(bench.pixels), strict=True
        )
    )
    warmth = torch.tensor([metrics["warmth"].get(name, 0.0) for name in bench.pixels.layers])
    heat = float(metrics["temperature"])
    return FieldNet(net, near, mean.float(), deviation.float(), heat, warmth).eval()


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
