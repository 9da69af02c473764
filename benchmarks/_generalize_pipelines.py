"""Other ways from a class raster to polygons, each in a process of its own.

``python -m benchmarks._generalize_pipelines NAME RAW.tif FOLDER [--tool PATH]`` writes ``out.gpkg``
with the column ``code``, the raster that was traced (``pre.tif``) and ``timings.json``, whose
``vector_cpu_s`` is what tracing and shaping the borders took.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import shapely
from numba import njit
from numpy.typing import NDArray
from rasterio.features import shapes, sieve

Codes = NDArray[np.uint16]
Geometries = NDArray[np.object_]

SIEVES = (4, 16, 64, 256, 832, 832)
"""Pixels. In one step, small regions would keep to small neighbours; 832 is the mapping unit and
a margin of 4 %."""
TOLERANCE = 4.0
"""Square root of the area that a vertex must span with its neighbours, m."""
SMOOTH = "8"
"""Smoothing distance of mapshaper, m."""
GRASS_SCRIPT = """set -e
r.in.gdal input=pre.tif output=classes --quiet
g.region raster=classes
r.to.vect -s input=classes output=areas type=area column=code --quiet
v.generalize input=areas output=straight method=douglas threshold=3 --quiet
v.generalize input=straight output=round method=hermite threshold=3 --quiet
v.out.ogr input=round type=area output=grass.gpkg format=GPKG --quiet
"""


def _mode(codes: Codes) -> Codes:
    rows, columns = codes.shape
    found = codes.copy()
    count = np.zeros(65536, np.uint8)
    for i in range(rows):
        for j in range(columns):
            own = codes[i, j]
            if own == 0:
                continue
            best = own
            top, bottom = max(i - 2, 0), min(i + 3, rows)
            left, right = max(j - 2, 0), min(j + 3, columns)
            for a in range(top, bottom):
                for b in range(left, right):
                    count[codes[a, b]] += 1
            for a in range(top, bottom):
                for b in range(left, right):
                    value = codes[a, b]
                    # Ties keep the pixel as it is, else go to the first in reading order.
                    if value != 0 and count[value] > count[best]:
                        best = value
            for a in range(top, bottom):
                for b in range(left, right):
                    count[codes[a, b]] = 0
            found[i, j] = best
    return found


_mode_compiled = njit(cache=True, nogil=True)(_mode)


def mode_filter(codes: Codes) -> Codes:
    """Commonest class of the 5 × 5 pixels around each; 0 is outside and neither counts nor moves.

    Parameters
    ----------
    codes
        Shape (y, x).
    """
    filtered: Codes = _mode_compiled(codes)
    return filtered


def stepped_sieve(codes: Codes) -> Codes:
    """Merge regions below the mapping unit into their neighbours, small ones first."""
    mask = codes != 0
    for size in SIEVES:
        codes = sieve(codes, size, connectivity=4, mask=mask)
    return codes


def trace(codes: Codes, transform: Any) -> tuple[Geometries, Codes]:
    """Polygons of the regions of a raster as a valid coverage, and their classes."""
    found = list(shapes(codes, mask=codes != 0, connectivity=4, transform=transform))
    polygons = np.array(
        [shapely.Polygon(s["coordinates"][0], s["coordinates"][1:]) for s, _ in found],
        dtype=object,
    )
    # GDAL leaves out the vertices at which a third polygon begins.
    cleaned = shapely.coverage_clean(polygons)  # type: ignore[attr-defined]
    return cleaned, np.array([c for _, c in found], np.uint16)


def sieved(raw: Path, out: Path, *, mode: bool = False) -> tuple[Codes, dict[str, Any]]:
    """The stepped raster and its profile; it is also written to ``pre.tif``."""
    with rasterio.open(raw) as source:
        codes, profile = source.read(1).astype(np.uint16), dict(source.profile)
    codes = stepped_sieve(mode_filter(codes) if mode else codes)
    profile.update(dtype="uint16", nodata=0, compress="deflate")
    with rasterio.open(out / "pre.tif", "w", **profile) as target:
        target.write(codes, 1)
    return codes, profile


def stepped(raw: Path, out: Path, tool: str = "", *, mode: bool = False) -> float:
    """Sieve, trace, clean and simplify; return CPU seconds of all but the raster part."""
    codes, profile = sieved(raw, out, mode=mode)
    began = time.process_time()
    polygons, values = trace(codes, profile["transform"])
    # The limit of the area is not generalised.
    polygons = shapely.coverage_simplify(polygons, TOLERANCE, simplify_boundary=False)
    seconds = time.process_time() - began
    write(out / "out.gpkg", polygons, values, profile["crs"])
    return seconds


def stepped_mode(raw: Path, out: Path, tool: str = "") -> float:
    """The same after a mode filter."""
    return stepped(raw, out, mode=True)


def write(path: Path, polygons: Geometries, codes: NDArray[Any], crs: Any) -> None:
    """Write polygons with the column ``code``."""
    pyogrio.raw.write(
        path,
        shapely.to_wkb(polygons),
        [codes.astype(np.int32)],
        ["code"],
        layer="status",
        geometry_type="Polygon",
        crs=str(crs),
    )


def mapshaper(raw: Path, out: Path, tool: str) -> float:
    """Smooth the stepped raster's polygons with mapshaper; return CPU seconds of the vectors."""
    codes, profile = sieved(raw, out)
    began = _cpu()
    polygons, values = trace(codes, profile["transform"])
    write(out / "traced.geojson", polygons, values, profile["crs"])
    # Without a unit the distance is in that of the coordinates; mapshaper ignores their system.
    _call(out, tool, "traced.geojson", "-smooth", SMOOTH, "-clean", "-o", "smoothed.geojson")
    seconds = _cpu() - began
    _to_geopackage(out / "smoothed.geojson", profile["crs"], out / "out.gpkg")
    return seconds


def grass(raw: Path, out: Path, tool: str) -> float:
    """Douglas-Peucker and Hermite of GRASS on the stepped raster's polygons, as iota2 has it."""
    _, profile = sieved(raw, out)
    began = _cpu()
    _call(out, tool, "--tmp-location", "pre.tif", "--exec", "sh", "-c", GRASS_SCRIPT)
    seconds = _cpu() - began
    _to_geopackage(out / "grass.gpkg", profile["crs"], out / "out.gpkg")
    return seconds


def _call(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stderr[-1000:]}")


def _cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def _to_geopackage(path: Path, crs: Any, target: Path) -> None:
    _, _, geometry, columns = pyogrio.raw.read(path, columns=["code"])
    polygons, of = shapely.get_parts(shapely.from_wkb(geometry), return_index=True)
    write(target, polygons, columns[0][of], crs)


PIPELINES: dict[str, Callable[[Path, Path, str], float]] = {
    "stepped": stepped,
    "stepped_mode": stepped_mode,
    "mapshaper": mapshaper,
    "grass": grass,
}


def main() -> None:
    """Run one pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PIPELINES)
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tool", default="")
    options = parser.parse_args()
    seconds = PIPELINES[options.name](options.raw, options.out, options.tool)
    text = json.dumps({"vector_cpu_s": seconds})
    (options.out / "timings.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
