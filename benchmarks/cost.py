"""What a run costs, room by room: ``python -m benchmarks.cost [--size KM] [--json]``."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bocage.workflow import demo


def main(arguments: Sequence[str] | None = None) -> None:
    """Map a virtual area from nothing and print seconds, km²/h and peak memory per room."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=4.0, metavar="KM")
    parser.add_argument("--region", default="continental")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="train a few epochs only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        plan, _ = demo(
            Path(folder),
            region=options.region,
            size_km=options.size,
            seed=options.seed,
            quick=options.quick,
        )
        seconds = time.perf_counter() - began
        summary = json.loads((plan.report / "summary.json").read_text(encoding="utf-8"))
    result = {"area_km2": summary["area_km2"], "seconds": round(seconds, 1)}
    if options.json:
        print(json.dumps(result | {"rooms": summary["rooms"]}))
        return
    print(f"{result['area_km2']:.1f} km², two years, {result['seconds']} s with the simulation")
    for name, row in summary["rooms"].items():
        print(
            f"{name:<11}{row['seconds']:>9.1f} s{row['km2_per_hour']:>10.0f} km²/h a worker"
            f"{row['peak_rss_mb']:>8.0f} MB"
        )


if __name__ == "__main__":
    main()
