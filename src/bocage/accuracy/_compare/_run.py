"""Two maps read window by window and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.accuracy._compare._change import Change, mask_change
from bocage.accuracy._compare._grid import pixel_of, tolerance_of, windows
from bocage.accuracy._compare._layers import ArrayRaster, Layer, Polygons
from bocage.accuracy._compare._meaning import LegendLike, Meaning, nomenclatures, relations
from bocage.accuracy._compare._outcome import COMPARED, NOTHING, disc, outcomes
from bocage.accuracy._compare._result import Comparison
from bocage.accuracy._layers import tidy_regions
from bocage.errors import InputError
from bocage.legend import Legend
from bocage.rasters import wrap

Sink = Callable[[tuple[slice, slice], NDArray[np.uint8]], None]


@dataclass(frozen=True, eq=False)
class Task:
    """All that is compared, on one grid.

    Attributes
    ----------
    box
        The pixel grid.
    a, b
        The maps.
    meaning_a, meaning_b, legend
        What their values mean in the shared legend.
    tolerance_m
        How far apart borders may lie.
    level
        Level of the report.
    confidence
        Percent, of A.
    regions
        Polygons with names.
    change
        Where, and from what to what, the land changed.
    unsure
        Confidence below which A is unsure.
    notes
        What a reader must know.
    """

    box: GeoBox
    a: Layer
    b: Layer
    meaning_a: Meaning
    meaning_b: Meaning
    legend: Legend
    tolerance_m: float
    level: int
    confidence: Layer | None = None
    regions: Polygons | None = None
    change: Change | None = None
    unsure: float = 50.0
    notes: tuple[str, ...] = ()


def compare(
    a: xr.DataArray,
    b: xr.DataArray,
    *,
    legend_a: LegendLike = "pa",
    legend_b: LegendLike | None = None,
    crosswalk: str | None = None,
    level: int | None = None,
    tolerance_m: float | None = None,
    confidence: xr.DataArray | None = None,
    unsure: float = 50.0,
    regions: gpd.GeoDataFrame | None = None,
    change: xr.DataArray | None = None,
) -> Comparison:
    """Compare two class rasters on one pixel grid.

    Both are read in one legend: each value stands for a set of its classes, and two values agree
    where the sets meet. Agreement is split into the same classes, one class above the other,
    and pairs that the crosswalk leaves open; disagreement into geometric (both classes lie
    within the tolerance), temporal (a change explains it) and thematic.

    Parameters
    ----------
    a, b
        Class indices or codes, integer (y, x), on the same pixel grid; 0 is unclassified, 255 (in
        bytes) and ``attrs["nodata"]`` outside.
    legend_a, legend_b
        A legend, its id or CSV file, the id of a packaged crosswalk (``clc``, ``clcplus`` …), or
        ``values``: a class per value. B has that of A by default.
    crosswalk
        From B's codes to the legend of A: id or CSV file.
    level
        Level of the shared legend at which classes are reported; the leaves by default.
    tolerance_m
        How far apart borders may lie, in the unit of the CRS; 10 m, or a pixel if that is more.
    confidence
        Confidence of A, percent, uint8 (y, x), 255 unknown.
    unsure
        Confidence, percent (tens), below which A is unsure.
    regions
        Polygons with a column ``region``.
    change
        Where the land changed between the two maps: not 0, integer (y, x).

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If the grids differ, a value is not of its nomenclature, nothing leads from one legend to
        the other, or no pixel has a class in both maps.
    """
    layers = [ArrayRaster(data, name) for data, name in ((a, "map A"), (b, "map B"))]
    box = layers[0].box
    extra = {"map B": b, "confidence": confidence, "change": change}
    for name, data in extra.items():
        if data is not None and ArrayRaster(data, name).box != box:
            raise InputError(
                f"map A and {name} are on different pixel grids",
                remedy="warp them to one, or compare files (compare_files does it)",
            )
    first, second = nomenclatures(layers, box, legend_a, legend_b, crosswalk)
    named = None if regions is None else tidy_regions(regions, "region", "regions")
    task = Task(
        box=box,
        a=layers[0],
        b=layers[1],
        meaning_a=first.meaning(layers[0], box),
        meaning_b=second.meaning(layers[1], box),
        legend=first.shared,
        tolerance_m=tolerance_of(tolerance_m, box),
        level=level_of(level, first.shared),
        confidence=None if confidence is None else ArrayRaster(confidence, "confidence"),
        regions=None if named is None else Polygons(named, named["region"], "regions"),
        change=None if change is None else mask_change(ArrayRaster(change, "change")),
        unsure=unsure_of(unsure),
    )
    found = np.full((box.shape.y, box.shape.x), NOTHING, dtype=np.uint8)

    def keep(window: tuple[slice, slice], values: NDArray[np.uint8]) -> None:
        found[window] = values

    return run(task, keep, wrap(found, box))


def run(task: Task, sink: Sink, result: xr.DataArray | None = None) -> Comparison:
    """Compare window by window; each window of the difference map goes to `sink`."""
    relation = relations(task.meaning_a, task.meaning_b, task.legend)
    pixel = pixel_of(task.box)
    steps = disc(task.tolerance_m / pixel)
    margin = int(np.abs(steps).max(initial=0))
    names = {} if task.regions is None else task.regions.texts()
    shape = (*relation.shape, NOTHING + 1, 12, len(names) + 1)
    tally: dict[int, int] = {}
    for window in windows(task.box):
        wide = task.box.pad(margin)[
            window[0].start : window[0].stop + 2 * margin,
            window[1].start : window[1].stop + 2 * margin,
        ]
        a = task.meaning_a.numbers(*task.a.read(wide))
        b = task.meaning_b.numbers(*task.b.read(wide))
        explained = None if task.change is None else task.change.explains(wide, a, b)
        outcome = outcomes(a, b, relation, steps, explained, margin)
        sink(window, outcome)
        told = outcome != NOTHING
        inner = task.box[window]
        sure = _confidence_class(task.confidence, inner)[told]
        place = (
            np.zeros(outcome.shape, dtype=np.int32)
            if task.regions is None
            else task.regions.read(inner)[0]
        )
        core = (slice(margin, margin + outcome.shape[0]), slice(margin, margin + outcome.shape[1]))
        axes = (a[core][told], b[core][told], outcome[told], sure, place[told])
        key = np.ravel_multi_index(tuple(np.asarray(x, dtype=np.int64) for x in axes), shape)
        for value, count in zip(*np.unique(key, return_counts=True), strict=True):
            tally[int(value)] = tally.get(int(value), 0) + int(count)
    cells = _cells(tally, shape, names, pixel_ha=pixel**2 / 10_000)
    if not cells["outcome"].isin(COMPARED).any():
        raise InputError(
            "no place has a class in both maps",
            remedy="check that they overlap, and the coordinate reference systems",
        )
    return Comparison(
        legend=task.legend,
        a=task.meaning_a,
        b=task.meaning_b,
        cells=cells,
        level=task.level,
        tolerance_m=task.tolerance_m,
        unsure=task.unsure,
        notes=task.notes,
        map=result,
    )


def _confidence_class(layer: Layer | None, box: GeoBox) -> NDArray[np.int64]:
    """Tens of percent, 0 … 9; 10 unknown."""
    if layer is None:
        return np.full((box.shape.y, box.shape.x), 10, dtype=np.int64)
    values, valid = layer.read(box)
    known = valid & (values >= 0) & (values <= 100)
    whole = np.where(known, values, 0).astype(np.int64)
    return np.where(known, np.minimum(whole // 10, 9), 10)


def _cells(
    tally: dict[int, int], shape: tuple[int, ...], names: dict[int, str], *, pixel_ha: float
) -> pd.DataFrame:
    keys = np.array(sorted(tally), dtype=np.int64)
    a, b, outcome, sure, place = np.unravel_index(keys, shape)
    words = np.array(["", *(names[k] for k in sorted(names))], dtype=object)
    pixels = np.array([tally[k] for k in keys.tolist()], dtype=np.int64)
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "outcome": outcome,
            "confidence": np.where(sure < 10, sure * 10, -1),
            "region": words[place],
            "pixels": pixels,
            "ha": pixels * pixel_ha,
        }
    )


def unsure_of(given: float) -> float:
    """The limit itself, which must fall between two classes of confidence."""
    if given % 10 or not 0 <= given <= 100:
        raise InputError(
            f"a confidence of {given:g} % as the limit", remedy="give tens of percent, 0 … 100"
        )
    return given


def level_of(given: int | None, legend: Legend) -> int:
    """The level itself, or the leaves."""
    level = legend.levels if given is None else given
    legend.codes(level)
    return level
