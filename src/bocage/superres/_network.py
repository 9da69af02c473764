"""The network in torch, and its ONNX graph. Imports torch: used in training only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn
from torch.export import Dim
from torch.nn import functional as nnf

from bocage.graphs import export_graph as _export
from bocage.superres._bicubic import FACTOR
from bocage.superres._lmmse import SIDE

_PHASES = FACTOR**2
_AROUND = 9
"""Side of the window whose mean is taken off before the network looks."""


class FineNet(nn.Module):
    """Residual network at the coarse resolution (ESPCN of Shi et al., 2016, with residual blocks).

    A linear filter of each band (which starts as the one of `lmmse`) gives the image; the
    network adds what it sees in all bands together. It has no biases and looks at differences
    to the local mean: contrast and level of the unit do not matter, f(a x + b) = a f(x) + b for
    a > 0 (bias-free networks: Mohan et al., 2020, ICLR).
    """

    def __init__(self, filters: NDArray[np.float32], features: int = 40, blocks: int = 6) -> None:
        super().__init__()
        bands = len(filters)
        fine = bands * _PHASES
        taps = filters.transpose(0, 2, 1).reshape(fine, 1, SIDE, SIDE)
        self.linear = nn.Parameter(torch.from_numpy(np.ascontiguousarray(taps)))
        self.head = nn.Conv2d(bands, features, 3, padding=1, bias=False)
        self.blocks = nn.ModuleList(_Block(features) for _ in range(blocks))
        self.tail = nn.Conv2d(features, fine, 3, padding=1, bias=False)
        nn.init.zeros_(self.tail.weight)

    def forward(self, coarse: torch.Tensor) -> torch.Tensor:
        """(patch, band, y, x) to (patch, band, 4 y, 4 x)."""
        mean = nnf.avg_pool2d(coarse, _AROUND, 1, _AROUND // 2, count_include_pad=False)
        found = start = self.head(coarse - mean)
        for block in self.blocks:
            found = block(found)
        wide = nnf.pad(coarse, (SIDE // 2,) * 4, mode="replicate")
        linear = nnf.conv2d(wide, self.filters(), groups=coarse.shape[1])
        return nnf.pixel_shuffle(self.tail(found + start) + linear, FACTOR)

    def filters(self) -> torch.Tensor:
        """The linear filters with weights that sum to one."""
        lack = 1 - self.linear.sum(dim=(2, 3), keepdim=True)
        centre = nnf.pad(lack, (SIDE // 2,) * 4)
        return self.linear + centre


class _Block(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1, bias=False)
        self.second = nn.Conv2d(features, features, 3, padding=1, bias=False)
        with torch.no_grad():
            self.second.weight *= 0.1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = x + self.second(torch.relu(self.first(x)))
        return found


def export_graph(net: FineNet, bands: Sequence[str]) -> bytes:
    """ONNX bytes for one image of any size; the same for equal weights.

    Parameters
    ----------
    net
        Network on the CPU, in evaluation mode.
    bands
        Names of its bands, kept in the file.
    """
    example = (torch.zeros(1, net.head.in_channels, 24, 28),)
    axes = {"coarse": {2: Dim("y", min=8, max=8192), 3: Dim("x", min=8, max=8192)}}
    return _export(net, example, axes, "fine", {"bands": " ".join(bands)})


def export_weights(net: FineNet) -> bytes:
    """All weights in the safetensors format."""
    data: bytes = save({name: v.contiguous() for name, v in sorted(net.state_dict().items())})
    return data
