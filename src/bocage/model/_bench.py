"""What training needs at hand, and how a network learns from it. Imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bocage.model._features import LIMIT, fill_months, index_names, indices_of
from bocage.model._pixels import Pixels
from bocage.model._targets import present_classes

_INDEX_SCALE = 4.0  # differences lie within ±1, most of them within a few tenths
_WARM = 0.05
_DECAY = 1e-4
_CHUNK = 8192  # pixels that are classified in one go

Net = TypeVar("Net", bound=nn.Module)

Loss = Callable[[Tensor, NDArray[np.intp]], Tensor]
"""Logits (pixel, class) of some pixels and which they are → the loss of each."""


@dataclass(frozen=True)
class View:
    """What a network sees.

    Attributes
    ----------
    scales
        0: the pixel itself, 1 …: its surroundings in the order of `WIDE_M`.
    indices
        Normalised differences instead of bands: the same whatever the light.
    """

    scales: tuple[int, ...]
    indices: bool = False


@dataclass(eq=False)
class Bench:
    """Pixels ready for networks.

    Attributes
    ----------
    pixels
        All of them.
    values
        float32 (pixel, month, 1 + scale, band): reflectance.
    place
        float32 (pixel, layer): standardised.
    mean, deviation
        Per band.
    present
        bool (class,), classes that labels teach.
    device
        Where the networks live.
    precision
        See `fit`.
    """

    pixels: Pixels
    values: NDArray[np.float32]
    place: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    present: NDArray[np.bool_]
    device: torch.device
    precision: torch.dtype | None = None

    def inputs(
        self,
        which: NDArray[np.intp],
        view: View,
        hide: tuple[float, np.random.Generator] | None = None,
    ) -> Tensor:
        """Inputs of some pixels, (pixel, scale · month · channel + layer).

        Parameters
        ----------
        which
            Their positions.
        view
            What is seen of them.
        hide
            Half of the pixels lose a random share of up to this of their months, drawn by this.
        """
        values = self.values[which][:, :, list(view.scales)]
        seen = self.pixels.observed[which]
        if hide:
            seen = hide_months(seen, *hide)
        count, months, scales, bands = values.shape
        flat = values.reshape(count, months, scales * bands).transpose(1, 2, 0)
        full = fill_months(flat, np.ascontiguousarray(seen.T))
        full = full.reshape(months, scales, bands, count).transpose(1, 0, 2, 3)
        if view.indices:
            full = _INDEX_SCALE * indices_of(full, self.pixels.bands)
        else:
            full = (full - self.mean[:, None]) / self.deviation[:, None]
            np.clip(full, -LIMIT, LIMIT, out=full)
        # Counted, not −1: there may be no pixel at all.
        seasons = full.reshape(self.channels(view) - len(self.pixels.layers), count).T
        return self.tensor(np.concatenate([seasons, self.place[which]], axis=1))

    def channels(self, view: View) -> int:
        """Number of inputs of a pixel."""
        bands = self.pixels.bands
        each = len(index_names(bands)) if view.indices else len(bands)
        return len(view.scales) * len(self.pixels.months) * each + len(self.pixels.layers)

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """An array on the device."""
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def set_up(pixels: Pixels, precision: str = "single") -> Bench:
    """Pixels as networks take them, on the GPU where there is one; for `precision` see settings."""
    seen = pixels.near[pixels.observed].astype(np.float64)  # (pixel and month, band)
    mean = seen.mean(axis=0).astype(np.float32)
    deviation = np.maximum(seen.std(axis=0), 1e-3).astype(np.float32)
    layers = layer_statistics(pixels)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = precision == "bfloat16" or (precision == "auto" and device.type == "cuda")
    return Bench(
        pixels=pixels,
        values=reflectance_of(pixels),
        place=(pixels.place - layers[0]) / layers[1],
        mean=mean,
        deviation=deviation,
        present=present_classes(pixels.allowed[pixels.labelled]),
        device=device,
        precision=torch.bfloat16 if half else None,
    )


def layer_statistics(pixels: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation of each layer of the place; layers that are the same everywhere stay 0."""
    mean, deviation = pixels.place.mean(axis=0), pixels.place.std(axis=0)
    return mean, np.where(deviation > 1e-6, deviation, np.float32(1))


def reflectance_of(pixels: Pixels) -> NDArray[np.float32]:
    """Pixels at all scales as (pixel, month, 1 + scale, band)."""
    near, wide = pixels.near[:, :, None], pixels.wide.transpose(0, 2, 1, 3)
    return np.concatenate([near, wide], axis=2).astype(np.float32)


def hide_months(
    seen: NDArray[np.bool_], most: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Hide months of every other pixel, a random share (0 … `most`) of them, (pixel, month).

    Pixels that would lose their last month keep what they have.
    """
    share = rng.uniform(0, most, len(seen)) * (rng.random(len(seen)) < 0.5)
    left: NDArray[np.bool_] = seen & (rng.random(seen.shape) >= share[:, None])
    return np.where(left.any(axis=1, keepdims=True), left, seen)


def fit(
    net: Net,
    which: NDArray[np.intp],
    inputs: Callable[[NDArray[np.intp]], Tensor],
    loss: Loss,
    *,
    epochs: int,
    batch: int,
    rate: float,
    rng: np.random.Generator,
    told: Callable[[float], None],
    precision: torch.dtype | None = None,
) -> Net:
    """Train a network on two pixels or more; the rate falls along a cosine to zero.

    Parameters
    ----------
    net
        The network, where it is to be trained.
    which
        Positions of the pixels.
    inputs
        Positions → what the network takes.
    loss
        See `Loss`.
    epochs, batch, rate
        Passes, pixels a step, highest learning rate.
    rng
        Of the order of the pixels.
    told
        Called after each epoch with the mean loss.
    precision
        Of the products of matrices; weights, sums and losses stay in single precision
        (Micikevicius et al. 2018, ICLR). None: single as well.
    """
    # Never a part of one pixel: it has no variance to normalise by.
    each_epoch = min(math.ceil(len(which) / batch), len(which) // 2)
    steps = epochs * each_epoch
    # Fused: one call a step, not one for each operation on each layer; saves a fifth of it.
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _factor(step, steps))
    net.train()
    for _ in range(epochs):
        order, total = rng.permutation(which), 0.0
        for part in np.array_split(order, each_epoch):
            given = inputs(part)
            with torch.autocast(given.device.type, precision, enabled=precision is not None):
                logits = net(given)
            value = loss(logits.float(), part).mean()
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            optimiser.step()
            schedule.step()
            total += float(value.detach())
        told(round(total / each_epoch, 6))
    return net.eval()


def _factor(step: int, steps: int) -> float:
    done = min((step + 1) / max(steps, 1), 1.0)
    return done / _WARM if done < _WARM else 0.5 + 0.5 * math.cos(math.pi * done)


def logits_of(
    net: nn.Module, which: NDArray[np.intp], inputs: Callable[[NDArray[np.intp]], Tensor]
) -> Tensor:
    """Logits (pixel, class) of some pixels, without gradients."""
    net.eval()
    with torch.no_grad():
        parts = [
            net(inputs(which[at : at + _CHUNK])) for at in range(0, max(len(which), 1), _CHUNK)
        ]
    return torch.cat(parts)


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
