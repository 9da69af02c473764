from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bocage.model import Pixels
from bocage.model._features import fill_months, indices_of

torch = pytest.importorskip("torch", reason="needs the extra 'train'")


@pytest.fixture
def set_up() -> Callable:
    from bocage.model._bench import set_up

    return set_up


def seasons(pixels: Pixels, scale: int) -> np.ndarray:
    """Filled (month, band, pixel) of the pixel itself, 0, or of a window around it, 1 …"""
    values = pixels.near if scale == 0 else pixels.wide[:, scale - 1]
    flat = np.ascontiguousarray(values.transpose(1, 2, 0), np.float32)
    return fill_months(flat, np.ascontiguousarray(pixels.observed.T))


@pytest.mark.parametrize("scales", [(0,), (0, 2), (0, 1, 2)])
def test_inputs_are_standardised_seasons(
    pixels: Pixels, set_up: Callable, scales: tuple[int, ...]
) -> None:
    from bocage.model._bench import View

    bench, which = set_up(pixels), np.array([3, 700, 41])
    seen = pixels.near[pixels.observed].astype(np.float64)
    assert bench.mean == pytest.approx(seen.mean(axis=0), abs=1e-5)
    assert bench.deviation == pytest.approx(seen.std(axis=0), abs=1e-5)
    got = bench.inputs(which, View(scales)).cpu().numpy()
    want = [
        (seasons(pixels, s)[:, :, which] - bench.mean[:, None]) / bench.deviation[:, None]
        for s in scales
    ]
    assert got == pytest.approx(np.stack(want).reshape(-1, 3).T, abs=1e-4)
    assert got.shape == (3, bench.channels(View(scales)))


def test_inputs_of_indices(pixels: Pixels, set_up: Callable) -> None:
    from bocage.model._bench import View

    view, which = View((0, 1), indices=True), np.arange(50)
    bench = set_up(pixels)
    got = bench.inputs(which, view).cpu().numpy()
    want = [4 * indices_of(seasons(pixels, s)[:, :, which], pixels.bands) for s in (0, 1)]
    assert got == pytest.approx(np.stack(want).reshape(-1, 50).T, abs=1e-4)
    assert got.shape[1] == bench.channels(view)
    dim = replace(pixels, near=pixels.near * np.float16(0.5), wide=pixels.wide * np.float16(0.5))
    bright, shade = (set_up(p).inputs(which, view).cpu().numpy() for p in (pixels, dim))
    assert np.median(np.abs(bright - shade)) < 1e-3


def test_what_was_not_seen_does_not_teach(pixels: Pixels, set_up: Callable) -> None:
    from bocage.model._bench import View

    spoilt = replace(pixels, near=pixels.near.copy(), wide=pixels.wide.copy())
    spoilt.near[~pixels.observed] = np.nan
    spoilt.wide.transpose(0, 2, 1, 3)[~pixels.observed] = np.nan
    which = np.arange(len(pixels))
    for view in (View((0, 1, 2)), View((0, 1, 2), indices=True)):
        one, two = (set_up(p).inputs(which, view) for p in (pixels, spoilt))
        assert torch.equal(one, two)


def test_defects_are_cut_off(pixels: Pixels, set_up: Callable) -> None:
    from bocage.model._bench import View

    odd = replace(pixels, near=pixels.near.copy())
    at = int(np.flatnonzero(pixels.observed.all(axis=1))[0])
    odd.near[at] = 60_000
    bench = set_up(odd)
    bench.mean, bench.deviation = set_up(pixels).mean, set_up(pixels).deviation
    assert bench.inputs(np.array([at]), View((0,))).max() == 12


def test_months_are_hidden_from_every_other_pixel(pixels: Pixels, set_up: Callable) -> None:
    from bocage.model._bench import View

    bench, view = set_up(pixels), View((0, 1, 2))
    which = np.flatnonzero(pixels.observed.all(axis=1))[:500]
    plain = bench.inputs(which, view)
    assert torch.equal(plain, bench.inputs(which, view, hide=(0.0, np.random.default_rng(0))))
    changed = (bench.inputs(which, view, hide=(0.95, np.random.default_rng(0))) != plain).any(dim=1)
    assert 0.3 < float(changed.float().mean()) < 0.6


def test_hidden_months_never_blind_a_pixel() -> None:
    from bocage.model._bench import hide_months

    seen = np.zeros((40, 6), bool)
    seen[:, 2] = True
    seen[::2] = True
    rng = np.random.default_rng(0)
    hidden = [hide_months(seen, 0.95, rng) for _ in range(50)]
    assert all(h.any(axis=1).all() for h in hidden)
    assert any(h[0].sum() < 6 for h in hidden)
    assert all((h <= seen).all() for h in hidden)
    kept = np.mean([(h == seen).all(axis=1)[::2].mean() for h in hidden])
    assert 0.5 < kept < 0.7  # every other pixel, and those that drew a small share
    assert np.array_equal(hide_months(seen, 0, rng), seen)


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


def test_classes_that_do_not_occur_take_no_part_in_the_smoothing() -> None:
    from bocage.model._bench import set_losses

    logits = torch.tensor([[1.0, 0.0, -1e4]])
    allowed = torch.tensor([[True, False, False]])
    found = set_losses(logits, allowed, torch.tensor([True, True, False]), 0.1)
    p = 1 / (1 + np.exp(-1.0))
    want = -0.9 * np.log(p) - 0.05 * (np.log(p) + np.log(1 - p))
    assert found.tolist() == pytest.approx([want], rel=1e-5)


@pytest.mark.parametrize(("count", "batch"), [(3, 2), (7, 3), (5, 1), (2, 8), (16, 8), (17, 8)])
def test_no_step_sees_a_single_pixel(
    pixels: Pixels, set_up: Callable, count: int, batch: int
) -> None:
    """A single pixel has no variance that batch normalisation could use."""
    from bocage.model._bench import View, fit
    from bocage.model._network import PixelNet, Sizes

    bench, view = set_up(pixels), View((0,))
    net = PixelNet(Sizes(bench.channels(view), 4, 8), [True] * 4).to(bench.device)
    parts: list[np.ndarray] = []
    told: list[float] = []

    def loss(logits, part):
        parts.append(part)
        return logits.square().sum(dim=1)

    which = np.arange(count)
    fit(
        net, which, lambda part: bench.inputs(part, view), loss,
        epochs=2, batch=batch, rate=1e-3, rng=np.random.default_rng(0), told=told.append,
    )  # fmt: skip
    assert min(len(part) for part in parts) >= 2
    assert max(len(part) for part in parts) <= max(batch, 3)
    assert len(told) == 2
    assert sorted(np.concatenate(parts)) == sorted([*which, *which])
    assert not net.training


def test_the_rate_rises_and_falls_to_zero() -> None:
    from bocage.model._bench import _factor

    rates = [_factor(step, 100) for step in range(100)]
    assert rates[0] < 0.5
    assert max(rates) > 0.95
    assert int(np.argmax(rates)) < 10
    assert rates[-1] == 0
    assert np.all(np.diff(rates[10:]) < 0)


def test_logits_in_parts_are_logits_of_the_whole(
    pixels: Pixels, set_up: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bocage.model import _bench
    from bocage.model._network import PixelNet, Sizes

    bench, view = set_up(pixels), _bench.View((0,))
    net = PixelNet(Sizes(bench.channels(view), 4, 8), [True] * 4).to(bench.device)
    which = np.arange(100)
    whole = _bench.logits_of(net, which, lambda part: bench.inputs(part, view))
    monkeypatch.setattr(_bench, "_CHUNK", 7)
    parts = _bench.logits_of(net, which, lambda part: bench.inputs(part, view))
    assert torch.allclose(whole, parts, atol=1e-6)
    assert not whole.requires_grad
    none = _bench.logits_of(net, which[:0], lambda part: bench.inputs(part, view))
    assert none.shape == (0, 4)
