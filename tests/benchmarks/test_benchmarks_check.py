import json

import numpy as np
import pytest
import shapely

from benchmarks import check
from benchmarks._check_coverage import coverage


def test_the_coverage_is_clean_and_the_same_each_time() -> None:
    view = coverage(2000)
    shapes = view.geometry.to_numpy()
    assert len(view) >= 2000
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="touches")
    common = shapely.length(shapely.intersection(shapes[left], shapes[right]))
    codes = view.code.to_numpy()
    assert not (codes[left] == codes[right])[common > 0.001].any()
    assert shapely.get_num_interior_rings(shapes).max() > 20
    assert coverage(2000).equals(view)


def test_sizes_are_measured_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    check.main(["--sizes", "60", "200", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [r["faults"] for r in found["runs"]] == [0, 0]
    assert found["runs"][1]["polygons"] >= 200
    assert {"gap", "overlap", "strict:mmw"} <= {s["step"] for s in found["runs"][1]["steps"]}


def test_the_exponent_is_that_of_the_times() -> None:
    runs = [{"polygons": n, "cpu_seconds": 1e-3 * n**1.5} for n in (10_000, 20_000, 40_000)]
    assert check.exponent(runs) == pytest.approx(1.5)
    runs = [{"polygons": n, "cpu_seconds": 1e-4 * n * np.log(n)} for n in (10_000, 20_000, 40_000)]
    assert check.exponent(runs, n_log_n=True) == pytest.approx(1)
