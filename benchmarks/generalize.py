"""From a class raster to polygons: bocage beside other ways, what they cost and how good they are.

``python -m benchmarks.generalize (--data DIR | --real) [--pipelines NAME …] [--figure PNG]
[--json]``. DIR holds ``truth.tif`` and ``raw.tif`` with codes of the legend of Protected Areas;
``--real`` takes a real N2K map and adds the faults of a classifier. Each pipeline runs in
processes of its own. One that leaves beside its polygons the raster that it traced (``pre.tif``)
is measured against that as well, and CPU seconds of its vector stage are read from
``timings.json`` (``{"vector_cpu_s": …}``). Gaps of mapshaper and GRASS in an irregular area come
from moving its limit too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from benchmarks import _generalize_watch
from benchmarks._generalize_faults import faults
from benchmarks._generalize_fidelity import agreement, displacement, raw_agreement, shape
from benchmarks._generalize_figure import draw
from benchmarks._generalize_layer import Landscape, Layer
from benchmarks._generalize_real import make_real
from benchmarks._virtual import DATA, ROOT, legend
from bocage.generalize import GeneralizeSettings
from bocage.generalize._assemble import angular_in
from bocage.generalize._encode import encode_any, single_band
from bocage.generalize._faces import faces
from bocage.generalize._frame import Frame, make_frame, source_of
from bocage.generalize._raster import Regions, make_regions
from bocage.generalize._rules import views_of
from bocage.generalize._vector import draw_borders, trace
from bocage.legend import Legend
from bocage.rasters import geobox_of, read_raster, wrap

OWN, ANCHOR = "bocage", "stepped"
PIPELINES = (OWN, ANCHOR, "stepped_mode", "mapshaper", "grass")
DRAWN = (ANCHOR, "mapshaper", OWN)
MAPSHAPER = "mapshaper@0.7"
COMPILED, WARM_PX = (OWN, "stepped_mode"), 400
LEFT = ("out.gpkg", "pre.tif", "timings.json", "traced.geojson", "smoothed.geojson", "grass.gpkg")
ROWS = {
    "cpu_s": ("CPU, s", ".1f"),
    "cpu_ratio": (f"CPU, times {ANCHOR}", ".2f"),
    "wall_s": ("wall clock, s", ".1f"),
    "peak_mb": ("peak memory, MB", ".0f"),
    "vector_cpu_s": ("CPU of the vector stage, s", ".2f"),
    "vector_ratio": (f"the same, times {ANCHOR}", ".2f"),
    "polygons": ("polygons", "d"),
    "mmu": ("below MMU (official check)", "d"),
    "below_by_exception": ("below 0.5 ha by exception", "d"),
    "mmu_strict": ("below MMU (rules pa)", "d"),
    "mmw": ("wrong width", "d"),
    "mmw_linear": ("wrong width, linear", "d"),
    "linear_polygons": ("linear polygons", "d"),
    "gap_m2": ("gaps, m²", ".2f"),
    "outside_m2": ("outside the area, m²", ".2f"),
    "overlaps": ("overlapping pairs", "d"),
    "overlap_m2": ("overlaps, m²", ".2f"),
    "invalid": ("invalid", "d"),
    "equal_neighbours": ("equal neighbours", "d"),
    "multipart": ("multipart", "d"),
    "overall": ("right, all pixels", ".4f"),
    "mappable": ("right, patches ≥ 0.5 ha", ".4f"),
    "linear_recall": ("lines, recall ± 1 px", ".3f"),
    "linear_precision": ("lines, precision ± 1 px", ".3f"),
    "moved_p95_m": ("moved from own raster, p95, m", ".2f"),
    "moved_max_m": ("moved from own raster, max, m", ".2f"),
    "turns_km": ("turns > 60° per km", ".1f"),
    "vertices_km": ("vertices per km", ".0f"),
    "axis_parallel": ("along rows or columns, share", ".4f"),
}
"""Name in the table and format of each measure."""


class UnavailableError(Exception):
    """A pipeline cannot run here; the text says what it needs."""


def command(name: str, raw: Path, out: Path, cache: Path) -> list[str]:
    """The command of a pipeline, which writes ``out.gpkg`` in a folder."""
    if name == OWN:
        arguments = ["generalize", str(raw), "--out", str(out / "out.gpkg"), "--legend", "pa"]
        return [sys.executable, "-m", "bocage", *arguments]
    tools = {"mapshaper": lambda: _mapshaper(cache), "grass": _grass}
    tool = ["--tool", tools[name]()] if name in tools else []
    module = "benchmarks._generalize_pipelines"
    return [sys.executable, "-m", module, name, str(raw), str(out), *tool]


def _mapshaper(cache: Path) -> str:
    program = (cache / "node_modules" / ".bin" / "mapshaper").absolute()
    if program.exists():
        return str(program)
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("npm is missing; apt install npm")
    cache.mkdir(parents=True, exist_ok=True)
    install = [npm, "install", "--prefix", str(cache), "--no-audit", "--no-fund", MAPSHAPER]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode or not program.exists():
        raise UnavailableError(f"npm cannot install {MAPSHAPER}: {done.stderr.strip()[-300:]}")
    return str(program)


def _grass() -> str:
    program = shutil.which("grass")
    if program is None:
        raise UnavailableError("grass is missing; apt install grass-core")
    return program


def run_pipeline(name: str, raw: Path, out: Path, cache: Path) -> dict[str, Any]:
    """Run a pipeline in a process of its own and return what it cost."""
    what = command(name, raw, out, cache)
    if name in COMPILED:
        _warm(name, raw, out, cache)
    notes = out / "cost.json"
    watch = [sys.executable, "-S", _generalize_watch.__file__, str(notes)]
    done = subprocess.run(
        [*watch, *what], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip()[-1000:]}")
    cost: dict[str, Any] = json.loads(notes.read_text(encoding="utf-8"))
    if name == OWN:
        _own_raster(raw, out)
    timings = out / "timings.json"
    if timings.exists():
        cost["vector_cpu_s"] = json.loads(timings.read_text(encoding="utf-8"))["vector_cpu_s"]
    return cost


def _own_raster(raw: Path, out: Path) -> None:
    """The raster that bocage traced, and how long that took: its stages again, one by one."""
    settings, known = GeneralizeSettings(), legend()
    raster = read_raster(raw, what="classes")
    _, values = encode_any([single_band(raster, str(raw))], known)
    classes = wrap(values, geobox_of(raster), dims=("year", "y", "x"), year=[1])
    frame = make_frame(source_of(classes, None, None, legend=known, reach_m=0.0))
    regions = make_regions(frame, known, settings)
    began = time.process_time()
    views = views_of(1, known, settings, margin=0.0)
    traced = trace(regions, regions.labels)
    drawn = draw_borders(
        traced, frame.transform, views, settings, angular_in(known), lambda tight: tight
    )
    faces(drawn.arcs)
    taken = time.process_time() - began
    (out / "timings.json").write_text(json.dumps({"vector_cpu_s": taken}), encoding="utf-8")
    _write_traced(raw, out / "pre.tif", regions, frame, known)


def _write_traced(raw: Path, out: Path, regions: Regions, frame: Frame, known: Legend) -> None:
    """Codes of the traced regions on the grid of the raw raster, its nodata outside."""
    with rasterio.open(raw) as source:
        profile, grid = source.profile, source.transform
    codes = np.full((profile["height"], profile["width"]), profile["nodata"] or 0)
    rows, columns = np.nonzero(frame.domain)
    found = known.code_table()[regions.codes[regions.labels[rows, columns], 0]]
    rows += round((grid.f - frame.transform.f) / frame.pixel)
    columns += round((frame.transform.c - grid.c) / frame.pixel)
    codes[rows, columns] = found
    with rasterio.open(out, "w", **profile) as target:
        target.write(codes.astype(profile["dtype"]), 1)


def _warm(name: str, raw: Path, out: Path, cache: Path) -> None:
    """Map a part, so that compiling after a change of the code is not measured."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        part = Path(folder) / "raw.tif"
        with rasterio.open(raw) as source:
            left, top = ((n - WARM_PX) // 2 for n in (source.width, source.height))
            window = Window(max(left, 0), max(top, 0), WARM_PX, WARM_PX)
            codes = source.read(1, window=window)
            rows, columns = codes.shape
            place = source.window_transform(window)
            profile = {**source.profile, "height": rows, "width": columns, "transform": place}
        with rasterio.open(part, "w", **profile) as target:
            target.write(codes, 1)
        what = command(name, part, Path(folder), cache)
        subprocess.run(what, cwd=ROOT, capture_output=True, check=False)


def measure(layer: Layer, traced: Path) -> dict[str, Any]:
    """All measures of a layer; `traced` is the raster that it was made from, if it exists."""
    return {**faults(layer), **agreement(layer), **shape(layer), **displacement(layer, traced)}


def compare(
    data: Path, names: Sequence[str], work: Path, cache: Path, figure: Path | None = None
) -> dict[str, Any]:
    """Run the pipelines on a landscape and measure their results.

    Returns
    -------
    dict
        Agreement of the ``raw`` map with the truth, the measures of the ``pipelines`` by
        name, and by name why others were ``skipped``.
    """
    costs: dict[str, dict[str, Any]] = {}
    skipped: dict[str, str] = {}
    for name in names:
        (work / name).mkdir(parents=True, exist_ok=True)
        # What an earlier run left must not be taken for a result of this one.
        for file in LEFT:
            (work / name / file).unlink(missing_ok=True)
        try:
            costs[name] = run_pipeline(name, data / "raw.tif", work / name, cache)
        except UnavailableError as reason:
            skipped[name] = str(reason)
    land = Landscape.read(data, legend())
    layers = {name: Layer.read(work / name / "out.gpkg", land) for name in costs}
    rows = {
        name: {**cost, **_ratios(cost, costs), **measure(layers[name], work / name / "pre.tif")}
        for name, cost in costs.items()
    }
    if figure is not None:
        draw(figure, land, {name: layers[name] for name in DRAWN if name in layers})
    km2 = float(land.inside.sum()) * land.pixel**2 / 1e6
    return {"km2": km2, "raw": raw_agreement(land), "pipelines": rows, "skipped": skipped}


def _ratios(cost: dict[str, Any], costs: dict[str, dict[str, Any]]) -> dict[str, float]:
    anchor = costs.get(ANCHOR, {})
    return {
        name: cost[of] / anchor[of]
        for name, of in (("cpu_ratio", "cpu_s"), ("vector_ratio", "vector_cpu_s"))
        if of in cost and of in anchor
    }


def _show(found: dict[str, Any]) -> None:
    raw = found["raw"]
    print(
        f"{found['km2']:.1f} km²; the raw map is right on {raw['overall']:.4f} of all pixels,"
        f" {raw['mappable']:.4f} in patches ≥ 0.5 ha"
    )
    for name, reason in found["skipped"].items():
        print(f"{name} is left out: {reason}")
    rows = found["pipelines"]
    print(f"\n{'':<32}" + "".join(f"{name:>14}" for name in rows))
    for key, (label, form) in ROWS.items():
        values = [row.get(key) for row in rows.values()]
        cells = ["-" if v is None else format(v, form) for v in values]
        print(f"{label:<32}" + "".join(f"{cell:>14}" for cell in cells))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help="truth.tif and raw.tif")
    source.add_argument("--real", action="store_true", help="a real N2K map with added faults")
    parser.add_argument("--data-root", type=Path, default=DATA, help="folder of the real data")
    parser.add_argument("--seed", type=int, default=1, help="of the added faults")
    parser.add_argument("--pipelines", nargs="+", choices=PIPELINES, default=list(PIPELINES))
    cache = Path.home() / ".cache" / "bocage-benchmarks"
    parser.add_argument("--cache", type=Path, default=cache, help="where mapshaper is installed")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all results there")
    parser.add_argument("--figure", type=Path, metavar="PNG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.real and not options.data_root.is_dir():
        parser.error(f"the real data are not at {options.data_root}")
    if options.data and not (options.data / "truth.tif").exists():
        parser.error(f"{options.data} holds no truth.tif")
    with tempfile.TemporaryDirectory() as folder:
        work = (options.keep or Path(folder)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        data = work if options.real else options.data.absolute()
        if options.real:
            make_real(options.data_root, work, legend(), options.seed)
        found = compare(data, options.pipelines, work, options.cache, options.figure)
    if options.json:
        print(json.dumps(found))
        return
    _show(found)


if __name__ == "__main__":
    main()
