"""Training the network on real scenes. Imports torch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load

from bocage.superres._bicubic import FACTOR
from bocage.superres._network import FineNet
from bocage.superres._pairs import Augmentation, Pairs, draw_pairs

_EDGE = 3  # coarse pixels along the rim of a patch that the loss leaves out
_WARM = 100  # steps until the full learning rate


@dataclass(frozen=True)
class TrainSettings:
    """Choices of a training run.

    Attributes
    ----------
    steps
        Number of batches.
    batch
        Patches in a batch.
    side
        Side of a patch in coarse pixels; smaller scenes give smaller patches.
    rate
        Largest learning rate (Adam), reached after a short warm-up and lowered by a cosine.
    decay
        Of the running mean of the weights, which is what is kept.
    seed
        Of the patches and the first weights.
    half
        Compute in bfloat16 where that is faster.
    features, blocks
        Width and depth of the network.
    """

    steps: int = 16000
    batch: int = 8
    side: int = 24
    rate: float = 2e-3
    decay: float = 0.999
    seed: int = 7
    half: bool = True
    features: int = 40
    blocks: int = 6


Report = Callable[[int, float, FineNet], None]
"""Called now and then with the step, the mean loss since the last call and the averaged net."""


def train_network(
    scenes: Sequence[tuple[NDArray[np.float32], float]],
    filters: NDArray[np.float32],
    options: Augmentation,
    settings: TrainSettings,
    report: Report | None = None,
    every: int = 500,
    device: str = "cpu",
    start: bytes | None = None,
) -> FineNet:
    """Train on degraded scenes (L1 loss); equal input gives equal weights on the CPU.

    Parameters
    ----------
    scenes
        float32 (band, y, x) at 10 m, each with the share of batches drawn from it.
    filters
        float32 (band, 49, 16), where the linear part starts.
    options
        What varies between patches.
    settings
        Choices.
    report, every
        Called each `every` steps.
    device
        Such as ``cpu`` or ``cuda``.
    start
        Weights (safetensors) of such a network to train on from.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    net = FineNet(filters, settings.features, settings.blocks).to(device)
    if start is not None:
        net.load_state_dict(load(start))
    mean = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=settings.rate, betas=(0.9, 0.99))
    share = np.array([s for _, s in scenes])
    total = 0.0
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, settings)
        scene = scenes[int(rng.choice(len(scenes), p=share / share.sum()))][0]
        side = min(settings.side, min(scene.shape[1:]) // FACTOR)
        pairs = draw_pairs(scene, settings.batch, side, options, rng)
        loss = _loss(net, pairs, device, half=settings.half)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 0.05)
        optimizer.step()
        _follow(mean, net, min(settings.decay, (step + 1) / (step + 10)))
        total += float(loss.detach())
        if report is not None and (step + 1) % every == 0:
            report(step + 1, total / every, mean)
            total = 0.0
    return mean.eval().cpu()


def _rate(step: int, settings: TrainSettings) -> float:
    warm = min(1.0, (step + 1) / _WARM)
    fall = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    return settings.rate * warm * (0.01 + 0.99 * fall)


def _loss(net: FineNet, pairs: Pairs, device: str, *, half: bool) -> torch.Tensor:
    coarse = torch.from_numpy(pairs.coarse).to(device)
    fine = torch.from_numpy(pairs.fine).to(device)
    there = torch.from_numpy(pairs.there).to(device)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
        made = net(coarse)
    inner = slice(FACTOR * _EDGE, -FACTOR * _EDGE)
    away = (made.float() - fine)[:, :, inner, inner].abs().mean(dim=(2, 3))
    loss: torch.Tensor = (away * there).sum() / there.sum()
    return loss


@torch.no_grad()
def _follow(mean: FineNet, net: FineNet, decay: float) -> None:
    for kept, new in zip(mean.parameters(), net.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)
