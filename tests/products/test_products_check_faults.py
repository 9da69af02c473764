"""Every kind of fault is found by the steps that the rules name, alone and with others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import products_faults_files  # noqa: F401
import products_faults_shapes  # noqa: F401
import products_faults_values  # noqa: F401
import products_parts as parts
import pytest
from products_twins import FAULTS, Fault, Twin, expected_of, outcomes

from bocage.products import CheckReport, check

CELLS = [(i, j) for j in (1, 4, 7) for i in (1, 4, 7)]
PLACED = [f for f in FAULTS if f.placed]


def run(twin: Twin, folder: Path) -> CheckReport:
    limits = twin.write_boundary(folder)
    return check(twin.write(folder / "twin"), parts.PRODUCT, boundary=limits)


def test_the_twin_without_a_fault_is_clean(tmp_path: Path) -> None:
    report = run(Twin(), tmp_path)
    assert outcomes(report) == {}
    assert all(not s.findings for s in report.steps if s.name != "inspire"), report.to_table()


def test_kinds_of_faults_have_names_of_their_own() -> None:
    assert len({f.name for f in FAULTS}) == len(FAULTS) > 100


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_one_fault(fault: Fault, tmp_path: Path) -> None:
    twin = Twin()
    fault(twin)
    report = run(twin, tmp_path / "here")
    assert outcomes(report) == fault.expected, report.to_table()
    assert report.exit_code == 1
    # Nothing was written but what the test wrote.
    assert {p.name for p in tmp_path.rglob("*evil*")} == set()


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of all steps in their order."""
    return [s.name for s in run(Twin(), tmp_path_factory.mktemp("clean")).steps]


@pytest.mark.parametrize("seed", range(24))
def test_several_faults_at_once(seed: int, order: list[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 10))
    chosen = [PLACED[i] for i in rng.choice(len(PLACED), count, replace=False)]
    twin = Twin()
    for fault, cell in zip(chosen, rng.permutation(CELLS).tolist(), strict=False):
        fault(twin, tuple(cell))
    report = run(twin, tmp_path)
    names = [f.name for f in chosen]
    assert outcomes(report) == expected_of(chosen, order), names
