"""A trained network at work: an exported graph in ONNX Runtime, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from bocage.files import atomic_path
from bocage.graphs import open_graph
from bocage.model._facts import Facts, read_facts, write_facts
from bocage.model._features import LIMIT

GRAPH, WEIGHTS = "model.onnx", "model.safetensors"


@dataclass(frozen=True, eq=False)
class GraphModel:
    """A trained network of any kind.

    Attributes
    ----------
    facts
        Legend, bands, months, normalisation, metrics …
    graph
        The network as ONNX; standardisation and temperature are in it.
    weights
        The weights in safetensors, without standardisation and temperature.
    """

    facts: Facts
    graph: bytes
    weights: bytes

    def save(self, folder: Path | str) -> Path:
        """Write ``model.onnx``, ``model.safetensors`` and ``model.json``; return the folder."""
        folder = Path(folder)
        for name, data in ((GRAPH, self.graph), (WEIGHTS, self.weights)):
            with atomic_path(folder / name) as part:
                part.write_bytes(data)
        write_facts(folder, self.facts, (GRAPH, WEIGHTS))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a folder that `save` has written; nothing in it is executed as code."""
        facts = read_facts(folder)
        graph, weights = ((Path(folder) / name).read_bytes() for name in (GRAPH, WEIGHTS))
        return cls(facts, graph, weights)

    def session(self, threads: int) -> InferenceSession:
        """The graph, ready to run."""
        return open_graph(self.graph, threads, "the graph of the model", "train the model again")

    def within(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values (…, band, y, x) within what the network was shown in training.

        Where nothing was ever seen they are 0, and the answer is not used.
        """
        mean, deviation = (
            np.array(v, np.float32)[:, None, None] for v in (self.facts.mean, self.facts.deviation)
        )
        found = np.nan_to_num(values)
        np.clip(found, mean - LIMIT * deviation, mean + LIMIT * deviation, out=found)
        return found


def _softmax(scores: NDArray[np.float32]) -> None:
    classes, height, width = scores.shape
    top, total = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        top[:] = scores[0, y]
        for c in range(1, classes):
            for x in range(width):
                top[x] = max(top[x], scores[c, y, x])
        total[:] = 0
        for c in range(classes):
            for x in range(width):
                value = np.exp(scores[c, y, x] - top[x])
                scores[c, y, x] = value
                total[x] += value
        for c in range(classes):
            for x in range(width):
                scores[c, y, x] /= total[x]


softmax_in_place = njit(cache=True, nogil=True)(_softmax)
"""Logits (class, y, x) become probabilities."""
