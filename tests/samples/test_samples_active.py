import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import ConfigError, InputError
from bocage.samples import (
    NO_ANSWER,
    ActiveRules,
    Answers,
    TableOracle,
    bald_score,
    learn_actively,
    margin_score,
    nearest_neighbours,
    pick_batch,
    rarity,
    share_out,
    typical_points,
    typicality,
)


def clouds(seed=0, sizes=(200, 60, 20), apart=6.0):
    """Samples of classes around the corners of a simplex, the last class rare."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(sizes)), sizes)
    features = rng.normal(0, 1, (len(label), 4))
    features[np.arange(len(label)), label] += apart
    return features.astype(np.float32), label, rng.uniform(0, 5000, (len(label), 2))


def run(rules, seed=0, oracle=None, region=None):
    features, label, xy = clouds()
    return learn_actively(
        features,
        xy,
        np.zeros(len(label), int) if region is None else region,
        3,
        [nearest_neighbours(3, 4), nearest_neighbours(7, 4)],
        oracle or TableOracle.of_truth(label),
        rules,
        seed=seed,
    )


SMALL = ActiveRules(start_count=6, batch=5, budget=36, stable=2, distance_m=0)


def test_typical_points_lie_in_every_cloud():
    features, label, _ = clouds()
    chosen = typical_points(features, 3)
    assert sorted(label[chosen]) == [0, 1, 2]
    assert label[chosen[0]] == 0  # the largest cloud first
    for place in chosen:
        own = features[label == label[place]]
        centre = np.linalg.norm(own - own.mean(axis=0), axis=1)
        assert np.linalg.norm(features[place] - own.mean(axis=0)) < np.median(centre)


@pytest.mark.parametrize("spread", [True, False])
def test_a_run_keeps_its_distance(spread):
    rules = ActiveRules(start_count=1, batch=6, budget=30, stable=2, distance_m=400, spread=spread)
    record = run(rules).record
    xy = clouds()[2][record["sample"]]
    gaps = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    assert len(record) > 10
    assert gaps[np.triu_indices(len(xy), 1)].min() >= 400


def test_more_typical_points_than_samples_are_refused():
    with pytest.raises(InputError, match="4 points are wanted of 3"):
        typical_points(np.zeros((3, 2)), 4)


def test_typicality_is_the_inverse_mean_distance():
    values = typicality(np.array([[0.0], [1.0], [3.0]]), 2)
    np.testing.assert_allclose(values, [1 / 2, 2 / 3, 2 / 5])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 60))
def test_shares_add_up_and_fit(sizes, count):
    region = np.repeat(np.arange(len(sizes)), sizes)
    share = share_out(count, region)
    assert sum(share.values()) == min(count, sum(sizes))
    assert all(share[i] <= n for i, n in enumerate(sizes))


def test_the_margin_by_hand():
    score = margin_score(np.array([[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.7, 0.1]]))
    np.testing.assert_allclose(score, [1, 0, 0.5])


def test_bald_tells_disagreement_from_doubt():
    agreed_doubt = [[0.5, 0.5], [0.5, 0.5]]
    disagreement = [[1.0, 0.0], [0.0, 1.0]]
    stack = np.stack([agreed_doubt, disagreement], axis=1)
    np.testing.assert_allclose(bald_score(stack), [0, np.log(2)], atol=1e-6)


def test_rare_classes_count_more():
    value = rarity(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([99, 0]))
    assert value[1] / value[0] == pytest.approx(10)
    assert value.mean() == pytest.approx(1)


def test_a_batch_keeps_its_distance():
    xy = np.array([[0.0, 0], [10, 0], [100, 0], [205, 0], [300, 0]])
    score = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    features = np.zeros((5, 2))
    taken = np.array([4])
    picked = pick_batch(score, features, xy, 5, taken=taken, distance_m=99)
    assert picked.tolist() == [0, 2]  # 1 is near 0, 3 is near the taken 4


def test_a_batch_goes_where_most_is_in_doubt_and_not_twice():
    # Groups of four like samples (of 449 a label tells of three others), and an outlier.
    group = np.append(np.repeat(np.arange(112), 4), 112)
    features = np.stack([10.0 * group, np.zeros(449)], axis=1)
    score = np.select([group == 0, group == 1, group == 112], [0.5, 0.4, 0.9], 0.1)
    xy = np.zeros((449, 2))
    none = np.zeros(0, int)

    def spread(count, **changes):
        return group[
            pick_batch(score, features, xy, count, spread=True, **{"taken": none, **changes})
        ].tolist()

    assert spread(3) == [0, 1, 112]
    assert pick_batch(score, features, xy, 1, taken=none).tolist() == [448]
    # Where a label has told already, less is in doubt.
    assert spread(1, taken=np.array([2])) == [1]
    assert spread(1, free=group > 0) == [1]


def test_a_run_is_the_same_again_from_its_record():
    first = run(SMALL, seed=5)
    assert first.stopped == "budget"
    again = run(SMALL, seed=5)
    pd.testing.assert_frame_equal(first.record, again.record)
    replayed = run(SMALL, seed=5, oracle=TableOracle(first.record))
    pd.testing.assert_frame_equal(first.record, replayed.record)
    pd.testing.assert_frame_equal(first.rounds, replayed.rounds)
    other = run(ActiveRules(start="random", start_count=6, batch=5, budget=36, stable=2), seed=6)
    assert other.record["sample"].tolist() != first.record["sample"].tolist()


def test_nobody_is_asked_twice():
    record = run(SMALL).record
    assert not record["sample"].duplicated().any()
    assert record["why"].unique().tolist() == ["typical", "margin"]
    assert record["round"].value_counts().to_dict() == {0: 6, **dict.fromkeys(range(1, 7), 5)}


def test_bald_and_random_are_named_in_the_record():
    for score in ("bald", "random"):
        rules = ActiveRules(start="random", start_count=6, score=score, batch=5, budget=12)
        assert set(run(rules).record["why"]) == {"random", score}


def test_the_budget_counts_the_cost():
    _, label, _ = clouds()
    run_ = run(SMALL, oracle=TableOracle.of_truth(label, cost=2.5))
    assert run_.rounds["cost"].tolist() == [15, 27.5, 40]
    assert run_.stopped == "budget"


def test_it_stops_when_predictions_stay():
    found = run(ActiveRules(start_count=20, batch=5, budget=1000, stable=0.9, patience=2))
    assert found.stopped == "stable"
    assert (found.rounds["agreement"].iloc[-2:] >= 0.9).all()
    assert np.isnan(found.rounds["agreement"].iloc[0])


def test_it_stops_when_all_places_are_asked():
    found = run(ActiveRules(start_count=250, batch=20, budget=1000, stable=2, distance_m=0))
    assert found.stopped == "places"
    assert len(found.record) == 280


def test_places_nobody_can_tell_are_not_learned():
    _, label, _ = clouds()

    def shy(places):
        answer = np.where(places % 3 == 0, NO_ANSWER, label[places])
        return Answers(answer.astype(np.intp), np.ones(len(places)))

    found = run(SMALL, oracle=shy)
    told = found.record["label"] != NO_ANSWER
    assert 0 < (~told).sum() < len(told)
    assert found.rounds["labels"].iloc[-1] == told.sum()
    assert found.rounds["cost"].iloc[-1] == len(told)


def test_it_stops_without_answers():
    table = pd.DataFrame({"sample": [], "label": [], "cost": []})
    found = run(SMALL, oracle=TableOracle(table))
    assert found.stopped == "answers"
    assert (found.record["label"] == NO_ANSWER).all()
    assert found.rounds.empty


def test_each_region_is_asked_first():
    _, label, _ = clouds()
    region = np.where(np.arange(len(label)) % 4 == 0, "A", "B")
    record = run(ActiveRules(start_count=8, batch=5, budget=8), region=region).record
    assert pd.Series(region[record["sample"]]).value_counts().to_dict() == {"B": 6, "A": 2}


def test_active_labels_find_the_rare_class_sooner():
    _, label, _ = clouds()
    typical = run(ActiveRules(start_count=6, batch=5, budget=6)).record
    assert set(label[typical["sample"]]) == {0, 1, 2}


def test_answers_in_a_bad_table_are_refused():
    with pytest.raises(InputError, match="no column cost, label"):
        TableOracle(pd.DataFrame({"sample": [1]}))
    with pytest.raises(InputError, match="answered twice"):
        TableOracle(pd.DataFrame({"sample": [1, 1], "label": 0, "cost": 1.0}))


def test_unknown_strategies_are_refused():
    with pytest.raises(ConfigError, match="hunch"):
        ActiveRules(score="hunch")
    with pytest.raises(ConfigError, match="below 1"):
        ActiveRules(batch=0)
