"""Simulated monthly spectra beside real ones: ``python -m benchmarks.virtual_spectra [--json]``.

The simulated ones are the mean spectra of objects of a landscape in the middle of each month,
without the camera (no clouds, haze, point spread or noise); the real ones are medians of clear
pixels or points of a month. Each kind says below which real ground stands for it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from benchmarks import _real_spectra as real
from benchmarks._virtual import DATA, IMAGES
from bocage.grid import CRS
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._growth import grow, load_climate
from bocage.simulate._landscape import Landscape, build_landscape
from bocage.simulate._paint import mixing_fields, paint_covers
from bocage.simulate._spectra import spectra
from bocage.simulate._sun import pass_time, sun_angles
from bocage.simulate._tables import BANDS, cover_index, land_index, region
from bocage.simulate._units import make_units
from bocage.simulate._year import object_altitude

GROUPS = {
    "visible": ("B02", "B03", "B04"),
    "red edge": ("B05", "B06", "B07"),
    "near infrared": ("B08", "B8A"),
    "short wave": ("B11", "B12"),
}
SHOWN = ("B03", "B04", "B05", "B08", "B11")
LEAST_HA = 0.05
MONTHS = range(1, 13)

Summary = dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Kind:
    """A kind of ground: the landscape, lands and covers that stand for it, and the real one."""

    name: str
    region: str
    lands: tuple[str, ...]
    covers: tuple[str, ...]
    real: Callable[[Path], real.Monthly]
    source: str


KINDS = (
    Kind("broadleaved wood", "atlantic", ("forest_b",), (), real.flanders_trees,
         "Flanders 2021, 9 points: no crop, and trees in WorldCover"),
    Kind("managed grass", "atlantic", ("grass_managed",), (),
         lambda d: real.flanders_croptype(d, 9120), "Flanders 2018, grass parcels"),
    Kind("maize", "atlantic", ("arable",), ("maize",),
         lambda d: real.flanders_croptype(d, 1200), "Flanders 2018, maize parcels"),
    Kind("winter wheat", "atlantic", ("arable",), ("wheat",),
         lambda d: real.belgium_crop(d, "wheat"), "Hesbaye 2021, wheat by a model"),
    Kind("built-up", "atlantic", ("urban",), (),
         lambda d: real.flanders_cover(d, 60), "Flanders 2018, built-up"),
    Kind("evergreen wood", "mediterranean", ("forest_b", "forest_c", "forest_m"),
         ("oak_evergreen", "pine"), real.boadella_wood, "Boadella 2020–22, index rule"),
    Kind("sclerophyllous scrub", "mediterranean", ("sclero",), (), real.boadella_scrub,
         "Boadella 2020–22, index rule"),
    Kind("natural grass", "mediterranean", ("grass_natural",), (),
         lambda d: real.corsica(d, 2001020022), "Corsica 2022, permanent grass"),
    Kind("grass with shrubs", "mediterranean", ("grass_woody",), (),
         lambda d: real.corsica(d, 2501000000), "Corsica 2022, grass with trees or shrubs"),
    Kind("lake", "mediterranean", ("lake", "reservoir"), (), real.boadella_water,
         "Boadella 2020–22, reservoir"),
)  # fmt: skip


@cache
def _place(name: str, size_km: float, seed: int) -> tuple[Landscape, NDArray[np.uint8]]:
    countryside = region(name)
    domain = Domain.around(countryside.place, size_km)
    scoped = Seed(seed, name)
    landscape = build_landscape(domain, countryside, scoped)
    return landscape, paint_covers(landscape, mixing_fields(domain, scoped), 2021, scoped)


@cache
def _series(name: str, size_km: float, seed: int) -> tuple[Any, ...]:
    """Land, cover, object, area (pixels) and monthly spectra (month, unit, band) of all units."""
    landscape, cover = _place(name, size_km, seed)
    scoped = Seed(seed, name)
    units = make_units(landscape.obj, cover)
    climate = load_climate(landscape.region, 2021, scoped)
    altitude = object_altitude(landscape)
    growth = grow(units, altitude, landscape.region, climate, 2021, scoped)
    flat = units.label.ravel()
    pixels = np.bincount(flat, minlength=len(units.cover))
    land = np.zeros(len(units.cover), np.uint8)
    land[flat] = landscape.land.ravel()
    turn = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    place = turn.transform(*landscape.domain.center)
    looks = []
    for month in MONTHS:
        on = date(2021, month, 15)
        sun, _ = sun_angles(pass_time(on, *place), *place)
        day = float(on.timetuple().tm_yday)
        looks.append(spectra(units, growth, landscape.region, day, sun).mean)
    return land, units.cover, units.obj, pixels, np.stack(looks)


def simulated(kind: Kind, size_km: float, seed: int) -> Summary:
    """Quartiles of the mean spectra of objects, by month, weighted by their area; (3, band)."""
    land, cover, obj, pixels, looks = _series(kind.region, size_km, seed)
    chosen = np.isin(land, [land_index()[k] for k in kind.lands])
    if kind.covers:
        chosen &= np.isin(cover, [cover_index()[k] for k in kind.covers])
    if not chosen.any():
        raise ValueError(f"no {kind.name} in {kind.region} of {size_km:g} km, seed {seed}")
    _, own = np.unique(obj[chosen], return_inverse=True)
    area = np.bincount(own, pixels[chosen])
    found = {}
    for month, look in zip(MONTHS, looks, strict=True):
        weighted = look[chosen] * pixels[chosen, None]
        sums = [np.bincount(own, weighted[:, b]) / area for b in range(len(BANDS))]
        large = area * 6.25e-4 >= LEAST_HA
        large = large if large.any() else np.ones(area.shape, bool)
        found[month] = _quartiles(np.stack(sums, axis=1)[large], area[large])
    return found


def measured(kind: Kind) -> Summary:
    """Quartiles of the real pixels or points, by month; (3, band)."""
    return {
        month: _quartiles(values, np.ones(len(values)))
        for month, values in kind.real(DATA).items()
        if len(values)
    }


def _quartiles(values: NDArray[np.floating], weight: NDArray[np.floating]) -> NDArray[np.float64]:
    out = np.full((3, values.shape[1]), np.nan)
    for band in range(values.shape[1]):
        seen = np.isfinite(values[:, band])
        if not seen.any():
            continue
        own, share = values[seen, band], weight[seen]
        order = np.argsort(own, kind="stable")
        along = np.cumsum(share[order]) - share[order] / 2
        out[:, band] = np.interp([0.25, 0.5, 0.75], along / share.sum(), own[order])
    return out


def compare(size_km: float, seed: int) -> dict[str, Any]:
    """Mean absolute and mean difference of the medians over the months, by group of bands."""
    rows = {}
    for kind in KINDS:
        virtual, true = simulated(kind, size_km, seed), measured(kind)
        row: dict[str, Any] = {"region": kind.region, "real": kind.source, "months": len(true)}
        for group, bands in GROUPS.items():
            columns = [BANDS.index(b) for b in bands]
            away = np.concatenate([virtual[m][1, columns] - true[m][1, columns] for m in true])
            row[group] = {
                "mad": round(float(np.nanmean(np.abs(away))), 4),
                "bias": round(float(np.nanmean(away)), 4),
            }
        rows[kind.name] = row
    return rows


def figure(size_km: float, seed: int) -> None:
    """Draw the year of every kind into ``docs/images``."""
    drawn, axes = plt.subplots(
        len(SHOWN), len(KINDS), figsize=(21, 9), sharex=True, layout="constrained"
    )
    for column, kind in enumerate(KINDS):
        virtual, true = simulated(kind, size_km, seed), measured(kind)
        for row, band in enumerate(SHOWN):
            axis, index = axes[row, column], BANDS.index(band)
            for found, color, label in ((true, "#222222", "real"), (virtual, "#2c9c5a", "virtual")):
                months = sorted(found)
                low, middle, high = np.array([found[m][:, index] for m in months]).T
                axis.fill_between(months, low, high, color=color, alpha=0.18, lw=0)
                axis.plot(months, middle, "o-", ms=2.5, lw=1.2, color=color, label=label)
            axis.set_ylim(0, {"B08": 0.6, "B11": 0.45}.get(band, 0.25))
            axis.tick_params(labelsize=7)
            if column == 0:
                axis.set_ylabel(band)
        axes[0, column].set_title(f"{kind.name}\n{kind.source}", fontsize=6.5)
        axes[-1, column].set_xticks([1, 4, 7, 10])
    axes[0, 0].legend(fontsize=7)
    IMAGES.mkdir(parents=True, exist_ok=True)
    drawn.savefig(IMAGES / "virtual_spectra.png", dpi=80, metadata={"Software": None})
    plt.close(drawn)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=4.0, metavar="KM")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figure", action="store_true", help="write docs/images")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        parser.error(f"the real series are not at {DATA}")
    rows = compare(options.size, options.seed)
    if options.figure:
        figure(options.size, options.seed)
    if options.json:
        print(json.dumps(rows))
        return
    print("mean absolute difference of the monthly medians (mean difference), reflectance")
    print(f"{'':<22}{'region':<14}" + "".join(f"{g:>20}" for g in GROUPS) + "  months")
    for name, row in rows.items():
        cells = "".join(f"{row[g]['mad']:>11.3f} ({row[g]['bias']:+.3f})" for g in GROUPS)
        print(f"{name:<22}{row['region']:<14}{cells}{row['months']:>6}")


if __name__ == "__main__":
    main()
