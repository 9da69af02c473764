"""The same windows of several results side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from benchmarks._generalize_layer import Bools, Codes, Floats, Landscape, Layer
from bocage.legend import Legend

WINDOW_M = 600.0
STEP_M = 100.0
"""Distance of the windows that are looked at."""


def draw(path: Path, land: Landscape, layers: Mapping[str, Layer]) -> None:
    """Draw three windows: natural land, fields, a settlement or river."""
    places = windows(land)
    columns = ("raw", "truth", *layers)
    figure, axes = plt.subplots(
        len(places),
        len(columns),
        figsize=(3 * len(columns), 3.1 * len(places)),
        squeeze=False,
        layout="constrained",
    )
    for row, (title, corner) in zip(axes, places.items(), strict=True):
        rasters = {"raw": land.raw, "truth": land.truth}
        for axis, name in zip(row, columns, strict=True):
            if name in rasters:
                _show_raster(axis, rasters[name], land, corner)
            else:
                _show_layer(axis, layers[name], corner)
            _frame(axis, land, corner)
        row[0].set_ylabel(title)
    for axis, name in zip(axes[0], columns, strict=True):
        axis.set_title(name)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def windows(land: Landscape) -> dict[str, tuple[int, int]]:
    """First row and column of the busiest window of each kind of land."""
    side, step = (round(m / land.pixel) for m in (WINDOW_M, STEP_M))
    urban, fields, water = _kinds(land)
    natural = land.inside & ~urban & ~fields & ~water
    borders = np.zeros(land.truth.shape, bool)
    borders[:, 1:] |= land.truth[:, 1:] != land.truth[:, :-1]
    borders[1:] |= land.truth[1:] != land.truth[:-1]
    whole = _means(land.inside, side, step) > 0.999
    busy = _means(borders, side, step)
    scores = {
        "natural land": (_means(natural, side, step) > 0.9) * busy,
        "fields": (_means(fields, side, step) > 0.8) * busy,
        "settlement or river": np.minimum(_means(urban | water, side, step), 0.5) + busy,
    }
    found = {}
    for name, score in scores.items():
        row, column = np.unravel_index(np.argmax(np.where(whole, score, -1)), score.shape)
        found[name] = (int(row) * step, int(column) * step)
    return found


def _kinds(land: Landscape) -> tuple[Bools, Bools, Bools]:
    """Pixels of urban land, of cropland and of water."""
    legend = land.legend
    tops = [
        legend.parent(legend.roles["road"], 1),
        next(c for c in legend.codes(1) if "crop" in legend.name(c, 1).lower()),
        legend.parent(legend.roles["river"], 1),
    ]
    urban, fields, water = (np.isin(land.truth, legend.leaves(top, 1)) for top in tops)
    return urban, fields, water


def _means(mask: Bools, side: int, step: int) -> Floats:
    """Share of a mask in the windows whose first pixels are `step` apart."""
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    top = np.arange(0, mask.shape[0] - side + 1, step)[:, None]
    left = np.arange(0, mask.shape[1] - side + 1, step)[None, :]
    total = sums[top + side, left + side] - sums[top, left + side]
    total = total - sums[top + side, left] + sums[top, left]
    shares: Floats = total / side**2
    return shares


def _box(land: Landscape, corner: tuple[int, int]) -> tuple[float, float, float, float]:
    left, top = land.transform @ (corner[1], corner[0])
    return left, top - WINDOW_M, left + WINDOW_M, top


def _show_raster(axis: Axes, codes: Codes, land: Landscape, corner: tuple[int, int]) -> None:
    side = round(WINDOW_M / land.pixel)
    cut = codes[corner[0] : corner[0] + side, corner[1] : corner[1] + side]
    left, bottom, right, top = _box(land, corner)
    axis.imshow(
        _palette(land.legend)[land.legend.encode(cut)],
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )


def _palette(legend: Legend) -> Floats:
    colors = np.ones((256, 3))
    for index, leaf in enumerate(legend.classes, start=1):
        colors[index] = [int(leaf.color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return colors


def _show_layer(axis: Axes, layer: Layer, corner: tuple[int, int]) -> None:
    land = layer.landscape
    seen = shapely.STRtree(layer.polygons).query(shapely.box(*_box(land, corner)))
    # Holes stay open only where they turn the other way round than their shell.
    outlines = [_outline(p) for p in shapely.orient_polygons(layer.repaired[seen])]
    colors = _palette(land.legend)[land.legend.encode(layer.codes[seen])]
    axis.add_collection(
        PathCollection(outlines, facecolors=colors, edgecolors="black", linewidths=0.6)
    )


def _outline(shape: BaseGeometry) -> Outline:
    # A repaired polygon may be several.
    parts = [p for p in shapely.get_parts(shape) if isinstance(p, shapely.Polygon)]
    rings = [ring for p in parts for ring in (p.exterior, *p.interiors)]
    return Outline.make_compound_path(*(Outline(r.coords, closed=True) for r in rings))


def _frame(axis: Axes, land: Landscape, corner: tuple[int, int]) -> None:
    left, bottom, right, top = _box(land, corner)
    axis.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], aspect="equal")
