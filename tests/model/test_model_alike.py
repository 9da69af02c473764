from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.model import Pixels
from bocage.model._alike import BESIDE, SHARPER, STEPS, average_alike, guide_of, sharpen


def naive(
    scores: np.ndarray, near: np.ndarray, visible: np.ndarray, guide: np.ndarray
) -> np.ndarray:
    """The same pixel by pixel."""
    along = np.tensordot(guide, near.reshape(-1, *near.shape[2:]), 1)
    found = np.where(visible, scores, 0).astype(np.float64)
    for step in STEPS:
        given, found = found, np.zeros_like(found)
        for y, x in np.argwhere(visible):
            around = [
                (v, u)
                for v in range(y - 2 * step, y + 3 * step, step)
                for u in range(x - 2 * step, x + 3 * step, step)
                if 0 <= v < visible.shape[0] and 0 <= u < visible.shape[1] and visible[v, u]
            ]
            apart = [((along[:, y, x] - along[:, v, u]) ** 2).sum() for v, u in around]
            weight = np.exp(-np.array(apart))
            values = np.stack([given[:, v, u] for v, u in around])
            found[:, y, x] = weight @ values / weight.sum()
    return found


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_means_are_weighed_by_likeness(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random((3, 4 * height, 4 * width)).astype(np.float32)
    near = rng.random((2, 3, 4 * height, 4 * width)).astype(np.float32)
    seen = rng.random((height, width)) < 0.7
    visible = seen.repeat(4, 0).repeat(4, 1)
    near[:, :, ~visible] = np.nan
    guide = rng.normal(0, 1, (2, 6))
    found = average_alike(scores, near, seen, tuple(tuple(axis) for axis in guide))
    assert found == pytest.approx(naive(scores, np.nan_to_num(near), visible, guide), abs=1e-5)
    assert (found[:, ~visible] == 0).all()


def test_without_axes_nothing_is_averaged() -> None:
    scores = np.random.default_rng(0).random((2, 8, 4)).astype(np.float32)
    seen = np.array([[True], [False]])
    found = average_alike(scores, np.zeros((1, 1, 8, 4), np.float32), seen, ())
    assert np.array_equal(found[:, :4], scores[:, :4])
    assert (found[:, 4:] == 0).all()


def test_no_border_is_crossed_and_a_line_is_kept() -> None:
    """A line of one pixel between two fields, each said with noise."""
    rng = np.random.default_rng(1)
    ground = np.zeros((40, 40), int)
    ground[:, 20] = 1
    ground[:, 21:] = 2
    near = ground[None, None].astype(np.float32)
    scores = (0.5 * np.eye(3)[ground] + 0.5 * rng.dirichlet(np.ones(3), (40, 40))).astype(
        np.float32
    )
    seen = np.ones((10, 10), bool)
    found = average_alike(scores.transpose(2, 0, 1), near, seen, ((5.0,),))
    assert (found.argmax(axis=0) == ground).all()
    assert found[0][ground == 0].std() < 0.1 * scores[..., 0][ground == 0].std()
    own = np.take_along_axis(found, ground[None], axis=0)[0]
    assert own[:, 20].mean() == pytest.approx(own[:, :20].mean(), abs=0.05)


def test_what_lies_beyond_the_reach_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random((1, 120, 8)).astype(np.float32)
    near = np.zeros((1, 1, 120, 8), np.float32)
    seen, guide = np.ones((30, 2), bool), ((1.0,),)
    whole = average_alike(scores, near, seen, guide)
    first = 10
    part = slice(4 * (first - BESIDE), None)
    cut = average_alike(scores[:, part], near[:, :, part], seen[first - BESIDE :], guide)
    assert np.array_equal(cut[:, 4 * BESIDE :], whole[:, 4 * first :])
    assert not np.array_equal(cut, whole[:, part])


def test_the_guide_does_not_know_units(pixels: Pixels) -> None:
    """Pixels a usual distance apart weigh nothing in a mean, whatever the numbers."""
    guide = np.array(guide_of(pixels, 0))
    count = len(pixels.months) * len(pixels.bands)
    assert guide.shape == (min(8, count), count)
    assert guide_of(pixels, 0) == guide_of(pixels, 0)
    brighter = replace(pixels, near=(2 * pixels.near).astype(np.float16))
    other = np.array(guide_of(brighter, 0))
    seasons = np.random.default_rng(0).random((count, 2))
    one = ((guide @ (seasons[:, 0] - seasons[:, 1])) ** 2).sum()
    two = ((other @ (2 * seasons[:, 0] - 2 * seasons[:, 1])) ** 2).sum()
    assert two == pytest.approx(one, rel=0.05)


def test_a_single_pixel_guides_nothing(pixels: Pixels) -> None:
    assert guide_of(pixels.pick(np.arange(1)), 0) == ()
    assert np.isfinite(guide_of(pixels.pick(np.arange(2)), 0)).all()
    same = pixels.pick(np.zeros(5, int))
    assert np.isfinite(guide_of(same, 0)).all()


def test_sharpened_means_are_surer_and_keep_their_order() -> None:
    rng = np.random.default_rng(3)
    probability = rng.dirichlet(np.ones(4), (5, 6)).transpose(2, 0, 1).astype(np.float32)
    found = sharpen(probability)
    assert SHARPER > 1
    assert found.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert (found.max(axis=0) >= probability.max(axis=0)).all()
    assert np.array_equal(found.argsort(axis=0), probability.argsort(axis=0))
    assert (sharpen(np.zeros((2, 1, 1), np.float32)) == 0).all()
