from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from bocage.model import Pixels, concatenate  # noqa: E402
from bocage.model._split import Split  # noqa: E402
from bocage.model._trial import USUAL_SHARE, _forest_share, _warmth  # noqa: E402


@dataclass
class Said:
    """Opinions of which the forest is right in a share of the labels, the networks never."""

    right: np.ndarray

    def together(self, share: float) -> np.ndarray:
        p = np.where(self.right, 0.1 + 0.8 * share, 0.1)
        return np.stack([p, 1 - p], axis=1).astype(np.float32)


def split_of(squares: np.ndarray) -> Split:
    held = np.ones(len(squares), bool)
    return Split(~held, held, squares, 100.0)


def test_the_forest_gets_the_share_that_suits() -> None:
    allowed, weight = np.tile([True, False], (200, 1)), np.ones(200, np.float32)
    squares = np.arange(200) // 4
    always = Said(np.ones(200, bool))
    assert _forest_share(always, allowed, weight, split_of(squares)) == 0.7
    # In a few squares nothing can be told …
    few = np.minimum(squares, 3)
    assert _forest_share(always, allowed, weight, split_of(few)) == USUAL_SHARE
    # … nor where the forest is as often wrong as right.
    toss = np.random.default_rng(0).random((200, 1)) < 0.5
    allowed = np.concatenate([toss, ~toss], axis=1)
    assert _forest_share(always, allowed, weight, split_of(squares)) == USUAL_SHARE


@dataclass
class Table:
    pixels: Pixels


@pytest.fixture
def two_regions(pixels: Pixels) -> Table:
    own = pixels.pick(pixels.labelled)
    parts = [
        replace(own, layers=(f"region:{name}",), place=np.ones((len(own), 1), np.float32))
        for name in ("calm", "wild")
    ]
    return Table(concatenate(parts))


def test_a_region_where_the_committee_errs_is_warmer(two_regions: Table) -> None:
    pixels = two_regions.pixels
    n = len(pixels) // 2
    rng = np.random.default_rng(1)
    truth = pixels.allowed.argmax(axis=1)
    said = np.full((2 * n, 4), 0.05, np.float32)
    guess = np.where(rng.random(2 * n) < np.repeat([0.05, 0.4], n), (truth + 1) % 3, truth)
    said[np.arange(2 * n), guess] = 0.85
    squares = np.arange(2 * n) // 8
    calm, wild = _warmth(two_regions, said, split_of(squares), 1.0)
    assert calm < -0.1
    assert wild > 0.3
    # Fewer squares than tell: the temperature of all.
    assert not _warmth(two_regions, said, split_of(squares * 0 + np.arange(2 * n) % 2), 1.0).any()


def test_one_region_alone_has_the_temperature_of_all(pixels: Pixels) -> None:
    own = pixels.pick(pixels.labelled)
    alone = replace(own, layers=("region:all",), place=np.ones((len(own), 1), np.float32))
    said = np.full((len(own), 4), 0.25, np.float32)
    assert not _warmth(Table(alone), said, split_of(np.arange(len(own)) // 8), 2.0).any()


def test_warmth_is_part_of_the_graph() -> None:
    import onnxruntime

    from bocage.model._export import export_graph
    from bocage.model._network import FieldNet, PixelNet, Sizes

    torch.manual_seed(0)
    inputs, layers = 6, 2  # of a pixel; a surrounding of 6 and the layers
    net = PixelNet(Sizes(2 * inputs + layers, 4, 8), [True] * 4).eval()
    mean, deviation = torch.zeros(2 * inputs + layers), torch.ones(2 * inputs + layers)
    cool = FieldNet(net, inputs, mean, deviation, 1.5).eval()
    warm = FieldNet(net, inputs, mean, deviation, 1.5, torch.tensor([0.0, 0.7])).eval()
    near = torch.rand(inputs, 3, 4, 5, 4)
    wide = torch.rand(inputs + layers, 3, 5)
    session = onnxruntime.InferenceSession(export_graph(warm), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"near": near.numpy(), "wide": wide.numpy()})
    with torch.no_grad():
        want = cool(near, wide)
    want[:-1] /= torch.exp(0.7 * wide[-1])[:, None, :, None]
    np.testing.assert_allclose(found, want.numpy(), atol=1e-5)
    flat = FieldNet(net, inputs, mean, deviation, 1.5, torch.zeros(2)).eval()
    with torch.no_grad():
        assert torch.equal(flat(near, wide), cool(near, wide))
