"""Patches and neighbours of virtual landscapes beside those of real polygon layers.

``python -m benchmarks.virtual_landscape [REGION …] [--size KM] [--seeds N …] [--figure] [--json]``
compares with N2K and Riparian Zones layers; ``--classes`` prints the share of every class in
every region instead.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from benchmarks._virtual import (
    DATA,
    FOOTPRINT,
    IMAGES,
    ClassArray,
    at_level,
    cut_like,
    landscapes,
    legend,
    real_layers,
    virtual_classes,
)
from bocage.legend import OUTSIDE
from bocage.simulate._statistics import (
    Patches,
    adjacency,
    border_density,
    class_areas,
    patches,
    similarity,
    without_small,
)

DEFAULT = ("continental", "pannonian", "atlantic")
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def measure(classes: ClassArray) -> dict[str, Any]:
    """Statistics of one class raster at 2.5 m, after a minimum mapping unit of 0.5 ha."""
    merged = without_small(classes)
    found = patches(merged)
    area_km2 = float(np.count_nonzero(merged != OUTSIDE)) * 6.25e-6
    levels = {}
    for level in (1, 2):
        raster = at_level(merged, level)
        codes = legend().codes(level)
        pairs = np.triu(adjacency(raster))[1 : len(codes) + 1, 1 : len(codes) + 1]
        areas = class_areas(raster)[1 : len(codes) + 1]
        levels[level] = {"pairs": pairs, "areas": areas / max(areas.sum(), 1e-9)}
    return {
        "area_km2": round(area_km2, 2),
        "patches_km2": round(len(found.value) / area_km2, 2),
        "border_m_ha": round(border_density(merged), 1),
        "classes": len(np.unique(found.value)),
        **_spread(found),
        "by_class": _by_class(found, area_km2),
        "levels": levels,
    }


def _spread(found: Patches) -> dict[str, Any]:
    """Quantiles of the area and shape of whole patches."""
    area, shape = found.area_ha[found.whole], found.shape_index[found.whole]
    if not len(area):
        return {"area_ha": [], "shape": [], "mean_ha": 0.0}
    return {
        "area_ha": np.quantile(area, QUANTILES).round(2).tolist(),
        "mean_ha": round(float(area.mean()), 2),
        "shape": np.quantile(shape, QUANTILES).round(2).tolist(),
    }


def _by_class(found: Patches, area_km2: float) -> dict[int, dict[str, float]]:
    """Share, density and medians of each leaf, by its code."""
    rows = {}
    for value in np.unique(found.value):
        own = found.value == value
        whole = own & found.whole
        rows[legend().codes()[value - 1]] = {
            "share": round(float(found.area_ha[own].sum()) / area_km2, 2),
            "patches_km2": round(float(own.sum()) / area_km2, 2),
            "median_ha": round(float(np.median(found.area_ha[whole])), 2) if whole.any() else 0.0,
            "q90_ha": round(float(np.quantile(found.area_ha[whole], 0.9)), 2)
            if whole.any()
            else 0.0,
            "shape": round(float(np.median(found.shape_index[whole])), 2) if whole.any() else 0.0,
        }
    return rows


def compare(names: Sequence[str], size_km: float, seeds: Sequence[int]) -> dict[str, Any]:
    """Statistics of the real layers and of virtual ones cut to the outline of a real one."""
    real = real_layers()
    rows = {name: measure(classes) for name, classes in real.items()}
    for name in names:
        for seed in seeds:
            classes = cut_like(virtual_classes(name, size_km, seed), real[FOOTPRINT])
            rows[f"{name} {seed}"] = measure(classes)
    return rows


def likeness(rows: dict[str, Any], real: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Shared part of the border shares and of the class shares with each real layer.

    By layer and real layer: adjacency at level 1 and 2, areas at level 1 and 2. Two real layers
    beside each other show how alike real ones are.
    """
    return {
        name: {
            other: [
                round(similarity(row["levels"][level][what], rows[other]["levels"][level][what]), 3)
                for what in ("pairs", "areas")
                for level in (1, 2)
            ]
            for other in real
            if other != name
        }
        for name, row in rows.items()
    }


def shares(names: Sequence[str], size_km: float, seeds: Sequence[int]) -> dict[str, Any]:
    """Per cent of the area by leaf code and region, mean over the seeds."""
    table = {}
    for name in names:
        areas = sum(class_areas(virtual_classes(name, size_km, s)) for s in seeds)
        table[name] = 100 * areas / np.sum(areas)
    rows = {
        leaf.code: {name: round(float(table[name][i]), 3) for name in names}
        for i, leaf in enumerate(legend().classes, start=1)
    }
    never = [code for code, row in rows.items() if not any(row.values())]
    return {"shares": rows, "never": never, "present": len(rows) - len(never)}


def print_shares(found: dict[str, Any]) -> None:
    """Print the share of every class in every region."""
    names = list(next(iter(found["shares"].values())))
    print(f"{'per cent':<44}" + "".join(f"{n[:10]:>11}" for n in names))
    for code, row in found["shares"].items():
        cells = "".join(f"{row[n]:>11.2f}" if row[n] else f"{'.':>11}" for n in names)
        print(f"{code} {legend().name(code)[:38]:<39}{cells}")
    print(f"{found['present']} of {len(found['shares'])} classes occur; never: {found['never']}")


def print_rows(rows: dict[str, Any], real: Sequence[str]) -> None:
    """Print the statistics side by side."""
    print(
        f"{'whole patches ≥ 0.5 ha':<20} km²  /km² m/ha classes  mean | area ha {QUANTILES} | shape"
    )
    for name, row in rows.items():
        area = " ".join(f"{v:6.2f}" for v in row["area_ha"])
        shape = " ".join(f"{v:5.2f}" for v in row["shape"])
        print(
            f"{name:<18}{row['area_km2']:>6.1f}{row['patches_km2']:>6.1f}{row['border_m_ha']:>5.0f}"
            f"{row['classes']:>6}{row['mean_ha']:>9.2f} | {area} | {shape}"
        )
    print("\nshared part: adjacency level 1, level 2, areas level 1, level 2")
    for name, row in likeness(rows, real).items():
        cells = "   ".join(f"{o}: " + " ".join(f"{v:.2f}" for v in vs) for o, vs in row.items())
        print(f"{name:<18}{cells}")
    for level in (1, 2):
        _print_pairs(rows, level)


def _print_pairs(rows: dict[str, Any], level: int) -> None:
    codes = legend().codes(level)
    mean = np.mean([row["levels"][level]["pairs"] for row in rows.values()], axis=0)
    print(f"\nper cent of all borders, level {level}" + "".join(f"{n[:14]:>15}" for n in rows))
    for flat in np.argsort(-mean.ravel(), kind="stable")[:14]:
        i, j = divmod(int(flat), len(codes))
        cells = "".join(f"{100 * r['levels'][level]['pairs'][i, j]:>15.1f}" for r in rows.values())
        print(f"{f'{codes[i]}–{codes[j]}':<30}{cells}")


def figure(rows: dict[str, Any], real: Sequence[str]) -> None:
    """Draw quantiles of area and shape, and the commonest pairs, into ``docs/images``."""
    drawn, axes = plt.subplots(1, 3, figsize=(15, 5.2), layout="constrained")
    names = list(rows)
    colors = ["#222222" if n in real else "#3a8f5c" for n in names]
    for axis, key, label in (
        (axes[0], "area_ha", "patch area, ha"),
        (axes[1], "shape", "shape index"),
    ):
        for position, name in enumerate(names):
            low, first, middle, third, high = rows[name][key]
            axis.plot([low, high], [position] * 2, color=colors[position], lw=1.5)
            axis.plot([first, third], [position] * 2, color=colors[position], lw=6, alpha=0.6)
            axis.plot(middle, position, "o", color="white", mec=colors[position])
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        axis.set_xlabel(f"{label}: 10, 25, 50, 75, 90 %")
    axes[0].set_xscale("log")
    codes = legend().codes(1)
    mean = np.mean([rows[n]["levels"][1]["pairs"] for n in names], axis=0)
    chosen = [divmod(int(f), len(codes)) for f in np.argsort(-mean.ravel(), kind="stable")[:12]]
    high = 0.8 / len(names)
    for position, name in enumerate(names):
        values = [100 * rows[name]["levels"][1]["pairs"][pair] for pair in chosen]
        places = np.arange(len(chosen)) + position * high
        shade = 0.25 + 0.75 * (position + 1) / len(names)
        axes[2].barh(places, values, high, color=colors[position], alpha=shade, label=name)
    labels = [f"{_short(codes[i])} – {_short(codes[j])}" for i, j in chosen]
    axes[2].set_yticks(np.arange(len(chosen)) + 0.4, labels)
    axes[2].invert_yaxis()
    axes[2].set_xlabel("per cent of all borders, level 1")
    axes[2].legend(fontsize=7)
    IMAGES.mkdir(parents=True, exist_ok=True)
    drawn.savefig(IMAGES / "virtual_landscape.png", dpi=90, metadata={"Software": None})
    plt.close(drawn)


def _short(code: int) -> str:
    return legend().name(code, 1).split()[0].lower()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("regions", nargs="*", metavar="REGION")
    parser.add_argument("--size", type=float, default=5.4, metavar="KM")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--classes", action="store_true", help="share of every class by region")
    parser.add_argument("--by-class", action="store_true", help="patches of every class as well")
    parser.add_argument("--figure", action="store_true", help="write docs/images")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.classes:
        found = shares(landscapes(options.regions), options.size, options.seeds)
        print(json.dumps(found)) if options.json else print_shares(found)
        return
    if not DATA.is_dir():
        parser.error(f"the real layers are not at {DATA}")
    real = list(real_layers())
    rows = compare(options.regions or DEFAULT, options.size, options.seeds)
    if options.figure:
        figure(rows, real)
    if options.json:
        shown = {n: {k: v for k, v in r.items() if k != "levels"} for n, r in rows.items()}
        print(json.dumps({"layers": shown, "likeness": likeness(rows, real)}))
        return
    print_rows(rows, real)
    if options.by_class:
        _print_classes(rows)


def _print_classes(rows: dict[str, Any]) -> None:
    codes = sorted({code for row in rows.values() for code in row["by_class"]})
    print("\nshare % / patches per km² / median ha / shape")
    print(f"{'class':<32}" + "".join(f"{n[:20]:>24}" for n in rows))
    for code in codes:
        cells = ""
        for row in rows.values():
            own = row["by_class"].get(code)
            text = (
                f"{own['share']:.1f}/{own['patches_km2']:.2f}/{own['median_ha']:.1f}/{own['shape']:.2f}"
                if own
                else "."
            )
            cells += f"{text:>24}"
        print(f"{code} {legend().name(code)[:26]:<27}{cells}")


if __name__ == "__main__":
    main()
