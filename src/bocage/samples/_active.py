"""Active learning: which places a person should label next, until more labels change little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from bocage.errors import ConfigError
from bocage.samples._learner import Learner, reduce_features
from bocage.samples._oracle import NO_ANSWER, Answers, Oracle
from bocage.samples._query import (
    bald_score,
    margin_score,
    pick_batch,
    rarity,
)
from bocage.samples._typical import share_out, typical_points

STARTS, SCORES = ("typical", "random"), ("margin", "bald", "random")


@dataclass(frozen=True)
class ActiveRules:
    """How labels are asked for.

    Attributes
    ----------
    start, start_count
        How the first places are chosen, typical or random, and how many.
    score
        What later places are chosen by: margin, bald (needs two learners) or random.
    batch
        Places a round.
    budget
        Cost at which to stop, in the unit of the oracle.
    spread
        Whether doubt is judged together with that of like places (`pick_batch`), or each place on
        its own, which served best where it was measured (docs/labels.md).
    rare
        Whether classes with few labels count more.
    distance_m
        Least distance between labelled places, metres.
    components
        Principal components of the features in which places are like each other.
    stable, patience
        Stop when the predictions of all places agree with those of the round before (Cohen's
        kappa, chance taken out) by at least `stable`, `patience` times in a row.

    References
    ----------
    Bloodgood, M. and Vijay-Shanker, K. (2009): A method for stopping active learning based on
    stabilizing predictions and the need for user-adjustable stopping. CoNLL.
    """

    start: str = "typical"
    start_count: int = 40
    score: str = "margin"
    batch: int = 20
    budget: float = 400.0
    spread: bool = False
    rare: bool = False
    distance_m: float = 30.0
    components: int = 20
    stable: float = 0.99
    patience: int = 3

    def __post_init__(self) -> None:
        if self.start not in STARTS or self.score not in SCORES:
            raise ConfigError(
                f"active learning cannot start by '{self.start}' and go on by '{self.score}'",
                remedy=f"start by {' or '.join(STARTS)}, go on by {', '.join(SCORES)}",
            )
        if min(self.start_count, self.batch, self.patience, self.components) < 1:
            raise ConfigError(
                "active learning: a count is below 1", remedy="ask for a place a round at least"
            )


@dataclass(frozen=True, eq=False)
class ActiveRun:
    """What was asked and answered.

    Attributes
    ----------
    record
        One row a place asked for, in order: ``round``, ``sample``, ``why`` (what it was chosen
        by), ``score``, ``label`` (−1: no answer), ``cost``. `TableOracle(record)`, the same
        features, rules and seed give the same record again.
    rounds
        One row a round: ``round``, ``labels``, ``cost`` (both so far), ``agreement`` (with the
        predictions of the round before, NaN in the first).
    stopped
        Why it ended: budget, stable, answers (a round without any answer) or places (none left).
    """

    record: pd.DataFrame
    rounds: pd.DataFrame
    stopped: str


def learn_actively(
    features: NDArray[np.floating],
    xy: NDArray[np.floating],
    region: NDArray[np.generic],
    classes: int,
    learners: Sequence[Learner],
    oracle: Oracle,
    rules: ActiveRules,
    *,
    seed: int = 0,
    watch: Callable[[NDArray[np.intp], NDArray[np.intp]], None] | None = None,
) -> ActiveRun:
    """Ask for labels round by round.

    The first places are typical of their regions, each region asked in proportion to its
    samples; later ones are those that the learners doubt.

    Parameters
    ----------
    features
        (sample, feature), finite.
    xy
        (sample, 2): coordinates, metres.
    region
        (sample,): names.
    classes
        Number of classes.
    learners
        Members of the ensemble that says what is in doubt.
    oracle
        Answers.
    rules
        How labels are asked for.
    seed
        Of all random steps.
    watch
        Told of the labelled samples and their labels after each round, for experiments.
    """
    loop = _Loop(features, xy, region, classes, learners, oracle, rules, seed)
    stopped = loop.ask(*loop.first())
    while not stopped:
        if watch is not None:
            watch(loop.places(), loop.labels())
        stopped = loop.finish() or loop.ask(*loop.next())
    return ActiveRun(loop.record(), pd.DataFrame(loop.rounds, columns=_ROUNDS), stopped)


_RECORD = ["round", "sample", "why", "score", "label", "cost"]
_ROUNDS = ["round", "labels", "cost", "agreement"]


class _Loop:
    """State of a run."""

    def __init__(
        self,
        features: NDArray[np.floating],
        xy: NDArray[np.floating],
        region: NDArray[np.generic],
        classes: int,
        learners: Sequence[Learner],
        oracle: Oracle,
        rules: ActiveRules,
        seed: int,
    ) -> None:
        self.features = np.asarray(features, np.float32)
        self.places_like, _ = reduce_features(self.features, self.features[:0], rules.components)
        self.xy, self.region, self.classes = xy, region, classes
        self.learners, self.oracle, self.rules = learners, oracle, rules
        self.rng = np.random.default_rng(seed)
        self.seed = seed
        self.rows: list[pd.DataFrame] = []
        self.rounds: list[dict[str, object]] = []
        self.predicted: NDArray[np.intp] | None = None
        self.calm = 0

    def record(self) -> pd.DataFrame:
        if not self.rows:
            return pd.DataFrame(columns=_RECORD)
        return pd.concat(self.rows, ignore_index=True)

    def places(self) -> NDArray[np.intp]:
        record = self.record()
        return record.loc[record["label"] != NO_ANSWER, "sample"].to_numpy(np.intp)

    def labels(self) -> NDArray[np.intp]:
        record = self.record()
        return record.loc[record["label"] != NO_ANSWER, "label"].to_numpy(np.intp)

    def first(self) -> tuple[NDArray[np.intp], NDArray[np.float64], str]:
        count = min(self.rules.start_count, len(self.features))
        if self.rules.start == "random":
            found = self.rng.permutation(len(self.features))[:count].astype(np.intp)
            return found, np.zeros(count), "random"
        chosen = []
        for name, share in share_out(count, self.region).items():
            own = np.flatnonzero(self.region == name)
            if share:
                chosen.append(own[typical_points(self.places_like[own], share, seed=self.seed)])
        found = np.concatenate(chosen)
        return found, np.zeros(len(found)), "typical"

    def ask(self, places: NDArray[np.intp], score: NDArray[np.float64], why: str) -> str:
        """Put questions and note the answers; says why to stop, if so."""
        if not len(places):
            return "places"
        answers: Answers = self.oracle(places)
        self.rows.append(
            pd.DataFrame(
                {
                    "round": len(self.rows),
                    "sample": places,
                    "why": why,
                    "score": score,
                    "label": answers.label,
                    "cost": answers.cost,
                },
                columns=_RECORD,
            )
        )
        return "" if (answers.label != NO_ANSWER).any() else "answers"

    def finish(self) -> str:
        """Learn from all answers, note the round; says why to stop, if so."""
        known, labels = self.places(), self.labels()
        allowed = np.zeros((len(known), self.classes), bool)
        allowed[np.arange(len(known)), labels] = True
        self.stack = np.stack(
            [learner(self.features[known], allowed, self.features) for learner in self.learners]
        )
        predicted = self.stack.mean(axis=0).argmax(axis=1)
        agreement = _kappa(self.predicted, predicted) if self.predicted is not None else np.nan
        self.predicted = predicted
        self.calm = self.calm + 1 if agreement >= self.rules.stable else 0
        cost = float(self.record()["cost"].sum())
        values = (len(self.rows) - 1, len(known), cost, agreement)
        self.rounds.append(dict(zip(_ROUNDS, values, strict=True)))
        if cost >= self.rules.budget:
            return "budget"
        return "stable" if self.calm >= self.rules.patience else ""

    def next(self) -> tuple[NDArray[np.intp], NDArray[np.float64], str]:
        rules, taken = self.rules, self.record()["sample"].to_numpy(np.intp)
        if rules.score == "random":
            free = np.setdiff1d(np.arange(len(self.features)), taken)
            found = self.rng.permutation(free)[: rules.batch].astype(np.intp)
            return found, np.zeros(len(found)), "random"
        mean = self.stack.mean(axis=0)
        score = bald_score(self.stack) if rules.score == "bald" else margin_score(mean)
        if rules.rare:
            score = score * rarity(mean, np.bincount(self.labels(), minlength=self.classes))
        found = pick_batch(
            score,
            self.places_like,
            self.xy,
            rules.batch,
            taken=taken,
            distance_m=rules.distance_m,
            spread=rules.spread,
        )
        return found, score[found], rules.score


def _kappa(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Agreement of two classifications beyond chance; 1 when they are the same."""
    return 1.0 if (one == other).all() else float(cohen_kappa_score(one, other))
