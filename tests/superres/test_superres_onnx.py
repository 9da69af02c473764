import numpy as np
import pytest

from bocage.errors import ConfigError, InputError
from bocage.superres import Fine10, get_backend
from bocage.superres._fine10 import _shipped

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")


@pytest.fixture
def described(tmp_path):
    (tmp_path / "net.onnx").write_bytes(_shipped(1)[0].data)
    path = tmp_path / "net.yaml"
    path.write_text(f"model: net.onnx\nbands: [{', '.join(BANDS)}]\nfactor: 4\nmargin: 20\n")
    return path


def test_a_network_of_ones_own_is_run(described):
    image = np.random.default_rng(0).random((11, 30, 20), dtype=np.float32)
    backend = get_backend(f"onnx:{described}")
    assert backend.name == "onnx:net.yaml"
    bands = (*BANDS, "B01")
    assert backend.note(bands) == "linear filter for B01"
    assert (backend.upscale(image, bands) == Fine10().upscale(image, bands)).all()


def test_missing_bands_are_named(described):
    with pytest.raises(InputError, match="the image lacks B12"):
        get_backend(f"onnx:{described}").upscale(np.zeros((9, 9, 9), np.float32), BANDS[:-1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: net.onnx", "bands"),
        ("model: net.onnx\nbands: [B02]\nfactor: 2", "has the factor 2"),
        ("model: net.onnx\nbands: [B02]\nexec: load.py", "exec"),
        ("[", "describes no network"),
    ],
)
def test_a_wrong_description_is_named(tmp_path, text, said):
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        get_backend(f"onnx:{path}")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.yaml describes no network"):
        get_backend(f"onnx:{tmp_path / 'nothing.yaml'}")
    path = tmp_path / "net.yaml"
    path.write_text("model: gone.onnx\nbands: [B02]")
    with pytest.raises(InputError, match=r"gone\.onnx"):
        get_backend(f"onnx:{path}").upscale(np.zeros((1, 9, 9), np.float32), ("B02",))
