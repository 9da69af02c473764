import numpy as np
import pytest

from bocage.superres import degrade, upsample
from bocage.superres._pairs import Augmentation, draw_pairs, fit_filters, stand_ins

PLAIN = Augmentation(noise=(0.0,) * 3)


@pytest.fixture(scope="module")
def scene():
    """Fields of three bands that follow each other."""
    rng = np.random.default_rng(0)
    fields = rng.random((2, 24, 24)).repeat(6, axis=1).repeat(6, axis=2)
    return np.stack([fields[0], 0.5 * fields[0] + 0.5 * fields[1], fields[1]]).astype(np.float32)


def test_a_missing_band_is_stood_in_for_by_the_nearest():
    assert stand_ins([1], [490, 560, 600, 840]) == (0, 2, 2, 3)
    assert stand_ins([], [490, 560]) == (0, 1)
    assert stand_ins([0, 1, 3], [490, 560, 600, 840]) == (2, 2, 2, 2)


def test_pairs_belong_together(scene):
    pairs = draw_pairs(scene, 4, 12, PLAIN, np.random.default_rng(0))
    assert pairs.coarse.shape == (4, 3, 12, 12)
    assert pairs.fine.shape == (4, 3, 48, 48)
    assert pairs.there.all()
    for coarse, fine in zip(pairs.coarse, pairs.fine, strict=True):
        seen = degrade(fine, (0.22,) * 3)
        inner = (slice(None), slice(3, -3), slice(3, -3))
        assert np.abs(coarse - seen)[inner].max() < 0.2
        shifted = np.roll(seen, 1, axis=2)
        assert np.abs(coarse - shifted)[inner].mean() > 2 * np.abs(coarse - seen)[inner].mean()


def test_noise_has_the_strength_that_was_asked_for(scene):
    flat = np.full_like(scene, 0.3)
    options = Augmentation(noise=(0.01, 0.0, 0.02))
    pairs = draw_pairs(flat, 200, 8, options, np.random.default_rng(0))
    spread = pairs.coarse.std(axis=(2, 3)).mean(axis=0)
    mean = (0.3 + 2.0) / 2
    assert np.allclose(spread, np.array([0.01, 0, 0.02]) * mean, rtol=0.1, atol=1e-6)


def test_missing_bands_do_not_count(scene):
    options = Augmentation((0.0,) * 3, substitutes=((0, 0, 2),), missing_share=1)
    pairs = draw_pairs(scene, 5, 8, options, np.random.default_rng(0))
    assert (pairs.coarse[:, 1] == pairs.coarse[:, 0]).all()
    assert pairs.there.tolist() == [[True, False, True]] * 5


def test_equal_seeds_give_equal_pairs(scene):
    first, second, other = (
        draw_pairs(scene, 2, 8, PLAIN, np.random.default_rng(s)) for s in (1, 1, 2)
    )
    assert (first.coarse == second.coarse).all()
    assert (first.coarse != other.coarse).any()


def test_fitted_filters_are_better_than_bicubic(scene):
    weights = fit_filters([(scene, 1.0)], PLAIN, batches=10, side=20)
    assert weights.shape == (4, 49, 16)
    from bocage.superres._lmmse import apply_filter

    coarse = degrade(scene, (0.22,) * 3)
    made = np.stack([apply_filter(c, w) for c, w in zip(coarse, weights, strict=False)])
    assert np.abs(made - scene).mean() < 0.8 * np.abs(upsample(coarse) - scene).mean()


@pytest.mark.slow
def test_the_graph_does_what_the_network_does(scene):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from bocage.superres._graph import Graph
    from bocage.superres.learn import TrainSettings, export_graph, export_weights, train_network

    filters = fit_filters([(scene, 1.0)], PLAIN, batches=5, side=20)[:3]
    settings = TrainSettings(steps=30, batch=2, side=12)
    nets = [train_network([(scene, 1.0)], filters, PLAIN, settings) for _ in range(2)]
    assert export_weights(nets[0]) == export_weights(nets[1])
    data = export_graph(nets[0], ["a", "b", "c"])
    assert data == export_graph(nets[1], ["a", "b", "c"])
    graph = Graph(data, "test", margin=20)
    assert graph.metadata()["bands"] == "a b c"
    for shape in ((30, 41), (17, 9)):
        image = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
        with torch.no_grad():
            expected = nets[0](torch.from_numpy(image[None]))[0].numpy()
        assert np.allclose(graph.run(image), expected, atol=1e-5)


@pytest.mark.slow
def test_a_network_learns_more_than_the_filters_know(scene):
    torch = pytest.importorskip("torch")
    from bocage.superres.learn import FineNet, TrainSettings, train_network

    filters = fit_filters([(scene, 1.0)], PLAIN, batches=5, side=20)[:3]
    coarse = degrade(scene, (0.22,) * 3)

    def away(net):
        with torch.no_grad():
            return np.abs(net(torch.from_numpy(coarse[None]))[0].numpy() - scene).mean()

    settings = TrainSettings(steps=250, batch=4, side=16)
    trained = train_network([(scene, 1.0)], filters, PLAIN, settings)
    assert away(trained) < 0.97 * away(FineNet(filters))
