"""Training data: pixels of a series, seen at several scales, with and without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.grid import GRID_RATIO
from bocage.legend import Legend
from bocage.model._features import fill_months
from bocage.model._place import REGION
from bocage.model._scales import Look, spread


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels of 2.5 m that a classifier learns from.

    Labelled ones teach classes. Of the others the field network learns what its committee says
    of them, so that few labels go a long way.

    Attributes
    ----------
    legend_id, codes
        Legend and its leaf codes in order.
    bands, resolutions, months
        Names of the bands with their native resolutions in metres, and months of the year.
    near
        float16 (pixel, month, band): reflectance of the pixel, unit 1.
    wide
        float16 (pixel, scale, month, band): means around its 10 m pixel, see
        `bocage.model._scales`.
    observed
        bool (pixel, month): the month was seen (not filled in, not missing).
    x, y
        float64 (pixel,): centre, metres.
    label
        int32 (pixel,): row of `sets`; −1 without a label.
    weight
        float32 (pixel,); 0 without a label.
    fold
        int16 (pixel,): spatial fold; −1 without a label.
    sample_id
        str (pixel,); empty without a label.
    layers, place
        Names of layers of the place and their values, float32 (pixel, layer), see
        `bocage.model._place`.
    sets
        bool (set, class): leaves that a label allows.
    """

    legend_id: str
    codes: tuple[int, ...]
    bands: tuple[str, ...]
    resolutions: tuple[int, ...]
    months: tuple[int, ...]
    near: NDArray[np.float16]
    wide: NDArray[np.float16]
    observed: NDArray[np.bool_]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    label: NDArray[np.int32]
    weight: NDArray[np.float32]
    fold: NDArray[np.int16]
    sample_id: NDArray[np.str_]
    sets: NDArray[np.bool_]
    layers: tuple[str, ...]
    place: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self.label)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which pixels have a label, bool (pixel,)."""
        found: NDArray[np.bool_] = self.label >= 0
        return found

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Leaves that each label allows, bool (pixel, class); none without a label."""
        none = np.zeros((1, len(self.codes)), bool)
        found: NDArray[np.bool_] = np.concatenate([self.sets, none])[self.label]
        return found

    def seasons(self) -> NDArray[np.float32]:
        """Reflectance over the year without gaps, (pixel, month × band)."""
        return filled_seasons(self, self.near).reshape(-1, len(self)).T

    def pick(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Pixels:
        """Some of the pixels."""
        return replace(self, **{name: getattr(self, name)[keep] for name in _EACH})

    def require(self, legend: Legend) -> None:
        """Raise an `InputError` unless the pixels were read with `legend`."""
        if self.legend_id != legend.id or self.codes != legend.codes():
            raise InputError(
                f"the pixels were read with the legend '{self.legend_id}' of {len(self.codes)} "
                f"classes, not with '{legend.id}' of {len(legend)}",
                remedy="read them again",
            )

    def save(self, path: Path | str) -> Path:
        """Write an npz file, see `bocage.model.save_pixels`."""
        from bocage.model._store import save_pixels

        return save_pixels(self, path)


_EACH = ("near", "wide", "observed", "x", "y", "label", "weight", "fold", "sample_id", "place")


def filled_seasons(pixels: Pixels, values: NDArray[np.float16]) -> NDArray[np.float32]:
    """Values (pixel, month, band) without gaps, as (month, band, pixel)."""
    cube = np.ascontiguousarray(values.transpose(1, 2, 0), np.float32)
    return fill_months(cube, np.ascontiguousarray(pixels.observed.T))


def look_at(pixels: Pixels, at: Sequence[int], months: int, place: NDArray[np.float32]) -> Look:
    """Pixels as a window of one row, each one the whole of its 10 m pixel.

    Parameters
    ----------
    pixels
        The pixels.
    at, months
        Places of their months among all months of a model.
    place
        (layer, 1, pixel).
    """
    near = spread(pixels.near.astype(np.float32), at, months, axis=1).transpose(1, 2, 0)
    wide = spread(pixels.wide.astype(np.float32), at, months, axis=2).transpose(2, 1, 3, 0)
    seen = np.ascontiguousarray(spread(pixels.observed, at, months, axis=1).T)
    full = fill_months(near, seen)[:, :, None].repeat(GRID_RATIO, axis=2).repeat(GRID_RATIO, axis=3)
    around = fill_months(wide.reshape(months, -1, len(pixels)), seen).reshape(wide.shape)
    return Look(full, np.moveaxis(around, 1, 0)[..., None, :], seen[:, None], place)


def concatenate(parts: Sequence[Pixels]) -> Pixels:
    """Put pixels of several blocks or years together.

    Months that a part lacks are there as not observed.

    Raises
    ------
    InputError
        If there is nothing, or legends or bands differ.
    """
    if not parts:
        raise InputError("there are no pixels", remedy="draw samples inside the images")
    first = parts[0]
    months = tuple(sorted({m for part in parts for m in part.months}))
    layers = tuple(sorted({name for part in parts for name in part.layers}))
    for part in parts[1:]:
        for name in ("legend_id", "codes", "bands", "resolutions"):
            if getattr(part, name) != getattr(first, name):
                raise InputError(
                    f"pixels differ in {name}: {getattr(first, name)} and {getattr(part, name)}",
                    remedy="read all of them with the same bands and legend",
                )
    parts = [_with_layers(_with_months(part, months), layers) for part in parts]
    start = np.cumsum([0] + [len(part.sets) for part in parts])
    sets, renamed = np.unique(
        np.concatenate([part.sets for part in parts]), axis=0, return_inverse=True
    )
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _EACH
    }
    number = np.concatenate(
        [np.where(p.labelled, p.label + start[i], -1) for i, p in enumerate(parts)]
    )
    named = np.append(renamed.reshape(-1), -1).astype(np.int32)
    joined["label"] = named[number]
    return replace(first, months=months, layers=layers, sets=sets, **joined)


def _with_months(pixels: Pixels, months: tuple[int, ...]) -> Pixels:
    if pixels.months == months:
        return pixels
    at = [months.index(m) for m in pixels.months]
    return replace(
        pixels,
        months=months,
        near=spread(pixels.near, at, len(months), 1),
        wide=spread(pixels.wide, at, len(months), 2),
        observed=spread(pixels.observed, at, len(months), 1),
    )


def _with_layers(pixels: Pixels, layers: tuple[str, ...]) -> Pixels:
    """Pixels with all layers; what a place does not name of the regions it has no share in."""
    missing = [name for name in layers if name not in pixels.layers and not name.startswith(REGION)]
    if missing:
        raise InputError(
            f"some pixels know nothing of {', '.join(missing)}",
            remedy="read all of them with the same layers",
        )
    at = [layers.index(name) for name in pixels.layers]
    return replace(pixels, layers=layers, place=spread(pixels.place, at, len(layers), axis=1))
