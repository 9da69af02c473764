import json

import geopandas as gpd
import pytest

from bocage.cli import main


@pytest.mark.slow
def test_the_demo_maps_checks_and_measures_a_virtual_area(tmp_path, capsys):
    words = ["demo", "--out", str(tmp_path / "demo"), "--size", "1", "--quick", "--cluster", "none"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert found["check_passed"]
    assert set(found["accuracy"]) == {"2021", "2024"}
    # A quick run on one kilometre hardly learns anything: this tells only that labels fit the map.
    assert found["accuracy"]["2021"]["1"] > 0.25
    assert {"status_2021", "status_2024", "change_2021-2024"} <= set(found["products"])

    summary = json.loads((tmp_path / "demo" / "report" / "summary.json").read_text())
    layers = {"status_2021", "status_2024", "change_2021-2024"}
    further = {f"{schema}_{name}" for schema in ("n2k2018", "clc") for name in layers}
    assert set(summary["check"]) == layers | further | {"raster_2021", "raster_2024"}
    clc = tmp_path / "demo" / "products" / "clc" / "status_2021"
    frame = gpd.read_parquet(next(clc.glob("*.parquet")))
    assert (frame.area >= 25e4).all()
    left_out = summary["deliveries"]["clc"]["left_out_ha"]
    assert frame.area.sum() / 1e4 + left_out == pytest.approx(100 * summary["area_km2"])
    assert summary["calibration"]["ece"]["2021"] < 0.5

    with pytest.raises(SystemExit):
        main([*words, "--json"])
    again = json.loads(capsys.readouterr().out)
    assert not any(again["computed"].values())
