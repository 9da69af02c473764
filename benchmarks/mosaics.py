"""Monthly mosaics of a real series, and of virtual areas against the true ground.

``python -m benchmarks.mosaics [--virtual] [--json]``, with ``../shared/data/s2_flanders_2018``
beside the checkout:

- ``composites``: a month's composite against the next clear date, root mean square error, mean over
  the months, and of each band; beside it single dates of the month on the same pixels: the one that
  the mask leaves most of, and the same among those that are clear by eye, if there are any;
- ``shifts``: what co-registration finds, and how well it finds shifts made on purpose;
- ``fill``: months hidden from pixels that had them: error, and error expected;
- ``memory``: peak of a process that makes a mosaic of 12, of 60 and of 118 dates;
- ``virtual``: mosaics of virtual areas against the reflectance in the middle of each month.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.warp import transform_bounds
from scipy import ndimage

from benchmarks._mosaics_virtual import AREAS, virtual
from benchmarks._superres_scenes import DATA
from bocage.grid import geobox
from bocage.imagery import ImagerySettings, build_catalog, monthly_mosaic, search
from bocage.imagery._days import merge_day
from bocage.imagery._fill import OBSERVED, fill_months, smooth_months
from bocage.imagery._register import REGISTER_BANDS, find_shift

FLANDERS = DATA / "s2_flanders_2018"
CONFIG = 'image: {pattern: "S2L2A_????????.tif"}\nmask: {pattern: "*_SCL.tif", kind: scl}\n'
CLEAR = (
    "2017-08-27", "2017-11-02", "2017-11-22", "2017-12-17", "2018-01-16", "2018-01-19",
    "2018-01-26", "2018-02-08", "2018-02-10", "2018-02-18", "2018-02-25", "2018-02-28",
    "2018-03-25", "2018-04-19", "2018-04-26", "2018-05-04", "2018-05-06", "2018-05-09",
    "2018-05-11", "2018-05-26", "2018-06-23", "2018-06-28", "2018-06-30", "2018-07-05",
    "2018-07-08", "2018-07-15", "2018-07-23", "2018-08-02", "2018-08-07", "2018-08-17",
    "2018-09-01", "2018-09-21", "2018-09-26", "2018-10-06", "2018-10-08", "2018-10-21",
    "2018-10-28", "2018-11-17",
)  # fmt: skip
"""Dates that are clear all over by eye."""

SINGLE = ("clearest date by the mask", "clearest date by eye")

LATEST = 45
"""Days after the end of a month within which the next clear date must lie."""

VARIANTS = {
    f"{'mask and series' if screen == 'series' else 'mask alone'}, {how}": {
        "screen": screen, "composite": how, "snow": "keep",
    }
    for screen in ("none", "series")
    for how in ("median", "geomedian", "medoid", "weighted_medoid")
} | {
    "default": {},
    "default, co-registered": {"coregister": "apply"},
}  # fmt: skip

Image = NDArray[np.float32]


class Flanders:
    """The series on a grid of its middle 560 m."""

    def __init__(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(CONFIG)
        self.catalog = build_catalog(
            FLANDERS, folder / "catalog.json", config=folder / "config.yaml"
        )
        with rasterio.open(sorted(FLANDERS.glob("S2L2A_????????.tif"))[0]) as file:
            west, south, east, north = transform_bounds(file.crs, "EPSG:3035", *file.bounds)
        x, y = round((west + east) / 20) * 10, round((south + north) / 20) * 10
        self.bounds = (x - 280, y - 280, x + 280, y + 280)
        self.box: GeoBox = geobox(self.bounds, 10)

    def items(self, settings: ImagerySettings, year: int) -> list[pystac.Item]:
        """Items of the window of a year."""
        return search(self.catalog, settings, self.bounds, year)

    def windows(self, **changes: Any) -> list[tuple[ImagerySettings, int]]:
        """Settings of the two windows: August to November 2017, December 2017 to November 2018."""
        return [
            (ImagerySettings(months=(8, 9, 10, 11), **changes), 2017),
            (ImagerySettings(first_month=12, **changes), 2018),
        ]

    def months(self, **changes: Any) -> dict[tuple[int, int], Image]:
        """Composites (band, y, x) by year and month, nothing filled in."""
        found = {}
        for settings, year in self.windows(fill="none", **changes):
            mosaic = monthly_mosaic(self.items(settings, year), self.box, settings, year)
            for month in mosaic["month"].values:
                at = (
                    year - 1 if settings.first_month > 1 and month >= settings.first_month else year
                )
                found[at, int(month)] = mosaic["reflectance"].sel(month=month).values
        return found

    def dates(self) -> dict[date, Image]:
        """Every date (band, y, x), NaN where the mask says so."""
        found = {}
        for settings, year in self.windows():
            for item in self.items(settings, year):
                merged = merge_day([item], self.box, settings)
                if merged is not None and item.datetime is not None:
                    found[item.datetime.date()] = merged.image
        return found


def composites(series: Flanders) -> dict[str, Any]:
    """Error of the month by each variant, and of the clearest date of the month."""
    dates = series.dates()
    made = {name: series.months(**changes) for name, changes in VARIANTS.items()}
    rows: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (*SINGLE, *made)}
    months = []
    for year, month in sorted(made["default"]):
        inside = {d: i for d, i in dates.items() if (d.year, d.month) == (year, month)}
        later = [date.fromisoformat(d) for d in CLEAR]
        later = [d for d in later if (d.year, d.month) > (year, month) and d in dates]
        if not inside or not later or (later[0] - max(inside)).days > LATEST:
            continue
        by_eye = {d: i for d, i in inside.items() if d.isoformat() in CLEAR} or inside
        images = {
            name: max(choice.values(), key=lambda image: np.isfinite(image[0]).sum())
            for name, choice in zip(SINGLE, (inside, by_eye), strict=True)
        }
        images |= {name: result[year, month] for name, result in made.items()}
        truth = dates[later[0]]
        common = np.isfinite(np.concatenate([truth, *images.values()])).all(axis=0)
        if common.mean() < 0.1:
            continue
        months.append(f"{year}-{month:02d}")
        for name, image in images.items():
            error = np.sqrt(np.square(image - truth)[:, common].mean(axis=1))
            rows[name].append(error.astype(np.float64))
    table = {name: np.array(values) for name, values in rows.items()}
    base = np.sqrt((table[SINGLE[1]] ** 2).mean(axis=1))
    return {
        "months": months,
        "table": {
            name: {
                "all": float(np.sqrt((values**2).mean(axis=1)).mean()),
                "below the date by eye": _mean(base - np.sqrt((values**2).mean(axis=1))),
                "bands": np.sqrt((values**2).mean(axis=0)).round(4).tolist(),
            }
            for name, values in table.items()
        },
    }


def _mean(values: NDArray[np.float64]) -> list[float]:
    """Mean, and half its interval of 95 %."""
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return [round(float(values.mean()), 5), round(float(half), 5)]


def shifts(series: Flanders) -> dict[str, Any]:
    """Shifts of the dates, and how well shifts made on purpose are found."""
    settings = ImagerySettings(first_month=12, coregister="report")
    mosaic = monthly_mosaic(series.items(settings, 2018), series.box, settings, 2018)
    listed = {d["date"]: d["shift"] for d in json.loads(mosaic.attrs["dates"])}
    found = np.array([s for s in listed.values() if s is not None])
    order = [settings.bands.index(b) for b in REGISTER_BANDS]
    dates = {d.isoformat(): i[order] for d, i in series.dates().items()}
    whole = {d: i for d, i in dates.items() if d in CLEAR and np.isfinite(i).all()}
    rng = np.random.default_rng(0)
    errors = []
    for image in whole.values():
        for _ in range(4):
            moved = rng.uniform(-1, 1, 2)
            other = np.stack([ndimage.shift(b, moved, order=3, mode="nearest") for b in image])
            noisy = other + rng.normal(0, 0.002, other.shape)
            shift = find_shift(noisy.astype(np.float32), image)
            errors.append(np.array(shift) + moved if shift else np.array([np.inf, np.inf]))
    return {
        "dates": listed,
        "sd": found.std(axis=0).round(3).tolist(),
        "median": float(np.median(np.hypot(*found.T))),
        "largest": float(np.hypot(*found.T).max()),
        "rmse of shifts made on purpose": float(np.sqrt(np.square(errors).mean())),
    }


def fill(series: Flanders) -> dict[str, Any]:
    """Each month hidden in turn from the pixels that saw it: errors against those expected."""
    settings = ImagerySettings(first_month=12, fill="none")
    mosaic = monthly_mosaic(series.items(settings, 2018), series.box, settings, 2018)
    true, months = mosaic["reflectance"].values, mosaic["month"].values
    valid = np.minimum(mosaic["valid"].values, 4).astype(np.float32)
    actual, expected, smoothed = [], [], []
    for step in range(len(months)):
        seen = np.isfinite(true[step, 0])
        if not seen.any():
            continue
        hidden = true.copy()
        hidden[step] = np.nan
        filled, gap, error = fill_months(hidden, months)
        weights = np.where(gap == OBSERVED, valid, np.float32(0))
        smooth = smooth_months(filled, months, weights, 1.0)
        for image, rows in ((filled, actual), (smooth, smoothed)):
            rows.append(np.square(image[step] - true[step]).mean(axis=0)[seen])
        expected.append(np.square(error[step])[seen])
    parts = [np.concatenate(v) for v in (actual, expected, smoothed)]
    order = np.argsort(parts[1])
    quarters = [[float(np.sqrt(p[q].mean())) for p in parts[:2]] for q in np.array_split(order, 4)]
    return {
        "linear": float(np.sqrt(parts[0].mean())),
        "expected": float(np.sqrt(parts[1].mean())),
        "whittaker": float(np.sqrt(parts[2].mean())),
        "quarters, actual and expected": quarters,
    }


_PEAK = """
import resource, sys
import numpy as np
from datetime import date, timedelta
from unittest import mock
from bocage.grid import geobox
from bocage.imagery import ImagerySettings
from bocage.imagery import _mosaic as m
from bocage.imagery._days import Merged
count, how, register = int(sys.argv[1]), sys.argv[2], sys.argv[3]
class Item:
    def __init__(self, n):
        self.id, self.properties, self.bbox = f"i{n}", {}, None
        self.day = date(2021, 1, 1) + timedelta(days=n * 365 // count)
    common_metadata = mock.Mock(start_datetime=None, end_datetime=None)
rng = np.random.default_rng(0)
def image(items, box, settings, light):
    shape = (10, box.shape.y, box.shape.x)
    made = rng.random(shape, dtype=np.float32) * 0.01 + 0.1
    made[:, rng.random(shape[1:]) < 0.3] = np.nan
    return Merged(made, ())
settings = ImagerySettings(composite=how, coregister=register)
box = geobox((4_000_000, 3_000_000, 4_002_320, 3_002_320), 10)
items = [Item(n) for n in range(count)]
with mock.patch.multiple(
    m, touching=lambda i, b: i, by_day=lambda i, s: [(d.day, d.day.month - 1, [d]) for d in i],
    merge_day=image, _native=lambda i, s: [10] * 10,
):
    m.monthly_mosaic(items, box, settings, 2021)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def memory() -> dict[str, float]:
    """Peak MiB of a process that makes the mosaic of one block of 232 × 232 pixels."""
    found = {}
    for how, register in (("geomedian", "none"), ("weighted_medoid", "report")):
        for count in (12, 60, 118):
            ran = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", _PEAK, str(count), how, register],
                capture_output=True,
                text=True,
                check=True,
            )
            found[f"{count} dates, {how}, co-registration {register}"] = round(float(ran.stdout))
    return found


def against_truth() -> dict[str, dict[str, float]]:
    """Errors of the variants on virtual areas."""
    loose = {"allow_missing_months": True}
    variants = {
        "mask alone, median": ImagerySettings(
            screen="none", composite="median", snow="keep", **loose
        ),
        "mask and series, median": ImagerySettings(composite="median", snow="keep", **loose),
        "mask and series, geomedian": ImagerySettings(snow="keep", **loose),
        "weighted_medoid": ImagerySettings(composite="weighted_medoid", **loose),
        "default": ImagerySettings(**loose),
        "default, c_correction": ImagerySettings(illumination="c_correction", **loose),
        "default, scs_c": ImagerySettings(illumination="scs_c", **loose),
    }
    return {f"{name} {seed}": virtual(name, seed, variants) for name, seed in AREAS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--virtual", action="store_true", help="virtual areas too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        series = Flanders(Path(scratch))
        result = {
            "composites": composites(series),
            "shifts": shifts(series),
            "fill": fill(series),
            "memory": memory(),
        }
    if options.virtual:
        result["virtual"] = against_truth()
    print(json.dumps(result, indent=None if options.json else 1))


if __name__ == "__main__":
    main()
