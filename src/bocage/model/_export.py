"""The trained network as an ONNX graph and as safetensors. Imports torch."""

from __future__ import annotations

import torch
from safetensors.torch import save
from torch.export import Dim

from bocage.graphs import export_graph as _export
from bocage.grid import GRID_RATIO
from bocage.model._network import FieldNet
from bocage.model._tempcnn import ReflectanceNet


def export_graph(net: FieldNet) -> bytes:
    """ONNX bytes with a free window; the same for equal weights.

    Parameters
    ----------
    net
        Network on the CPU, in evaluation mode.
    """
    height, width = Dim("y", max=4096), Dim("x", max=4096)
    example = (
        torch.zeros(net.weights[0].shape[1], 3, GRID_RATIO, 5, GRID_RATIO),
        torch.zeros(net.around.shape[1], 3, 5),
    )
    axes = {"near": {1: height, 3: width}, "wide": {1: height, 2: width}}
    return _export(net, example, axes, "logits")


def export_pixel_graph(net: ReflectanceNet) -> bytes:
    """ONNX bytes with a free number of pixels; the same for equal weights."""
    example = (torch.zeros(3, net.mean.numel()),)
    axes = {"series": {0: Dim("pixel", max=2**24)}}
    return _export(net, example, axes, "logits")


def export_weights(net: torch.nn.Module) -> bytes:
    """All weights and buffers in the safetensors format."""
    data: bytes = save({name: v.contiguous() for name, v in sorted(net.state_dict().items())})
    return data
