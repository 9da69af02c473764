"""The field engine at work: the exported graph in ONNX Runtime, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import expit

from bocage.files import atomic_path
from bocage.graphs import open_graph
from bocage.grid import GRID_RATIO
from bocage.model._facts import Answer, Facts, Run, read_facts, write_facts
from bocage.model._features import LIMIT
from bocage.model._scales import Look

_GRAPH, _WEIGHTS = "model.onnx", "model.safetensors"


@dataclass(frozen=True, eq=False)
class FieldModel:
    """A trained field network.

    Attributes
    ----------
    facts
        Legend, bands, months, normalisation, metrics …
    graph
        The network as ONNX: ``near`` (month · band, y, 4, x, 4) and ``wide``
        (scale · month · band + layer, y, x), reflectance without gaps, to ``logits``
        (class + 1, y, 4, x, 4): of the classes, divided by the temperature, and of the share of
        the entropy that comes from what the labels did not teach.
    weights
        The weights in safetensors, before standardisation and temperature are folded in.
    """

    facts: Facts
    graph: bytes
    weights: bytes

    def save(self, folder: Path | str) -> Path:
        """Write ``model.onnx``, ``model.safetensors`` and ``model.json``; return the folder."""
        folder = Path(folder)
        for name, data in ((_GRAPH, self.graph), (_WEIGHTS, self.weights)):
            with atomic_path(folder / name) as part:
                part.write_bytes(data)
        write_facts(folder, self.facts, (_GRAPH, _WEIGHTS))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> FieldModel:
        """Read a folder that `save` has written; nothing in it is executed as code."""
        facts = read_facts(folder)
        graph, weights = ((Path(folder) / name).read_bytes() for name in (_GRAPH, _WEIGHTS))
        return cls(facts, graph, weights)

    def runner(self, threads: int = 1) -> Run:
        """A function from one window of a series to what the network says at 2.5 m."""
        session = open_graph(self.graph, threads, "the graph of the model", "train the model again")

        def run(look: Look) -> Answer:
            height, width = look.wide.shape[-2:]
            near = self._within(look.near).reshape(-1, height, GRID_RATIO, width, GRID_RATIO)
            wide = self._within(look.wide).reshape(-1, height, width)
            inputs = {"near": near, "wide": np.concatenate([wide, np.nan_to_num(look.place)])}
            logits = session.run(["logits"], inputs)[0]
            found = np.ascontiguousarray(logits.reshape(len(logits), GRID_RATIO * height, -1))
            _softmax_compiled(found[:-1])
            return Answer(found[:-1], expit(found[-1]))

        return run

    def _within(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
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


_softmax_compiled = njit(cache=True, nogil=True)(_softmax)
