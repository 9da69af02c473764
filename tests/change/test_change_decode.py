from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bocage.change import TransitionPrior, decode
from bocage.change._joint import _gather, _weigh, _weigh_all, weigh_pixels
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend, LegendClass, load_legend
from bocage.posterior import Posterior

ALONE = {"support_m": 0.0, "independent": 1.0, "sharpness": 0.5}  # each pixel by itself


def flat(n: int) -> Legend:
    return Legend(
        "flat", tuple(LegendClass((i,), (f"c{i}",), "#000000") for i in range(10, 10 + n))
    )


def post(p: np.ndarray, legend: Legend, k: int = 4, west: float = 0) -> Posterior:
    box = geobox((west, 0, west + 2.5 * p.shape[2], 2.5 * p.shape[1]), 2.5)
    return Posterior.from_probabilities(p, box, legend, k=k)


def column(*pixels: list[float]) -> np.ndarray:
    return np.array(pixels, np.float32).T[:, None, :]


def test_weak_evidence_for_change_is_not_change() -> None:
    legend = flat(3)
    one = post(column([0.6, 0.3, 0.1], [0.998, 0.002, 0]), legend)
    two = post(column([0.3, 0.6, 0.1], [0.0, 1.0, 0]), legend)
    out = decode({2024: two, 2021: one}, TransitionPrior(0.98, **ALONE), legend)
    assert out["year"].values.tolist() == [2021, 2024]
    classes = out["class"].values
    assert classes[0, 0, 0] == classes[1, 0, 0]  # argmax would have said 1 → 2
    assert out["change_probability"].values[0, 0] < 10
    assert classes[:, 0, 1].tolist() == [1, 2]
    assert out["change_probability"].values[0, 1] > 60


def test_two_years_help_each_other() -> None:
    legend = flat(3)
    one = post(column([0.45, 0.55, 0.0]), legend)
    two = post(column([0.9, 0.1, 0.0]), legend)
    out = decode({2021: one, 2024: two}, TransitionPrior(**ALONE), legend)
    assert out["class"].values.ravel().tolist() == [1, 1]
    # The geometric means are √0.405 and √0.055; the years share their errors, so no product.
    assert out["confidence"].values[0, 0, 0] == pytest.approx(73, abs=2)


def spread(posterior: Posterior) -> np.ndarray:
    """Class probabilities with the floor of half a unit on what is not listed."""
    index, packed = (posterior.data[v].values[:, 0, 0] for v in ("index", "probability"))
    listed = index > 0
    others = posterior.classes - listed.sum()
    p = np.full(posterior.classes, max(255 - int(packed.sum()), 0.5) / max(others, 1))
    p[index[listed].astype(int) - 1] = packed[listed]
    return p


@given(st.integers(0, 2**31), st.integers(2, 20), st.integers(1, 5), st.floats(0.05, 3))
@example(610, 2, 1, 2.0)  # neither year lists the class that a rule favours
@settings(max_examples=80, deadline=None)
def test_sums_run_over_all_pairs(seed: int, n: int, k: int, concentration: float) -> None:
    rng = np.random.default_rng(seed)
    legend = flat(n)
    rules = tuple(
        (str(rng.integers(10, 10 + n)), str(rng.integers(10, 10 + n)), float(rng.random()))
        for _ in range(5)
    )
    prior = TransitionPrior(float(rng.uniform(0.3, 0.99)), rules, **ALONE)
    years = [
        post(rng.dirichlet(np.full(n, concentration))[:, None, None], legend, k) for _ in range(2)
    ]
    out = decode({2021: years[0], 2024: years[1]}, prior, legend)
    first, second = (spread(year) for year in years)
    joint = first[:, None] * second[None, :] * prior.matrix(legend)
    a, b = out["class"].values.ravel().astype(int) - 1
    # Only classes that one of the years lists are candidates.
    listed = np.unique([year.data["index"].values for year in years])
    seen = listed[listed > 0].astype(int) - 1
    assert joint[a, b] == pytest.approx(joint[np.ix_(seen, seen)].max())
    change = out["change_probability"].values.item() / 100
    assert (change > 0.5) == (a != b) or change == 0.5
    if a == b:
        geometric = np.sqrt(first * second)
        stays = 100 * geometric[a] / geometric.sum() * (1 - change)
        assert out["confidence"].values.ravel().tolist() == pytest.approx([stays] * 2, abs=1.5)


def test_neighbours_have_a_say() -> None:
    """What one pixel cannot prove a patch can, and a lone speck is no change."""
    legend = flat(4)
    size = 41
    one = np.zeros((4, size, size), np.float32)
    one[:] = np.array([0.85, 0.06, 0.05, 0.04])[:, None, None]
    two = one.copy()
    patch = np.array([0.2, 0.7, 0.06, 0.04])
    two[:, 10:31, 10:31] = patch[:, None, None]
    two[:, 2, 2] = patch
    years = {2021: post(one, legend), 2024: post(two, legend)}
    alone = decode(years, TransitionPrior(0.98, **ALONE), legend)["class"].values
    assert (alone[0] == alone[1]).all()
    out = decode(years, TransitionPrior(0.98), legend)
    changed = out["class"].values[0] != out["class"].values[1]
    assert changed[16:25, 16:25].all()
    assert not changed[:8].any()
    assert not changed[2, 2]
    assert out["change_probability"].values[20, 20] > 70


def test_a_year_that_is_not_known_stays_unknown() -> None:
    legend = flat(3)
    one = post(column([0.6, 0.3, 0.1], [np.nan] * 3, [0, 0, 0]), legend)
    two = post(column([0, 0, 0], [0.1, 0.8, 0.1], [0, 0, 0]), legend)
    out = decode({2021: one, 2024: two}, TransitionPrior(), legend)
    assert out["class"].values[:, 0].tolist() == [[1, 0, 0], [0, 2, 0]]
    assert out["confidence"].values[:, 0].tolist() == [[60, 255, 255], [255, 80, 255]]
    assert out["change_probability"].values[0].tolist() == [255, 255, 255]


def test_one_year_is_the_likeliest_class() -> None:
    legend = flat(3)
    one = post(column([0.6, 0.3, 0.1]), legend)
    out = decode({2021: one}, TransitionPrior(), legend)
    assert set(out.data_vars) == {"class", "confidence"}
    assert out["class"].dtype == np.uint8
    assert out["confidence"].values.ravel().tolist() == [60]
    assert out.odc.geobox == one.best.odc.geobox


def test_years_may_keep_different_numbers_of_classes() -> None:
    legend = flat(5)
    p = np.random.default_rng(1).dirichlet(np.ones(5), (3, 3)).transpose(2, 0, 1)
    out = decode({1: post(p, legend, 1), 2: post(p, legend, 4)}, TransitionPrior(), legend)
    assert (out["class"].values[0] == out["class"].values[1]).all()


def test_joint_beats_comparing_two_maps() -> None:
    rng = np.random.default_rng(5)
    n, size = 24, 150
    legend = flat(n)
    truth = rng.integers(0, n, (2, size, size))
    stable = rng.random((size, size)) > 0.01
    truth[1][stable] = truth[0][stable]
    years = []
    for t in truth:
        # Class means two standard deviations off the origin: about 85 % right a year.
        x = rng.normal(size=(n, size, size))
        np.put_along_axis(x, t[None], np.take_along_axis(x, t[None], 0) + 3.6, 0)
        likelihood = np.exp(3.6 * (x - x.max(axis=0)))
        years.append(post(likelihood / likelihood.sum(axis=0), legend))
    out = decode(
        dict(zip((2021, 2024), years, strict=True)), TransitionPrior(0.99, **ALONE), legend
    )
    apart = years[0].best.values != years[1].best.values
    joint = out["class"].values[0] != out["class"].values[1]
    real = truth[0] != truth[1]

    def f1(found: np.ndarray) -> float:
        return float(2 * (found & real).sum() / (found.sum() + real.sum()))

    assert f1(apart) < 0.3
    assert f1(joint) > 0.7
    accuracy = [(y.best.values - 1 == t).mean() for y, t in zip(years, truth, strict=True)]
    after = (out["class"].values.astype(int) - 1 == truth).mean(axis=(1, 2))
    assert (after > accuracy).all()


def test_compiled_kernel_equals_python() -> None:
    legend = flat(6)
    rng = np.random.default_rng(2)
    years = [post(rng.dirichlet(np.ones(6), (2, 4)).transpose(2, 0, 1), legend) for _ in "ab"]
    index = np.stack([p.data["index"].values.reshape(4, -1) for p in years])
    packed = np.stack([p.data["probability"].values.reshape(4, -1) for p in years])
    index[0, :, 2] = 0
    prior = TransitionPrior().matrix(legend)
    plain = np.zeros((3, 8), np.uint8), np.zeros((5, 8), np.float32)
    _weigh_all(index, packed, prior, 0.5, *plain)
    for one, other in zip(plain, weigh_pixels(index, packed, prior, 0.5), strict=True):
        assert np.allclose(one, other)
    assert not plain[0][:, 2].any()
    # The parts as Python too, so that what is compiled is also what is read.
    union, p, rest = np.empty(8, np.int64), np.empty((2, 8)), np.empty(2)
    size = _gather(index[:, :, 0].astype(int), packed[:, :, 0].astype(int), 6, union, p, rest)
    shared = (6 - size) * np.sqrt(rest[0] * rest[1])
    stable, share, a, b, evidence, odds = _weigh(union[:size], p[:, :size], prior, shared, 0.5)
    assert [union[i] + 1 for i in (stable, a, b)] == plain[0][:, 0].tolist()
    assert plain[1][[0, 3, 4], 0].tolist() == pytest.approx([share, evidence, odds], rel=1e-5)


def test_a_legend_of_one_class_never_changes() -> None:
    legend = flat(1)
    years = {y: post(np.ones((1, 3, 3), np.float32), legend) for y in (1, 2)}
    out = decode(years, TransitionPrior(), legend)
    assert (out["class"].values == 1).all()
    assert (out["change_probability"].values == 0).all()


def test_a_million_pixels_take_seconds() -> None:
    legend = load_legend("pa")
    rng = np.random.default_rng(0)
    tile = rng.dirichlet(np.full(len(legend), 0.1), (100, 100)).transpose(2, 0, 1)
    index, packed = (post(tile, legend).data[v].values for v in ("index", "probability"))
    big = [np.tile(v, (1, 10, 10)) for v in (index, packed)]
    box = geobox((0, 0, 2500, 2500), 2.5)
    years = {y: Posterior.from_packed(*big, box, "pa", legend.codes()) for y in (1, 2)}
    prior = TransitionPrior.for_legend(legend)
    decode({y: post(tile, legend) for y in (1, 2)}, prior, legend)  # compiled
    start = time.process_time()
    decode(years, prior, legend)
    assert time.process_time() - start < 5


def test_wrong_input_is_named() -> None:
    legend = flat(3)
    one = post(column([0.6, 0.3, 0.1]), legend)
    with pytest.raises(InputError, match="0 years"):
        decode({}, TransitionPrior(), legend)
    with pytest.raises(InputError, match="different pixel grids"):
        decode(
            {1: one, 2: post(column([0.6, 0.3, 0.1]), legend, west=10)}, TransitionPrior(), legend
        )
    with pytest.raises(InputError, match="not with 'flat' of 4"):
        decode({1: one}, TransitionPrior(), flat(4))
