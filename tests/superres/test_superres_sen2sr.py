"""The published layout of SEN2SRLite, filled with random numbers."""

import numpy as np
import pytest

from bocage.errors import ConfigError, InputError
from bocage.superres import fingerprint, get_backend
from bocage.superres._chain import Chain, apply_chain
from bocage.superres._sen2sr import RGBN, SWIR, bilinear, constrain
from bocage.superres._span import Span, convolve, fold, shuffle, sigmoid, tensor_shapes

safetensors = pytest.importorskip("safetensors.numpy")
TEN = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")


def tensors(taken, given, factor, seed=0):
    rng = np.random.default_rng(seed)
    shapes = tensor_shapes(taken, given, factor)
    return {k: rng.normal(0, 0.1, s).astype(np.float32) for k, s in shapes.items()}


def mask(level=None):
    y, x = np.mgrid[-256:256, -256:256]
    soft = np.exp(-(y**2 + x**2) / (2 * 60**2))
    return {
        "weights": np.full_like(soft, level, np.float32)
        if level is not None
        else soft.astype(np.float32)
    }


@pytest.fixture
def four(tmp_path):
    """The layout of the four 10 m bands."""
    folder = tmp_path / "four"
    folder.mkdir()
    safetensors.save_file(tensors(4, 4, 4), folder / "model.safetensor")
    safetensors.save_file(mask(), folder / "hard_constraint.safetensor")
    # Published beside them and never run.
    (folder / "load.py").write_text("raise SystemExit('executed')")
    (folder / "mlm.json").write_text("{}")
    return folder


@pytest.fixture
def ten(tmp_path):
    """The layout of all ten bands."""
    folder = tmp_path / "ten"
    folder.mkdir()
    for name, made in (
        ("sr_model", tensors(4, 4, 4)), ("sr_hard_constraint", mask()),
        ("f2_model", tensors(10, 6, 1)), ("f2_hard_constraint", mask()),
        ("model", tensors(10, 6, 1, seed=5)), ("hard_constraint", mask()),
    ):  # fmt: skip
        safetensors.save_file(made, folder / f"{name}.safetensor")
    return folder


def picture(bands, side=40, seed=1):
    return (
        np.random.default_rng(seed).uniform(0.02, 0.4, (len(bands), side, side)).astype(np.float32)
    )


def test_the_sizes_are_the_published_ones():
    assert sum(int(np.prod(s)) for s in tensor_shapes(4, 4, 4).values()) == 572_336
    assert len(tensor_shapes(4, 4, 4)) == 204


@pytest.mark.parametrize("bands", [RGBN, TEN, (*RGBN, "B01")])
def test_a_folder_of_four_bands(four, bands):
    engine = get_backend(f"sen2sr:{four}")
    image = picture(bands)
    image[:, 3:5, 3:5] = np.nan
    made = apply_chain(image, Chain(engine, bands, (10,) * len(bands)))
    assert made.image.shape == (len(bands), 160, 160)
    assert (np.isnan(made.image) == np.kron(np.isnan(image), np.ones((1, 4, 4), bool))).all()
    linear = [b for b in bands if b not in RGBN]
    assert engine.note(bands) == (f"linear filter for {', '.join(linear)}" if linear else "")
    assert engine.name == "sen2sr:four"


def test_a_folder_of_ten_bands(ten):
    engine = get_backend(f"sen2sr:{ten}")
    assert engine.note(TEN) == ""
    image = picture(TEN)
    made = engine.upscale(image, TEN)
    assert made.shape == (10, 160, 160)
    # The order of the bands of the image does not matter.
    turned = engine.upscale(image[::-1], TEN[::-1])
    assert np.allclose(turned[::-1], made, atol=1e-6)
    # Without some of the 20 m bands the others go through the linear filter.
    assert engine.note(TEN[:-1]) == f"linear filter for {', '.join(SWIR[:-1])}"


def test_the_low_frequencies_are_those_of_the_source():
    coarse = picture(RGBN, side=128)
    fine = np.zeros((4, 512, 512), np.float32)
    kept = constrain(coarse, fine, mask()["weights"])
    assert np.allclose(kept.mean(axis=(1, 2)), coarse.mean(axis=(1, 2)), atol=1e-3)
    assert np.allclose(constrain(coarse, fine, mask(0.0)["weights"]), fine, atol=1e-6)


def test_a_flat_image_of_a_network_of_zeros_stays_flat(tmp_path):
    zeros = {k: np.zeros_like(v) for k, v in tensors(4, 4, 4).items()}
    safetensors.save_file(zeros, tmp_path / "model.safetensor")
    safetensors.save_file(mask(1.0), tmp_path / "hard_constraint.safetensor")
    flat = np.full((4, 200, 30), 0.2, np.float32)
    made = get_backend(f"sen2sr:{tmp_path}").upscale(flat, RGBN)
    assert made.shape == (4, 800, 120)
    assert np.allclose(made, 0.2, atol=1e-5)


def test_three_convolutions_and_the_one_beside_them_fold_into_one():
    made = tensors(4, 4, 4)
    image = picture(RGBN, side=12)
    weight, bias = fold(made, "conv_1")
    plain = image
    for part in ("conv.0", "conv.1", "conv.2"):
        plain = convolve(plain, made[f"conv_1.{part}.weight"], made[f"conv_1.{part}.bias"])
    plain = plain + convolve(image, made["conv_1.sk.weight"], made["conv_1.sk.bias"])
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert np.allclose(convolve(image, weight, bias)[inner], plain[inner], atol=1e-5)


def test_a_convolution_by_hand():
    image = np.array([[[1.0, 2.0], [3.0, 4.0]]], np.float32)
    weight = np.zeros((1, 1, 3, 3), np.float32)
    weight[0, 0, 1] = (10, 1, 0)  # ten times the left neighbour and the pixel itself
    assert convolve(image, weight, np.array([0.5], np.float32)).tolist() == [
        [[1.5, 12.5], [3.5, 34.5]]
    ]
    assert sigmoid(np.array([-1000.0, 0, 1000], np.float32)).tolist() == [0, 0.5, 1]


def test_bands_become_pixels_row_by_row():
    image = np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    assert shuffle(image, 2).tolist() == [[[0, 1], [2, 3]]]


def test_bilinear_interpolation_of_a_ramp():
    ramp = np.arange(5, dtype=np.float32)[None, None] * np.ones((1, 3, 1), np.float32)
    fine = bilinear(ramp)
    assert np.allclose(fine[0, 0, 2:-2], np.arange(0.125, 4, 0.25)[: fine.shape[2] - 4])
    assert fine.shape == (1, 12, 20)


def test_wrong_folders_are_named(four, ten, tmp_path):
    with pytest.raises(ConfigError, match=r"lacks model.safetensor, hard_constraint.safetensor"):
        get_backend(f"sen2sr:{tmp_path}")
    (ten / "sr_hard_constraint.safetensor").unlink()
    with pytest.raises(ConfigError, match=r"lacks sr_hard_constraint.safetensor"):
        get_backend(f"sen2sr:{ten}")
    image = picture(RGBN)
    engine = get_backend(f"sen2sr:{four}")
    with pytest.raises(InputError, match="the image lacks B08"):
        engine.upscale(image[:3], RGBN[:3])
    safetensors.save_file({"other": np.zeros(3, np.float32)}, four / "model.safetensor")
    with pytest.raises(InputError, match=r"204 tensors are missing .* 1 unknown"):
        get_backend(f"sen2sr:{four}").upscale(image, RGBN)
    (four / "model.safetensor").write_bytes(b"no tensors")
    with pytest.raises(InputError, match="is no safetensors file"):
        get_backend(f"sen2sr:{four}").upscale(image, RGBN)
    safetensors.save_file(tensors(4, 4, 4), four / "model.safetensor")
    safetensors.save_file(
        {"weights": np.ones((4, 4), np.float32)}, four / "hard_constraint.safetensor"
    )
    with pytest.raises(InputError, match="holds no mask 'weights' of 512"):
        get_backend(f"sen2sr:{four}").upscale(image, RGBN)


def test_other_weights_are_another_fingerprint(four):
    before = fingerprint(f"sen2sr:{four}")
    safetensors.save_file(tensors(4, 4, 4, seed=9), four / "model.safetensor")
    assert fingerprint(f"sen2sr:{four}") != before


def test_a_network_keeps_its_factor():
    net = Span.from_tensors(tensors(10, 6, 1), 10, 6, 1, "a file")
    assert net(picture(TEN, side=9)).shape == (6, 9, 9)
