from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.generalize._vote import likeliest, majority

sides = st.tuples(st.integers(1, 12), st.integers(1, 12))


def plain(keys, voters, radius):
    found = keys.copy()
    for y, x in zip(*np.nonzero(voters), strict=True):
        window = (
            slice(max(y - radius, 0), y + radius + 1),
            slice(max(x - radius, 0), x + radius + 1),
        )
        present, votes = np.unique(keys[window][voters[window]], return_counts=True)
        best = present[votes == votes.max()]
        found[y, x] = keys[y, x] if keys[y, x] in best else best.min()
    return found


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.uint16, sides, elements=st.sampled_from([1, 2, 3, 700, 65535])),
    st.integers(0, 99),
    st.integers(0, 4),
)
def test_the_vote_equals_a_plain_count(keys, seed, radius):
    voters = np.random.default_rng(seed).random(keys.shape) < 0.7
    assert (majority(keys, voters, radius) == plain(keys, voters, radius)).all()


def test_specks_go_and_straight_borders_stay():
    keys = np.full((20, 20), 5, np.uint16)
    keys[:, 10:] = 7
    speckled = keys.copy()
    speckled[4, 4] = speckled[12, 15] = 9
    every = np.ones(keys.shape, bool)
    assert (majority(speckled, every, 3) == keys).all()
    assert (majority(speckled, ~every, 3) == speckled).all()


def plain_weights(candidates, weights, voters, radius):
    found = candidates[0].copy()
    for y, x in zip(*np.nonzero(voters), strict=True):
        window = (
            slice(max(y - radius, 0), y + radius + 1),
            slice(max(x - radius, 0), x + radius + 1),
        )
        total = np.zeros(65536, np.int64)
        for keys, weight in zip(candidates, weights, strict=True):
            np.add.at(total, keys[window][voters[window]], weight[window][voters[window]])
        # What is no pixel's own key in the window is not asked for.
        present = np.unique(candidates[0][window])
        best = present[total[present] == total[present].max()]
        found[y, x] = found[y, x] if found[y, x] in best else best.min()
    return found


@settings(max_examples=100, deadline=None)
@given(
    arrays(
        np.uint16,
        st.tuples(st.just(3), st.integers(1, 9), st.integers(1, 9)),
        elements=st.integers(1, 5),
    ),
    st.integers(0, 99),
    st.integers(0, 4),
)
def test_the_weighed_vote_equals_a_plain_sum(candidates, seed, radius):
    rng = np.random.default_rng(seed)
    voters = rng.random(candidates.shape[1:]) < 0.7
    weights = rng.integers(1, 85, candidates.shape).astype(np.uint8)
    found = likeliest(candidates, weights, voters, radius)
    assert (found == plain_weights(candidates, weights, voters, radius)).all()
