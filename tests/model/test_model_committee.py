from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS, make_legend, make_samples

from bocage.model import ModelSettings, Pixels, read_pixels

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

QUICK = replace(SETTINGS, epochs=3)


@pytest.fixture
def repeatable():
    from bocage.model._training import repeatable

    with repeatable(QUICK):
        yield


def test_members_differ_in_what_they_see(pixels: Pixels) -> None:
    from bocage.model._committee import VIEW, views

    found = views(pixels)
    assert len(found) == len(set(found)) == 8
    assert sum(view.indices for view in found) == 4
    assert all(0 in view.scales for view in found)
    assert VIEW in found


def test_without_bands_that_make_an_index_none_sees_indices(
    series: xr.Dataset, truth: np.ndarray
) -> None:
    from bocage.model._committee import views

    bare = read_pixels(
        series.sel(band=["B02", "B11"]), make_samples(truth, series, 5), make_legend()
    )
    found = views(bare)
    assert len(found) == 4
    assert not any(view.indices for view in found)


def test_epochs_make_some_thousand_steps() -> None:
    from bocage.model._committee import member_epochs, student_epochs

    auto = ModelSettings()
    assert member_epochs(10, auto) == 200
    assert member_epochs(10**6, auto) == 10
    assert member_epochs(5000, auto) * 5000 / auto.batch == pytest.approx(4000, rel=0.1)
    assert student_epochs(60_000, auto) * 60_000 / 256 == pytest.approx(3000, rel=0.1)
    assert student_epochs(10**7, auto) < student_epochs(1000, auto)
    for epochs in (member_epochs, student_epochs):
        assert epochs(12345, ModelSettings(epochs=7)) == 7


@pytest.mark.usefixtures("repeatable")
def test_members_learn_from_their_lesson_alone(pixels: Pixels) -> None:
    """Other labels, and pixels without any, change nothing."""
    from bocage.model._bench import set_up
    from bocage.model._committee import Lesson, elect
    from bocage.model._journal import Journal
    from bocage.model._training import weight_of

    labels = np.flatnonzero(pixels.labelled)
    lesson, others = labels[::2], labels[1::2]
    wrong = pixels.label.copy()
    wrong[others] = np.roll(wrong[others], 1)
    found = []
    for part in (pixels, replace(pixels, label=wrong)):
        bench = set_up(part)
        found.append(elect(bench, Lesson(lesson, weight_of(bench)), QUICK, Journal()))
    assert len(found[0].members) == 8
    for one, two in zip(*([m.net.state_dict() for m in c.members] for c in found), strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)
    for name, values in found[0].forest.items():
        np.testing.assert_array_equal(values, found[1].forest[name])


@pytest.mark.usefixtures("repeatable")
def test_weights_count(pixels: Pixels) -> None:
    """A class whose labels weigh nothing is not learned."""
    from bocage.model._bench import set_up
    from bocage.model._committee import Lesson, elect, poll
    from bocage.model._journal import Journal

    labels, first = np.flatnonzero(pixels.labelled), pixels.allowed[:, 0]
    bench = set_up(pixels)
    said = []
    for weight in (1.0, 1e-6):
        lesson = Lesson(labels, np.where(first, weight, 1.0).astype(np.float32))
        opinions = poll(bench, elect(bench, lesson, QUICK, Journal()), labels[first[labels]])
        said.append([part[:, 0].mean() for part in (opinions.nets, opinions.forest)])
    assert min(said[0]) > 0.5
    assert said[1][0] < 0.5 * said[0][0]
    assert said[1][1] < said[0][1]  # little: leaves of a single label stay pure


@pytest.mark.usefixtures("repeatable")
def test_opinions_are_weighed() -> None:
    from bocage.model._committee import Opinions

    nets, forest = np.array([[0.2, 0.8]], np.float32), np.array([[1.0, 0.0]], np.float32)
    both = Opinions(nets, forest, np.zeros(1, np.float32))
    np.testing.assert_allclose(both.together(0.25), [[0.4, 0.6]], rtol=1e-6)
    np.testing.assert_array_equal(both.together(0), nets)
    np.testing.assert_array_equal(both.nets, [[np.float32(0.2), np.float32(0.8)]])


@pytest.mark.usefixtures("repeatable")
def test_what_members_disagree_about_is_epistemic() -> None:
    from bocage.model._committee import Opinions

    even, log2 = np.full((3, 2), 0.5, np.float32), np.log(2)
    # All sure of something else; all undecided alike; half of both.
    within = np.array([0, log2, log2 / 2], np.float32)
    found = Opinions(even, even, within).epistemic(0)
    np.testing.assert_allclose(found, [1, 0, 0.5], atol=1e-6)
    sure = np.array([[1.0, 0.0]], np.float32)
    assert Opinions(sure, sure, np.zeros(1, np.float32)).epistemic(0.3) == 0
    # The forest is one more voice.
    nets, forest = sure, sure[:, ::-1]
    assert Opinions(nets, forest, np.zeros(1, np.float32)).epistemic(0.5) == pytest.approx(1)


@pytest.mark.usefixtures("repeatable")
def test_a_poll_is_the_mean_of_the_members(pixels: Pixels) -> None:
    from bocage.model._bench import logits_of, set_up
    from bocage.model._committee import Lesson, elect, poll
    from bocage.model._journal import Journal
    from bocage.model._training import weight_of

    bench = set_up(pixels)
    labels, which = np.flatnonzero(pixels.labelled), np.arange(1000, 1050)
    committee = elect(bench, Lesson(labels, weight_of(bench)), QUICK, Journal())
    said = poll(bench, committee, which)
    each = [
        torch.softmax(logits_of(m.net, which, lambda part, m=m: bench.inputs(part, m.view)), 1)
        for m in committee.members
    ]
    np.testing.assert_allclose(said.nets, torch.stack(each).mean(dim=0).cpu(), atol=1e-6)
    own = [-(p * p.clamp(min=1e-12).log()).sum(dim=1) for p in each]
    np.testing.assert_allclose(said.within, torch.stack(own).mean(dim=0).cpu(), atol=1e-5)
    for part in (said.nets, said.forest):
        assert part.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (part[:, 3] == 0).all()  # no label taught the last class


@pytest.mark.usefixtures("repeatable")
@pytest.mark.parametrize("turned", [0, 1])
def test_the_network_says_what_it_was_taught(pixels: Pixels, turned: int) -> None:
    """It learns the committee's words, not the labels: turned round, it says them so.

    And where the committee was divided.
    """
    from functools import partial

    from bocage.model._bench import logits_of, set_up
    from bocage.model._committee import VIEW, teach
    from bocage.model._journal import Journal

    own = pixels.pick(pixels.labelled)
    bench = set_up(own)
    right = np.roll(own.allowed[:, :3], turned, axis=1).argmax(axis=1)
    targets = (0.8 * np.eye(4)[right] + 0.05).astype(np.float32)
    divided = np.where(right == 0, 0.9, 0.1).astype(np.float32)
    journal = Journal()
    net = teach(bench, targets, divided, replace(SETTINGS, epochs=100), journal)
    logits = logits_of(net, np.arange(len(own)), partial(bench.inputs, view=VIEW))
    assert logits.shape == (len(own), 5)
    assert (logits[:, :4].argmax(dim=1).numpy() == right).mean() > 0.95
    share = torch.sigmoid(logits[:, 4]).numpy()
    assert share[right == 0].mean() > 0.8
    assert share[right != 0].mean() < 0.2
    assert [record["who"] for record in journal.records] == ["network"] * 100
