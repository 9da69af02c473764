import csv
import json
import math
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
import xarray as xr

from bocage.cli import main
from bocage.cubes import load_dataset
from bocage.errors import ConfigError, RunError
from bocage.files import sha256
from bocage.model import load_pixels
from bocage.rasters import geobox_of, inside, read_onto, read_raster
from bocage.workflow import ROOMS, load_project, make_plan, run, status
from bocage.workflow._run import _locked
from bocage.workflow.rooms.decode import refined_file
from bocage.workflow.rooms.samples import pixel_file


def digests(plan):
    return {
        str(p.relative_to(plan.products)): sha256(p)
        for p in sorted(plan.products.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_images):
    from workflow_site import make_project

    plan = make_plan(
        load_project(make_project(tmp_path_factory.mktemp("run") / "site", tiny_images))
    )
    return plan, run(plan, cluster="none")


def test_every_room_is_carried_out(finished):
    _, summary = finished
    assert tuple(summary.computed) == ROOMS
    assert all(summary.computed.values())
    assert not any(summary.reused.values())


def test_products_and_report_lie_where_the_contract_says(finished):
    plan, _ = finished
    names = {p.parent.name for p in plan.products.rglob("*.*")}
    assert {"status_2021", "status_2024", "change_2021-2024", "raster_2021"} <= names
    assert {"confidence_2024", "heterogeneity_2024"} <= names
    assert (plan.products / "inventory.csv").exists()
    assert (plan.products / "catalog.json").exists()
    assert (plan.products / "boundary_pa.gpkg").exists()
    summary = json.loads((plan.report / "summary.json").read_text())
    assert {"area_km2", "years", "rooms", "accuracy", "calibration", "polygons", "check"} <= set(
        summary
    )
    assert summary["area_km2"] == pytest.approx(0.58 * 0.575 - 0.0016)
    for room in summary["rooms"].values():
        assert {"seconds", "km2_per_hour", "peak_rss_mb"} <= set(room)
    for name, report in summary["check"].items():
        assert report["passed"], name
    level = summary["accuracy"]["2021"]["1"]
    assert {"oa", "oa_ci95", "macro_f1", "per_class"} <= set(level)
    assert level["oa"] > 0.9
    assert "random_forest" in summary["baselines"]["2021"]
    page = (plan.report / "index.html").read_text()
    assert "</html>" in page
    assert 'aria-label="learning curves"' in page


def test_a_further_delivery_lies_in_a_folder_of_its_own(finished):
    plan, _ = finished
    folder = plan.products / "key"
    assert {p.name for p in folder.iterdir() if p.is_dir()} == {
        "status_2021", "status_2024", "change_2021-2024", "raster_2021", "raster_2024",
    }  # fmt: skip
    file = folder / "status_2021" / "tiny_status_2021.gpkg"
    layer = pyogrio.read_dataframe(file, layer="tiny_status_2021")
    assert set(layer["code_2"]) == {11, 21, 22}
    assert (layer["code_1"] == layer["code_2"] // 10).all()
    assert layer["area_ha"].min() >= 1
    assert (folder / "status_2021" / "tiny_status_2021.fgb").exists()
    lake, wood = (layer[layer["code_2"] == code] for code in (11, 21))
    assert lake["water_persistence"].min() > 90
    assert wood["water_persistence"].max() < 10
    assert wood["woods"].min() > 50 > lake["woods"].max()
    assert layer["sealing"].isna().all()  # the project names no such layer
    assert layer["safe_level"].isin([0, 1]).all()  # levels of the map's legend, not of the key
    summary = json.loads((plan.report / "summary.json").read_text())
    assert summary["check"]["key_status_2021"]["passed"]
    assert summary["check"]["key_raster_2024"]["passed"]
    facts = summary["deliveries"]["key"]
    assert facts["polygons"]["status_2021"] == len(layer)
    with (folder / "crosswalk.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(r["code"], r["target"]) for r in rows} <= {
        ("1", "11"), ("2", "21"), ("3", "22"), ("3", "21"),
    }  # fmt: skip
    known = {r["decided_by"] for r in rows if r["code"] != "3"}
    assert known == {"table"}
    total = sum(facts["decided_by_ha"].values())
    # Each of two years once, although polygons and pixels were recoded.
    assert total == pytest.approx(2 * 100 * plan.area_km2, rel=0.02)


@pytest.mark.parametrize(("kind", "name"), [("raster", "class"), ("lineage", "lineage")])
def test_rasters_of_the_delivery_are_the_corrected_ones(finished, kind, name):
    plan, _ = finished
    file = plan.delivery.path(plan.products, kind, 2021, ".tif")
    product = read_raster(file).values[0]
    box = geobox_of(read_raster(file))
    known = 0
    for area, outline in zip(plan.areas["cluster"], plan.areas.geometry, strict=True):
        data = load_dataset(refined_file(plan, area))[name].sel(year=2021)
        rows, columns = np.nonzero(inside(outline, box))
        x, y = box.affine @ (columns + 0.5, rows + 0.5)
        at = {"x": xr.DataArray(x), "y": xr.DataArray(y)}
        expected = data.sel(at, method="nearest", tolerance=0.1).values
        np.testing.assert_array_equal(product[rows, columns], expected)
        known += len(rows)
    assert (product != 255).sum() == known


def test_safe_levels_hold_the_truth(finished):
    plan, _ = finished
    file = plan.delivery.path(plan.products, "safe_level", 2021, ".tif")
    safe, box = read_raster(file).values[0], geobox_of(read_raster(file))
    classes = read_raster(plan.delivery.path(plan.products, "raster", 2021, ".tif")).values[0]
    inner = inside(plan.area, box)
    assert set(np.unique(safe[inner])) <= {0, 1}
    assert (safe[~inner] == 255).all()
    truth = read_onto(plan.references[2021].path, box).values
    certain = inner & (safe == 1)
    assert 0.5 < certain.sum() / inner.sum() < 1
    right = classes == truth
    assert right[certain].mean() > right[inner & (safe == 0)].mean()


def test_another_list_of_deliveries_leaves_the_first_as_it_is(finished):
    plan, _ = finished
    path, key = plan.project.file, plan.project.path("key.yaml")
    text, whole = path.read_text(), key.read_text()
    try:
        path.write_text(text.replace("  - key.yaml\n", ""))
        changed = run(make_plan(load_project(path)), cluster="none", until="products")
        assert changed.computed["products"] == 0
        path.write_text(text)
        # All land is an island below such a unit: the layers are there, and empty.
        key.write_text(
            whole.replace("mmu_ha: 1", "mmu_ha: 100\nislands: false").replace(
                "status:\n", "status:\n  gap: false\n"
            )
        )
        changed = run(make_plan(load_project(path)), cluster="none", until="check")
        assert (changed.computed["products"], changed.reused["products"]) == (1, 1)
        folder = plan.products / "key"
        for layer in ("status_2021", "change_2021-2024"):
            assert len(gpd.read_parquet(next((folder / layer).glob("*.parquet")))) == 0
            report = json.loads(plan.file("check", f"key_{layer}.json").read_text())
            faults = [step["step"] for step in report["steps"] if step["faults"]]
            # The check says so of a status layer; that nothing changed is no fault.
            assert faults == (["strict:features"] if "status" in layer else [])
    finally:
        path.write_text(text)
        key.write_text(whole)
        run(make_plan(load_project(path)), cluster="none")


def test_pixels_to_learn_from_lie_in_the_area_of_their_block(finished):
    plan, _ = finished
    blocks = [(y, b) for y in plan.project.years for b in plan.blocks]
    for year, block in blocks:
        pixels = load_pixels(pixel_file(plan, year, block))
        more = pixels.pick(~pixels.labelled)
        assert pixels.labelled.any()
        assert len(more) == math.ceil(2000 / len(blocks))
        area = shapely.intersection(plan.area, block.box())
        assert shapely.contains_xy(area, more.x, more.y).all()


def test_status_tells_that_nothing_is_missing(finished):
    plan, _ = finished
    found = status(plan)
    assert [r["room"] for r in found["rooms"]] == list(ROOMS)
    assert all(r["missing"] == 0 and r["failed"] == 0 and r["done"] for r in found["rooms"])
    assert found["failures"] == []


def test_a_second_run_recomputes_nothing(finished):
    plan, _ = finished
    before = digests(plan)
    again = run(make_plan(load_project(plan.project.file)), cluster="none")
    assert again.recomputed == 0
    assert digests(plan) == before


def test_a_changed_setting_redoes_what_depends_on_it_only(finished):
    plan, _ = finished
    path = plan.project.file
    text = path.read_text()
    try:
        path.write_text(text.replace("mmu_ha: 0.5", "mmu_ha: 0.6"))
        changed = run(make_plan(load_project(path)), cluster="none", until="generalize")
        assert changed.computed["refine"] == 0
        assert changed.computed["generalize"] == 1
    finally:
        path.write_text(text)
        run(make_plan(load_project(path)), cluster="none")


def told(capsys, *arguments):
    """Exit code and answer of ``bocage run``."""
    with pytest.raises(SystemExit) as ended:
        main(["run", *arguments, "--cluster", "none", "--json"])
    return ended.value.code, json.loads(capsys.readouterr().out)


def test_the_command_tells_only_of_rooms_it_reached(finished, capsys, monkeypatch):
    plan, _ = finished
    path = str(plan.project.file)
    code, part = told(capsys, path, "--until", "generalize")
    assert code == 0
    assert (part["products"], part["accuracy"]) == ({}, {})
    assert (part["report"], part["check_passed"]) == (None, None)
    code, part = told(capsys, path, "--until", "check")
    assert (code, part["check_passed"], part["accuracy"]) == (0, True, {})
    assert part["products"]
    code, whole = told(capsys, path)
    assert (code, whole["check_passed"]) == (0, True)
    assert whole["accuracy"]["2021"]["1"] > 0.9
    assert whole["report"] == str(plan.report / "index.html")
    # Faults are told by the exit code wherever the run ends behind the check.
    monkeypatch.setattr("bocage.workflow.check_results", lambda _: {"a": {"passed": False}})
    for until in ("check", "report"):
        code, part = told(capsys, path, "--until", until)
        assert (code, part["check_passed"]) == (1, False)


def test_from_redoes_a_room_and_gives_the_same_bytes(finished):
    plan, _ = finished
    before = digests(plan)
    again = run(plan, start="change", until="products", cluster="none")
    assert again.computed["posterior"] == 0
    assert again.computed["change"] == len(plan.blocks)
    assert digests(plan) == before


@pytest.mark.slow
def test_killed_and_repeated_gives_the_same_bytes(finished, tmp_path, tiny_images):
    from workflow_site import make_project

    path = make_project(tmp_path / "killed", tiny_images)
    command = [sys.executable, "-m", "bocage", "run", str(path), "--cluster", "none"]
    ledger = path.parent / "work" / "ledger.sqlite"
    for room in ("imagery", "posterior", "products"):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 900  # against hanging only
        while process.poll() is None and not _started(ledger, room):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    plan = make_plan(load_project(path))
    done = run(plan, cluster="none")
    assert done.reused["imagery"] > 0
    assert digests(plan) == digests(finished[0])


def _started(ledger, room):
    from bocage.workflow import Ledger

    return ledger.exists() and any(r.room == room for r in Ledger(ledger).records())


@pytest.mark.slow
def test_a_pool_of_processes_gives_the_same_bytes(finished, tmp_path, tiny_images):
    from workflow_site import make_project

    plan = make_plan(load_project(make_project(tmp_path / "pool", tiny_images)))
    run(plan)
    assert digests(plan) == digests(finished[0])


def test_rooms_that_do_not_exist_are_named(finished):
    with pytest.raises(ConfigError, match="--from kitchen is no room"):
        run(finished[0], start="kitchen")


def test_two_runs_at_once_are_refused(finished):
    plan, _ = finished
    with _locked(plan.project.work_folder), pytest.raises(RunError, match="another run"):
        run(plan, cluster="none")


def test_a_product_that_is_gone_is_written_again(finished):
    plan, _ = finished
    before = digests(plan)
    (plan.products / f"{plan.delivery.name('status', 2021)}.zip").unlink()
    (plan.products / "SHA256SUMS").unlink()
    plan.further[0].delivery.path(plan.products / "key", "raster", 2024, ".tif").unlink()
    summary = run(plan, cluster="none")
    assert summary.computed["products"] == 2
    assert digests(plan) == before
