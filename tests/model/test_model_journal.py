from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from model_landscape import SETTINGS

from bocage.legend import Legend
from bocage.model import FieldModel, ModelSettings, PixelModel, Pixels, train

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

QUICK = replace(SETTINGS, epochs=2, training_threads=1)


class CutOffError(Exception):
    """The power is gone."""


def cut_off(
    pixels: Pixels, legend: Legend, settings: ModelSettings, folder: Path, after: int
) -> None:
    def tell(epoch: int, planned: int, record: object) -> None:
        if epoch > after:
            raise CutOffError

    with pytest.raises(CutOffError):
        train(pixels, legend, settings, tell, unfinished=folder)


@pytest.mark.parametrize(("engine", "after", "done"), [("field", 21, 10), ("pixel", 2, 1)])
def test_what_was_cut_off_goes_on_to_the_same_end(
    pixels: Pixels, legend: Legend, tmp_path: Path, engine: str, after: int, done: int
) -> None:
    settings = replace(QUICK, engine=engine)
    folder = tmp_path / "unfinished"
    cut_off(pixels, legend, settings, folder, after)
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(kept) == done
    cut_off(pixels, legend, settings, folder, after + 1)  # gets past what is kept
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    resumed = train(pixels, legend, settings, unfinished=folder)
    whole = train(pixels, legend, settings)
    assert isinstance(resumed, FieldModel | PixelModel)
    assert isinstance(whole, FieldModel | PixelModel)
    assert resumed.weights == whole.weights
    assert resumed.graph == whole.graph
    assert resumed.facts == whole.facts
    assert not folder.exists()


def test_networks_that_learn_at_the_same_time_are_the_same(
    pixels: Pixels, legend: Legend, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []

    def tell(epoch: int, planned: int, record: object) -> None:
        told.append((epoch, planned))

    one = train(pixels, legend, QUICK)
    both = train(pixels, legend, replace(QUICK, training_threads=3), tell)
    assert isinstance(one, FieldModel)
    assert isinstance(both, FieldModel)
    assert both.weights == one.weights
    assert both.facts.curve == one.facts.curve
    assert [epoch for epoch, _ in told] == list(range(1, told[0][1] + 1))
    # One that fails stops the others, and what was finished serves whatever their number.
    folder = tmp_path / "unfinished"
    cut_off(pixels, legend, replace(QUICK, training_threads=3), folder, 25)
    assert len(list(folder.iterdir())) < 13
    resumed = train(pixels, legend, QUICK, unfinished=folder)
    assert isinstance(resumed, FieldModel)
    assert resumed.weights == one.weights


def test_a_network_that_fails_stops_those_beside_it() -> None:
    from bocage.model._journal import Journal, Task

    began = Event()

    def endless(net: torch.nn.Module, told: Callable[[float], None]) -> torch.nn.Module:
        while True:
            told(0.0)
            began.set()

    def wrong(net: torch.nn.Module, told: Callable[[float], None]) -> torch.nn.Module:
        began.wait()
        raise CutOffError

    tasks = [Task("a", torch.nn.Linear(1, 1), endless), Task("b", torch.nn.Linear(1, 1), wrong)]
    with pytest.raises(CutOffError):
        Journal().learn_all(tasks, at_once=2)


def test_networks_of_other_pixels_or_settings_are_not_taken(pixels: Pixels, tmp_path: Path) -> None:
    from bocage.model._journal import Kept

    net, blank = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    before = blank.weight.detach().clone()
    Kept.of(tmp_path, pixels, QUICK).keep("trial member 1", net, [0.5, 0.25])
    others = (
        (pixels.pick(np.arange(len(pixels) - 1)), QUICK),
        (replace(pixels, weight=2 * pixels.weight), QUICK),
        (replace(pixels, months=(3, 5, 7, 10)), QUICK),
        (pixels, replace(QUICK, dropout=0.1)),
    )
    for some, settings in others:
        assert Kept.of(tmp_path, some, settings).recall("trial member 1", blank) is None
    kept = Kept.of(tmp_path, pixels, QUICK)
    assert kept.recall("member 1", blank) is None
    assert torch.equal(blank.weight, before)
    assert kept.recall("trial member 1", blank) == [0.5, 0.25]
    assert torch.equal(blank.weight, net.weight)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert kept.recall("trial member 1", torch.nn.Linear(3, 2)) is None
