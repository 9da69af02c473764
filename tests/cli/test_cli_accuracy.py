import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.cli import main
from bocage.grid import geobox
from bocage.rasters import wrap, write_geotiff

X, Y = 4_000_000, 3_000_000


def call(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.fixture
def project(tmp_path):
    """A map of two classes, its legend, and a site in its west."""
    (tmp_path / "legend.csv").write_text("code_1,name_1\n11,wood\n22,lake\n")
    data = np.full((50, 100), 11, dtype=np.uint8)
    data[:, 50:] = 22
    box = geobox((X, Y, X + 1000, Y + 500), 10)
    write_geotiff(tmp_path / "map.tif", wrap(data, box), nodata=255)
    site = gpd.GeoDataFrame({"site": ["west"]}, geometry=[shapely.box(X, Y, X + 499, Y + 500)])
    site.set_crs(3035).to_file(tmp_path / "sites.gpkg")
    return tmp_path


def test_a_survey_from_plan_to_figures(project, capsys):
    legend = ("--legend", project / "legend.csv")
    code, out, _ = call(
        capsys, "survey", project / "map.tif", *legend, "--points", 20, "--minimum", 5,
        "--design", "systematic", "--step", 50, "--out", project / "survey", "--json",
    )  # fmt: skip
    plan = json.loads(out)
    assert code == 0
    assert (plan["points"], plan["wanted"]) == (20, None)
    assert [s["points"] for s in plan["strata"]] == [10, 10]
    points = gpd.read_file(plan["files"]["points.gpkg"])
    points["code"] = np.where(points.geometry.x < X + 750, 11, 22)
    points.to_file(project / "done.gpkg")
    words = (
        "accuracy", "--map", project / "map.tif", "--reference", project / "done.gpkg", *legend,
        "--strata", plan["files"]["strata.tif"], "--regions", project / "sites.gpkg",
        "--figure", project / "confusion.png",
    )  # fmt: skip
    code, out, _ = call(capsys, *words, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["protocol"] == "blind"
    assert found["oa"] == pytest.approx(0.75, abs=0.05)
    assert found["oa_se"] > 0
    assert found["regions"]["sites"]["west"]["oa"] == 1.0
    assert found["levels"]["1"]["n"] == 20
    assert (project / "confusion.png").stat().st_size > 1000
    code, out, _ = call(capsys, *words)
    assert "blind: overall" in out
    assert "sites: west 100.0 %" in out


def test_wrong_words_have_exit_code_2(project, capsys):
    legend = ("--legend", project / "legend.csv")
    code, _, err = call(
        capsys, "survey", project / "map.tif", *legend, "--out", project, "--design", "odd"
    )
    assert (code, "no design 'odd'" in err) == (2, True)
    code, _, err = call(
        capsys, "compare", project / "map.tif", project / "map.tif", "--legend-a",
        project / "legend.csv", "--change-fields", "one",
    )  # fmt: skip
    assert (code, "not two attributes" in err) == (2, True)
    code, out, _ = call(
        capsys, "compare", project / "map.tif", project / "none.tif", "--legend-a",
        project / "legend.csv", "--json",
    )  # fmt: skip
    assert (code, "no such file" in json.loads(out)["error"]) == (2, True)
