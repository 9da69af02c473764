"""Polygons kept from an earlier map, from the command line."""

import geopandas as gpd
import pytest
import shapely


def test_polygons_of_a_map_are_kept_in_the_next(run, raster, tmp_path, capsys):
    out, kept = tmp_path / "map.gpkg", tmp_path / "kept.gpkg"
    assert run("generalize", raster, "--out", out) == 0
    old = gpd.read_file(out, layer="status")
    old.iloc[:1].to_file(kept)
    new = tmp_path / "new.gpkg"
    words = ("generalize", raster, "--out", new, "--frozen", kept, "--attributes")
    assert run(*words) == 0
    found = gpd.read_file(new, layer="status")
    assert found.frozen.sum() == 1
    mine = found[found.frozen].iloc[0]
    assert mine.code == old.code[0]
    before, after = (shapely.get_coordinates(g) for g in (old.geometry[0], mine.geometry))
    assert set(map(tuple, before)) <= set(map(tuple, after))
    assert found.area.sum() == pytest.approx(1e6)
    old.set_crs("EPSG:3857", allow_override=True).to_file(kept)
    capsys.readouterr()
    assert run("generalize", raster, "--out", new, "--frozen", kept) == 2
    assert "the frozen polygons are in" in capsys.readouterr().err
