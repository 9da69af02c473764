"""Whether a status layer and the changes give the next status layer, in every point.

For each class, the edges of its polygons in the first status, less those that changes take away,
more those that changes bring, less those of the second status, must cancel out: then the class
covers the same ground. Edges that remain are looked at as areas, since a border may have other
vertices on its other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.products._check._edges import Shapes, edge_chunks, edge_keys, run_starts
from bocage.products._check._faces import covered, crossed
from bocage.products._check._finding import Step, places, step
from bocage.products._check._package import LayerRef, layer_names, unpack
from bocage.products._check._read import Layer, read_layer
from bocage.products._check._shapes import AREA_M2

_MIX = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True)
class Sheet:
    """Valid polygons of one layer with a class each, counted with a sign.

    Attributes
    ----------
    shapes
        Shape (n,), None for a feature without geometry.
    codes
        Class of each, shape (n,), int64.
    sign
        1 when its ground is added, -1 when it is taken away.
    """

    shapes: Shapes
    codes: NDArray[np.int64]
    sign: int


def read_status(path: Path, leaf: str, formats: Sequence[str], folder: Path) -> Layer:
    """The status layer in a file or an archive, its finest code in the column ``leaf``.

    Parameters
    ----------
    path
        As for the check.
    leaf
        Name of the code in the change layer; a status layer names it so too, or without the year.
    formats
        Suffixes of layers.
    folder
        Where an archive is unpacked.

    Raises
    ------
    InputError
        If no layer, or more than one, holds such a column, or its polygons cannot be used.
    """
    unzip, package = unpack([path], folder)
    if unzip.outcome != "ok":
        raise InputError(f"status {path}: {'; '.join(unzip.messages)}")
    plain = leaf.rpartition("_")[0]
    found = []
    for file in (f for f in package.files if f.suffix.lower() in formats):
        for name in layer_names(file, package.archived)[0]:
            layer, _ = read_layer(LayerRef(file, name), None)
            if layer is None:
                continue
            column = next((c for c in (leaf, plain) if c in layer.table), None)
            if column is not None:
                renamed = layer.table.rename(columns={column: leaf})
                found.append(replace(layer, table=renamed))
    if len(found) != 1:
        raise InputError(
            f"status {path}: {len(found)} polygon layers with a column '{leaf}'",
            remedy="give one status layer of each year",
        )
    if not shapely.is_valid(found[0].shapes[~shapely.is_missing(found[0].shapes)]).all():
        raise InputError(f"status {path} holds invalid polygons", remedy="check it by itself first")
    return found[0]


def strict_statuses(statuses: Sequence[Layer], change: Layer, leaves: tuple[str, str]) -> Step:
    """The first status, changed by the change layer, is the second status."""
    first, second = (
        Sheet(s.shapes, _codes(s, leaf), sign)
        for s, leaf, sign in zip(statuses, leaves, (1, -1), strict=True)
    )
    away, brought = (
        Sheet(change.shapes, _codes(change, leaf), sign)
        for leaf, sign in zip(leaves, (-1, 1), strict=True)
    )
    wrong = disagreements([first, second, away, brought])
    message = "the first status and the changes do not give the second status"
    return step("strict:statuses", places(message, wrong))


def _codes(layer: Layer, name: str) -> NDArray[np.int64]:
    return np.nan_to_num(layer.numbers(name), nan=-1).astype(np.int64)


def disagreements(sheets: Sequence[Sheet]) -> Shapes:
    """Areas where the signed polygons of a class do not cancel out, shape (m,)."""
    key, net = _edge_sums(sheets)
    remaining = key[net != 0]
    del key, net
    wrong: list[Any] = []
    code, lines = _remaining_lines(sheets, remaining)
    for value in np.unique(code):
        faces = crossed(lines[code == value])
        faces = faces[shapely.area(faces) > AREA_M2]
        total = np.zeros(len(faces))
        for sheet in sheets:
            tree = shapely.STRtree(sheet.shapes[sheet.codes == value])
            total += sheet.sign * covered(tree, faces)
        wrong.extend(faces[total != 0])
    # A place shows in the class that is expected there, and in the class that is found.
    parts = np.asarray(shapely.get_parts(shapely.union_all(np.array(wrong, dtype=object))))
    return parts[shapely.area(parts) > AREA_M2]


def _edges_of(sheet: Sheet) -> Iterator[tuple[Any, ...]]:
    """Class, key of class and edge, signed direction, start and end of edges, in pieces."""
    for owner, start, end in edge_chunks(sheet.shapes):
        code = sheet.codes[owner]
        key, forward = edge_keys(start, end)
        key ^= code.astype(np.uint64) * _MIX
        yield code, key, (sheet.sign * np.where(forward, 1, -1)).astype(np.int8), start, end


def _edge_sums(sheets: Sequence[Sheet]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Every key of class and edge once, and the sum of its signed directions."""
    rows = [(key, way) for sheet in sheets for _, key, way, _, _ in _edges_of(sheet)]
    if not rows:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    key, way = (np.concatenate(c) for c in zip(*rows, strict=True))
    del rows
    order = np.argsort(key)
    key, way = key[order], way[order].astype(np.int64)
    begin = run_starts(key)[:-1]
    return key[begin], np.add.reduceat(way, begin)


def _remaining_lines(
    sheets: Sequence[Sheet], remaining: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], Shapes]:
    """Class and line of each edge whose key remains."""
    codes: list[Any] = [np.zeros(0, np.int64)]
    lines: list[Any] = [np.empty(0, dtype=object)]
    for sheet in sheets if len(remaining) else ():
        for code, key, _, start, end in _edges_of(sheet):
            keep = np.isin(key, remaining)
            codes.append(code[keep])
            lines.append(shapely.linestrings(np.stack([start[keep], end[keep]], axis=1)))
    return np.concatenate(codes), np.concatenate(lines)
