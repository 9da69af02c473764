"""The field engine at work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from bocage.grid import GRID_RATIO
from bocage.model._facts import Answer, Run
from bocage.model._graph_model import GraphModel, softmax_in_place
from bocage.model._scales import Look


@dataclass(frozen=True, eq=False)
class FieldModel(GraphModel):
    """A trained field network.

    Its graph takes ``near`` (month · band, y, 4, x, 4) and ``wide`` (scale · month · band + layer,
    y, x), reflectance without gaps, and gives ``logits`` (class + 1, y, 4, x, 4): of the classes,
    divided by the temperature, and of the share of the entropy that comes from what the labels
    did not teach.
    """

    def runner(self, threads: int = 1) -> Run:
        """A function from one window of a series to what the network says at 2.5 m."""
        session = self.session(threads)

        def run(look: Look) -> Answer:
            height, width = look.wide.shape[-2:]
            near = self.within(look.near).reshape(-1, height, GRID_RATIO, width, GRID_RATIO)
            wide = self.within(look.wide).reshape(-1, height, width)
            inputs = {"near": near, "wide": np.concatenate([wide, np.nan_to_num(look.place)])}
            logits = session.run(["logits"], inputs)[0]
            found = np.ascontiguousarray(logits.reshape(len(logits), GRID_RATIO * height, -1))
            softmax_in_place(found[:-1])
            return Answer(found[:-1], expit(found[-1]))

        return run
