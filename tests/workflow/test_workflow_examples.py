import json
import shutil
from pathlib import Path

import pytest

from benchmarks.real import CASES, METHODS, prepare
from bocage.legend import load_legend
from bocage.workflow import load_project, make_plan, run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_example_has_a_valid_project_file_and_legend(case):
    project = load_project(EXAMPLES / case / "project.yaml")
    assert project.name.replace("-", "_") == case
    legend = load_legend(project.legend, folder=project.folder)
    assert len(legend) > 1
    assert (EXAMPLES / case / "test_area.geojson").exists()


@pytest.mark.real
@pytest.mark.slow
def test_a_real_series_goes_the_whole_way(real_data, tmp_path, edit):
    """Monthly composites of Hesbaye: catalogue, two months missing, polygons, comparison."""
    example = tmp_path / "belgium_2021"
    shutil.copytree(
        EXAMPLES / "belgium_2021",
        example,
        ignore=shutil.ignore_patterns("work", "products", "report", "input"),
    )
    path = edit(prepare("belgium_2021", real_data, example), **{"model.epochs": 5})
    plan = make_plan(load_project(path))
    run(plan, cluster="none")
    summary = json.loads((plan.report / "summary.json").read_text())
    assert all(report["passed"] for report in summary["check"].values())
    found = json.loads(plan.file("accuracy", "2021.json").read_text())
    for method in set(METHODS) - {"tempcnn"}:  # which is a run of its own
        low, high = found[method]["1"]["oa_ci95"]
        assert 0.6 < low < high <= 1.0, method
