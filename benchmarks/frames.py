"""What dates gain that are super-resolved before they are composited.

``python -m benchmarks.frames [--areas REGION:SEED …] [--side METRES] [--keep FOLDER] [--json]``;
``python -m benchmarks.frames --real`` on ``../shared/data/s2_flanders_2018`` beside the checkout.

Virtual areas of regions that the training of super-resolution has not seen, a year of images with
the clouds, haze, noise and misregistration of the simulator. Every month that was observed is
made from the same dates in several ways and compared with the true reflectance of the middle of
the month at 2.5 m:

- ``bicubic`` and ``default``: the month's mosaic super-resolved, dates as they lie;
- ``apply``: the same with ``imagery.coregister: apply``, dates put right at 10 m;
- ``frames``: ``superres.frames``, dates super-resolved one by one and put right at 2.5 m;
- ``ignored``: the same with the shifts taken for zero.

Shifts are those of the area, found on two kilometres (`survey_shifts`).

Figures are PSNR in dB (peak 1) of the ten bands, of the four 10 m bands (``rgbn``), and of what
is left of the errors of all bands when their mean over some 40 m is taken off (``detail``: haze
and growth since the middle of the month do not count); the mean over the months of an area.
Gains are given with their interval of 95 % over the areas. ``--real``: a date of each month is
kept back and foreseen from the months of the others (`benchmarks._frames_real`); error of its
detail, and by how many dB ``frames`` is better, with the interval over these dates.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pystac
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage

from benchmarks._frames_real import area_shifts, errors
from benchmarks._interval import half_width
from benchmarks._superres_scenes import TEN
from benchmarks._superres_virtual import YEAR, ground
from benchmarks._virtual import area_named
from benchmarks.ablation import AREAS
from bocage.grid import FINE, NATIVE, geobox
from bocage.imagery import ImagerySettings, Shifts, monthly_frames, monthly_mosaic, search
from bocage.simulate import simulate
from bocage.simulate._domain import Domain
from bocage.simulate._tables import region as load_region
from bocage.superres import fine_geobox, superresolve

SIZE_KM = 1.0
SIDE_M = 600
METHODS = ("bicubic", "default", "apply", "frames", "ignored")
FIGURES = ("psnr", "rgbn", "detail")

_RIM = 24  # pixels of 2.5 m that are not judged
_BROAD = 16  # pixels of 2.5 m, standard deviation
_DAYS_A_MONTH = 30.4
_FOUR = [TEN.index(b) for b in ("B02", "B03", "B04", "B08")]

Scores = dict[str, dict[str, float]]


def every_way(
    items: Sequence[pystac.Item],
    box: GeoBox,
    settings: ImagerySettings,
    year: int,
    shifts: Shifts,
) -> dict[str, xr.Dataset]:
    """The series at 2.5 m of each of `METHODS` from the same items."""
    mosaic = monthly_mosaic(items, box, settings, year)
    apply = replace(settings, coregister="apply")
    right = monthly_mosaic(items, box, apply, year, shifts=shifts)
    frames = monthly_frames(items, box, settings, year, shifts=shifts)
    still = frames.assign_coords(down=0 * frames["down"], right=0 * frames["right"])
    return {
        "bicubic": superresolve(mosaic, "bicubic"),
        "default": superresolve(mosaic),
        "apply": superresolve(right),
        "frames": superresolve(mosaic, frames=frames),
        "ignored": superresolve(mosaic, frames=still),
    }


def measure(folder: Path, region: str, seed: int, side: float) -> Scores:
    """Figures of each method on an area, which is simulated unless it is in the folder."""
    if not (folder / "project.yaml").exists():
        simulate(folder, region=region, size_km=SIZE_KM, seed=seed, years=(YEAR,))
    domain = Domain.around(load_region(region).place, SIZE_KM)
    x, y = domain.center
    box = geobox((x - side / 2, y - side / 2, x + side / 2, y + side / 2), 2 * NATIVE)
    box = geobox(tuple(box.boundingbox), NATIVE)
    settings = ImagerySettings(bands=TEN)
    items = search(folder / "catalog/catalog.json", settings, tuple(box.boundingbox), YEAR)
    made = every_way(items, box, settings, YEAR, area_shifts(items, box, settings, YEAR))
    months = made["default"]["month"].values
    observed = made["default"]["gap"].values == 0
    column, row = (round(v) for v in ~domain.geobox(FINE).affine @ (box.affine.c, box.affine.f))
    shape = fine_geobox(box).shape
    rows, columns = (slice(n, n + m) for n, m in zip((row, column), shape, strict=True))
    days = [_DAYS_A_MONTH * (int(m) - 0.5) for m in months]
    found: list[Scores] = []
    for month, truth in enumerate(ground(region, seed, days, SIZE_KM)):
        seen = observed[month]
        seen[:_RIM] = seen[-_RIM:] = seen[:, :_RIM] = seen[:, -_RIM:] = False
        if seen.any():
            found.append(_scores(made, month, truth[:, rows, columns], seen))
    return {
        name: {f: float(np.mean([one[name][f] for one in found])) for f in FIGURES}
        for name in METHODS
    }


def _scores(
    made: dict[str, xr.Dataset], month: int, truth: NDArray[np.float32], seen: NDArray[np.bool_]
) -> Scores:
    """Figures of each method in one month, on the pixels of 2.5 m that were observed."""
    broad = ndimage.gaussian_filter(seen.astype(np.float32), _BROAD)[seen]
    scores = {}
    for name, series in made.items():
        error = np.where(seen, series["reflectance"].values[month] - truth, 0)
        detail = [e[seen] - ndimage.gaussian_filter(e, _BROAD)[seen] / broad for e in error]
        scores[name] = {
            "psnr": _psnr(error[:, seen]),
            "rgbn": _psnr(error[_FOUR][:, seen]),
            "detail": _psnr(np.stack(detail)),
        }
    return scores


def _psnr(error: NDArray[np.float32]) -> float:
    return float(-10 * np.log10(np.square(error, dtype=np.float64).mean()))


def gains(areas: Sequence[Scores], over: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Mean gain of each method over another, and half of its interval of 95 % over the areas."""
    result = {}
    for name in METHODS:
        differences = {f: np.array([a[name][f] - a[over][f] for a in areas]) for f in FIGURES}
        result[name] = {f: (float(d.mean()), half_width(d)) for f, d in differences.items()}
    return result


def show_real(found: dict[str, list[float]]) -> str:
    """A table: error of the detail of what was foreseen, reflectance × 10,000."""
    lines = ["| method | error | frames better by |", "| --- | --- | --- |"]
    for name, values in found.items():
        better = 20 * np.log10(np.array(values) / np.array(found["frames"]))
        gain = f"{better.mean():.2f} ± {half_width(better):.2f} dB"
        lines.append(f"| {name} | {1e4 * np.mean(values):.1f} | {gain} |")
    return "\n".join([f"{len(found['frames'])} dates", *lines])


def show(areas: Sequence[Scores]) -> str:
    """A table: means over the areas, and gains over ``default`` and ``apply``."""
    lines = [f"| method | {' | '.join(FIGURES)} | gain on default | gain on apply, detail |"]
    lines.append("|" + " --- |" * (len(FIGURES) + 3))
    on = {over: gains(areas, over) for over in ("default", "apply")}
    for name in METHODS:
        means = [f"{np.mean([a[name][f] for a in areas]):.2f}" for f in FIGURES]
        gained = [", ".join(f"{f} {m:+.2f} ± {h:.2f}" for f, (m, h) in on["default"][name].items())]
        gained.append("{:+.2f} ± {:.2f}".format(*on["apply"][name]["detail"]))
        lines.append(f"| {name} | {' | '.join([*means, *gained])} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure areas and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=area_named, nargs="+", default=AREAS, metavar="REGION:SEED")
    parser.add_argument("--side", type=float, default=SIDE_M, metavar="METRES")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep areas there")
    parser.add_argument("--real", action="store_true", help="the real series instead")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.real:
        found = errors(every_way)
        print(json.dumps(found) if options.json else show_real(found))
        return
    areas = []
    with tempfile.TemporaryDirectory() as scratch:
        for region, seed in options.areas:
            folder = (options.keep or Path(scratch)) / f"{region}_{seed}"
            areas.append(measure(folder, region, seed, options.side))
            print(region, seed, json.dumps(areas[-1]), file=sys.stderr, flush=True)
    told = {f"{r}:{s}": scores for (r, s), scores in zip(options.areas, areas, strict=True)}
    print(json.dumps(told) if options.json else show(areas))


if __name__ == "__main__":
    main()
