"""Quality of the super-resolution backends by Wald's protocol, bicubic and lmmse beside them.

``python -m benchmarks.superres --scene FILE.tif [--bands B02,B03,B04,B08] [--json]`` judges one
image; without ``--scene`` the held-out real sets are judged, and each figure is the mean over
the images of a set, ``gain`` the PSNR above bicubic with its interval of 95 % over the images.
``--virtual`` adds virtual areas of regions that training has not seen, against their true
reflectance at 2.5 m. Figures of degraded images are Wald figures: they say how well 10 m is
brought back from 40 m, not how true 2.5 m is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks._interval import half_width
from benchmarks._superres_scenes import DATA, HELD_OUT, PLAIN, Scene
from benchmarks._superres_virtual import make, score
from bocage.errors import BocageError, ConfigError, InputError
from bocage.rasters import read_raster
from bocage.superres import (
    BACKENDS,
    Subject,
    get_backend,
    native_scale,
    native_sizes,
    reduced_scale,
    sharpen_native,
    sharpening,
)

BASELINES = ("bicubic", "lmmse")
ORDERS = {
    4: "B02 B03 B04 B08",
    9: "B02 B03 B04 B05 B06 B07 B08 B11 B12",
    10: "B02 B03 B04 B05 B06 B07 B08 B8A B11 B12",
    12: "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12",
}
"""Bands of a file that does not name them, by their number."""

UNSEEN = (
    ("pannonian", 31, 200),
    ("boreal", 32, 190),
    ("steppic", 33, 130),
    ("blacksea", 34, 250),
    ("macaronesian", 35, 100),
)
"""Virtual areas (region, seed, day of the year) to judge on; training has seen other regions."""

Scores = dict[str, float]


def read_scene(path: Path, bands: Sequence[str] | None = None) -> tuple[Scene, Scene]:
    """A file as it is, and with its 20 m bands sharpened; whole numbers are divided by 10,000."""
    raster = read_raster(path, what="scene")
    names = tuple(bands or (str(b) for b in raster["band"].values))
    if not bands and not set(names) <= set(ORDERS[12].split()):
        if len(names) not in ORDERS:
            raise InputError(f"{path} does not name its bands", remedy="name them with --bands")
        names = tuple(ORDERS[len(names)].split())
    if len(names) != len(raster):
        raise InputError(f"{len(names)} names for the {len(raster)} bands of {path}")
    values = raster.values
    gone = values == raster.attrs["nodata"]
    if gone.any():
        raise InputError(f"{path} has nodata", remedy="cut out a part without")
    scale = 1 / 10000 if np.issubdtype(values.dtype, np.integer) else 1.0
    image = (values * scale).astype(np.float32)
    sharp = sharpen_native(image, names, native_sizes(names))
    return Scene(path.stem, image, names), Scene(path.stem, sharp.image, names)


def judge(
    scenes: Iterable[Scene], names: Sequence[str], seen_mtf: float | None = None
) -> dict[str, Scores]:
    """Mean figures of each backend over scenes; those of native pixels start with ``native_``."""
    found: dict[str, list[Scores]] = {name: [] for name in names}
    for scene in scenes:
        subject = Subject(scene.image, scene.bands, seen_mtf=seen_mtf)
        for name in names:
            engine = get_backend(name)
            own = {f"native_{k}": v for k, v in native_scale(subject, engine).items()}
            found[name].append(reduced_scale(subject, engine) | own)
    return {name: _summary(every, found[BASELINES[0]]) for name, every in found.items()}


def judge_sharpening(scenes: Iterable[Scene]) -> dict[str, Scores]:
    """Mean figures of the sharpening of 20 m bands over scenes."""
    every = [sharpening(s.image, s.bands, native_sizes(s.bands)) for s in scenes]
    return {
        name: {k: float(np.mean([one[name][k] for one in every])) for k in every[0][name]}
        for name in every[0]
    }


def judge_virtual(names: Sequence[str]) -> dict[str, Scores]:
    """Mean figures of each backend over virtual areas, against the truth."""
    areas = [make(*one) for one in UNSEEN]
    found = {name: [score(area, get_backend(name)) for area in areas] for name in names}
    return {name: _summary(every, found[BASELINES[0]]) for name, every in found.items()}


def _summary(every: list[Scores], plain: list[Scores]) -> Scores:
    """Means over images, and the gain in PSNR over bicubic with its interval of 95 %."""
    means = {k: float(np.mean([s[k] for s in every])) for k in every[0]}
    gains = np.array([s["psnr"] - p["psnr"] for s, p in zip(every, plain, strict=True)])
    means["gain"] = float(gains.mean())
    if len(gains) > 1:
        means["gain_95"] = half_width(gains)
    return means


def installed() -> list[str]:
    """Backends for single images; published weights are among them where they are installed."""
    # On a single image the shared detail is the default's own.
    names = sorted(set(BACKENDS) - {"shared_detail"})
    try:
        return [*names, get_backend("opensr-mamba").name]
    except ConfigError as error:
        print(f"left out: {error}", file=sys.stderr)
        return names


def show(title: str, table: dict[str, Scores]) -> None:
    """A table, one row for each backend."""
    columns = list(next(iter(table.values())))
    print(f"\n{title}\n| backend | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for name, scores in table.items():
        print(f"| {name} | {' | '.join(f'{scores[c]:.4g}' for c in columns)} |")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", type=Path)
    parser.add_argument("--bands", help="names in the order of the file, joined by commas")
    parser.add_argument("--backends", help="names joined by commas; bicubic and lmmse always")
    parser.add_argument("--mtf", type=float, help="degrade with it; the backends are not told")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--virtual", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    asked = arguments.backends.split(",") if arguments.backends else installed()
    names = list(dict.fromkeys([*BASELINES, *asked]))
    result: dict[str, dict[str, Scores]] = {}
    if arguments.scene:
        bands = arguments.bands.split(",") if arguments.bands else None
        plain, sharp = read_scene(arguments.scene, bands)
        result["backends"] = judge([sharp], names, arguments.mtf)
        result["sharpening"] = sharpening(plain.image, plain.bands, native_sizes(plain.bands))
    else:
        for title, scenes in HELD_OUT.items():
            result[title] = judge(scenes(arguments.data), names, arguments.mtf)
            result[f"{title} 40 to 20 m"] = judge_sharpening(PLAIN[title](arguments.data))
    if arguments.virtual:
        result["virtual"] = judge_virtual(names)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for title, table in result.items():
        if table:
            show(title, table)


if __name__ == "__main__":
    try:
        main()
    except BocageError as error:
        raise SystemExit(f"error: {error}") from error
