"""Training of the pixel engine. Imports torch: only ever imported when training starts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bocage.legend import Legend
from bocage.model._bench import Bench, View, logits_of, set_up
from bocage.model._calibrate import calibrate_alone
from bocage.model._committee import Lesson, learn_labels, member_epochs
from bocage.model._export import export_pixel_graph, export_weights
from bocage.model._journal import Journal, Progress, Task
from bocage.model._pixel import PixelModel
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings
from bocage.model._split import split_labels
from bocage.model._targets import Held
from bocage.model._tempcnn import ReflectanceNet, RowNet
from bocage.model._training import counts, facts_of, kept_in, learnable, repeatable, weight_of

_VIEW = View((0,))


def train_pixel(
    pixels: Pixels,
    legend: Legend,
    settings: ModelSettings,
    progress: Progress | None = None,
    unfinished: Path | str | None = None,
) -> tuple[PixelModel, Held]:
    """Train a TempCNN on the labelled pixels, calibrate and export; see `bocage.model.train`.

    Also what one that has not learned from the held-out labels says of them.
    """
    pixels = learnable(pixels, legend)
    bare = replace(pixels, layers=(), place=pixels.place[:, :0])
    with repeatable(settings):
        bench, split = set_up(bare, settings.precision), split_labels(pixels, settings)
        lessons = {"trial network": split.train} if split.calibrate.any() else {}
        lessons["network"] = pixels.labelled
        planned = sum(member_epochs(int(part.sum()), settings) for part in lessons.values())
        kept = kept_in(unfinished, pixels, settings)
        journal = Journal(planned, progress, kept)
        nets = {}
        for who, part in lessons.items():
            lesson = Lesson(np.flatnonzero(part), weight_of(bench))
            learn = partial(learn_labels, bench, lesson, _VIEW, settings)
            nets[who] = journal.learn(Task(who, _new(bench, settings), learn))
        metrics: dict[str, Any] = {"calibrated": False, "temperature": 1.0}
        held = Held.nothing(len(pixels.codes))
        if "trial network" in nets:
            which = np.flatnonzero(split.calibrate)
            logits = logits_of(nets["trial network"], which, partial(bench.inputs, view=_VIEW))
            said = torch.softmax(logits, dim=1).cpu().numpy()
            metrics, held = calibrate_alone(said, which, pixels, split)
        metrics |= counts(bench, split)
        metrics["unlabelled"] = 0
        net = nets["network"].cpu()
        mean, deviation = (torch.from_numpy(v) for v in (bench.mean, bench.deviation))
        whole = ReflectanceNet(net, mean, deviation, float(metrics["temperature"])).eval()
        facts = facts_of(bench, metrics, journal, settings)
        model = PixelModel(facts, export_pixel_graph(whole), export_weights(net))
        if kept:
            kept.discard()
        return model, held


def _new(bench: Bench, settings: ModelSettings) -> RowNet:
    torch.manual_seed(settings.seed)
    pixels = bench.pixels
    present = torch.from_numpy(bench.present)
    net = RowNet(len(pixels.months), len(pixels.bands), present, settings.dropout)
    return net.to(bench.device)
