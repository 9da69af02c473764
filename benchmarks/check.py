"""What the delivery check costs: ``python -m benchmarks.check [--sizes N …] [--json]``.

Three clean deliveries of growing size are written and checked, each in a process of its own;
seconds, CPU seconds and peak memory of every step are printed, with the exponent of growth.
What several steps need is made by the first of them and counted there.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._check_coverage import write_delivery
from bocage.products import Step, check

SIZES = (20_000, 70_000, 200_000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--keep", type=Path, help="write the deliveries here; take them if present")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measured(*options.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        runs = [_run((options.keep or Path(folder)) / str(n), n) for n in options.sizes]
    result: dict[str, Any] = {"runs": runs}
    if len(runs) > 1:
        # Processor time does not depend on what else the machine does.
        result["exponent"] = round(exponent(runs), 3)
        result["exponent_n_log_n"] = round(exponent(runs, n_log_n=True), 3)
        result["exponent_wall"] = round(exponent(runs, "seconds"), 3)
    print(json.dumps(result) if options.json else table(result))


def _run(folder: Path, count: int) -> dict[str, Any]:
    note = folder / "delivery.json"
    if not note.exists():
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(write_delivery(folder, count)), encoding="utf-8")
    made = json.loads(note.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "benchmarks.check", "--one", made["zip"], made["boundary"]]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {k: made[k] for k in ("polygons", "vertices", "megabytes")} | found


def measured(file: str, boundary: str) -> dict[str, Any]:
    """Check one delivery in this process."""
    rows: list[dict[str, Any]] = []
    began = last = (time.perf_counter(), time.process_time())

    def note(step: Step) -> None:
        nonlocal last
        now = (time.perf_counter(), time.process_time())
        row = {"step": step.name, "outcome": step.outcome, "faults": step.faults}
        rows.append(row | _spent(last, now))
        last = now

    report = check(file, "pa-status-2021", boundary=boundary, progress=note)
    return {"faults": report.faults, "passed": report.passed, **_spent(began, last), "steps": rows}


def _spent(since: tuple[float, float], now: tuple[float, float]) -> dict[str, float]:
    wall, cpu = (round(b - a, 2) for a, b in zip(since, now, strict=True))
    return {"seconds": wall, "cpu_seconds": cpu, "peak_mb": round(_peak_mb())}


def _peak_mb() -> float:
    """Most memory that this process has held, MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts the memory of the process that starts a program towards ru_maxrss.
        line = next(t for t in status.read_text().splitlines() if t.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def exponent(
    runs: Sequence[dict[str, Any]], key: str = "cpu_seconds", *, n_log_n: bool = False
) -> float:
    """Slope of the logarithm of seconds over that of polygons (or of n log n), least squares."""
    n = np.array([r["polygons"] for r in runs], dtype=np.float64)
    seconds = np.array([max(r[key], 1e-3) for r in runs])
    return float(np.polyfit(np.log(n * np.log(n) if n_log_n else n), np.log(seconds), 1)[0])


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    lines = []
    for run in result["runs"]:
        lines.append(
            f"{run['polygons']:,} polygons, {run['vertices']:,} vertices, {run['megabytes']} MB: "
            f"{run['seconds']} s, {run['cpu_seconds']} CPU s, {run['peak_mb']} MB, "
            f"{run['faults']} faults"
        )
        lines += [
            f"  {row['step']:<22}{row['outcome']:<10}{row['seconds']:>8.2f} s"
            f"{row['cpu_seconds']:>8.2f} CPU s{row['peak_mb']:>7} MB"
            for row in run["steps"]
        ]
    if "exponent" in result:
        n, n_log_n = result["exponent"], result["exponent_n_log_n"]
        lines.append(f"CPU seconds grow as n^{n}, as (n log n)^{n_log_n}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
