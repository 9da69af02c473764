"""Faults of geometry; see `products_twins`."""

from __future__ import annotations

import products_parts as parts
import shapely
from products_parts import square
from products_twins import Twin, add, at_cell, fault, recode, reshape, set_value, strip

# --- singlepart, geometry -----------------------------------------------------------------------

SINGLE, INVALID = {"singlepart": "aborted"}, {"geometry": "aborted"}


@fault("a polygon of two parts", SINGLE, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    halves = [square(column, row, 0.4), square(column + 0.6, row, 0.4)]
    reshape(twin, at_cell(twin, at), shapely.multipolygons(halves))
    twin.options["geometry_type"] = "MultiPolygon"
    twin.options["promote_to_multi"] = True


def _ring(at, corners) -> list[tuple[float, float]]:
    column, row = at
    return [(parts.X0 + 100 * (column + x), parts.Y0 + 100 * (row + y)) for x, y in corners]


_SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]
for _name, _shell, _holes in (
    ("a bow tie", [(0, 0), (1, 1), (1, 0), (0, 1)], []),
    ("a spike", [(0, 0), (1, 0), (1, 1), (0.5, 1), (0.5, 1.3), (0.5, 1), (0, 1)], []),
    ("a ring that touches itself", [*_SQUARE[:3], (0.5, 1), (0.3, 0.5), (0.6, 0.5), (0.5, 1),
                                    (0, 1)], []),
    ("a hole outside", _SQUARE, [[(2, 2), (2.5, 2), (2.5, 2.5)]]),
    ("a hole that crosses the shell", _SQUARE, [[(0.5, 0.5), (1.5, 0.5), (1.5, 0.7)]]),
    ("holes within holes", _SQUARE, [[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)],
                                     [(0.3, 0.3), (0.6, 0.3), (0.6, 0.6)]]),
    ("a hole twice", _SQUARE, [[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]] * 2),
    ("a polygon without ground", [(0, 0), (1, 0), (0, 0), (1, 0)], []),
):  # fmt: skip

    @fault(_name, INVALID, placed=True)
    def _(twin: Twin, at, shell=_shell, holes=_holes) -> None:
        shape = shapely.Polygon(_ring(at, shell), [_ring(at, h) for h in holes])
        reshape(twin, at_cell(twin, at), shape)


# --- gap ----------------------------------------------------------------------------------------

GAP = {"gap": "failed"}


@fault("a polygon is missing", GAP, placed=True)
def _(twin: Twin, at) -> None:
    twin.frame = twin.frame.drop(index=at_cell(twin, at)).reset_index(drop=True)


for _width in (0.001, 0.01, 1.0):

    @fault(f"a gap of {_width} m between two polygons", GAP, placed=True)
    def _(twin: Twin, at, width=_width) -> None:
        column, row = at
        reshape(twin, at_cell(twin, at), square(column, row, 1 - width / 100))


@fault("a hole that nothing fills", GAP, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    hole = square(column + 0.4, row + 0.4, 0.2, 0.2)
    reshape(twin, at_cell(twin, at), shapely.difference(square(column, row), hole))


@fault("a border that is bent on one side only", GAP | {"overlap": "failed"}, placed=True)
def _(twin: Twin, at) -> None:
    bent = [(0, 0), (0.25, 0.01), (0.75, -0.01), (1, 0), (1, 1), (0, 1)]
    reshape(twin, at_cell(twin, at), shapely.Polygon(_ring(at, bent)))


# --- mmu ----------------------------------------------------------------------------------------

SMALL = {"mmu": "failed", "strict:mmu": "failed"}

for _name, _rest, _strip, _height in (
    ("a small polygon", None, 4220, 0.45),
    ("a small road alone", None, 1210, 0.4),
    ("a small road at a river", 8110, 1210, 0.09),
    ("a small settlement at a road", 1210, 1120, 0.24),
    ("a small settlement at a river", 8110, 1120, 0.4),
    ("a small meadow at a road", 1210, 4220, 0.04),
    ("a small river at a road", 1210, 8110, 0.04),
):

    @fault(_name, SMALL, placed=True)
    def _(twin: Twin, at, rest=_rest, strip_=_strip, height=_height) -> None:
        strip(twin, at, height, (rest, strip_))


for _note in (
    "flooded area", "x; Flooded area", "Flooded area ", "Flooded", "",
    "Area size exception (at Protected Areas AoI boundary)",
):  # fmt: skip

    @fault(f"a small polygon with the comment '{_note}'", SMALL, placed=True)
    def _(twin: Twin, at, note=_note) -> None:
        set_value(twin, strip(twin, at, 0.3, (None, 4220)), "comment_21", note)


@fault("a small polygon without data", SMALL, placed=True)
def _(twin: Twin, at) -> None:
    row = strip(twin, at, 0.3, (None, 4220))
    recode(twin, row, 0)
    set_value(twin, row, "nodata_21", 1)


@fault("a small polygon at the rim", SMALL)
def _(twin: Twin) -> None:
    strip(twin, (4, 0), 0.09, (None, 4220))


@fault("a small polygon that claims to be larger",
       {"strict:mmu": "failed", "strict:area": "failed"}, placed=True)  # fmt: skip
def _(twin: Twin, at) -> None:
    set_value(twin, strip(twin, at, 0.3, (None, 4220)), "area_ha", 0.55)


@fault("a large polygon that claims to be small",
       {"mmu": "failed", "strict:area": "failed", "area": "failed"}, placed=True)  # fmt: skip
def _(twin: Twin, at) -> None:
    set_value(twin, at_cell(twin, at), "area_ha", 0.4)


# --- neighbour ----------------------------------------------------------------------------------

EQUAL = {"neighbour": "failed"}


@fault("two neighbours of one class", EQUAL, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    recode(twin, at_cell(twin, at), int(twin.frame.code_4_21[at_cell(twin, (column + 1, row))]))


@fault("two neighbours of one class whose vertices differ", EQUAL, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    here = at_cell(twin, at)
    recode(twin, here, int(twin.frame.code_4_21[at_cell(twin, (column + 1, row))]))
    reshape(twin, here, shapely.segmentize(square(column, row), 30))


@fault("two neighbours of one class that share 2 mm", EQUAL, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    # The cell and its upper right neighbour touch in a corner; a step of 2 mm joins them.
    here = at_cell(twin, at)
    corner = at_cell(twin, (column + 1, row + 1))
    step = _ring(at, [(0, 0), (1, 0), (1, 1.00002), (0, 1.00002)])
    reshape(twin, here, shapely.Polygon(step))
    upper = square(column, row + 1.00002, 1, 1 - 0.00002)
    reshape(twin, at_cell(twin, (column, row + 1)), upper)
    recode(twin, here, 1110)
    recode(twin, corner, 1110)


@fault("two neighbours without data", EQUAL, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    for cell in (at, (column, row - 1)):
        place = at_cell(twin, cell)
        recode(twin, place, 0)
        set_value(twin, place, "nodata_21", 1)


# --- overlap ------------------------------------------------------------------------------------

OVERLAP = {"overlap": "failed"}

for _width in (0.001, 0.05, 5.0):

    @fault(f"a polygon that reaches {_width} m into another", OVERLAP, placed=True)
    def _(twin: Twin, at, width=_width) -> None:
        column, row = at
        reshape(twin, at_cell(twin, at), square(column, row, 1 + width / 100))


@fault("a polygon within another", OVERLAP, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    add(twin, square(column + 0.1, row + 0.1, 0.8, 0.8), 1110, f"inner_{column}{row}")


@fault("a polygon within another, along its edge", OVERLAP, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    add(twin, square(column, row, 0.8, 0.8), 1110, f"inner_{column}{row}")


@fault("a polygon twice, with another class", OVERLAP, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    add(twin, square(column, row), 1110, f"again_{column}{row}")


@fault("a polygon twice", OVERLAP | EQUAL, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    code = int(twin.frame.code_4_21[at_cell(twin, at)])
    add(twin, square(column, row), code, f"again_{column}{row}")


@fault("a polygon over four others", OVERLAP, placed=True)
def _(twin: Twin, at) -> None:
    column, row = at
    add(twin, square(column + 0.5, row + 0.5), 1110, f"over_{column}{row}")


@fault("a polygon outside", {"strict:boundary": "failed"})
def _(twin: Twin) -> None:
    add(twin, square(20, 20), 1110, "far")
