"""The networks: a committee that learns from labels, and the one that learns from the committee.

Imported only where torch is there (training); prediction runs the exported graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

HIDDEN = -1e4
"""Logit of a class that does not occur: exp gives exactly 0 in single precision."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a network: inputs of a pixel, outputs, hidden units and layers."""

    inputs: int
    outputs: int
    width: int
    layers: int = 2
    dropout: float = 0.0


class _Dropout:
    """Dropout with a generator of its own.

    That of torch shares one with all threads, and draws a share of ones, which takes a CPU thrice
    as long as even numbers.
    """

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._seed = share, seed
        self._generator: torch.Generator | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if not self._share:
            return x
        if self._generator is None:  # only now is it known where the network lives
            self._generator = torch.Generator(x.device).manual_seed(self._seed)
        luck = torch.rand(x.shape, generator=self._generator, device=x.device)
        return x * ((luck >= self._share) / (1 - self._share)).to(x.dtype)


class PixelNet(nn.Module):
    """A perceptron over the seasons of a pixel and of its surroundings.

    Parameters
    ----------
    sizes
        Sizes of the network.
    present
        bool (output,); the others get a logit no softmax ever sees.
    seed
        Of what it drops: its own, so that networks may learn at the same time.
    """

    present: Tensor

    def __init__(self, sizes: Sizes, present: Sequence[bool], seed: int = 0) -> None:
        super().__init__()
        self.sizes = sizes
        self._drop = _Dropout(sizes.dropout, seed)
        inputs = [sizes.inputs, *[sizes.width] * (sizes.layers - 1)]
        self.linear = nn.ModuleList(nn.Linear(n, sizes.width) for n in inputs)
        self.norm = nn.ModuleList(nn.BatchNorm1d(sizes.width) for _ in inputs)
        self.last = nn.Linear(sizes.width, sizes.outputs)
        self.register_buffer("present", torch.tensor(list(present), dtype=torch.bool))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (pixel, output) of standardised pixels (pixel, input)."""
        x = pixels
        for linear, norm in zip(self.linear, self.norm, strict=True):
            x = F.relu(norm(linear(x)))
            x = self._drop(x) if self.training else x
        logits: Tensor = self.last(x)
        return logits.masked_fill(~self.present, HIDDEN)


class FieldNet(nn.Module):
    """A trained `PixelNet` for whole windows: the surroundings are looked at once in 10 m.

    Standardisation, batch normalisation and temperature are folded into the weights, so what
    goes in is reflectance.

    Parameters
    ----------
    net
        Trained; the first inputs are those of the pixel, the others those of its surroundings.
        The last output is no class, see `bocage.model._committee.teach`.
    near
        Number of the inputs of the pixel itself.
    mean, deviation
        Of every input.
    temperature
        The logits of classes are divided by it …
    warmth
        … times exp(Σ warmth · layer) over the layers of the place (layer,); no layers, no warmth.
    """

    present: Tensor

    def __init__(
        self,
        net: PixelNet,
        near: int,
        mean: Tensor,
        deviation: Tensor,
        temperature: float,
        warmth: Tensor | None = None,
    ) -> None:
        super().__init__()
        folded = [_folded(linear, norm) for linear, norm in zip(net.linear, net.norm, strict=True)]
        weight, bias = folded[0]
        weight = weight / deviation
        bias = bias - weight @ mean
        heat = torch.full_like(net.last.bias, temperature)
        heat[-1] = 1
        last = (net.last.weight / heat[:, None], net.last.bias / heat)
        layers = [(weight[:, :near], bias), *folded[1:], last]
        self.weights = nn.ParameterList(nn.Parameter(w.detach().clone()) for w, _ in layers)
        self.biases = nn.ParameterList(nn.Parameter(b.detach().clone()) for _, b in layers)
        self.around = nn.Parameter(weight[:, near:].detach().clone())
        self.register_buffer("present", net.present.clone())
        self.warmth = None if warmth is None or not warmth.any() else warmth.float()

    def forward(self, near: Tensor, wide: Tensor) -> Tensor:
        """Logits (class + 1, y, 4, x, 4), those of the classes calibrated.

        Parameters
        ----------
        near
            (month · band, y, 4, x, 4), reflectance without gaps.
        wide
            (scale · month · band + layer, y, x).
        """
        # Pixels in rows of a matrix: one product a layer, and no copy of the large input.
        around = (self.around @ wide.flatten(1)).unflatten(1, wide.shape[1:])
        x = (self.weights[0] @ near.flatten(1)).unflatten(1, near.shape[1:])
        x = x + around[:, :, None, :, None] + self.biases[0][:, None, None, None, None]
        x = F.relu(x).flatten(1)
        hidden = list(zip(self.weights, self.biases, strict=True))[1:]
        for weight, bias in hidden[:-1]:
            x = F.relu(weight @ x + bias[:, None])
        weight, bias = hidden[-1]
        logits = weight @ x + torch.where(self.present, bias, HIDDEN)[:, None]
        found: Tensor = logits.unflatten(1, near.shape[1:])
        if self.warmth is None:
            return found
        place = wide[-len(self.warmth) :]
        gain = torch.exp(-(self.warmth @ place.flatten(1))).unflatten(0, place.shape[1:])
        return torch.cat([found[:-1] * gain[:, None, :, None], found[-1:]])


def _folded(linear: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias of a linear layer and the batch normalisation after it, as one."""
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight: Tensor = linear.weight * gain[:, None]
    bias: Tensor = (linear.bias - norm.running_mean) * gain + norm.bias
    return weight, bias
