"""A clean delivery, and twins of it that are broken on purpose.

`FAULTS` lists kinds of faults: what is done to a twin, and the outcome of every step that is then
not ok, worked out from the rules. Faults with a place can be put anywhere inside, several at once.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import products_parts as parts
import pyogrio
from products_parts import square

from bocage.products import CheckReport, metadata_xml, status_layer

SIDE = 9
BASE = (2110, 3110, 4100, 5100, 7110)
AREA = square(0, 0, SIDE, SIDE)
DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf"}
LEVELS = tuple(f"code_{n}_21" for n in range(1, 5))

# The outcome of each step that is not ok; "inspire" is always skipped and left out.
Outcomes = dict[str, str]


@cache
def _layer() -> gpd.GeoDataFrame:
    cells = [(i, j) for j in range(SIDE) for i in range(SIDE)]
    codes = [BASE[(i + 2 * j) % 5] for i, j in cells]
    shapes = [square(i, j) for i, j in cells]
    view = gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs=3035)
    return status_layer(view, 2021, parts.delivery())


@dataclass
class Twin:
    """A delivery before it is written; faults change it."""

    frame: gpd.GeoDataFrame = field(default_factory=lambda: _layer().copy())
    layer: str = field(default_factory=lambda: parts.delivery().name("status", 2021))
    suffix: str = ".gpkg"
    options: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, bytes] | None = None
    others: dict[str, bytes] = field(default_factory=dict)
    boundary: gpd.GeoDataFrame | None = field(
        default_factory=lambda: gpd.GeoDataFrame({"du_id": ["du0014"]}, geometry=[AREA], crs=3035)
    )
    archive: Callable[[Path], None] = lambda path: None

    def write(self, folder: Path) -> Path:
        """The layer and its metadata in an archive."""
        folder.mkdir(parents=True, exist_ok=True)
        path = self.write_layer(folder)
        files = {path.name: path.read_bytes(), **self.others}
        record = {f"metadata/{self.layer}.xml": _record()} if self.metadata is None else {}
        files |= record if self.metadata is None else self.metadata
        target = zipped(folder / "delivery.zip", files)
        self.archive(target)
        return target

    def write_layer(self, folder: Path) -> Path:
        """The layer alone."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.layer}{self.suffix}"
        if self.suffix == ".parquet":
            self.frame.to_parquet(path, **self.options)
            return path
        options = {"driver": DRIVERS[self.suffix], "geometry_type": "Polygon", **self.options}
        pyogrio.write_dataframe(self.frame, path, **{"layer": self.layer, **options})
        return path

    def write_boundary(self, folder: Path) -> Path | None:
        """The boundary, when there is one."""
        if self.boundary is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "boundary_pa.gpkg"
        self.boundary.to_file(path, layer="boundary_pa")
        return path


@cache
def _record() -> bytes:
    west, south, east, north = AREA.bounds
    text = metadata_xml(parts.delivery(), "status", 2021, (west, south, east, north))
    return text.encode("utf-8")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """An archive of files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def outcomes(report: CheckReport) -> Outcomes:
    """Steps that are neither ok nor skipped."""
    return {s.name: s.outcome for s in report.steps if s.outcome not in ("ok", "skipped")}


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes
    ----------
    name
        In words.
    expected
        Outcome of every step that is not ok.
    apply
        Changes a twin, at a cell (column, row) where `placed`.
    placed
        Whether it can be put at any inner cell, beside others.
    """

    name: str
    expected: Outcomes
    apply: Callable[..., None]
    placed: bool

    def __call__(self, twin: Twin, at: tuple[int, int] = (4, 4)) -> None:
        """Break the twin."""
        self.apply(twin, at) if self.placed else self.apply(twin)


FAULTS: list[Fault] = []


def fault(name: str, expected: Outcomes, *, placed: bool = False) -> Callable[..., Any]:
    """Register a function as a kind of fault."""

    def register(apply: Callable[..., None]) -> Callable[..., None]:
        FAULTS.append(Fault(name, expected, apply, placed))
        return apply

    return register


def expected_of(faults: list[Fault], order: list[str]) -> Outcomes:
    """Outcomes of several faults at once: nothing is said after the step that aborts."""
    rank = {"failed": 0, "cancelled": 1, "aborted": 2}
    found: Outcomes = {}
    for one in faults:
        for step, outcome in one.expected.items():
            if rank[outcome] >= rank.get(found.get(step, "failed"), 0):
                found[step] = outcome
    ends = [order.index(s) for s, o in found.items() if o == "aborted"]
    last = min(ends, default=len(order))
    return {s: o for s, o in found.items() if order.index(s) <= last}


# --- small edits --------------------------------------------------------------------------------


def at_cell(twin: Twin, at: tuple[float, float]) -> int:
    """Row of the polygon at the middle of a cell."""
    return parts.row_at(twin.frame, *at)


def recode(twin: Twin, row: int, code: int) -> None:
    """Give a polygon another class at all levels."""
    for level, name in enumerate(LEVELS, start=1):
        twin.frame.loc[row, name] = code // 10 ** (4 - level) if code else 0


def reshape(twin: Twin, row: int, shape: Any) -> None:
    """Give a polygon another shape, and the area that follows."""
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[row] = shape
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)
    twin.frame.loc[row, "area_ha"] = shape.area / 10_000


def add(twin: Twin, shape: Any, code: int, uid: str) -> int:
    """Add a polygon."""
    row = twin.frame.iloc[[0]].assign(uid=uid).set_geometry([shape], crs=3035)
    row["area_ha"] = shape.area / 10_000
    joined = pd.concat([twin.frame, row], ignore_index=True)
    twin.frame = gpd.GeoDataFrame(joined, crs=3035)
    recode(twin, len(twin.frame) - 1, code)
    return len(twin.frame) - 1


def strip(twin: Twin, at: tuple[int, int], height: float, codes: tuple[int | None, int]) -> int:
    """Cut a strip off the lower edge of a cell; classes of the rest (None: as it is), the strip."""
    column, row = at
    rest = at_cell(twin, at)
    reshape(twin, rest, square(column, row + height, 1, 1 - height))
    if codes[0] is not None:
        recode(twin, rest, codes[0])
    return add(twin, square(column, row, 1, height), codes[1], f"du0014_s{column}{row}")


def set_value(twin: Twin, row: int, column: str, value: Any) -> None:
    """Set one attribute."""
    frame = twin.frame
    if value is None and pd.api.types.is_integer_dtype(frame[column]):
        frame[column] = frame[column].astype("Int32")
    frame.loc[row, column] = pd.NA if value is None else value
