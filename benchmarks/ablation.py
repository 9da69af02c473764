"""Does super-resolution help the map? The same network on inputs of different sharpness.

``python -m benchmarks.ablation [--areas REGION:SEED …] [--size KM] [--inputs NAME …]
[--epochs N] [--keep FOLDER] [--json]``

Virtual areas are simulated, their mosaics made and samples drawn as in a run of bocage. Then the
same samples, pixels without labels, network, settings and seed serve each input:

- ``ten``: 10 m, each pixel sixteen times;
- ``bicubic``, ``lmmse``, ``default`` or any other backend of super-resolution;
- ``frames`` (when asked for): `default` on dates one by one, before they are composited;
- ``detail``: the mosaic with the truth's own detail inside its pixels, as a super-resolution
  without fault would make it: noise, dates and errors of the mosaic at 10 m stay;
- ``truth``: the ceiling: the ground at 2.5 m in the middle of each month, sun at 50°, without
  noise, atmosphere or floods, with the gaps of the mosaic (what was not observed stays so).

Pixels are judged before generalisation at level 4, on all pixels of the sites that are at least
10 m from any sample (boundaries and things: on all pixels of the sites), with the averaging over
like pixels that prediction has (``averaged``) and without (``single``).
``python -m benchmarks.ablation --table FILE …`` puts results together that were kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._ablation_measures import Classes, Truth
from benchmarks._ablation_scene import Scene, prepare, series_of
from benchmarks._ablation_table import VIEWS, table
from benchmarks._virtual import area_named
from bocage.grid import FINE
from bocage.model import predict, read_pixels, train
from bocage.rasters import geobox_of, read_raster, wrap, write_geotiff
from bocage.workflow.rooms.model import model_settings

INPUTS = ("ten", "bicubic", "lmmse", "default", "truth", "detail")
AREAS = (
    ("pannonian", 71),
    ("boreal", 72),
    ("steppic", 73),
    ("blacksea", 74),
    ("macaronesian", 75),
)
"""Regions that the training of super-resolution has not seen; seeds that nothing was chosen on."""

SIZE_KM = 1.0
_AVERAGE = dict(zip(VIEWS, (True, False), strict=True))
"""Whether probabilities are averaged over like pixels, by view."""

Say = Callable[[str], None]


def measure(
    region: str,
    seed: int,
    size_km: float,
    folder: Path,
    *,
    inputs: Sequence[str] = INPUTS,
    epochs: int | None = None,
    say: Say = print,
) -> dict[str, Any]:
    """Scores of each input on one area.

    Parameters
    ----------
    region, seed, size_km
        The area.
    folder
        Where it is put. Area and maps that are there already, from a call with the same
        arguments, are used again.
    inputs
        Of `INPUTS`, or names of backends.
    epochs
        Of each network; as in a run by default.
    say
        Is told what is done.
    """
    start = time.process_time()
    scene = prepare(folder, region, seed, size_km, say)
    seconds = {"scene": time.process_time() - start}
    truth = Truth(scene.truth, scene.measured)
    scores = {}
    for name in inputs:
        start = time.process_time()
        maps = _maps(scene, name, folder / "maps", epochs)
        seconds[name] = time.process_time() - start
        scores[name] = {view: _plain(truth.scores(mapped)) for view, mapped in maps.items()}
        say(f"{region} {seed} {name}: {seconds[name]:.0f} s, {scores[name]}")
    return {
        "region": region,
        "seed": seed,
        "size_km": size_km,
        "area_km2": round(float(truth.inside.sum()) * FINE**2 / 1e6, 3),
        "counted": round(float(scene.measured.sum() / truth.inside.sum()), 3),
        "samples": len(scene.samples),
        "classes": len(set(scene.truth[scene.measured].tolist())),
        "objects": {name: int(number.max()) for name, number in truth.objects.items()},
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "scores": scores,
    }


def _maps(scene: Scene, name: str, folder: Path, epochs: int | None) -> dict[str, Classes]:
    """Class index by view, as the network that learned from an input maps it."""
    files = {view: folder / f"{name.replace(':', '_').replace('/', '_')}_{view}.tif"
             for view in VIEWS}  # fmt: skip
    if not all(path.exists() for path in files.values()):
        series = series_of(scene, name)
        plan = scene.plan
        pixels = read_pixels(
            series,
            scene.samples,
            plan.legend,
            area=plan.area,
            unlabelled=plan.project.model.unlabelled,
            seed=plan.project.seed,
        )
        settings = model_settings(plan)
        model = train(pixels, plan.legend, replace(settings, epochs=epochs or settings.epochs))
        for view, path in files.items():
            best = predict(model, series, average=_AVERAGE[view]).best
            write_geotiff(path, wrap(best.values, geobox_of(best)), nodata=0)
    return {view: read_raster(path).values[0] for view, path in files.items()}


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    """Figures for JSON, None where there is none."""
    return {name: round(v, 5) if np.isfinite(v) else None for name, v in figures.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure areas, or put results together, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=area_named, nargs="+", default=AREAS, metavar="REGION:SEED")
    parser.add_argument("--size", type=float, default=SIZE_KM, metavar="KM")
    parser.add_argument("--inputs", nargs="+", default=INPUTS, metavar="NAME")
    parser.add_argument("--epochs", type=int, help="of each network; for a quick look")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep areas and maps there")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args(arguments)
    if options.table:
        kept = [json.loads(path.read_text(encoding="utf-8")) for path in options.table]
        print(table([area for one in kept for area in one["areas"]]))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        areas = [
            measure(
                region,
                seed,
                options.size,
                folder / f"{region}_{seed}",
                inputs=options.inputs,
                epochs=options.epochs,
                say=lambda text: print(text, file=sys.stderr, flush=True),
            )
            for region, seed in options.areas
        ]
    print(json.dumps({"areas": areas}) if options.json else table(areas))


if __name__ == "__main__":
    main()
