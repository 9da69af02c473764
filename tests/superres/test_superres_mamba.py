"""The published layout of opensr-mamba, filled with random numbers."""

import importlib
import sys
from itertools import pairwise

import numpy as np
import pytest

from bocage.errors import ConfigError, InputError
from bocage.superres import fingerprint, get_backend
from bocage.superres._chain import Chain, apply_chain
from bocage.superres._mamba import OVERLAP, RGB, TILE, spans, weights_file

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
from bocage.superres import _mamba_net as module  # noqa: E402
from bocage.superres._mamba_net import (  # noqa: E402
    MambaNet,
    read_net,
    scan_orders,
    selective_scan,
    tensor_shapes,
)

FOUR = ("B02", "B03", "B04", "B08")


def tensors(seed=0):
    """Random ones that keep an image of reflectance near itself."""
    draw = torch.Generator().manual_seed(seed)
    made = {k: 0.05 * torch.randn(s, generator=draw) for k, s in tensor_shapes().items()}
    for name in made:
        if "norm.weight" in name or "ln_" in name or "skip" in name:
            made[name] += 1
        if name.endswith("A_logs"):
            made[name] += torch.log(torch.arange(1.0, 17))
    return made


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package whose code must not be run; its file of weights."""
    folder = tmp_path / "site"
    weights = folder / "opensr_mamba" / "mamba" / "weights" / "srmodel.pth"
    weights.parent.mkdir(parents=True)
    for part in (".", "mamba"):
        (folder / "opensr_mamba" / part / "__init__.py").write_text("raise SystemExit('executed')")
    torch.save(tensors(), weights)
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    return weights


@pytest.fixture
def real():
    """The network as it is published."""
    try:
        return read_net(weights_file())
    except ConfigError as error:
        pytest.skip(f"the published weights are not installed: {error}")


def picture(bands, rows=20, columns=20, seed=1):
    shape = (len(bands), rows, columns)
    return np.random.default_rng(seed).uniform(0.02, 0.4, shape).astype(np.float32)


def test_the_sizes_are_the_published_ones():
    assert len(tensor_shapes()) == 170
    assert sum(int(np.prod(s)) for s in tensor_shapes().values()) == 498_364


@pytest.mark.parametrize("bands", [RGB, FOUR, (*FOUR, "B01", "B05")])
def test_an_image_with_a_hole(package, bands):
    engine = get_backend("opensr-mamba")
    image = picture(bands)
    image[:, 3:5, 3:5] = np.nan
    made = apply_chain(image, Chain(engine, bands, (10,) * len(bands)))
    assert made.image.shape == (len(bands), 80, 80)
    assert (np.isnan(made.image) == np.kron(np.isnan(image), np.ones((1, 4, 4), bool))).all()
    linear = [b for b in bands if b not in RGB]
    said = f"linear filter for {', '.join(linear)}" if linear else ""
    assert engine.note(bands) == said
    assert made.notes == ((said,) if said else ())
    assert engine.name == "opensr-mamba"
    assert "opensr_mamba" not in sys.modules


def test_colours_go_in_and_come_out_in_their_order(package):
    engine = get_backend("opensr-mamba")
    image = picture(FOUR)
    made = engine.upscale(image, FOUR)
    assert np.allclose(made[[2, 1, 0]], read_net(package)(image[[2, 1, 0]]), atol=1e-6)
    assert np.allclose(engine.upscale(image[::-1], FOUR[::-1])[::-1], made, atol=1e-6)
    assert (made[3] == get_backend("lmmse").upscale(image, FOUR)[3]).all()


def test_tiles_fade_into_each_other(package):
    image = picture(RGB, 6, 150)
    made = get_backend("opensr-mamba").upscale(image, RGB)
    net = read_net(package)
    left, right = net(image[..., :128]), net(image[..., 22:])
    # Alone at both ends, half and half in the middle of what is common to both.
    assert np.allclose(made[..., : 4 * 22], left[..., : 4 * 22], atol=1e-6)
    assert np.allclose(made[..., 4 * 128 :], right[..., -4 * 22 :], atol=1e-6)
    middle = (left[..., 4 * 75 - 1] + right[..., 4 * (75 - 22) - 1]) / 2
    assert np.allclose(made[..., 4 * 75 - 1], middle, atol=0.01 * np.ptp(made))
    first = left[..., 4 * 22] - right[..., 0]
    assert np.abs(first).max() > 0.01  # zeros around the tile: a seam, were it not faded
    assert np.abs(made[..., 4 * 22] - left[..., 4 * 22]).max() < np.abs(first).max() / 100


@pytest.mark.parametrize("count", [1, 127, 128, 129, 224, 225, 1000])
def test_tiles_cover_an_axis_with_weights_that_sum_to_one(count):
    total = np.zeros(4 * count)
    found = spans(count)
    for part, weights in found:
        assert part.stop - part.start == min(TILE, count)
        total[4 * part.start : 4 * part.stop] += weights
    assert np.allclose(total, 1, atol=1e-6)
    common = [before.stop - after.start for (before, _), (after, _) in pairwise(found)]
    assert all(n >= OVERLAP for n in common)


def test_a_scan_by_hand():
    """One feature, one state: halved at each step before the input times its step is added."""
    given = torch.tensor([[[1.0], [2.0], [4.0]]])
    ones = torch.ones_like(given)
    half = -torch.log(torch.tensor([[[2.0]]]))
    made = selective_scan(given, ones, half, ones, 10 * ones)
    assert torch.allclose(made.flatten(), torch.tensor([10.0, 25, 52.5]))


def test_a_scan_longer_than_a_part_is_the_recurrence():
    draw = np.random.default_rng(0)
    models, times, features, states = 2, 2 * module._AT_ONCE + 5, 3, 4
    given, step = draw.random((2, models, times, features))
    decay = -draw.random((models, features, states))
    into, out = draw.normal(size=(2, models, times, states))
    expected = np.zeros_like(given)
    for m in range(models):
        for f in range(features):
            state = np.zeros(states)
            for t in range(times):
                state = np.exp(step[m, t, f] * decay[m, f]) * state
                state += step[m, t, f] * into[m, t] * given[m, t, f]
                expected[m, t, f] = out[m, t] @ state
    made = selective_scan(*(torch.from_numpy(a) for a in (given, step, decay, into, out)))
    assert np.allclose(made.numpy(), expected, atol=1e-12)


def test_pixels_are_read_along_rows_and_columns_both_ways():
    assert scan_orders(2, 3).tolist() == [
        [0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5], [5, 4, 3, 2, 1, 0], [5, 2, 4, 1, 3, 0],
    ]  # fmt: skip


def test_turning_an_image_turns_the_orders():
    """With kernels that are the same turned, and orders exchanged, a turned image comes turned."""
    made = tensors()
    for name in made:
        if made[name].shape[-2:] == (3, 3):
            made[name] = made[name].mean(dim=(-2, -1), keepdim=True).expand(made[name].shape)
    made["upsample.0.weight"] = made["upsample.0.weight"][::16].repeat_interleave(16, dim=0)
    made["upsample.0.bias"] = made["upsample.0.bias"][::16].repeat_interleave(16)
    turned = dict(made)
    for name, tensor in made.items():
        if name.endswith(("x_proj_weight", "dt_projs_weight", "dt_projs_bias")):
            turned[name] = tensor[[1, 0, 3, 2]]
        if name.endswith(("A_logs", "Ds")):
            four = tensor.view(4, -1, *tensor.shape[1:])
            turned[name] = four[[1, 0, 3, 2]].reshape(tensor.shape)
    image = picture(RGB, 9, 12)
    plain = MambaNet(made)(image)
    assert np.allclose(MambaNet(turned)(image.swapaxes(1, 2)).swapaxes(1, 2), plain, atol=1e-5)
    assert not np.allclose(MambaNet(made)(image.swapaxes(1, 2)).swapaxes(1, 2), plain, atol=1e-5)


def test_what_is_not_installed_is_named_with_how_to_get_it(monkeypatch, package):
    package.unlink()
    with pytest.raises(ConfigError, match=r"srmodel\.pth is missing"):
        get_backend("opensr-mamba")
    monkeypatch.setattr("bocage.superres._mamba.find_spec", lambda name: None)
    for ask in (get_backend, fingerprint):
        with pytest.raises(ConfigError, match=r"pip install --no-deps opensr-mamba==0\.0\.1"):
            ask("opensr-mamba")


def test_torch_is_needed(monkeypatch, package):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "bocage.superres._mamba.find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(ConfigError, match="needs torch\n"):
        get_backend("opensr-mamba")


def test_wrong_files_and_images_are_named(package):
    image = picture(RGB)
    with pytest.raises(InputError, match="the image lacks B04"):
        get_backend("opensr-mamba").upscale(image[:2], ("B02", "B03"))
    other = tensors()
    other["norm.bias"] = torch.zeros(61)
    del other["conv_first.bias"]
    other["more"] = torch.zeros(1)
    torch.save(other, package)
    said = r"2 tensors are missing .* \(conv_first\.bias, norm\.bias\), 1 unknown"
    with pytest.raises(InputError, match=said):
        get_backend("opensr-mamba").upscale(image, RGB)
    torch.save([1, 2], package)
    with pytest.raises(InputError, match="170 tensors are missing"):
        read_net(package)
    package.write_bytes(b"no weights")
    with pytest.raises(InputError, match="cannot be read as weights"):
        read_net(package)
    torch.save({"code": Runs()}, package)
    with pytest.raises(InputError, match="cannot be read as weights"):
        read_net(package)


class Runs:
    """A pickle that would run code when it is read."""

    def __reduce__(self):
        return (sys.exit, ("executed",))


def test_other_weights_are_another_fingerprint(package):
    before = fingerprint("opensr-mamba")
    torch.save(tensors(seed=9), package)
    assert fingerprint("opensr-mamba") != before


def test_the_published_weights_keep_the_level_and_sharpen_an_edge(real):
    image = np.full((3, 40, 40), 0.05, np.float32)
    image[:, :, 20:] = 0.15
    image += np.random.default_rng(0).normal(0, 0.001, image.shape).astype(np.float32)
    fine = real(image)
    assert fine.shape == (3, 160, 160)
    assert abs(fine.mean() - image.mean()) < 0.005
    inner = fine[:, 32:-32]
    assert np.allclose(inner[..., 16:64], 0.05, atol=0.02)
    assert np.allclose(inner[..., -64:-16], 0.15, atol=0.02)
