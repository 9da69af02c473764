"""Networks as ONNX graphs: written once with torch, run anywhere without it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from bocage.errors import InputError

ORT_ERRORS = (
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)
"""What ONNX Runtime raises."""

_OPSET = 18


def open_graph(data: bytes, threads: int, what: str, remedy: str) -> onnxruntime.InferenceSession:
    """A session on the CPU.

    Parameters
    ----------
    data
        The ONNX file.
    threads
        Threads of the runtime.
    what, remedy
        For the message.

    Raises
    ------
    InputError
        If it is no graph that can be run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Windows differ in size: a kept arena would grow to the sum of all of them.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        raise InputError(f"{what} cannot be run: {error}", remedy=remedy) from error


def export_graph(
    net: Any,
    example: tuple[Any, ...],
    axes: Mapping[str, Mapping[int, Any]],
    output: str,
    facts: Mapping[str, str] | None = None,
) -> bytes:
    """ONNX bytes of a torch module; the same for equal weights. Imports torch.

    Parameters
    ----------
    net
        Module on the CPU, in evaluation mode.
    example
        Inputs of any size.
    axes
        Free axes (`torch.export.Dim`) of each input, by its name.
    output
        Name of the output.
    facts
        Texts that are kept in the file.
    """
    import torch

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
                output_names=[output],
                dynamic_shapes={name: dict(free) for name, free in axes.items()},
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
    for key, value in (facts or {}).items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = key, value
    data: bytes = graph.SerializeToString(deterministic=True)
    return data
