"""The trained network as an ONNX graph and as safetensors. Imports torch."""

from __future__ import annotations

import logging
import warnings

import torch
from safetensors.torch import save
from torch.export import Dim

from bocage.grid import GRID_RATIO
from bocage.model._network import FieldNet, PixelNet

_OPSET = 18


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
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # The exporter warns about its own internals.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                net,
                example,
                dynamo=True,
                input_names=list(axes),
                output_names=["logits"],
                dynamic_shapes=axes,
                opset_version=_OPSET,
                external_data=False,
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    graph = program.model_proto  # type: ignore[union-attr]
    # Notes of the exporter (stack traces, file names of this machine) do not belong in a model.
    for holder in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info):
        del holder.metadata_props[:]
    for described in (graph.graph, *graph.graph.node, *graph.graph.value_info):
        described.doc_string = ""
    data: bytes = graph.SerializeToString(deterministic=True)
    return data


def export_weights(net: PixelNet) -> bytes:
    """All weights and buffers in the safetensors format."""
    data: bytes = save({name: v.contiguous() for name, v in sorted(net.state_dict().items())})
    return data
