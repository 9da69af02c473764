"""What a simulation costs: ``python -m benchmarks.virtual_cost [--sizes KM …] [--json]``.

Each size runs in a process of its own; seconds of the wall clock, and the peak memory of it.
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

from bocage.simulate import simulate

FLAG = "--one"


def one(region: str, size_km: float, seed: int, years: tuple[int, ...]) -> dict[str, Any]:
    """Simulate in this process and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        simulate(Path(folder), region=region, size_km=size_km, seed=seed, years=years)
        seconds = time.perf_counter() - began
        size = sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "size_km": size_km,
        "seconds": round(seconds, 1),
        "seconds_km2": round(seconds / size_km**2, 2),
        "peak_rss_mb": round(peak / 1e6),
        "disk_mb": round(size / 1e6, 1),
    }


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Simulate each size in a fresh process."""
    rows = []
    for size in options.sizes:
        command = [sys.executable, "-m", "benchmarks.virtual_cost", FLAG, str(size)]
        command += ["--region", options.region, "--seed", str(options.seed)]
        command += ["--years", *map(str, options.years)]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(run.stdout.splitlines()[-1]))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[3.0, 6.0, 12.0], metavar="KM")
    parser.add_argument("--region", default="continental")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--years", type=int, nargs="+", default=[2021, 2024])
    parser.add_argument("--json", action="store_true")
    parser.add_argument(FLAG, type=float, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(one(options.region, options.one, options.seed, tuple(options.years))))
        return
    rows = measure(options)
    if options.json:
        print(json.dumps({"region": options.region, "years": options.years, "sizes": rows}))
        return
    print(f"{options.region}, {len(options.years)} years; first runs also compile")
    for row in rows:
        print(
            f"{row['size_km']:>6.1f} km{row['seconds']:>9.1f} s{row['seconds_km2']:>8.2f} s/km²"
            f"{row['peak_rss_mb']:>7} MB peak{row['disk_mb']:>9.1f} MB on disk"
        )


if __name__ == "__main__":
    main()
