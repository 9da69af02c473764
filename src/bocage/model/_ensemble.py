"""The network and the trees together: their probabilities are averaged, then calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.model._calibrate import fit_temperature, log_likelihood, scores
from bocage.model._facts import Facts, Run, read_facts, write_facts
from bocage.model._field import FieldModel
from bocage.model._targets import Held
from bocage.model._trees import TreesModel, soften

_MEMBERS = ("field", "trees")
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the network
_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class EnsembleModel:
    """A network and a forest.

    Attributes
    ----------
    facts
        Legend, bands, months, metrics …; the temperature is that of the mean.
    field, trees
        The members, each calibrated for itself.
    share
        Weight of the network, 0 … 1.
    """

    facts: Facts
    field: FieldModel
    trees: TreesModel
    share: float

    def save(self, folder: Path | str) -> Path:
        """Write the members into folders of their own, and ``model.json``; return the folder."""
        folder = Path(folder)
        for name in _MEMBERS:
            getattr(self, name).save(folder / name)
        write_facts(folder, self.facts, tuple(f"{name}/model.json" for name in _MEMBERS))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> EnsembleModel:
        """Read a folder that `save` has written; nothing in it is executed as code."""
        facts = read_facts(folder)
        if "share" not in facts.metrics:
            raise InputError(f"{folder} holds no ensemble", remedy="train it again")
        field = FieldModel.load(Path(folder) / "field")
        trees = TreesModel.load(Path(folder) / "trees")
        return cls(facts, field, trees, float(facts.metrics["share"]))

    def runner(self, threads: int = 1) -> Run:
        """A function from one window of a series to class probabilities at 2.5 m."""
        parts = [
            (weight, member.runner(threads))
            for weight, member in ((self.share, self.field), (1 - self.share, self.trees))
            if weight > 0
        ]
        temperature, codes = self.facts.temperature, self.facts.codes
        present = ~np.isin(codes, self.facts.absent)

        def run(
            reflectance: NDArray[np.float32], seen: NDArray[np.bool_], months: tuple[int, ...]
        ) -> NDArray[np.float32]:
            found = np.zeros((len(codes), *reflectance.shape[-2:]), np.float32)
            for weight, member in parts:
                found += np.float32(weight) * member(reflectance, seen, months)
            flat = soften(found.reshape(len(found), -1).T, temperature) * present
            flat /= flat.sum(axis=1, keepdims=True)
            return np.ascontiguousarray(flat.T).reshape(found.shape)

        return run


def combine(
    field: tuple[FieldModel, Held], trees: tuple[TreesModel, Held]
) -> tuple[EnsembleModel, Held]:
    """Weigh the members by what they say of held-out labels.

    The share of the network and the temperature of the mean make the labels likeliest that
    both have held out; without such labels both count the same.

    Parameters
    ----------
    field, trees
        A trained member, and its calibrated probabilities of held-out labels.

    Returns
    -------
    EnsembleModel
        Both together.
    Held
        What they say of the labels that both have held out.
    """
    _, here, there = np.intersect1d(field[1].labels, trees[1].labels, return_indices=True)
    if not len(here):
        nothing = Held.nothing(len(field[0].facts.codes))
        return _put_together(field[0], trees[0], 0.5, 1.0, {}), nothing
    allowed, weight = field[1].allowed[here], field[1].weight[here]
    first, second = field[1].probability[here], trees[1].probability[there]
    tried = []
    for share in _SHARES:
        logs = np.log(np.maximum(share * first + (1 - share) * second, _TINY))
        temperature = fit_temperature(logs, allowed, weight)
        loss = -(weight * log_likelihood(logs, allowed, temperature)).sum()
        tried.append((float(loss), share, temperature))
    _, share, temperature = min(tried)
    mean = soften((share * first + (1 - share) * second).astype(np.float32), temperature)
    members = {"field": scores(first, allowed), "trees": scores(second, allowed)}
    found = {"calibration": scores(mean, allowed), "members": members}
    held = Held(field[1].labels[here], mean, allowed, weight)
    return _put_together(field[0], trees[0], share, temperature, found), held


def _put_together(
    field: FieldModel,
    trees: TreesModel,
    share: float,
    temperature: float,
    found: Mapping[str, Any],
) -> EnsembleModel:
    metrics = {**field.facts.metrics, "share": share, "temperature": temperature, **found}
    facts = replace(field.facts, engine="ensemble", temperature=temperature, metrics=metrics)
    return EnsembleModel(facts, field, trees, share)
