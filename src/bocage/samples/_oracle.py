"""Who answers: a person through a table of answers, or the truth in an experiment."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.errors import InputError

NO_ANSWER = -1
"""Class of a place that was not answered (yet), or that nobody can tell."""


class Answers(NamedTuple):
    """Answers about places.

    Attributes
    ----------
    label
        intp (place,): position of the class; `NO_ANSWER` where there is none.
    cost
        float64 (place,): what each answer cost, in any one unit, such as minutes.
    """

    label: NDArray[np.intp]
    cost: NDArray[np.float64]


class Oracle(Protocol):
    """Tells the class of places."""

    def __call__(self, places: NDArray[np.intp]) -> Answers:
        """Answers about `places` (positions of samples), in their order."""
        ...


class TableOracle:
    """Answers that stand in a table: of a labelling store, of the truth, or of a former run.

    Parameters
    ----------
    table
        One row a place: ``sample`` (position), ``label`` (position of the class, `NO_ANSWER`
        where the person could not tell), ``cost``. A place that is missing has no answer and
        costs nothing.

    Raises
    ------
    InputError
        If a column is missing or a place was answered twice.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        if missing := {"sample", "label", "cost"} - set(table):
            raise InputError(
                f"the answers have no column {', '.join(sorted(missing))}",
                remedy="give sample, label and cost",
            )
        if table["sample"].duplicated().any():
            raise InputError("a place was answered twice", remedy="settle on one answer")
        self._table = table.set_index("sample")[["label", "cost"]]

    @classmethod
    def of_truth(cls, label: NDArray[np.integer], cost: float = 1.0) -> TableOracle:
        """The truth (sample,), at one price for all."""
        return cls(pd.DataFrame({"sample": np.arange(len(label)), "label": label, "cost": cost}))

    def __call__(self, places: NDArray[np.intp]) -> Answers:
        """Look the places up."""
        rows = self._table.reindex(places)
        return Answers(
            rows["label"].fillna(NO_ANSWER).to_numpy().astype(np.intp),
            rows["cost"].fillna(0).to_numpy(np.float64),
        )
