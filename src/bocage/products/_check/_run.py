"""The check from file to report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError
from bocage.products._check import _attributes as attributes
from bocage.products._check import _geometry as geometry
from bocage.products._check import _mmu as mmu
from bocage.products._check._boundary import Boundary, read_boundary
from bocage.products._check._definition import ProductDefinition
from bocage.products._check._finding import Finding, Step, skipped, step
from bocage.products._check._package import (
    LayerRef,
    as_paths,
    find_layer,
    metadata_step,
    unpack,
)
from bocage.products._check._products import load_product
from bocage.products._check._raster import raster_steps
from bocage.products._check._read import Layer, read_info, read_layer
from bocage.products._check._report import CheckReport
from bocage.products._check._sketch import overview, sketches
from bocage.products._check._years import read_status, strict_statuses

_INSPIRE = "the metadata validator is an online service and was not asked"
_VECTOR = (
    "unzip", "naming", "attribute", "epsg", "inspire", "import", "unique", "enum", "nodata",
    "singlepart", "geometry", "area", "gap", "mmu", "mmw", "neighbour", "overlap",
)  # fmt: skip
_CHANGE = tuple("change" if n == "nodata" else n for n in _VECTOR if n != "gap")
_RASTER = (
    "unzip", "naming", "inspire", "attribute", "epsg", "pixel_size", "origin", "bit_depth",
    "compress", "nodata", "value", "tile", "cog", "color",
)  # fmt: skip


def check(
    paths: Path | str | Iterable[Path | str],
    product: str | ProductDefinition | Path,
    *,
    boundary: Path | str | None = None,
    statuses: Sequence[Path | str] = (),
    progress: Callable[[Step], None] | None = None,
) -> CheckReport:
    """Check a delivery.

    The official chain comes first, in its order; then tests of our own, named
    ``strict:…``. The steps are those of the delivery check of the Copernicus service; where
    that tool misses what its rules forbid (contained and doubled polygons; every polygon
    counted as lying at the rim), the rule is tested as it is written.

    Parameters
    ----------
    paths
        A ``.zip``, ``.gpkg``, ``.fgb``, ``.parquet``, ``.gdb`` or ``.tif``, or several files
        of one delivery.
    product
        Id of a product, path of a product YAML, or a definition.
    boundary
        File of the polygons that a status layer must fill. Without it the gap step is
        cancelled, and the delivery fails, as it does officially.
    statuses
        With a change product: the files of the first and of the second status layer. Then
        ``strict:statuses`` says whether the first status and the changes give the second.
    progress
        Called with each step when it is done.

    Returns
    -------
    CheckReport
        Outcome of every step. Faults in a delivery are no error.

    Raises
    ------
    InputError
        If a file does not exist, or the boundary is unusable.
    ConfigError
        If the product is not known.
    """
    definition = product if isinstance(product, ProductDefinition) else load_product(product)
    files = as_paths(paths)
    units = definition.named("unit")
    years = as_paths(statuses) if statuses else ()
    if years and (definition.kind != "change" or len(years) != 2):
        raise ConfigError(
            f"{len(years)} status layers for the {definition.kind} product {definition.id}",
            remedy="with a change product give the first and the second status layer",
        )
    limits = None
    if boundary is not None and definition.gap:
        limits = read_boundary(boundary, definition.epsg, units[0] if units else None)
    with tempfile.TemporaryDirectory(prefix="bocage-check-") as folder:
        run = _Run(definition, limits, years, progress)
        steps = tuple(run.all(files, Path(folder)))
    names = tuple(f.name for f in files)
    report = CheckReport(definition.id, names, run.layer, steps, definition.epsg)
    if report.faults == 0 or run.shapes is None:
        return report
    return replace(
        report, sketches=sketches(steps, run.shapes), overview=overview(steps, run.shapes)
    )


class _Run:
    """One check in progress."""

    def __init__(
        self,
        definition: ProductDefinition,
        boundary: Boundary | None,
        statuses: tuple[Path, ...],
        progress: Callable[[Step], None] | None,
    ) -> None:
        self.definition = definition
        self.boundary = boundary
        self.statuses = statuses
        self.progress = progress
        self.layer = ""
        self.shapes: NDArray[np.object_] | None = None

    def all(self, files: tuple[Path, ...], folder: Path) -> list[Step]:
        """Every step; after one that aborts the rest is skipped."""
        done: list[Step] = []
        for found in self._steps(files, folder):
            done.append(found)
            if self.progress is not None:
                self.progress(found)
            if found.outcome == "aborted":
                reason = f"not done: '{found.name}' aborted the check"
                seen = {s.name for s in done}
                done += [skipped(n, reason) for n in self._official if n not in seen]
                break
        return done

    @property
    def _official(self) -> tuple[str, ...]:
        if self.definition.kind == "raster":
            return _RASTER
        if self.definition.kind == "change":
            return _CHANGE
        return _VECTOR if self.definition.gap else tuple(n for n in _VECTOR if n != "gap")

    def _steps(self, files: tuple[Path, ...], folder: Path) -> Iterator[Step]:
        unzip, package = unpack(files, folder)
        yield unzip
        naming, ref = find_layer(package, self.definition)
        yield naming
        if ref is None:
            return
        self.layer = ref.name
        if self.definition.kind == "raster":
            yield skipped("inspire", _INSPIRE)
            yield from raster_steps(ref.file, self.definition)
        else:
            yield from self._vector_steps(ref, folder)
        if package.archived:
            yield metadata_step(package, ref)

    def _vector_steps(self, ref: LayerRef, folder: Path) -> Iterator[Step]:
        info, reason = read_info(ref)
        if info is None:
            yield step("attribute", [Finding(reason or "")], "aborted")
            return
        yield attributes.attribute(info, self.definition)
        yield attributes.epsg(info, self.definition)
        yield skipped("inspire", _INSPIRE)
        uids = self.definition.named("uid")
        layer, reason = read_layer(ref, uids[0] if uids else None)
        if layer is None:
            yield step("import", [Finding(reason or "")], "aborted")
            return
        self.shapes = layer.shapes
        yield step("import", [])
        yield from self._value_steps(layer)
        yield geometry.singlepart(layer)
        yield geometry.geometry(layer)
        yield from self._ground_steps(geometry.Ground(layer, self.definition, self.boundary))
        yield from self._strict_values(layer)
        if self.definition.kind == "change":
            yield self._statuses_step(layer, folder)

    def _value_steps(self, layer: Layer) -> Iterator[Step]:
        yield attributes.unique(layer, self.definition)
        yield attributes.enum(layer, self.definition)
        if self.definition.kind == "change":
            yield attributes.change(layer, self.definition)
        else:
            yield attributes.nodata(layer, self.definition)

    def _strict_values(self, layer: Layer) -> Iterator[Step]:
        yield attributes.strict_identifiers(layer, self.definition)
        yield attributes.strict_codes(layer, self.definition)
        yield attributes.strict_nodata(layer, self.definition)
        if self.definition.kind == "change":
            yield attributes.strict_changecode(layer, self.definition)

    def _statuses_step(self, layer: Layer, folder: Path) -> Step:
        if not self.statuses:
            return skipped("strict:statuses", "the status layers were not given")
        first, second = self.definition.leaves
        formats = self.definition.formats
        read = [
            read_status(path, leaf, formats, folder / leaf)
            for path, leaf in zip(self.statuses, (first, second), strict=True)
        ]
        return strict_statuses(read, layer, (first, second))

    def _ground_steps(self, ground: geometry.Ground) -> Iterator[Step]:
        tests: list[Callable[[geometry.Ground], Step]] = [geometry.area]
        if self.definition.gap:
            tests.append(geometry.gap)
        tests += [mmu.mmu, geometry.mmw, geometry.neighbour, geometry.overlap]
        tests += [geometry.strict_features, geometry.strict_area]
        if self.definition.gap:
            tests.append(geometry.strict_boundary)
        tests += [mmu.strict_mmu, mmu.guideline_mmu, geometry.strict_mmw]
        for test in tests:
            yield test(ground)
