"""Status and change layers with the attributes of a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.products._delivery import Delivery
from bocage.products._schema import ROLES, Field, Kind


def status_layer(
    view: gpd.GeoDataFrame, year: int, delivery: Delivery, *, first: int = 1
) -> gpd.GeoDataFrame:
    """Give the polygons of a status year the attributes of the delivery.

    Parameters
    ----------
    view
        Columns ``code`` (leaf code, 0 nodata) and ``geometry`` (polygons in the CRS of the
        schema), optionally ``comment``, and a column for each field with the role attribute;
        multi-part polygons are taken apart.
    year
        The status year.
    delivery
        Legend, schema and unit.
    first
        Where the numbers in ``uid`` start: a layer may be made in parts.

    Returns
    -------
    geopandas.GeoDataFrame
        Exactly the attributes of the schema, then ``geometry``. Numbers in ``uid`` run from
        north to south and do not depend on the order of the input.

    Raises
    ------
    InputError
        If a column is missing, a code is no leaf of the legend, a comment is not accepted, or
        the CRS differs.
    """
    codes = {0: _column(view, "code")}
    return _layer(view, codes, "status", year, delivery, first)


def change_layer(view: gpd.GeoDataFrame, delivery: Delivery, *, first: int = 1) -> gpd.GeoDataFrame:
    """Give the changed polygons the attributes of the delivery.

    Parameters
    ----------
    view
        Columns ``code_<first year>``, ``code_<second year>`` (leaf codes that differ) and
        ``geometry``, optionally ``comment``. It may be empty.
    delivery
        A delivery of two years.
    first
        As in `status_layer`.

    Returns
    -------
    geopandas.GeoDataFrame
        As `status_layer`; no row, but typed columns, where nothing changed.
    """
    years = delivery.years_of("change")
    codes = {i: _column(view, f"code_{year}") for i, year in enumerate(years)}
    if (codes[0] == codes[1]).any():
        raise InputError(
            f"{int((codes[0] == codes[1]).sum())} polygons of the change view did not change",
            remedy="keep only polygons whose codes differ",
        )
    return _layer(view, codes, "change", None, delivery, first)


def _column(view: gpd.GeoDataFrame, name: str) -> NDArray[np.int64]:
    return np.asarray(_given(view, name), dtype=np.int64)


def _given(view: gpd.GeoDataFrame, name: str) -> NDArray[Any]:
    if name not in view.columns:
        raise InputError(
            f"the view has no column '{name}'",
            remedy=f"it has {', '.join(map(str, view.columns))}",
        )
    return np.asarray(view[name].to_numpy())


def _layer(
    view: gpd.GeoDataFrame,
    codes: dict[int, NDArray[np.int64]],
    kind: Kind,
    year: int | None,
    delivery: Delivery,
    first: int,
) -> gpd.GeoDataFrame:
    crs = f"EPSG:{delivery.schema.epsg}"
    if view.crs is None or view.crs.to_epsg() != delivery.schema.epsg:
        raise InputError(f"the view is in {view.crs}", remedy=f"deliver polygons in {crs}")
    row, parts = _single_parts(view)
    table = {i: c[row] for i, c in codes.items()}
    notes = _comments(view, kind, delivery)[row]
    order = _spatial_order(parts, list(table.values()))
    parts, notes = parts[order], notes[order]
    table = {i: c[order] for i, c in table.items()}
    fields = delivery.fields(kind, year)
    given = {f.name: _given(view, f.name)[row][order] for f in fields if f.role == "attribute"}
    made = _Attributes(delivery, table, parts, notes, given, first)
    columns = {f.name: made.values(f) for f in fields}
    return gpd.GeoDataFrame(columns, geometry=parts, crs=crs)


def _single_parts(view: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[Any]]:
    geometries = shapely.force_2d(view.geometry.to_numpy())
    kinds = set(view.geometry.geom_type.dropna()) - {"Polygon", "MultiPolygon"}
    if kinds or shapely.is_missing(geometries).any():
        raise InputError(
            f"the view holds {', '.join(sorted(kinds)) or 'missing geometries'}",
            remedy="deliver polygons only",
        )
    parts, row = shapely.get_parts(geometries, return_index=True)
    return row, parts


def _spatial_order(parts: NDArray[Any], codes: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    west, south, east, north = shapely.bounds(parts).T if len(parts) else np.empty((4, 0))
    keys = (*codes, shapely.area(parts), south, east, west, -north)
    return np.lexsort(keys)


def _comments(view: gpd.GeoDataFrame, kind: str, delivery: Delivery) -> NDArray[np.object_]:
    if "comment" not in view.columns:
        return np.full(len(view), None, dtype=object)
    notes = view["comment"].astype(object).where(view["comment"].notna(), None)
    accepted = set(delivery.schema.layers[kind].comments)
    wrong = sorted({p for note in notes if note for p in note.split(";")} - accepted)
    if wrong:
        raise InputError(
            f"comment '{wrong[0]}' is not accepted in a {kind} layer",
            remedy=f"write {'; '.join(sorted(accepted))} (several joined by ';' without a blank)",
        )
    return np.asarray(notes.to_numpy(), dtype=object)


@dataclass(frozen=True)
class _Attributes:
    """What the attributes of a layer are filled with: leaf codes by year, polygons, comments."""

    delivery: Delivery
    codes: dict[int, NDArray[np.int64]]
    parts: NDArray[Any]
    notes: NDArray[np.object_]
    given: dict[str, NDArray[Any]]
    first: int

    def values(self, field: Field) -> Any:
        """The column of a field."""
        unit, legend = self.delivery.unit.id, self.delivery.legend
        codes = self.codes.get(field.position)
        if field.role == "uid":
            return _text([f"{unit}_{n}" for n in range(self.first, self.first + len(self.parts))])
        if field.role == "unit":
            return _text([unit] * len(self.parts))
        if field.role == "comment":
            return _text(list(self.notes))
        if field.role == "changecode":
            pairs = zip(self.codes[0], self.codes[1], strict=True)
            return _text([f"{a}_{b}" for a, b in pairs])
        if field.role == "attribute":
            return self.given[field.name]
        if field.role == "area":
            return shapely.area(self.parts) / 10_000
        if codes is not None and field.role == "code":
            return code_at_level(codes, field.level, legend)
        if codes is not None and field.role == "nodata":
            return (codes == 0).astype(np.int32)
        if codes is not None and field.role in ("notation", "name"):
            return _text(_words(codes, field, legend))
        raise InputError(
            f"nothing is known to fill the attribute '{field.name}' with",
            remedy=f"use one of the roles {', '.join(ROLES)} in the schema",
        )


def _words(codes: NDArray[np.int64], field: Field, legend: Legend) -> list[str | None]:
    """Notation or name at a level of leaf codes, None for code 0."""
    values, inverse = np.unique(codes, return_inverse=True)
    at = legend.notation if field.role == "notation" else legend.name
    words = [
        None if v == 0 else at(legend.parent(int(v), field.level), field.level) for v in values
    ]
    return [words[i] for i in inverse]


def _text(values: list[str | None]) -> Any:
    # A column of texts that are all missing must still be a text column in the file.
    return pd.array(values, dtype="string")


def code_at_level(codes: NDArray[np.int64], level: int, legend: Legend) -> NDArray[np.int32]:
    """Code at a level of leaf codes; 0 stays 0."""
    values, inverse = np.unique(codes, return_inverse=True)
    table = [0 if v == 0 else legend.parent(int(v), level) for v in values]
    return np.array(table, dtype=np.int32)[inverse]
