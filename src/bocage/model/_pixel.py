"""The pixel engine at work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bocage.model._facts import Answer, Run
from bocage.model._graph_model import GraphModel, softmax_in_place
from bocage.model._scales import Look

_CHUNK = 16384  # pixels that are classified in one go


@dataclass(frozen=True, eq=False)
class PixelModel(GraphModel):
    """A trained TempCNN.

    Its graph takes ``series`` (pixel, month · band), reflectance without gaps, and gives
    ``logits`` (pixel, class), divided by the temperature.
    """

    def runner(self, threads: int = 1) -> Run:
        """A function from one window of a series to what the network says at 2.5 m."""
        session = self.session(threads)

        def run(look: Look) -> Answer:
            near = self.within(look.near)
            rows = near.reshape(-1, near.shape[-2] * near.shape[-1]).T
            parts = [
                session.run(["logits"], {"series": np.ascontiguousarray(rows[at : at + _CHUNK])})[0]
                for at in range(0, len(rows), _CHUNK)
            ]
            logits = np.concatenate(parts).T.reshape(-1, *near.shape[-2:])
            found = np.ascontiguousarray(logits)
            softmax_in_place(found)
            return Answer(found)

        return run
