"""Training of a TempCNN as its paper does it (Pelletier et al. 2019, Remote Sens. 11, 523)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bocage.model._tempcnn import TempCNN

_CHUNK = 8192  # pixels that are classified in one go


@dataclass(frozen=True)
class TempCnnSettings:
    """Settings of a TempCNN; layers, kernel, units and optimiser are those of the paper.

    Attributes
    ----------
    epochs
        Passes over the training series; the learning rate falls to 0 over them.
    batch
        Series a step.
    rate, decay
        First learning rate and weight decay of Adam.
    dropout
        Share of the features that is dropped after each layer.
    balance
        Class weights are the inverse frequency to this power; 0 gives none.
    seed
        Of the weights, the order and the dropout.
    """

    epochs: int = 60
    batch: int = 128
    rate: float = 2e-3
    decay: float = 1e-6
    dropout: float = 0.3
    balance: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class TempCnnModel:
    """A trained TempCNN with its scaling.

    Attributes
    ----------
    net
        The network, in evaluation mode.
    low, span
        float32 (1, channel, 1): second percentile and distance to the 98th, as in the paper.
    classes
        int64 (class,): codes of the columns, rising.
    """

    net: TempCNN
    low: NDArray[np.float32]
    span: NDArray[np.float32]
    classes: NDArray[np.int64]

    def probabilities(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities, float32 (pixel, class), of series (pixel, channel, month)."""
        out = np.empty((len(series), len(self.classes)), np.float32)
        with torch.no_grad():
            for start in range(0, len(series), _CHUNK):
                part = torch.from_numpy(scaled(series[start : start + _CHUNK], self.low, self.span))
                out[start : start + _CHUNK] = torch.softmax(self.net(part), dim=1).numpy()
        return out


def scaled(
    series: NDArray[np.float32], low: NDArray[np.float32], span: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Series with each channel brought to about 0 … 1."""
    return np.asarray((series - low) / span, np.float32)


def fit_tempcnn(
    series: NDArray[np.float32],
    codes: NDArray[np.integer],
    weight: NDArray[np.floating],
    settings: TempCnnSettings,
) -> TempCnnModel:
    """Train on all series for a fixed number of epochs.

    Parameters
    ----------
    series
        float32 (n, channel, month), without gaps.
    codes
        Class codes (n,).
    weight
        Weights (n,).
    settings
        Choices.
    """
    classes, target = np.unique(codes, return_inverse=True)
    low, high = np.percentile(series, (2, 98), axis=(0, 2), keepdims=True).astype(np.float32)
    span = np.maximum(high - low, np.float32(1e-6))
    data = _Data(
        torch.from_numpy(scaled(series, low, span)),
        torch.from_numpy(target.astype(np.int64)),
        torch.from_numpy(_balanced(target, weight, settings.balance)),
    )
    with _repeatable(settings.seed):
        net = TempCNN(*series.shape[1:], len(classes), settings.dropout)
        adam = torch.optim.Adam(net.parameters(), lr=settings.rate, weight_decay=settings.decay)
        anneal = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.epochs)
        for _ in range(settings.epochs):
            _pass(net, adam, data, settings.batch)
            anneal.step()
    return TempCnnModel(net.eval(), low, span, classes.astype(np.int64))


def _balanced(
    target: NDArray[np.integer], weight: NDArray[np.floating], power: float
) -> NDArray[np.float32]:
    """Weights with rare classes raised, mean 1."""
    total = np.bincount(target, weight)
    raised = weight * (total[target] / total.mean()) ** -power
    return np.asarray(raised / raised.mean(), np.float32)


@dataclass(frozen=True, eq=False)
class _Data:
    series: Tensor
    target: Tensor
    weight: Tensor


def _pass(net: TempCNN, adam: torch.optim.Optimizer, data: _Data, batch: int) -> None:
    net.train()
    for part in torch.randperm(len(data.series)).split(batch):
        if len(part) < 2:  # batch normalisation needs two
            continue
        each = nn.functional.cross_entropy(
            net(data.series[part]), data.target[part], reduction="none"
        )
        adam.zero_grad()
        (each * data.weight[part]).mean().backward()
        adam.step()


@contextlib.contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Seed torch, on one thread, and leave it as it was found."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
