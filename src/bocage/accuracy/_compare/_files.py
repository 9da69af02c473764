"""Two map files compared, with a difference map, a table and a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bocage.accuracy._compare._change import read_change
from bocage.accuracy._compare._grid import as_window, common_grid, tolerance_of
from bocage.accuracy._compare._layers import FileRaster, Polygons, open_layer
from bocage.accuracy._compare._meaning import LegendLike, nomenclatures
from bocage.accuracy._compare._outcome import NOTHING, OUTCOMES
from bocage.accuracy._compare._report import write_page
from bocage.accuracy._compare._result import Comparison
from bocage.accuracy._compare._run import Task, level_of, run, unsure_of
from bocage.accuracy._layers import read_regions
from bocage.cogs import byte_cog
from bocage.errors import InputError
from bocage.files import existing, write_text
from bocage.legend import Legend, list_crosswalks, list_legends, load_legend


def compare_files(
    a: Path | str,
    b: Path | str,
    *,
    legend_a: LegendLike = "pa",
    legend_b: LegendLike | None = None,
    crosswalk: str | Path | None = None,
    class_a: str | None = None,
    class_b: str | None = None,
    level: int | None = None,
    tolerance_m: float | None = None,
    resolution_m: float | None = None,
    confidence: Path | str | None = None,
    unsure: float = 50.0,
    regions: Path | str | None = None,
    region_field: str | None = None,
    change: Path | str | None = None,
    change_fields: tuple[str, str] | None = None,
    out: Path | str | None = None,
) -> Comparison:
    """Compare two map files; see `compare` for what is told apart.

    Files are read window by window on one grid: that of the raster with the smaller pixels, else
    2.5 m in EPSG:3035.

    Parameters
    ----------
    a, b
        Raster or polygons each; a layer of a file is named as in QGIS,
        ``file.gpkg|layername=NAME``.
    legend_a, legend_b, crosswalk, level, tolerance_m, unsure
        As `compare`.
    class_a, class_b
        Attribute of polygons with the class.
    resolution_m
        Side of a pixel to compare at.
    confidence
        Raster of A's confidence, percent, 255 unknown.
    regions, region_field
        Polygons, and the attribute with their name.
    change
        Where the land changed: raster (not 0) or polygons.
    change_fields
        Attributes of the polygons with the class before and after; with them a change explains only
        what fits it.
    out
        Folder for ``difference.tif`` (COG with colours), ``comparison.json`` and ``index.html``.

    Returns
    -------
    Comparison
        Without `map`, which lies in the file.

    Raises
    ------
    InputError
        If a file cannot be read, the maps do not overlap, a value is not of its nomenclature, or
        nothing leads from one legend to the other.
    """
    first = open_layer(a, class_a, _for_field(legend_a), "map A")
    second = open_layer(b, class_b, _for_field(legend_b or legend_a), "map B")
    layers = (first, second)
    box = common_grid([m.box for m in layers], [m.outline for m in layers], resolution_m)
    read_a, read_b = nomenclatures(layers, box, legend_a, legend_b, crosswalk)
    meaning = read_a.meaning(first, box), read_b.meaning(second, box)
    named = None if regions is None else read_regions(regions, region_field)
    sure = None if confidence is None else FileRaster(existing(confidence, "confidence"), "conf")
    moved = None
    if change is not None:
        moved = read_change(change, change_fields, (read_a, read_b), meaning)
    elif change_fields is not None:
        raise InputError("attributes of a change layer, but no layer", remedy="give the layer")
    task = Task(
        box=box,
        a=first,
        b=second,
        meaning_a=meaning[0],
        meaning_b=meaning[1],
        legend=read_a.shared,
        tolerance_m=tolerance_of(tolerance_m, box),
        level=level_of(level, read_a.shared),
        confidence=sure,
        regions=None if named is None else Polygons(named, named["region"], "regions"),
        change=moved,
        unsure=unsure_of(unsure),
        notes=() if moved else ("no change layer: what changed counts as thematic",),
    )
    if out is None:
        return run(task, lambda window, values: None)
    return _with_files(task, Path(out), {"A": str(a), "B": str(b)})


def _for_field(given: LegendLike) -> Legend | None:
    """The legend whose depth tells which attribute is the class."""
    if isinstance(given, Legend):
        return given
    text = str(given)
    if text in list_legends() or (text.endswith(".csv") and text not in list_crosswalks()):
        return load_legend(given)
    return None


def _with_files(task: Task, out: Path, names: dict[str, str]) -> Comparison:
    with _folder(out):
        map_file = out / "difference.tif"
        with byte_cog(map_file, task.box, resampling="mode") as target:

            def keep(window: tuple[slice, slice], values: NDArray[np.uint8]) -> None:
                target.write(values, 1, window=as_window(window))

            found = run(task, keep)
            target.write_colormap(1, _colors())
            target.set_band_description(1, "outcome of the comparison")
            target.update_tags(1, **{f"outcome_{o.value}": o.label for o in OUTCOMES})
        found = replace(found, notes=(*(f"{k}: {v}" for k, v in names.items()), *found.notes))
        write_text(out / "comparison.json", json.dumps(found.to_dict(), indent=1))
        write_page(out / "index.html", found, task, map_file)
    return found


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """A folder that is there; one that was made for a run that fails goes again."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", remedy="name a folder for the results")
    new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):  # something was written already
                out.rmdir()
        raise


def _colors() -> dict[int, tuple[int, int, int, int]]:
    table = {o.value: (*bytes.fromhex(o.color[1:]), 255) for o in OUTCOMES}
    return {**{k: (v[0], v[1], v[2], v[3]) for k, v in table.items()}, NOTHING: (0, 0, 0, 0)}
