from __future__ import annotations

import numpy as np
import pytest

from bocage.change import TransitionPrior
from bocage.errors import ConfigError, InputError
from bocage.legend import Legend, LegendClass, load_legend


def legend() -> Legend:
    return Legend("three", tuple(LegendClass((c,), (str(c),), "#000000") for c in (11, 12, 20)))


def test_rows_add_up_and_the_diagonal_is_stay() -> None:
    matrix = TransitionPrior(0.9).matrix(legend())
    assert matrix == pytest.approx(np.full((3, 3), 0.05) + np.eye(3) * 0.85)


def test_rules_and_the_last_one_holds() -> None:
    prior = TransitionPrior(0.9, (("1*", "*", 0.1), ("11", "12", 1.0)))
    matrix = prior.matrix(legend())
    assert matrix[0].tolist() == pytest.approx([0.945, 0.05, 0.005])
    assert matrix[1].tolist() == pytest.approx([0.005, 0.99, 0.005])
    assert matrix[2].tolist() == pytest.approx([0.05, 0.05, 0.9])


def test_a_legend_of_one_class_stays() -> None:
    single = Legend("one", (LegendClass((1,), ("a",), "#000000"),))
    assert TransitionPrior().matrix(single).tolist() == [[1.0]]


def test_packaged_table() -> None:
    pa = load_legend("pa")
    prior = TransitionPrior.for_legend(pa)
    matrix = prior.matrix(pa)
    assert matrix.sum(axis=1) == pytest.approx(1)
    assert (matrix.diagonal() >= 0.98 - 1e-9).all()
    known = {str(c) for level in range(1, 5) for c in pa.codes(level)}
    for source, target, _ in prior.rules:
        # Each pattern stands for at least one class of the legend.
        assert {source, source[:-1]} & (known | {""})
        assert {target, target[:-1]} & (known | {""})
    built = pa.index(pa.roles["road"]) - 1
    canal = pa.index(pa.roles["canal"]) - 1
    arable = pa.index(2110) - 1
    grass = pa.index(4100) - 1
    assert matrix[built, arable] < matrix[arable, grass] / 10
    assert matrix[canal, arable] < matrix[arable, grass] / 10


def test_no_table_means_no_rules() -> None:
    assert TransitionPrior.for_legend(legend()).rules == ()


def test_csv(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("from,to,factor\n1*,*,0.5\n", encoding="utf-8")
    assert TransitionPrior.from_csv(path, stay=0.9).rules == (("1*", "*", 0.5),)
    path.write_text("from,to\n1*,*\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns from, to and factor"):
        TransitionPrior.from_csv(path)
    path.write_text("from,to,factor\n1*,*,few\n", encoding="utf-8")
    with pytest.raises(InputError, match="few"):
        TransitionPrior.from_csv(path)


def test_wrong_values_are_named() -> None:
    with pytest.raises(ConfigError, match="no change is 1"):
        TransitionPrior(1.0)
    with pytest.raises(ConfigError, match="1 → 2 is 3"):
        TransitionPrior(rules=(("1", "2", 3.0),))
