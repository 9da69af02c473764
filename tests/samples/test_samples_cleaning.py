import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import ConfigError, InputError
from bocage.legend import load_legend
from bocage.samples import (
    COLUMNS,
    DROP,
    KEEP,
    UNKNOWN,
    CleaningRules,
    Evidence,
    clean_samples,
    gather_evidence,
    judge,
    label_matrix,
    load_cleaning_rules,
    relabel_test,
)
from bocage.samples._table import samples_frame


def evidence(n, *, confident=(), near=None, overall=None, against=None):
    said = np.zeros(n, bool)
    said[list(confident)] = True
    values = [np.full(n, -0.5) if v is None else np.asarray(v, float) for v in (near, overall)]
    share = said.astype(float) if against is None else np.asarray(against, float)
    return Evidence(said, *values, share, np.zeros(n, np.intp))


def settle(found, rules, *, label=None, region=None, mixed=None):
    n = len(found.near)
    return judge(
        found,
        np.zeros(n, int) if label is None else np.asarray(label),
        np.full(n, "R") if region is None else np.asarray(region),
        np.zeros(n, bool) if mixed is None else np.asarray(mixed),
        rules,
    )


LOOSE = CleaningRules(floor=0, cap=1, heterogeneous_cap=1)


def test_a_label_goes_only_where_the_methods_agree():
    found = Evidence(
        confident=np.array([True, True, False, True]),
        near=np.array([0.3, 0.1, 0.3, 0.3]),
        overall=np.array([0.2, 0.2, 0.2, 0.2]),
        against=np.array([1, 1, 1, 0.5]),
        likely=np.zeros(4, np.intp),
    )
    verdicts = settle(found, LOOSE)
    assert verdicts.verdict.tolist() == [UNKNOWN, KEEP, KEEP, KEEP]
    assert verdicts.report.loc[0, "suspected"] == 4
    assert verdicts.report.loc[0, "agreed"] == 1


def test_a_plain_contradiction_needs_no_confident_learning():
    found = evidence(2, near=[0.9, 0.9], overall=[0.8, 0.8], against=[1, 0.75])
    assert settle(found, LOOSE).verdict.tolist() == [DROP, KEEP]


def test_mixed_classes_lose_plain_contradictions_only():
    found = evidence(
        3, confident=[0, 1], near=[0.3, 0.9, -1], overall=[0.2, 0.8, -1], against=[1, 1, 0]
    )
    assert settle(found, LOOSE).verdict.tolist() == [UNKNOWN, DROP, KEEP]
    verdicts = settle(found, LOOSE, mixed=[True] * 3)
    assert verdicts.verdict.tolist() == [KEEP, DROP, KEEP]
    assert verdicts.report.loc[0, "kept_mixed"] == 1
    assert verdicts.report.loc[0, "reason"] == "mixed class"


def test_the_cap_keeps_the_least_contradicted():
    near = np.linspace(0.3, 0.9, 10)
    found = evidence(10, confident=range(10), near=near, overall=np.full(10, 0.2))
    verdicts = settle(found, CleaningRules(floor=0, cap=0.3))
    assert np.flatnonzero(verdicts.verdict).tolist() == [7, 8, 9]
    assert verdicts.report.loc[0, "kept_by_cap"] == 7
    assert verdicts.report.loc[0, "reason"] == "cap"


def test_the_floor_holds_by_region():
    label = [0] * 12
    region = ["A"] * 8 + ["B"] * 4
    found = evidence(12, confident=range(12), near=np.full(12, 0.5), overall=np.full(12, 0.2))
    verdicts = settle(found, CleaningRules(floor=5, cap=1), label=label, region=region)
    left = [(verdicts.verdict[np.array(region) == r] == KEEP).sum() for r in "AB"]
    assert left == [5, 4]
    assert verdicts.report["kept_by_floor"].tolist() == [5, 4]
    assert verdicts.report["reason"].tolist() == ["floor", "floor"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 20), st.floats(0, 1), st.floats(0, 1))
def test_caps_and_floors_always_hold(seed, floor, cap, mixed_cap):
    rng = np.random.default_rng(seed)
    n = 80
    found = Evidence(
        rng.random(n) < 0.7, rng.uniform(-1, 1, n), rng.uniform(-1, 1, n),
        rng.integers(0, 5, n) / 4, rng.integers(0, 3, n),
    )  # fmt: skip
    label, region = rng.integers(0, 3, n), rng.integers(0, 2, n)
    mixed = label == 1
    rules = CleaningRules(floor=floor, cap=cap, heterogeneous_cap=mixed_cap)
    verdicts = judge(found, label, region, mixed, rules)
    for row in verdicts.report.itertuples():
        own = (label == row.label) & (region == row.region)
        removed = (verdicts.verdict[own] != KEEP).sum()
        assert removed == row.unknown + row.dropped
        assert removed == 0 or own.sum() - removed >= floor
        assert removed <= (mixed_cap if row.label == 1 else cap) * own.sum() + 1e-9
    assert not (verdicts.verdict[mixed] == UNKNOWN).any()


def test_the_mixed_classes_are_data():
    rules = load_cleaning_rules(load_legend("pa"))
    codes = set(rules.heterogeneous)
    ones = {c for c in load_legend("pa").codes() if str(c).startswith("1")}
    assert ones < codes
    assert len(codes - ones) == 5
    assert rules.heterogeneous_cap == 0.2
    assert load_cleaning_rules(load_legend("pa"), floor=7).floor == 7


def test_an_unknown_legend_has_no_mixed_classes(legend):
    assert load_cleaning_rules(legend) == CleaningRules()


def test_impossible_rules_are_refused():
    with pytest.raises(ConfigError, match="cap is"):
        CleaningRules(cap=1.5)
    with pytest.raises(ConfigError, match="floor"):
        CleaningRules(floor=-1)


def test_evidence_by_hand():
    allowed = np.eye(2, dtype=bool)[[0, 0, 0, 1, 1, 1]]
    near_one, near_other = [0.9, 0.1], [0.1, 0.9]
    spatial = np.array([[near_one, near_one, near_other, near_other, near_other, near_other]])
    random = np.array([[near_one, near_one, [0.3, 0.7], near_other, near_other, near_one]])
    found = gather_evidence(spatial, random, allowed, np.zeros(6, int))
    assert found.confident.tolist() == [False, False, True, False, False, False]
    np.testing.assert_allclose(found.near[[0, 2, 5]], [-0.8, 0.4, 0.8])
    np.testing.assert_allclose(found.against, [0, 0, 1, 0, 0, 0.5])
    np.testing.assert_allclose(found.overall[2], 0.6)


def test_each_region_has_its_own_thresholds():
    # In the second region the model is unsure of everything; only there is 0.6 confident.
    allowed = np.eye(2, dtype=bool)[[0, 0, 1, 0, 0, 1]]
    p = np.array([0.95, 0.4, 0.05, 0.55, 0.4, 0.45])
    stack = np.stack([p, 1 - p], axis=1)[None]
    apart = gather_evidence(stack, stack, allowed, np.array([0, 0, 0, 1, 1, 1]))
    together = gather_evidence(stack, stack, allowed, np.zeros(6, int))
    assert apart.confident.tolist() == [False, False, False, False, True, False]
    assert not together.confident.any()


def test_a_stack_without_members_is_refused():
    allowed = np.eye(2, dtype=bool)
    good = np.full((1, 2, 2), 0.5)
    with pytest.raises(InputError, match="spatial"):
        gather_evidence(good[0], good, allowed, np.zeros(2))
    with pytest.raises(InputError, match="random"):
        gather_evidence(good, good[:0], allowed, np.zeros(2))


def table(allowed, region="R"):
    n = len(allowed)
    columns = {
        "sample_id": [f"s{i:03d}" for i in range(n)],
        "cube": [f"c{i}" for i in range(n)],
        "code": [int(a) if ";" not in a else 0 for a in allowed],
        "allowed": allowed,
        "weight": 1.0,
        "source": "layer",
        "reliability": 2,
        "region": region,
        "fold": 0,
        "block": "b",
        "year": 0,
    }
    return samples_frame(columns, np.arange(n, dtype=float), np.zeros(n))


def test_samples_are_parted_and_say_why(legend):
    samples = table(["101", "101", "101;102", "202"])
    found = Evidence(
        confident=np.array([False, True, False, True]),
        near=np.array([-1, 0.3, 0.9, -0.2]),
        overall=np.array([-1, 0.2, 0.8, -0.1]),
        against=np.array([0, 1, 1, 0.25]),
        likely=np.array([0, 1, 3, 2]),
    )
    cleaned = clean_samples(samples, found, legend, LOOSE)
    assert cleaned.kept["sample_id"].tolist() == ["s000", "s003"]
    assert list(cleaned.kept.columns[:-1]) == list(COLUMNS)
    removed = cleaned.removed.set_index("sample_id")
    assert removed["verdict"].to_dict() == {"s001": "unknown", "s002": "drop"}
    assert removed.loc["s001", "why"] == "confident learning, neighbours, members"
    assert removed.loc["s002", "why"] == "neighbours, members"
    assert removed["likely"].to_dict() == {"s001": 102, "s002": 202}
    assert cleaned.report["label"].tolist() == ["101", "101;102", "202"]
    assert cleaned.report["n"].sum() == 4


def test_a_set_with_a_mixed_class_is_mixed(legend):
    samples = table(["101;102", "101"])
    found = evidence(2, confident=[0, 1], near=[0.3, 0.3], overall=[0.2, 0.2])
    rules = CleaningRules(floor=0, cap=1, heterogeneous=(102,))
    assert clean_samples(samples, found, legend, rules).removed["sample_id"].tolist() == ["s001"]


def test_evidence_about_other_samples_is_refused(legend):
    with pytest.raises(InputError, match="2 labels and 1 samples"):
        clean_samples(table(["101"]), evidence(2), legend, LOOSE)


def test_labels_as_a_matrix(legend):
    matrix = label_matrix(table(["101", "101;202"]), legend)
    assert matrix.tolist() == [[True, False, False, False], [True, False, False, True]]


def test_the_relabel_test_is_conservative():
    allowed = np.eye(2, dtype=bool)[[0] * 4]
    probability = np.array([[0.9, 0.1], [0.45, 0.55], [0.36, 0.64], [0.1, 0.9]])
    rules = CleaningRules(floor=0, cap=1, heterogeneous_cap=1)
    label, region = np.zeros(4, int), np.zeros(4, int)

    def verdicts(mixed):
        flags = np.full(4, mixed)
        return relabel_test(probability, allowed, label, region, flags, rules).verdict.tolist()

    assert verdicts(False) == [KEEP, KEEP, UNKNOWN, DROP]
    assert verdicts(True) == [KEEP, KEEP, KEEP, DROP]
