"""Draw the pictures of the documentation from finished runs: ``python docs/pictures.py``."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from bocage.generalize import Coverage
from bocage.rasters import geobox_of, read_raster
from bocage.workflow import Plan, load_project, make_plan
from bocage.workflow.rooms.maps import coverage_file, raster_file
from bocage.workflow.rooms.reporting import composite, palette

ROOT = Path(__file__).resolve().parents[1]


def panel(plan: Plan, out: Path, window: tuple[float, float, float, float] | None = None) -> None:
    """Image, classes, confidence and polygons of the first year, side by side."""
    year = plan.delivery.years[0]
    classes = read_raster(raster_file(plan.delivery, "raster", year, plan.products))
    confidence = read_raster(raster_file(plan.delivery, "confidence", year, plan.products))
    west, south, east, north = window or plan.area.bounds
    box = geobox_of(classes).boundingbox
    extent = (box.left, box.right, box.bottom, box.top)
    figure, axes = plt.subplots(1, 4, figsize=(16, 4.3), layout="constrained")
    axes[0].imshow(composite(plan, year), extent=_extent(plan))
    axes[1].imshow(palette(plan.legend)[classes.values[0]], extent=extent, interpolation="nearest")
    shown = np.ma.masked_equal(confidence.values[0], 255)
    axes[2].imshow(shown, extent=extent, vmin=0, vmax=100, interpolation="nearest")
    for area in plan.areas["cluster"]:
        frame = Coverage.load(coverage_file(plan, area)).status(year)
        colors = [plan.legend[c].color if c else "#a0a0a0" for c in frame["code"]]
        frame.plot(ax=axes[3], color=colors, edgecolor="#202020", linewidth=0.35)
    titles = ("Sentinel-2, a summer month", "classes, 2.5 m", "confidence", "polygons")
    for axis, title in zip(axes, titles, strict=True):
        axis.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], title=title)
        axis.set(xlabel="", ylabel="")
        axis.set_aspect("equal")
    figure.savefig(out, dpi=90)
    plt.close(figure)


def _extent(plan: Plan) -> tuple[float, float, float, float]:
    blocks = plan.blocks
    return (
        min(b.west for b in blocks),
        max(b.west + b.size for b in blocks),
        min(b.south for b in blocks),
        max(b.south + b.size for b in blocks),
    )


def main() -> None:
    """Draw the demo and the examples that have been run."""
    mpl.use("Agg")
    folder = ROOT / "docs" / "images"
    runs = {"demo": ROOT / "demo"}
    runs |= {f.parent.name: f.parent for f in (ROOT / "examples").glob("*/project.yaml")}
    for name, run in sorted(runs.items()):
        if (run / "products" / "inventory.csv").exists():
            panel(make_plan(load_project(run / "project.yaml")), folder / f"{name}.png")


if __name__ == "__main__":
    main()
