import numpy as np
import pytest

from bocage.errors import InputError
from bocage.samples import nearest_neighbours, out_of_fold, random_folds, reduce_features


def two_clouds(n=60, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    features = rng.normal(0, 0.3, (n, 3)).astype(np.float32)
    features[:, 0] += 4 * label
    return features, label, np.eye(2, dtype=bool)[label]


def test_no_sample_is_seen_by_its_own_model():
    features, _, allowed = two_clouds()
    features[:, 1] = np.arange(len(features))  # says who is who
    fold = np.arange(len(features)) % 3
    met = []

    def spy(taught, labels, unseen):
        assert not set(taught[:, 1]) & set(unseen[:, 1])
        met.append(len(unseen))
        return np.tile(labels.mean(axis=0), (len(unseen), 1))

    found = out_of_fold([spy], features, allowed, fold)
    assert found.shape == (1, 60, 2)
    assert sum(met) == 60


def test_only_the_samples_of_use_teach():
    features, _, allowed = two_clouds()
    use = np.arange(60) < 30

    def count(taught, labels, unseen):
        return np.full((len(unseen), 2), len(taught))

    found = out_of_fold([count], features, allowed, np.arange(60) % 2, use=use)
    assert np.unique(found).tolist() == [15]


def test_a_single_fold_is_refused():
    features, _, allowed = two_clouds()
    with pytest.raises(InputError, match="fold 0"):
        out_of_fold([nearest_neighbours()], features, allowed, np.zeros(60, int))


def test_neighbours_find_the_sample_that_is_unlike_its_label():
    features, label, allowed = two_clouds()
    allowed[7] = ~allowed[7]
    votes = nearest_neighbours(5)(np.delete(features, 7, 0), np.delete(allowed, 7, 0), features)
    np.testing.assert_allclose(votes.sum(axis=1), 1, rtol=1e-5)
    assert (votes.argmax(axis=1) == label).all()


def test_a_label_of_several_classes_shares_its_vote():
    features, _, allowed = two_clouds()
    allowed = np.column_stack([allowed, allowed[:, 1]])  # the second cloud allows 1 and 2
    votes = nearest_neighbours(5)(features, allowed, features[1:2])
    np.testing.assert_allclose(votes, [[0, 0.5, 0.5]], atol=1e-6)


def test_rare_labels_vote_heavier():
    features = np.zeros((10, 2), np.float32)
    allowed = np.eye(2, dtype=bool)[[0] * 8 + [1] * 2]
    votes = nearest_neighbours(10)(features, allowed, features[:1])[0]
    assert votes[1] == pytest.approx(np.sqrt(2) / (np.sqrt(8) + np.sqrt(2)))


def test_random_folds_keep_groups_whole():
    group = np.repeat(np.arange(40), 9)
    fold = random_folds(group, 4, seed=3)
    assert all(len(set(fold[group == g])) == 1 for g in range(40))
    assert np.bincount(fold).tolist() == [90] * 4
    assert (random_folds(group, 4, seed=3) == fold).all()
    assert (random_folds(group, 4, seed=4) != fold).any()


def test_components_do_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    features, others = rng.normal(size=(50, 6)), rng.normal(size=(9, 6))
    known, first = reduce_features(features, others, 3)
    _, second = reduce_features(features, others[:4], 3)
    assert known.shape == (50, 3)
    np.testing.assert_allclose(first[:4], second, rtol=1e-4)
    assert (np.diff(known.var(axis=0)) < 0).all()
