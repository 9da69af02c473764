"""One step of training: batches, the loss, and logits of held-out labels. Imports torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bocage.grid import GRID_RATIO
from bocage.model._augment import View, hide_months, jitter
from bocage.model._chips import Chips
from bocage.model._network import FieldNet
from bocage.model._season import arrange
from bocage.model._settings import ModelSettings
from bocage.model._spots import Spot
from bocage.model._targets import label_weights

Optimiser = torch.optim.Optimizer
Schedule = torch.optim.lr_scheduler.LambdaLR
Inputs = tuple[Tensor, Tensor, Tensor]

_WARM = 0.1
_CLIP = 5.0
_DECAY = 0.02
_PIXELS = 8 * 24**2  # of a batch without gradients


@dataclass(eq=False)
class Bench:
    """What a training run needs at hand.

    `side` is the side in 10 m pixels of the squares that are looked at.
    """

    chips: Chips
    settings: ModelSettings
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    net: FieldNet
    season: Tensor
    device: torch.device
    rng: np.random.Generator
    allowed: NDArray[np.bool_]
    side: int

    def look(self, *, surroundings: bool, side: int) -> None:
        """Switch between single pixels and whole chips."""
        self.net.surroundings, self.side = surroundings, side

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """An array on the device."""
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def one_cycle(bench: Bench, rate: float, steps: int) -> tuple[Optimiser, Schedule]:
    """An optimiser whose rate rises for a tenth of the steps and falls along a cosine to zero."""

    def factor(step: int) -> float:
        done = min((step + 1) / max(steps, 1), 1.0)
        return done / _WARM if done < _WARM else 0.5 + 0.5 * math.cos(math.pi * done)

    optimiser = torch.optim.AdamW(bench.net.parameters(), rate, weight_decay=_DECAY)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def run_epoch(
    bench: Bench, spots: Sequence[Spot], size: int, tools: tuple[Optimiser, Schedule]
) -> float:
    """One pass over spots in random order, `size` of them a step; the mean loss."""
    net, (optimiser, schedule) = bench.net, tools
    order = bench.rng.permutation(len(spots))
    batches = [[spots[i] for i in order[at : at + size]] for at in range(0, len(order), size)]
    weight = _weights(bench, spots)
    # Each label pulls equally hard, however many share its batch.
    share = float(weight.sum()) / len(batches)
    net.train()
    total = 0.0
    for batch in batches:
        labels, inputs, points = make_batch(bench, batch, augment=True)
        optimiser.zero_grad(set_to_none=True)
        logits = net.at_points(*inputs, points)
        allowed = bench.tensor(bench.allowed[labels])
        each = set_losses(logits, allowed, net.present, bench.settings.smoothing)
        loss = (each * bench.tensor(weight[labels])).sum() / share
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), _CLIP)
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
    return round(total / len(batches), 6)


def set_losses(logits: Tensor, allowed: Tensor, present: Tensor, smoothing: float) -> Tensor:
    """Set-valued cross-entropy −log Σ p over the allowed classes, a little smoothed, (label,).

    Parameters
    ----------
    logits
        (label, class).
    allowed
        bool (label, class), at least one a label.
    present
        bool (class,), the classes that share the smoothing.
    smoothing
        Share of the loss that pulls towards all of them.
    """
    log_p = torch.log_softmax(logits, dim=1)
    hit = -torch.logsumexp(log_p.masked_fill(~allowed, -math.inf), dim=1)
    even = -(log_p * present).sum(1) / present.sum()
    return (1 - smoothing) * hit + smoothing * even


def make_batch(
    bench: Bench, spots: Sequence[Spot], *, augment: bool
) -> tuple[NDArray[np.intp], Inputs, Inputs]:
    """Labels of some spots, the network's inputs, and chip, row and column of the labels."""
    series, seen, points = [], [], []
    for position, spot in enumerate(spots):
        values, visible, row, column = _look(bench, spot, augment=augment)
        series.append(values)
        seen.append(visible.astype(np.float32))
        points.append(np.stack([np.full(len(row), position), row, column]))
    inputs = (bench.tensor(np.stack(series)), bench.tensor(np.stack(seen)), bench.season)
    places = bench.tensor(np.concatenate(points, axis=1).astype(np.int64))
    labels = np.concatenate([spot.labels for spot in spots])
    return labels, inputs, (places[0], places[1], places[2])


def _look(bench: Bench, spot: Spot, *, augment: bool) -> tuple[NDArray[Any], ...]:
    """Standardised series, what is seen of it, and rows and columns of the labels of a spot."""
    chips, rng, side = bench.chips, bench.rng, bench.side
    fine, top, left = (v * GRID_RATIO for v in (side, spot.y, spot.x))
    pixels: Any = chips.reflectance[spot.chip, :, :, top : top + fine, left : left + fine]
    visible: Any = chips.observed[spot.chip, :, spot.y : spot.y + side, spot.x : spot.x + side]
    row, column = chips.row[spot.labels] - top, chips.column[spot.labels] - left
    if not augment:
        return arrange(pixels, visible, bench.mean, bench.deviation), visible, row, column
    view = View.draw(rng)
    visible = hide_months(view.pixels(visible), bench.settings.month_dropout, rng)
    values = arrange(view.pixels(pixels), visible, bench.mean, bench.deviation)
    return jitter(values, len(chips.bands), rng), visible, *view.points(row, column, fine)


def _weights(bench: Bench, spots: Sequence[Spot]) -> NDArray[np.float32]:
    """Weights of the labels of some spots, 0 elsewhere, (label,)."""
    at = np.concatenate([spot.labels for spot in spots])
    weight = np.zeros(bench.chips.labels, np.float32)
    present = bench.net.present.cpu().numpy()
    weight[at] = label_weights(bench.allowed[at], bench.chips.weight[at], present)
    return weight


def spot_logits(
    bench: Bench, spots: Sequence[Spot]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Logits (label, class) of the labels of some spots as in prediction, and which they are."""
    logits = []
    bench.net.eval()
    size = max(1, _PIXELS // bench.side**2)
    with torch.no_grad():
        for start in range(0, len(spots), size):
            _, inputs, points = make_batch(bench, spots[start : start + size], augment=False)
            logits.append(bench.net.at_points(*inputs, points).cpu().numpy())
    return np.concatenate(logits), np.concatenate([spot.labels for spot in spots])
