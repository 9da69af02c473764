from __future__ import annotations

import numpy as np
import pytest
from model_landscape import SETTINGS

from bocage.legend import Legend
from bocage.model import Chips
from bocage.model._spots import find_spots

torch = pytest.importorskip("torch", reason="needs the extra 'train'")


@pytest.mark.parametrize("side", [4, 8, 12, 16])
def test_spots_cover_each_label_once(chips: Chips, side: int) -> None:
    use = chips.fold != 2
    spots = find_spots(chips, use, side)
    served = np.concatenate([spot.labels for spot in spots])
    assert sorted(served) == np.flatnonzero(use).tolist()
    margin = side // 4
    for spot in spots:
        assert (chips.chip[spot.labels] == spot.chip).all()
        for start, place in ((spot.y, chips.row), (spot.x, chips.column)):
            pixel = place[spot.labels] // 4
            assert 0 <= start <= chips.chip_px - side
            low = 0 if start == 0 else start + margin
            high = chips.chip_px if start + side == chips.chip_px else start + side - margin
            assert ((pixel >= low) & (pixel < high)).all()


def test_single_pixels_see_the_same_in_a_crop_as_in_a_chip(chips: Chips) -> None:
    from bocage.model._bench import spot_logits
    from bocage.model._train import _repeatable, _set_up

    with _repeatable(SETTINGS):
        bench = _set_up(chips, SETTINGS)
        every = np.ones(chips.labels, bool)
        found = []
        for side in (4, chips.chip_px):
            bench.look(surroundings=False, side=side)
            logits, labels = spot_logits(bench, find_spots(chips, every, side))
            found.append(logits[np.argsort(labels)])
    assert found[0] == pytest.approx(found[1], abs=1e-4)


def test_surroundings_start_as_no_opinion(chips: Chips) -> None:
    from bocage.model._bench import spot_logits
    from bocage.model._train import _repeatable, _set_up

    with _repeatable(SETTINGS):
        bench = _set_up(chips, SETTINGS)
        spots = find_spots(chips, np.ones(chips.labels, bool), chips.chip_px)
        found = []
        for surroundings in (False, True):
            bench.look(surroundings=surroundings, side=chips.chip_px)
            found.append(spot_logits(bench, spots)[0])
    assert np.array_equal(*found)


def test_loss_of_a_set_is_the_loss_of_its_sum() -> None:
    from bocage.model._bench import set_losses

    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]))
    allowed = torch.tensor([[True, False, False], [False, True, True]])
    present = torch.ones(3, dtype=torch.bool)
    plain = set_losses(logits, allowed, present, 0.0)
    assert plain.tolist() == pytest.approx([-np.log(0.5)] * 2)
    even = -np.log([0.5, 0.3, 0.2]).mean()
    smooth = set_losses(logits, allowed, present, 0.1)
    assert smooth.tolist() == pytest.approx([-0.9 * np.log(0.5) + 0.1 * even] * 2)


def test_torch_is_left_as_it_was(chips: Chips, legend: Legend) -> None:
    from bocage.model._train import _repeatable

    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with _repeatable(SETTINGS):
        torch.rand(5)
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
