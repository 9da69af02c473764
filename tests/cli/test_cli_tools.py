"""Single rooms from the command line, on the tiny place of the workflow's tests."""

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from workflow_site import NORTH, WEST, make_images, truth, write

from bocage.cli import main


def call(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_catalog_build(tmp_path, capsys):
    make_images(tmp_path / "images", (2021,))
    out = tmp_path / "catalog.json"
    code, said, _ = call(capsys, "catalog", "build", tmp_path / "images", "--out", out, "--json")
    assert code == 0
    assert json.loads(said)["catalog"] == str(out)
    assert json.loads(out.read_text())["type"] == "Catalog"


def test_superres(tmp_path, capsys):
    write(tmp_path / "in.tif", np.full((2, 20, 20), 1500, np.uint16), ("B02", "B03"))
    out = tmp_path / "out.tif"
    code, said, _ = call(capsys, "superres", tmp_path / "in.tif", "--out", out, "--json")
    assert code == 0
    # Two bands are too few for the network: the result says what was done instead.
    assert json.loads(said)["note"] == "linear filter for B02, B03"
    with rasterio.open(out) as image:
        assert image.shape == (80, 80)
        assert image.res == (2.5, 2.5)
        assert image.descriptions == ("B02", "B03")
        assert np.allclose(image.read(), 1500)
    code, _, err = call(capsys, "superres", tmp_path / "in.tif", "--out", out, "--backend", "magic")
    assert code == 2
    assert "magic" in err
    words = ("superres", tmp_path / "in.tif", "--out", out, "--psf-mtf")
    assert call(capsys, *words, "B02=0.25,B03=0.3")[0] == 0
    for text, message in (("B02", "B02 is not BAND=NUMBER"), ("B8=0.2", "no band B8"),
                          ("B02=3", "3.0 of B02 is no modulation transfer")):  # fmt: skip
        code, _, err = call(capsys, *words, text)
        assert code == 2
        assert message in err


def test_superres_with_a_report(tmp_path, capsys):
    rng = np.random.default_rng(0)
    values = rng.integers(400, 3000, (4, 64, 64)).astype(np.uint16)
    write(tmp_path / "in.tif", values, ("B02", "B03", "B04", "B08"))
    words = ("superres", tmp_path / "in.tif", "--out", tmp_path / "out.tif", "--backend", "bicubic")
    page = tmp_path / "report.html"
    code, said, _ = call(capsys, *words, "--report", page, "--json")
    assert code == 0
    found = json.loads(said)
    assert found["report"] == str(page)
    assert list(found["quality"]["reduced"]) == ["bicubic", "lmmse"]
    assert "in.tif" in page.read_text()


def test_generalize_and_accuracy_and_check(tmp_path, capsys):
    fine = np.kron(truth(2021), np.ones((4, 4), np.uint8))
    grid = rasterio.transform.from_origin(WEST, NORTH, 2.5, 2.5)
    write(tmp_path / "classes_2021.tif", fine, transform=grid)
    legend = tmp_path / "legend.csv"
    legend.write_text("code_1,name_1\n1,Water\n2,Wood\n3,Grass\n")
    out = tmp_path / "map.gpkg"
    words = ("generalize", tmp_path / "classes_2021.tif", "--out", out, "--legend", legend)
    assert call(capsys, *words, "--json")[0] == 0
    polygons = gpd.read_file(out)
    assert set(polygons["code"]) == {1, 2, 3}
    assert polygons.area.sum() == pytest.approx(1e6)

    write(tmp_path / "reference.tif", truth(2021))
    words = ("accuracy", "--map", out, "--reference", tmp_path / "reference.tif")
    words += ("--map-class", "code", "--legend", legend)
    code, said, err = call(capsys, *words, "--json")
    assert code == 0, err
    assert json.loads(said)["oa"] > 0.97
    code, said, _ = call(capsys, *words)
    assert "overall" in said

    code, said, _ = call(capsys, "check", out, "--product", "pa-status-2021")
    assert code == 1
    assert "naming" in said
    report, faults = tmp_path / "check.html", tmp_path / "faults.gpkg"
    words = ("check", out, "--product", "pa-status-2021", "--json")
    code, said, _ = call(capsys, *words, "--report", report, "--faults", faults)
    assert code == 1
    assert list(gpd.list_layers(faults)["name"]) == ["faults"]
    assert json.loads(said)["passed"] is False
    assert "<html" in report.read_text()
    code, _, err = call(capsys, *words, "--status", out, "--status", out)
    assert code == 2
    assert "with a change product" in err


def test_two_years_give_the_three_views(tmp_path, capsys):
    grid = rasterio.transform.from_origin(WEST, NORTH, 2.5, 2.5)
    for year in (2021, 2024):
        fine = np.kron(truth(year), np.ones((4, 4), np.uint8))
        write(tmp_path / f"classes_{year}.tif", fine, transform=grid)
    out = tmp_path / "map.gpkg"
    words = ("generalize", tmp_path / "classes_2021.tif", tmp_path / "classes_2024.tif")
    assert call(capsys, *words, "--out", out)[0] == 0
    layers = set(gpd.list_layers(out)["name"])
    assert {"status_2021", "status_2024", "change"} <= layers
    assert len(gpd.read_file(out, layer="change")) == 1


@pytest.mark.slow
def test_simulate(tmp_path, capsys):
    words = ("simulate", "--out", tmp_path, "--region", "atlantic", "--size", "1", "--seed", "3")
    code, said, _ = call(capsys, *words, "--years", "2021", "--json")
    assert code == 0
    assert json.loads(said)["project"].endswith("project.yaml")
    assert (tmp_path / "truth" / "lulc_2021.tif").exists()
    code, _, err = call(capsys, *words, "--years", "soon")
    assert code == 2
    assert "soon" in err
