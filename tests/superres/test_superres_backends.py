import shutil
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from bocage.errors import ConfigError
from bocage.superres import BACKENDS, DEFAULT, Bicubic, SuperResolver, fingerprint, get_backend
from bocage.superres import _backends as module


def test_the_default_is_one_of_the_registry():
    assert DEFAULT in BACKENDS
    assert get_backend().name == get_backend("default").name == DEFAULT
    assert isinstance(get_backend("bicubic"), Bicubic)
    assert isinstance(Bicubic(), SuperResolver)


def test_an_unknown_backend_is_named_with_what_there_is():
    with pytest.raises(ConfigError, match=r"no backend 'gan'") as caught:
        get_backend("gan")
    assert "bicubic, default, fine10, lmmse, shared_detail, onnx:" in str(caught.value)


class Other:
    name = "other"

    def upscale(self, image, bands):
        return image.repeat(4, axis=1).repeat(4, axis=2)


def test_a_backend_of_another_package(monkeypatch):
    points = [
        EntryPoint("other", f"{__name__}:Other", module.GROUP),
        EntryPoint("odd", "builtins:dict", module.GROUP),
    ]
    monkeypatch.setattr(module, "entry_points", lambda group: EntryPoints(points))
    assert get_backend("other").name == "other"
    with pytest.raises(ConfigError, match=r"entry point odd of bocage\.superres gives no"):
        get_backend("odd")
    with pytest.raises(ConfigError, match="no backend 'x'") as caught:
        get_backend("x")
    assert "bicubic, default, fine10, lmmse, odd, other, shared_detail" in str(caught.value)


def test_other_numbers_give_another_fingerprint(tmp_path, monkeypatch):
    assert fingerprint("default") == fingerprint(DEFAULT) != fingerprint("bicubic")
    before = fingerprint()
    copy = tmp_path / "data"
    shutil.copytree(module._DATA, copy)
    monkeypatch.setattr(module, "_DATA", copy)
    assert fingerprint() == before
    (copy / "psf.csv").write_text((copy / "psf.csv").read_text() + "\n")
    assert fingerprint() != before
