from __future__ import annotations

import pytest

from bocage.errors import ConfigError, InputError
from bocage.generalize import ExceptionRule, GeneralizeSettings, list_rules, load_rules


def test_rules_of_the_package():
    assert list_rules() == ("pa", "plain")
    least = {rule.name: rule.min_ha for rule in load_rules("pa").exceptions}
    assert least == {
        "marginal": 0.2,
        "linear": 0.2,
        "urban_confined": 0.25,
        "complex_change": 0.05,
    }
    assert [r.cluster_ha for r in load_rules("pa").exceptions] == [None, None, None, 0.5]
    assert GeneralizeSettings().rules == load_rules("pa")


def test_rules_from_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("exceptions:\n- {name: a, min_ha: 1, flag: linear, views: [change]}\n")
    rules = load_rules(path)
    assert rules.id == "mine"
    assert rules.exceptions == (ExceptionRule("a", 1.0, ("change",), flag="linear"),)
    assert not rules.exceptions[0].needs_neighbour
    assert ExceptionRule("b", 1.0, neighbour_roles=("road",)).needs_neighbour


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML"),
        ("- 1", "keys id and exceptions"),
        ("rules: []", "keys id and exceptions"),
        ("exceptions: {a: 1}", "exceptions is no list"),
        ("exceptions: [1]", "exception 0 is no mapping"),
        ("exceptions: [{name: a}]", "min_ha is missing"),
        ("exceptions: [{name: a, min_ha: big}]", "min_ha is no number"),
        ("exceptions: [{name: a, min_ha: -1}]", "min_ha is below 0"),
        ("exceptions: [{name: a, min_ha: 1, views: [map]}]", "views"),
        ("exceptions: [{name: a, min_ha: 1, cluster_ha: 2}]", "only changes form clusters"),
        ("exceptions: [{name: a, min_ha: 1, views: [change], cluster_ha: 0}]", "above 0"),
        ("exceptions: [{name: a, min_ha: 1, views: [change], cluster_ha: b}]", "cluster_ha is no"),
        ("exceptions: [{name: a, min_ha: 1, class: 3}]", "unknown key class"),
    ],
)
def test_wrong_rules_are_named(tmp_path, text, message):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_rules(path)


def test_unknown_rules_and_settings_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no rules 'strict'"):
        load_rules("strict")
    with pytest.raises(InputError, match="no such file"):
        load_rules(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="mmu_ha is -1"):
        GeneralizeSettings(mmu_ha=-1)
    with pytest.raises(ConfigError, match="tolerance_m is nan"):
        GeneralizeSettings(tolerance_m=float("nan"))
