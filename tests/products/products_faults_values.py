"""Faults of single values; see `products_twins`."""

from __future__ import annotations

import products_parts as parts
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from products_twins import LEVELS, Twin, add, at_cell, fault, recode, set_value

# --- import -------------------------------------------------------------------------------------

IMPORT = {"import": "aborted"}

for _name, _make in (
    ("lines", lambda s: s.boundary),
    ("points", lambda s: s.centroid),
    ("collections", lambda s: shapely.geometrycollections([s])),
    ("a mixture of lines and polygons", None),
):

    @fault(f"a layer of {_name}", IMPORT)
    def _(twin: Twin, make=_make) -> None:
        shapes = twin.frame.geometry.to_numpy().copy()
        for row in range(len(shapes)):
            if make is not None or row == 7:
                shapes[row] = make(shapes[row]) if make else shapes[row].boundary
        twin.frame = twin.frame.set_geometry(shapes, crs=3035)
        twin.options["geometry_type"] = "Unknown"


@fault("geometries that are no WKB", IMPORT)
def _(twin: Twin) -> None:
    # Written as a file of another suffix: the archive takes what the twin writes.
    def write(folder):
        path = folder / f"{twin.layer}.parquet"
        twin.frame.to_parquet(path)
        table = pq.read_table(path)
        at = table.schema.get_field_index("geometry")
        broken = pa.array([b"broken"] * len(table), table.schema.field(at).type)
        pq.write_table(table.set_column(at, table.schema.field(at), broken), path)
        return path

    twin.write_layer = write


# --- unique, identifiers ------------------------------------------------------------------------


@fault("a doubled uid", {"unique": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    set_value(twin, at_cell(twin, at), "uid", f"twice_{column}{row}")
    set_value(twin, at_cell(twin, (column, row - 1)), "uid", f"twice_{column}{row}")


@fault("one uid for all", {"unique": "failed"})
def _(twin: Twin) -> None:
    twin.frame["uid"] = "du0014_1"


for _name, _value in (("missing", None), ("empty", ""), ("blank", "  ")):

    @fault(f"a uid that is {_name}", {"strict:identifiers": "failed"}, placed=True)
    def _(twin: Twin, at, value=_value) -> None:
        set_value(twin, at_cell(twin, at), "uid", value)


@fault("a missing du_id", {"strict:identifiers": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "du_id", None)


@fault("a du_id that the boundary does not know", {"gap": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "du_id", "du0015")


# --- enum, codes --------------------------------------------------------------------------------

ENUM = {"enum": "failed", "strict:codes": "failed"}

for _level, _value in ((4, 6310), (4, 9999), (4, -1), (4, 41), (3, 999), (2, 99), (1, 9)):

    @fault(f"{_value} at level {_level}", ENUM, placed=True)
    def _(twin: Twin, at, level=_level, value=_value) -> None:
        set_value(twin, at_cell(twin, at), f"code_{level}_21", value)


for _level in range(1, 5):

    @fault(f"no code at level {_level}", ENUM, placed=True)
    def _(twin: Twin, at, level=_level) -> None:
        set_value(twin, at_cell(twin, at), f"code_{level}_21", None)


for _level, _value in ((1, 8), (2, 83), (3, 831), (4, 8310)):

    @fault(f"another class at level {_level} than at the others", {"strict:codes": "failed"},
           placed=True)  # fmt: skip
    def _(twin: Twin, at, level=_level, value=_value) -> None:
        set_value(twin, at_cell(twin, at), f"code_{level}_21", value)


@fault("nodata 2", {"enum": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "nodata_21", 2)


@fault("no nodata", {"enum": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "nodata_21", None)


# --- nodata -------------------------------------------------------------------------------------


@fault("nodata 1 with codes", {"nodata": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "nodata_21", 1)


for _level in range(1, 5):

    @fault(f"nodata 1 with a code at level {_level}",
           {"nodata": "failed", "strict:codes": "failed"}, placed=True)  # fmt: skip
    def _(twin: Twin, at, name=LEVELS[_level - 1]) -> None:
        row = at_cell(twin, at)
        code = twin.frame.loc[row, name]
        recode(twin, row, 0)
        set_value(twin, row, name, code)
        set_value(twin, row, "nodata_21", 1)


@fault("codes 0 without nodata", {"strict:nodata": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    recode(twin, at_cell(twin, at), 0)


# --- area ---------------------------------------------------------------------------------------

AREA = {"area": "failed", "strict:area": "failed"}

for _more in (0.51, -0.6, 9_999.0):

    @fault(f"an area that is wrong by {_more} ha", AREA | (
        {"mmu": "failed"} if _more < -0.5 else {}), placed=True)  # fmt: skip
    def _(twin: Twin, at, more=_more) -> None:
        row = at_cell(twin, at)
        set_value(twin, row, "area_ha", twin.frame.loc[row, "area_ha"] + more)


@fault("an area that is wrong by 0.4 ha", {"strict:area": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    row = at_cell(twin, at)
    set_value(twin, row, "area_ha", twin.frame.loc[row, "area_ha"] - 0.4)


@fault("areas in square metres", AREA)
def _(twin: Twin) -> None:
    twin.frame["area_ha"] *= 10_000


@fault("no area", {"mmu": "failed", "strict:area": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "area_ha", None)


# --- features -----------------------------------------------------------------------------------


@fault("no features", {"strict:features": "failed"})
def _(twin: Twin) -> None:
    twin.frame = twin.frame.iloc[:0]


@fault("a feature without geometry", {"strict:features": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    new = add(twin, parts.square(column, row), 1110, f"nowhere_{column}{row}")
    shapes = twin.frame.geometry.to_numpy().copy()
    shapes[new] = None
    twin.frame = twin.frame.set_geometry(shapes, crs=3035)
