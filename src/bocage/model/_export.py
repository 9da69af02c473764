"""The trained network as an ONNX graph and as safetensors. Imports torch."""

from __future__ import annotations

import logging
import warnings

import torch
from safetensors.torch import save
from torch.export import Dim

from bocage.model._network import HARMONICS, FieldNet

_OPSET = 18


def export_graph(net: FieldNet) -> bytes:
    """ONNX bytes with free batch, months and window (multiples of 4); the same for equal weights.

    Parameters
    ----------
    net
        Network on the CPU, in evaluation mode.
    """
    bands = net.sizes.bands * 16
    example = (torch.zeros(2, 3, bands, 8, 12), torch.ones(2, 3, 8, 12), torch.zeros(3, HARMONICS))
    batch, month = Dim("batch", max=1024), Dim("month", max=64)
    height, width = Dim("y4", max=4096), Dim("x4", max=4096)
    axes = {
        "series": {0: batch, 1: month, 3: 4 * height, 4: 4 * width},
        "observed": {0: batch, 1: month, 2: 4 * height, 3: 4 * width},
        "season": {0: month},
    }
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


def export_weights(net: FieldNet) -> bytes:
    """All weights and buffers in the safetensors format."""
    data: bytes = save({name: v.contiguous() for name, v in sorted(net.state_dict().items())})
    return data
