import json
import sys

import numpy as np
import pytest
import rasterio

from benchmarks import superres
from benchmarks._superres_virtual import make, score
from bocage.errors import ConfigError, InputError
from bocage.superres import get_backend

BANDS = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]


@pytest.fixture
def scene(tmp_path):
    rng = np.random.default_rng(0)
    fields = rng.random((10, 12, 12)).repeat(8, axis=1).repeat(8, axis=2)
    path = tmp_path / "scene.tif"
    profile = {
        "driver": "GTiff",
        "count": 10,
        "height": 96,
        "width": 96,
        "dtype": "uint16",
        "crs": "EPSG:3035",
        "transform": rasterio.transform.from_origin(4e6, 3e6, 10, 10),
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write((500 + 3000 * fields).astype(np.uint16))
        target.descriptions = BANDS
    return path


def test_one_scene_gives_a_table_with_both_baselines(scene, monkeypatch, capsys):
    words = ["superres", "--scene", str(scene), "--backends", "fine10", "--json"]
    monkeypatch.setattr(sys, "argv", words)
    superres.main()
    said = json.loads(capsys.readouterr().out)
    assert list(said["backends"]) == ["bicubic", "lmmse", "fine10"]
    names = [
        "psnr",
        "ssim",
        "sam",
        "ergas",
        "reflectance",
        "spectral",
        "im_metric",
        "om_metric",
        "ha_metric",
    ]
    for scores in said["backends"].values():
        assert set(names) <= set(scores)
    assert said["backends"]["lmmse"]["psnr"] > said["backends"]["bicubic"]["psnr"]
    assert set(said["sharpening"]) == {"bicubic", "sharpen", "sharpen, fixed weights"}


def test_published_weights_have_a_row_where_they_are_installed(monkeypatch, capsys):
    def lost(name):
        raise ConfigError(f"{name} is not installed")

    class There:
        name = "opensr-mamba"

    monkeypatch.setattr(superres, "get_backend", lost)
    assert superres.installed() == ["bicubic", "fine10", "lmmse"]
    assert "left out: opensr-mamba is not installed" in capsys.readouterr().err
    monkeypatch.setattr(superres, "get_backend", lambda name: There())
    assert superres.installed() == ["bicubic", "fine10", "lmmse", "opensr-mamba"]


def test_files_that_cannot_be_judged_are_named(scene):
    with pytest.raises(InputError, match="3 names for the 10 bands"):
        superres.read_scene(scene, ["a", "b", "c"])
    with rasterio.open(scene, "r+") as target:
        target.nodata = int(target.read(1)[0, 0])
    with pytest.raises(InputError, match="has nodata"):
        superres.read_scene(scene)


@pytest.mark.slow
def test_backends_are_judged_against_the_truth_of_a_virtual_area():
    area = make("continental", 1, 180, size_km=1.0)
    assert area.truth.shape[1] == 4 * area.seen[10].shape[1] == 8 * area.seen[20].shape[1]
    again = make("continental", 1, 180, size_km=1.0)
    assert (area.seen[20] == again.seen[20]).all()
    plain, linear = (score(area, get_backend(n)) for n in ("bicubic", "lmmse"))
    assert linear["psnr_rgbn"] > plain["psnr_rgbn"]
