"""Where the land changed between two maps, and whether that explains how they differ."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.accuracy._compare._layers import (
    FileRaster,
    Layer,
    Polygons,
    polygons,
    text_column,
)
from bocage.accuracy._compare._meaning import Meaning, Nomenclature
from bocage.accuracy._layers import is_raster, split_layer
from bocage.errors import InputError


@dataclass(frozen=True, eq=False)
class Change:
    """Places of change.

    Attributes
    ----------
    layer
        Where: each value but 0 is a kind of change.
    table
        bool (kinds, n_a + 1, n_b + 1): whether the kind explains a pair of numbers; None: each
        kind explains every pair.
    """

    layer: Layer
    table: NDArray[np.bool_] | None = None

    def explains(
        self, box: GeoBox, a: NDArray[np.int16], b: NDArray[np.int16]
    ) -> NDArray[np.bool_]:
        """Where the difference of a and b is explained, bool (y, x)."""
        kind, valid = self.layer.read(box)
        there = valid & (kind != 0)
        if self.table is None:
            return np.asarray(there)
        row = np.where(there, kind - 1, 0)
        return np.asarray(there & self.table[row, np.maximum(a, 0), np.maximum(b, 0)])


def mask_change(layer: Layer) -> Change:
    """A layer that says where, not what."""
    return Change(layer)


def read_change(
    path: Path | str,
    fields: tuple[str, str] | None,
    nomenclature: tuple[Nomenclature, Nomenclature],
    meaning: tuple[Meaning, Meaning],
) -> Change:
    """Read a change layer.

    Parameters
    ----------
    path
        Raster (not 0 is change) or polygons.
    fields
        Attributes with the class before and after. With them a change explains a difference only
        where A may mean the one and B the other (in either order).
    nomenclature
        How A and B are read: the class before is read as A's, the class after as B's.
    meaning
        What the values of A and B mean.
    """
    file, _ = split_layer(path)
    if is_raster(file):
        if fields is not None:
            raise InputError(
                f"change {file} is a raster and has no attributes", remedy="leave them out"
            )
        return Change(FileRaster(file, "change"))
    frame = polygons(path, "change")
    if fields is None:
        return Change(Polygons(frame, frame.geometry.geom_type, "change"))
    before, after = (text_column(frame, f, f"change {path}") for f in fields)
    layer = Polygons(frame, before + "\t" + after, "change")
    kinds = [text.split("\t") for text in layer.texts().values()]
    first, second = meaning
    shape = (len(kinds), len(first.values) + 1, len(second.values) + 1)
    table = np.zeros(shape, dtype=bool)
    before_means, after_means = (
        _allows(known, {k[i] for k in kinds}, fields[i]) for i, known in enumerate(nomenclature)
    )
    for number, (old, new) in enumerate(kinds):
        was, became = before_means[old], after_means[new]
        forth = np.outer((first.allowed & was).any(axis=1), (second.allowed & became).any(axis=1))
        back = np.outer((first.allowed & became).any(axis=1), (second.allowed & was).any(axis=1))
        table[number, 1:, 1:] = forth | back
    return Change(layer, table)


def _allows(
    nomenclature: Nomenclature, texts: Collection[str], field: str
) -> dict[str, NDArray[np.bool_]]:
    """Leaves of the shared legend that each text allows: none, where it is not known."""
    found: dict[str, tuple[int, ...]] = dict.fromkeys(texts, ())
    strange = set()
    for text in found.keys() - {"0"}:
        try:
            found[text] = nomenclature.codes(text)
        except InputError:
            # A class that neither map shows explains no difference between them.
            strange.add(text)
    if strange and strange == found.keys() - {"0"}:
        raise InputError(
            f"change: no value of '{field}' is in the nomenclature '{nomenclature.id}'",
            remedy="name the attributes that hold the classes before and after",
        )
    leaves = nomenclature.shared.codes()
    return {text: np.isin(leaves, codes) for text, codes in found.items()}
