import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.samples import confident_errors, confident_joint


def one_hot(labels, classes):
    return np.eye(classes, dtype=bool)[labels]


def noisy(seed, n=600, classes=4, rate=0.15):
    """True classes, labels with errors, and probabilities that follow the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    wrong = rng.random(n) < rate
    labels = np.where(wrong, (truth + rng.integers(1, classes, n)) % classes, truth)
    logits = rng.normal(0, 1, (n, classes))
    logits[np.arange(n), truth] += 3
    probability = np.exp(logits)
    return truth, labels, probability / probability.sum(axis=1, keepdims=True)


def test_a_hand_made_joint():
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    joint = confident_joint(probability, one_hot([0, 0, 0, 1, 1], 2))
    np.testing.assert_allclose(joint.threshold, [0.6, 0.75])
    assert joint.confident.tolist() == [0, 0, 1, 1, -1]
    # Label 0: two of three samples are confidently its own; label 1: one, scaled to two.
    rows = {tuple(s): c for s, c in zip(joint.sets.tolist(), joint.counts.tolist(), strict=True)}
    assert rows[True, False] == pytest.approx([2, 1])
    assert rows[False, True] == pytest.approx([0, 2])


def test_the_wrong_label_is_found():
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    for by in ("rate", "joint"):
        found = confident_errors(probability, one_hot([0, 0, 0, 1, 1], 2), by=by)
        assert found.tolist() == [False, False, True, False, False]


def test_most_errors_are_found_and_few_others():
    truth, labels, probability = noisy(1)
    found = confident_errors(probability, one_hot(labels, 4))
    wrong = labels != truth
    assert found[wrong].mean() > 0.75
    assert wrong[found].mean() > 0.75


def test_a_set_is_contradicted_only_if_all_of_it_is_improbable():
    _, labels, probability = noisy(2)
    allowed = one_hot(labels, 4)
    both = allowed | one_hot((labels + 1) % 4, 4)
    mixed = np.where(np.arange(len(labels))[:, None] % 2 == 0, both, allowed)
    best = probability.argmax(axis=1)
    for by in ("rate", "joint"):
        found = confident_errors(probability, mixed, by=by)
        assert found.any()
        assert not found[mixed[np.arange(len(best)), best]].any()
    everything = np.ones_like(allowed)
    assert not confident_errors(probability, everything).any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_rows_of_the_joint_sum_to_the_labels(seed):
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.full(5, 0.4), 60)
    allowed = rng.random((60, 5)) < 0.35
    allowed[np.arange(60), rng.integers(0, 5, 60)] = True
    joint = confident_joint(probability, allowed)
    np.testing.assert_allclose(joint.counts.sum(axis=1), np.bincount(joint.given))
    order = rng.permutation(60)
    found = confident_errors(probability, allowed, by="joint")
    np.testing.assert_array_equal(
        confident_errors(probability[order], allowed[order], by="joint"), found[order]
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labels_of_one_class_agree_with_cleanlab(seed):
    count = pytest.importorskip("cleanlab.count")
    filtering = pytest.importorskip("cleanlab.filter")
    _, labels, probability = noisy(seed)
    allowed = one_hot(labels, 4)
    joint = confident_joint(probability, allowed)
    theirs = count.get_confident_thresholds(labels=labels, pred_probs=probability)
    np.testing.assert_allclose(joint.threshold, theirs, atol=1e-6)
    order = joint.sets.argmax(axis=1).argsort()
    expected = count.compute_confident_joint(labels, probability, calibrate=True)
    np.testing.assert_allclose(joint.counts[order], expected, atol=1.5)
    for by, name in (("rate", "prune_by_noise_rate"), ("joint", "confident_learning")):
        issues = filtering.find_label_issues(labels, probability, filter_by=name, n_jobs=1)
        assert (confident_errors(probability, allowed, by=by) == issues).mean() > 0.99


def test_what_is_refused():
    with pytest.raises(InputError, match="differ"):
        confident_joint(np.ones((2, 2)), np.ones((2, 3), bool))
    with pytest.raises(InputError, match="no label"):
        confident_joint(np.ones((2, 2)), np.array([[True, False], [False, False]]))
    with pytest.raises(InputError, match="finite"):
        confident_joint(np.full((1, 2), np.nan), np.ones((1, 2), bool))
    with pytest.raises(InputError, match="no pruning"):
        confident_errors(np.ones((1, 2)), np.ones((1, 2), bool), by="mood")
