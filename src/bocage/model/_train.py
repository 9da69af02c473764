"""Training of the field network. Imports torch: only ever imported when training starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bocage.legend import Legend
from bocage.model._bench import Bench, layer_statistics, set_up
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
from bocage.model._field import FieldModel
from bocage.model._journal import Journal, Progress
from bocage.model._network import FieldNet, PixelNet
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings
from bocage.model._split import Split, split_labels
from bocage.model._targets import Held
from bocage.model._training import counts, facts_of, kept_in, learnable, repeatable, weight_of
from bocage.model._trial import USUAL_SHARE, calibrate


def train_field(
    pixels: Pixels,
    legend: Legend,
    settings: ModelSettings,
    progress: Progress | None = None,
    unfinished: Path | str | None = None,
) -> tuple[FieldModel, Held]:
    """Train, calibrate and export; see `bocage.model.train`.

    Also what a committee that has not learned from the held-out labels says of them.
    """
    pixels = learnable(pixels, legend)
    with repeatable(settings):
        bench = set_up(pixels, settings.precision)
        split = split_labels(pixels, settings)
        labels, weight = np.flatnonzero(pixels.labelled), weight_of(bench)
        kept = kept_in(unfinished, pixels, settings)
        journal = Journal(_planned(pixels, split, settings), progress, kept)
        metrics: dict[str, Any] = {
            "calibrated": False,
            "temperature": 1.0,
            "warmth": {},
            "forest_share": USUAL_SHARE,
        }
        held = Held.nothing(len(pixels.codes))
        if split.calibrate.any():
            journal.chapter = "trial "
            lesson = Lesson(np.flatnonzero(split.train), weight, split.beyond)
            trial = elect(bench, lesson, settings, journal)
            metrics, held = calibrate(bench, trial, split)
        journal.chapter = ""
        committee = elect(bench, Lesson(labels, weight, split.beyond), settings, journal)
        opinions = poll(bench, committee, np.arange(len(pixels)))
        share = float(metrics["forest_share"])
        net = teach(bench, opinions.together(share), opinions.epistemic(share), settings, journal)
        metrics |= counts(bench, split)
        field = _field_net(bench, net.cpu(), metrics)
        facts = facts_of(bench, metrics, journal, settings)
        model = FieldModel(facts, export_graph(field), export_weights(net))
        if kept:
            kept.discard()
        return model, held


def _planned(pixels: Pixels, split: Split, settings: ModelSettings) -> int:
    """Epochs of all networks together."""
    members = member_epochs(int(pixels.labelled.sum()), settings)
    if split.calibrate.any():
        members += member_epochs(int(split.train.sum()), settings)
    return len(views(pixels, split.beyond)) * members + student_epochs(len(pixels), settings)


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
