"""Several scales, attributes and tiles from the command line."""

import geopandas as gpd
import pytest


def test_a_layer_for_each_scale_with_attributes(run, raster, tmp_path):
    out = tmp_path / "map.gpkg"
    words = ("generalize", raster, "--out", out, "--scales", "0.5, 25", "--attributes")
    assert run(*words) == 0
    assert set(gpd.list_layers(out)["name"]) == {"status_0p5ha", "status_25ha"}
    coarse = gpd.read_file(out, layer="status_25ha")
    assert coarse.area.sum() == pytest.approx(1e6)
    assert (coarse.area >= 250_000).all()
    assert coarse.purity.between(0.3, 1).all()


def test_scales_that_are_no_numbers_are_usage_errors(run, raster, tmp_path, capsys):
    assert run("generalize", raster, "--out", tmp_path / "map.gpkg", "--scales", "fine") == 2
    assert "no list of hectares" in capsys.readouterr().err


def test_tiles_give_the_same_map(run, raster, tmp_path):
    for name, more in (("whole", ()), ("tiles", ("--tile", 300)), ("two", ("--workers", 2))):
        assert run("generalize", raster, "--out", tmp_path / f"{name}.gpkg", *more) == 0
    found = {path.read_bytes() for path in tmp_path.glob("*.gpkg")}
    assert len(found) == 1
    assert run("generalize", raster, "--out", tmp_path / "none.gpkg", "--tile", 0) == 2
